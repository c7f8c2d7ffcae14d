//! The media machine: what one media thread does, without the thread.
//!
//! [`Machine`] is handed packets, commands and time, and hands back packets, recorded frames and events through the
//! caller's [`Outputs`]. It opens no socket, asks no clock, takes no lock and throws no dice; in the packet path
//! ([`Machine::rtp`], [`Machine::tick`]) it allocates nothing.
//!
//! How it works: a packet whose speaker is heard by others is sent on at once, from [`Machine::rtp`]. Everything
//! paced (players, mixes, fed speech, silence, digits, recordings, RTCP) goes out in one pass per 20 ms, from
//! [`Machine::tick`]. What a leg hears is decided when a command changes it, never per packet.
//!
//! What a leg hears, first match:
//! 1. digits that are being sent to it,
//! 2. a play, and behind it an open feed,
//! 3. the legs that [`Machine::connect`] named: one is relayed, several are mixed, itself is an echo,
//! 4. silence.
//!
//! Time is `now_us`: microseconds since boot, never going back. Outgoing SSRC, sequence numbers and timestamps are
//! ours, so that a change of what is heard is seamless.
//!
//! Assumptions (confessed once, here): G.711 at 8 kHz only; one RTP stream a leg; a source that changes its SSRC
//! without changing its address is the same source; packets carry at most [`MAX_PACKET`] octets.

mod command;
mod digits;
mod ears;
#[cfg(test)]
mod invariants;
mod jitter;
mod leg;
mod machine;
mod outputs;
mod player;
mod quality;
mod reception;
mod recorder;
mod room;
mod rtcp;
mod rtp;
mod sender;
mod setup;
mod slab;
mod source;
mod tick;
mod travel;

pub use hotline_sound::{Clip, Frame, Law, StereoFrame};
pub use machine::Machine;
pub use outputs::{Event, Outputs, PlayEnd};
pub use player::Play;
pub use quality::Quality;
pub use recorder::RecordingKey;
pub use rtp::{MAX_PACKET, is_rtcp};
pub use setup::{Direction, LegKey, LegSetup, Refused, Target};
pub use travel::Company;

/// The grid of everything paced, in microseconds.
pub const TICK_US: u64 = 20_000;
