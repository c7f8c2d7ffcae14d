//! What a leg is opened with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hotline_sound::Law;

/// Names a leg within one machine until it is closed or moves away. A stale key is refused, never another leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegKey(pub(crate) u32);

impl LegKey {
    pub(crate) const fn new(slot: usize, generation: u32) -> LegKey {
        LegKey((generation << SLOT_BITS) | slot as u32)
    }

    /// The leg's place, dense from 0 and used again after a close: an index for the caller's own tables.
    pub const fn slot(self) -> usize {
        (self.0 & (MAX_LEGS as u32 - 1)) as usize
    }
}

/// Everything that [`crate::Machine::open_leg`] needs. The seeds come from the caller, who owns the dice.
#[derive(Debug, Clone)]
pub struct LegSetup {
    /// The leg's name on the control link; events carry it.
    pub id: Arc<str>,
    /// Where its sound goes and comes from; none until its SDP is known. Nothing is accepted or sent before.
    pub target: Option<Target>,
    /// RTP synchronisation source of what we send (RFC 3550 section 5.1).
    pub ssrc: u32,
    /// First RTP sequence number of what we send.
    pub sequence: u16,
    /// First RTP timestamp of what we send.
    pub timestamp: u32,
}

/// What SDP has settled for one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The address in the peer's SDP.
    pub rtp: SocketAddr,
    /// The peer's RTCP address (`a=rtcp`, RFC 3605), or none for the port after RTP's.
    pub rtcp: Option<SocketAddr>,
    /// The only host from which packets are accepted: the SDP's, or behind NAT the one that signalling came from.
    pub expected_ip: IpAddr,
    /// What is sent. Both laws are understood when received under their static payload types.
    pub law: Law,
    /// The payload type of `law` (8 and 0 as a rule).
    pub payload_type: u8,
    /// The payload type of RFC 4733 telephone events at 8 kHz, when both sides have it.
    pub digits_type: Option<u8>,
    /// Which way sound may flow.
    pub direction: Direction,
}

/// Which way sound may flow, as we see it (RFC 8866 section 6.7; a peer on hold is `Receive` or `None`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// We send, the peer is silent.
    Send,
    /// The peer sends, we are silent.
    Receive,
    /// Nobody sends.
    None,
}

impl Direction {
    pub(crate) const fn may_send(self) -> bool {
        matches!(self, Direction::Both | Direction::Send)
    }
}

/// A command that names what is not there. Nothing of it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such leg here: it was closed or has moved away.
    NoSuchLeg,
    /// No such recording here.
    NoSuchRecording,
    /// No room for more legs in this machine.
    Full,
    /// The leg's peer does not understand RFC 4733 digits, or one of them is none of `0-9*#A-D`.
    NoDigits,
    /// More digits than the leg's line of digits holds.
    TooManyDigits,
    /// There is nothing to play.
    NothingToPlay,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Refused::NoSuchLeg => "no such leg",
            Refused::NoSuchRecording => "no such recording",
            Refused::Full => "no room for more legs",
            Refused::NoDigits => "the leg takes no such digits",
            Refused::TooManyDigits => "too many digits at once",
            Refused::NothingToPlay => "nothing to play",
        })
    }
}

impl std::error::Error for Refused {}

const SLOT_BITS: u32 = 20;

/// Legs of one machine at most.
pub(crate) const MAX_LEGS: usize = 1 << SLOT_BITS;
