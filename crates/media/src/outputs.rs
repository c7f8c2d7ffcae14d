//! What comes out of the machine.

use std::net::SocketAddr;
use std::sync::Arc;

use hotline_sound::{Frame, StereoFrame};

use crate::recorder::RecordingKey;
use crate::setup::LegKey;

/// Where the machine puts what it makes. The caller implements it over its sockets and rings; every method must
/// return at once (copy into a batch, a bounded ring, and count what does not fit).
pub trait Outputs {
    /// Send this RTP packet from the leg's RTP socket.
    fn rtp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]);

    /// Send this RTCP packet from the leg's RTCP socket.
    fn rtcp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]);

    /// The next 20 ms of a recording, in order, none left out. For the disk thread's ring.
    fn recorded(&mut self, recording: RecordingKey, frame: &StereoFrame);

    /// The next 20 ms of what a tapped leg says.
    fn tapped(&mut self, leg: LegKey, frame: &Frame);

    /// Something has happened. Called at the rate of people, not of packets.
    fn event(&mut self, event: Event);
}

/// What has happened, in the past tense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The leg's source is settled: its socket may be connected to `from`, which spares the kernel work on every
    /// packet and lets it drop strangers. Undo it before a [`crate::Machine::retarget`].
    SourceLocked {
        /// The leg.
        leg: LegKey,
        /// The only address from which packets are accepted now, and to which they are sent.
        from: SocketAddr,
    },
    /// Whether the leg's packets are wanted at once (others hear it) or may wait for the tick (nobody does).
    UrgencyChanged {
        /// The leg.
        leg: LegKey,
        /// True: poll its socket. False, as at the beginning: reading it once per tick is enough.
        at_once: bool,
    },
    /// A key was pressed; once for each press, when its first packet arrives (so that a prompt can be cut short).
    Digit {
        /// The leg's name.
        leg: Arc<str>,
        /// One of `0-9*#A-D`.
        digit: char,
        /// How long it had been pressed when it was noticed, in milliseconds.
        duration_ms: u32,
    },
    /// A play has ended; exactly one for each.
    PlaybackEnded {
        /// The leg's name.
        leg: Arc<str>,
        /// The play's name.
        play: Arc<str>,
        /// How.
        end: PlayEnd,
    },
    /// All digits of [`crate::Machine::send_digits`] are out.
    DigitsSent {
        /// The leg's name.
        leg: Arc<str>,
    },
}

/// How a play ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayEnd {
    /// All of it was sent.
    Finished,
    /// Stopped, replaced by another play, or ended by a connect.
    Stopped,
}
