//! One leg: what it sends, what it receives, who it hears and who hears it. And the slab that holds all legs.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use hotline_sound::{FRAME_SAMPLES, Law};

use crate::digits::{Listening, Sending};
use crate::jitter::Jitter;
use crate::player::Player;
use crate::quality::Quality;
use crate::recorder::RecordingKey;
use crate::rtcp::Reports;
use crate::rtp::is_after_32;
use crate::setup::{LegKey, LegSetup, MAX_LEGS, Refused, Target};
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

/// The stream that goes to a leg. Its SSRC, numbers and times are ours, whatever is heard.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub ssrc: u32,
    /// The next sequence number.
    pub sequence: u16,
    /// The first timestamp that is free.
    pub timestamp: u32,
    pub sent_us: u64,
    /// The next packet begins something new (RFC 3551 section 4.1).
    pub is_fresh: bool,
    anchor: Option<Anchor>,
    /// The timestamp of the key that is being sent.
    event: u32,
    seed: u32,
    opened_us: u64,
}

/// How the numbers of a relayed stream become ours.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    from: LegKey,
    stream: u32,
    sequence: u16,
    timestamp: u32,
    first: u16,
}

impl Sender {
    fn new(ssrc: u32, sequence: u16, timestamp: u32, now_us: u64) -> Sender {
        Sender {
            ssrc,
            sequence,
            timestamp,
            sent_us: now_us,
            is_fresh: true,
            anchor: None,
            event: timestamp,
            seed: timestamp,
            opened_us: now_us,
        }
    }

    /// The numbers of a paced packet of `samples` at the grid's time: (sequence, timestamp).
    pub fn pace(&mut self, grid_us: u64, samples: u32) -> (u16, u32) {
        let timestamp = self.now(grid_us);
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.timestamp = timestamp.wrapping_add(samples);
        self.anchor = None;
        (sequence, timestamp)
    }

    /// The numbers of a packet relayed from leg `from`. Loss and order of its stream are kept; nothing for a packet
    /// from before it was first heard.
    pub fn relay(&mut self, from: &Origin, sequence: u16, timestamp: u32, now_us: u64) -> Option<(u16, u32)> {
        let anchor = match self.anchor {
            Some(anchor) if anchor.from == from.key && anchor.stream == from.stream => anchor,
            _ => self.hold_on(from, sequence, timestamp, now_us),
        };
        if (sequence.wrapping_sub(anchor.first) as i16) < 0 {
            return None;
        }
        let off = timestamp.wrapping_add(anchor.timestamp).wrapping_sub(self.now(now_us)) as i32;
        // A source may set its clock without a new SSRC; ours goes on.
        let anchor =
            if off.unsigned_abs() > MOST_OFF { self.hold_on(from, sequence, timestamp, now_us) } else { anchor };
        let ours = (sequence.wrapping_add(anchor.sequence), timestamp.wrapping_add(anchor.timestamp));
        if (ours.0.wrapping_sub(self.sequence) as i16) >= 0 {
            self.sequence = ours.0.wrapping_add(1);
        }
        let end = ours.1.wrapping_add(from.samples);
        if is_after_32(end, self.timestamp) {
            self.timestamp = end;
        }
        Some(ours)
    }

    /// A packet of the relayed stream is not sent on: those after it close the ranks.
    pub fn leave_out(&mut self, from: &Origin) {
        if let Some(anchor) = &mut self.anchor
            && anchor.from == from.key
        {
            anchor.sequence = anchor.sequence.wrapping_sub(1);
        }
    }

    /// Whether a relayed stream flows. One that pauses is to be filled with silence: that keeps NAT's doors open and
    /// people calm.
    pub fn is_relaying(&self, now_us: u64) -> bool {
        self.anchor.is_some() && now_us.saturating_sub(self.sent_us) < QUIET_US
    }

    /// Forgets the relayed stream: the next packet begins something new.
    pub fn let_go(&mut self) {
        self.anchor = None;
        self.is_fresh = true;
    }

    /// The numbers of a packet of a key being sent: all of one press carry the time of its beginning, and what
    /// follows the press begins after it (RFC 4733 section 2.3.2).
    pub fn pace_event(&mut self, grid_us: u64, is_first: bool) -> (u16, u32) {
        if is_first {
            self.event = self.now(grid_us);
        }
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let end = self.now(grid_us).wrapping_add(FRAME_SAMPLES as u32);
        self.timestamp = end;
        (sequence, self.event)
    }

    /// The timestamp that sound of now would carry, for RTCP.
    pub fn timestamp_at(&self, now_us: u64) -> u32 {
        match self.anchor {
            Some(_) => self.timestamp,
            None => self.clock(now_us),
        }
    }

    fn clock(&self, now_us: u64) -> u32 {
        self.seed.wrapping_add((now_us.saturating_sub(self.opened_us) / US_PER_SAMPLE) as u32)
    }

    /// The timestamp of now, never one that was used before.
    fn now(&self, now_us: u64) -> u32 {
        let clock = self.clock(now_us);
        if is_after_32(clock, self.timestamp) { clock } else { self.timestamp }
    }

    fn hold_on(&mut self, from: &Origin, sequence: u16, timestamp: u32, now_us: u64) -> Anchor {
        self.is_fresh = true;
        let anchor = Anchor {
            from: from.key,
            stream: from.stream,
            sequence: self.sequence.wrapping_sub(sequence),
            timestamp: self.now(now_us).wrapping_sub(timestamp),
            first: sequence,
        };
        self.anchor = Some(anchor);
        anchor
    }
}

/// A relayed packet's origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub key: LegKey,
    /// Counts the streams of that leg: a new one has new numbers.
    pub stream: u32,
    /// How many samples the packet holds.
    pub samples: u32,
}

/// Bookkeeping of what a leg receives (RFC 3550 appendices A.1, A.3, A.8).
#[derive(Debug, Clone, Default)]
pub(crate) struct Reception {
    pub ssrc: Option<u32>,
    /// Counts the streams; see [`Origin::stream`].
    pub stream: u32,
    pub highest: u16,
    /// Highest sequence number with its wraps, and the first one.
    pub extended: u64,
    pub base: u64,
    pub received: u64,
    lost_before: u64,
    pub arrived_us: u64,
    transit: u32,
    /// Jitter in sixteenths of a sample.
    pub jitter: u32,
    window_us: u64,
    window_packets: u32,
    window_octets: u32,
}

/// A packet's place in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The next, or one after a gap.
    Ahead,
    /// Twice or after its turn.
    Behind,
    /// The first of a new stream.
    New,
}

impl Reception {
    /// Whether a packet of so many octets still fits into twice the codec's rate.
    pub fn is_within_rate(&mut self, octets: usize, now_us: u64) -> bool {
        if now_us.saturating_sub(self.window_us) >= 1_000_000 {
            self.window_us = now_us;
            self.window_packets = 0;
            self.window_octets = 0;
        }
        self.window_packets += 1;
        self.window_octets += octets as u32;
        self.window_packets <= MOST_PACKETS && self.window_octets <= MOST_OCTETS
    }

    /// Counts a packet by its number.
    pub fn place(&mut self, ssrc: u32, sequence: u16) -> Place {
        if self.ssrc != Some(ssrc) {
            return self.begin(ssrc, sequence);
        }
        let step = sequence.wrapping_sub(self.highest) as i16;
        if !(-MOST_MISORDER..MOST_DROPOUT).contains(&step) {
            return self.begin(ssrc, sequence);
        }
        if step == 0 {
            return Place::Behind;
        }
        self.received += 1;
        if step < 0 {
            return Place::Behind;
        }
        self.extended += step as u64;
        self.highest = sequence;
        Place::Ahead
    }

    /// Updates the jitter by a packet of sound; returns the gap since the packet before, in microseconds.
    pub fn time(&mut self, timestamp: u32, now_us: u64) -> u64 {
        let transit = ((now_us / US_PER_SAMPLE) as u32).wrapping_sub(timestamp);
        let gap = if self.arrived_us == 0 { 0 } else { now_us.saturating_sub(self.arrived_us) };
        if self.arrived_us != 0 {
            let deviation = (transit.wrapping_sub(self.transit) as i32).unsigned_abs().min(80_000);
            self.jitter = self.jitter + deviation - ((self.jitter + 8) >> 4);
        }
        self.transit = transit;
        self.arrived_us = now_us;
        gap
    }

    /// Packets that never came, of all streams.
    pub fn lost(&self) -> u64 {
        let expected = if self.ssrc.is_some() { self.extended - self.base + 1 } else { 0 };
        self.lost_before + expected.saturating_sub(self.received)
    }

    /// As [`Reception::time`], for a packet whose timestamp does not run on.
    pub fn touch(&mut self, now_us: u64) -> u64 {
        let gap = if self.arrived_us == 0 { 0 } else { now_us.saturating_sub(self.arrived_us) };
        self.transit = self.transit.wrapping_add((gap / US_PER_SAMPLE) as u32);
        self.arrived_us = now_us;
        gap
    }

    /// The jitter in microseconds.
    pub fn jitter_us(&self) -> u32 {
        (self.jitter >> 4) * US_PER_SAMPLE as u32
    }

    /// The silence that follows is nobody's gap.
    pub fn pause(&mut self) {
        self.arrived_us = 0;
    }

    fn begin(&mut self, ssrc: u32, sequence: u16) -> Place {
        self.lost_before = self.lost();
        self.ssrc = Some(ssrc);
        self.stream = self.stream.wrapping_add(1);
        self.highest = sequence;
        self.extended = u64::from(sequence);
        self.base = self.extended;
        self.received = 1;
        self.arrived_us = 0;
        Place::New
    }
}

/// All legs of a machine, by key.
#[derive(Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<usize>,
    count: usize,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    leg: Option<Box<Leg>>,
}

impl Slab {
    /// Takes a place; `make` is told its key.
    pub fn insert(&mut self, make: impl FnOnce(LegKey) -> Box<Leg>) -> Result<LegKey, Refused> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() == MAX_LEGS => return Err(Refused::Full),
            None => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
        };
        let key = LegKey::new(slot, self.slots[slot].generation);
        self.slots[slot].leg = Some(make(key));
        self.count += 1;
        Ok(key)
    }

    pub fn remove(&mut self, key: LegKey) -> Option<Box<Leg>> {
        self.get(key)?;
        let slot = &mut self.slots[key.slot()];
        slot.generation = (slot.generation + 1) & GENERATIONS;
        self.free.push(key.slot());
        self.count -= 1;
        slot.leg.take()
    }

    pub fn get(&self, key: LegKey) -> Option<&Leg> {
        self.slots.get(key.slot())?.leg.as_deref().filter(|leg| leg.key == key)
    }

    pub fn get_mut(&mut self, key: LegKey) -> Option<&mut Leg> {
        self.slots.get_mut(key.slot())?.leg.as_deref_mut().filter(|leg| leg.key == key)
    }

    /// The leg at a place, whatever its key.
    pub fn at_mut(&mut self, slot: usize) -> Option<&mut Leg> {
        self.slots.get_mut(slot)?.leg.as_deref_mut()
    }

    /// One past the highest place.
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    pub fn len(&self) -> usize {
        self.count
    }
}

/// A relayed timestamp may be so far from our clock, in samples: two seconds.
const MOST_OFF: u32 = 16_000;

/// Jitter is shorter than this.
const QUIET_US: u64 = 200_000;

/// At 8 kHz.
const US_PER_SAMPLE: u64 = 125;

/// Twice the 50 packets a second of 20 ms (which is a peer's right who sends every 10 ms, hence the few more), and
/// twice 64 kbit/s with the headers of as many packets.
const MOST_PACKETS: u32 = 104;
const MOST_OCTETS: u32 = 2 * 8_000 + MOST_PACKETS * 12;

/// RFC 3550 appendix A.1.
const MOST_DROPOUT: i16 = 3_000;
const MOST_MISORDER: i16 = 100;

const GENERATIONS: u32 = (1 << 12) - 1;
