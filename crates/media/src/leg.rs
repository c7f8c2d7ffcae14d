//! One leg: what it sends, what it receives, who it hears and who hears it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use hotline_sound::{FRAME_SAMPLES, Law};

use crate::digits::{Listening, Sending};
use crate::jitter::Jitter;
use crate::player::Player;
use crate::quality::Quality;
use crate::reception::Reception;
use crate::recorder::RecordingKey;
use crate::rtcp::Reports;
use crate::sender::Sender;
use crate::setup::{LegKey, LegSetup, Target};
use crate::source::Source;

/// A leg. Its first fields are those that every packet and every tick touch.
pub(crate) struct Leg {
    pub key: LegKey,
    pub sender: Sender,
    pub source: Source,
    pub format: Format,
    pub linked: Linked,
    pub player: Option<Box<Player>>,
    /// Legs to which every packet is sent on at once.
    pub relays: Vec<LegKey>,
    pub reception: Reception,
    pub quality: Quality,
    /// What it says, in order; only while somebody takes it by the tick.
    pub jitter: Option<Box<Jitter>>,
    /// How many mixes, recordings and taps take it.
    pub takers: u32,
    pub is_tapped: bool,
    pub listening: Listening,
    pub sending: Option<Box<Sending>>,
    pub feed: Option<Box<Feed>>,
    pub reports: Reports,
    /// The legs that it is to hear, as the last connect named them.
    pub hears: Vec<LegKey>,
    /// The legs that are to hear it.
    pub heard_by: Vec<LegKey>,
    pub recorded_by: Vec<RecordingKey>,
    pub room: Option<Arc<str>>,
    pub id: Arc<str>,
    pub target: Option<Target>,
}

/// What SDP has settled about the packets of a leg.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub law: Law,
    pub payload_type: u8,
    /// 0xFF, which no packet carries, when the peer takes no events.
    pub digits_type: u8,
    /// False on hold and before SDP is known.
    pub may_send: bool,
}

/// How what it hears reaches it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// Not at all: it hears nobody, or a play, a feed or digits are in front.
    Nothing,
    /// Packets of one leg are sent on to it.
    Relay,
    /// Several legs are added up for it in the tick.
    Mix,
}

/// Speech that comes from outside (a robot's voice), at most 200 ms of it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub samples: VecDeque<i16>,
}

impl Feed {
    /// What is heard in this tick; short or nothing when the robot is silent.
    pub fn take_frame(&mut self) -> impl Iterator<Item = i16> + '_ {
        let length = self.samples.len().min(FRAME_SAMPLES);
        self.samples.drain(..length)
    }
}

impl Leg {
    pub fn new(key: LegKey, setup: LegSetup, now_us: u64) -> Box<Leg> {
        let LegSetup { id, target, ssrc, sequence, timestamp } = setup;
        let mut leg = Box::new(Leg {
            key,
            sender: Sender::new(ssrc, sequence, timestamp, now_us),
            source: Source::default(),
            format: Format { law: Law::A, payload_type: 8, digits_type: 0xFF, may_send: false },
            linked: Linked::Nothing,
            player: None,
            relays: Vec::new(),
            reception: Reception::default(),
            quality: Quality::default(),
            jitter: None,
            takers: 0,
            is_tapped: false,
            listening: Listening::default(),
            sending: None,
            feed: None,
            reports: Reports::default(),
            hears: Vec::new(),
            heard_by: Vec::new(),
            recorded_by: Vec::new(),
            room: None,
            id,
            target: None,
        });
        if let Some(target) = target {
            leg.retarget(target);
        }
        leg
    }

    /// Takes over what a new offer and answer settled. The source is learned anew.
    pub fn retarget(&mut self, target: Target) {
        self.source.relearn(SocketAddr::new(target.expected_ip, target.rtp.port()));
        self.reception.pause();
        self.format = Format {
            law: target.law,
            payload_type: target.payload_type,
            digits_type: target.digits_type.unwrap_or(0xFF),
            may_send: target.direction.may_send(),
        };
        if let Some(player) = &mut self.player {
            player.set_law(target.law);
        }
        self.sender.let_go();
        self.target = Some(target);
    }

    /// Whether something is in front of the legs that it is to hear.
    pub fn is_covered(&self) -> bool {
        self.player.is_some() || self.feed.is_some() || self.sending.is_some()
    }

    /// The law of a received payload type: the agreed one, or one of the static ones.
    pub fn law_of(&self, payload_type: u8) -> Option<Law> {
        match payload_type == self.format.payload_type {
            true => Some(self.format.law),
            false => Law::of_payload_type(payload_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Leg;

    #[test]
    fn a_leg_that_waits_takes_less_than_a_kilobyte() {
        assert!(size_of::<Leg>() <= 1_024, "{}", size_of::<Leg>());
    }
}
