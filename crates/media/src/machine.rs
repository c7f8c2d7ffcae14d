//! The machine's frame: opening and closing legs, and the path of a packet.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::TICK_US;
use crate::digits::Heard;
use crate::leg::Leg;
use crate::outputs::{Event, Outputs, PlayEnd};
use crate::quality::Quality;
use crate::reception::Place;
use crate::recorder::Recording;
use crate::rtp::{self, HEADER, MAX_PACKET, Packet};
use crate::sender::Origin;
use crate::setup::{LegKey, LegSetup, Refused, Target};
use crate::slab::Slab;
use crate::source::Verdict;

/// What one media thread does. It owns its legs; see the crate's page for the rules.
pub struct Machine {
    pub(crate) legs: Slab,
    pub(crate) names: HashMap<Arc<str>, LegKey>,
    pub(crate) rooms: HashMap<Arc<str>, Vec<LegKey>>,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) next_tick_us: u64,
    pub(crate) ticks: u64,
    pub(crate) skipped: u64,
    /// How many legs have a jitter buffer.
    pub(crate) ordered: usize,
    pub(crate) scratch: [u8; MAX_PACKET],
    pub(crate) ended: Vec<LegKey>,
}

impl Machine {
    /// An empty machine whose grid begins at `start_us`. Machines that exchange legs should share the grid:
    /// multiples of [`TICK_US`] plus the same offset.
    pub fn new(start_us: u64) -> Machine {
        Machine {
            legs: Slab::default(),
            names: HashMap::new(),
            rooms: HashMap::new(),
            recordings: Vec::new(),
            next_tick_us: start_us + TICK_US,
            ticks: 0,
            skipped: 0,
            ordered: 0,
            scratch: [0; MAX_PACKET],
            ended: Vec::with_capacity(64),
        }
    }

    /// Opens a leg. Once its target is known it hears silence until it is told what to hear.
    pub fn open_leg(&mut self, setup: LegSetup, now_us: u64) -> Result<LegKey, Refused> {
        let id = setup.id.clone();
        let key = self.legs.insert(|key| Leg::new(key, setup, now_us))?;
        self.names.insert(id, key);
        Ok(key)
    }

    /// Takes over what a new offer and answer settled (the first one, a hold, a moved phone). The source is learned
    /// anew: the caller undoes the socket's connect first.
    pub fn retarget(&mut self, leg: LegKey, target: Target) -> Result<(), Refused> {
        self.legs.get_mut(leg).ok_or(Refused::NoSuchLeg)?.retarget(target);
        Ok(())
    }

    /// Closes a leg: those who heard it hear silence, its play ends, recordings of it go on without it.
    pub fn close_leg(&mut self, leg: LegKey, out: &mut impl Outputs) -> Result<Quality, Refused> {
        let quality = self.quality(leg)?;
        self.end_play(leg, None, PlayEnd::Stopped, out);
        self.unhear(leg, out);
        self.leave_room(leg);
        for recording in &mut self.recordings {
            recording.forget(leg);
        }
        if let Some(closed) = self.legs.remove(leg) {
            self.ordered -= usize::from(closed.jitter.is_some());
            if self.names.get(&closed.id) == Some(&leg) {
                self.names.remove(&closed.id);
            }
        }
        Ok(quality)
    }

    /// The leg of a name on the control link.
    pub fn leg(&self, id: &str) -> Option<LegKey> {
        self.names.get(id).copied()
    }

    /// The name of a leg.
    pub fn id(&self, leg: LegKey) -> Option<&Arc<str>> {
        self.legs.get(leg).map(|leg| &leg.id)
    }

    /// How many legs are open.
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    /// The leg's counts so far.
    pub fn quality(&self, leg: LegKey) -> Result<Quality, Refused> {
        let leg = self.legs.get(leg).ok_or(Refused::NoSuchLeg)?;
        Ok(Quality { lost: leg.reception.lost(), jitter_us: leg.reception.jitter_us(), ..leg.quality })
    }

    /// When a packet of the leg's source last came; none before the first. For the watch over silent peers.
    pub fn heard_at(&self, leg: LegKey) -> Option<u64> {
        self.legs.get(leg).map(|leg| leg.reception.arrived_us).filter(|at| *at != 0)
    }

    /// The address to which the leg's socket may be connected, once it is settled.
    pub fn locked_source(&self, leg: LegKey) -> Option<SocketAddr> {
        self.legs.get(leg)?.source.locked()
    }

    /// Whether the leg's packets are wanted at once; see [`Event::UrgencyChanged`].
    pub fn is_urgent(&self, leg: LegKey) -> bool {
        self.legs.get(leg).is_some_and(|leg| !leg.relays.is_empty())
    }

    /// A packet came to the leg's RTP socket. What is heard of it goes out at once.
    pub fn rtp(&mut self, leg: LegKey, from: SocketAddr, packet: &[u8], now_us: u64, out: &mut impl Outputs) {
        if rtp::is_rtcp(packet) {
            return self.rtcp(leg, from, packet, now_us);
        }
        let Some(here) = self.legs.get_mut(leg) else { return };
        let Some(packet) = here.accept(from, packet, now_us, out) else { return };
        let origin = Origin { key: leg, stream: here.reception.stream, samples: packet.payload.len() as u32 };
        if packet.payload_type == here.format.digits_type {
            here.hear_digits(&packet, now_us, out);
            return self.relay(&origin, &packet, None, now_us, out);
        }
        let Some(law) = here.law_of(packet.payload_type) else {
            here.quality.malformed += u64::from(!COMFORT_NOISE.contains(&packet.payload_type));
            return self.leave_out(&origin);
        };
        if let Some(jitter) = &mut here.jitter
            && !jitter.insert(packet.timestamp, law, packet.payload)
        {
            here.quality.late += 1;
        }
        self.relay(&origin, &packet, Some(law), now_us, out);
    }

    /// A packet came to the leg's RTCP socket.
    pub fn rtcp(&mut self, leg: LegKey, from: SocketAddr, packet: &[u8], now_us: u64) {
        let Some(here) = self.legs.get_mut(leg) else { return };
        let expected = here.source.reply_to().map(|source| source.ip().to_canonical());
        if expected == Some(from.ip().to_canonical()) {
            crate::rtcp::read(here, packet, now_us);
        } else {
            here.quality.foreign += 1;
        }
    }

    /// Sends a packet on to all that hear its leg directly. Digits (no law) go only to those who take them.
    fn relay(
        &mut self,
        origin: &Origin,
        packet: &Packet<'_>,
        law: Option<hotline_sound::Law>,
        now_us: u64,
        out: &mut impl Outputs,
    ) {
        let mut index = 0;
        while let Some(listener) = self.legs.get(origin.key).and_then(|leg| leg.relays.get(index).copied()) {
            index += 1;
            let Some(there) = self.legs.get_mut(listener) else { continue };
            there.send_relayed(origin, packet, law, now_us, &mut self.scratch, out);
        }
    }

    fn leave_out(&mut self, origin: &Origin) {
        let mut index = 0;
        while let Some(listener) = self.legs.get(origin.key).and_then(|leg| leg.relays.get(index).copied()) {
            index += 1;
            if let Some(there) = self.legs.get_mut(listener) {
                there.sender.leave_out(origin);
            }
        }
    }
}

impl Leg {
    /// Lets a packet in or counts why not.
    fn accept<'a>(
        &mut self,
        from: SocketAddr,
        packet: &'a [u8],
        now_us: u64,
        out: &mut impl Outputs,
    ) -> Option<Packet<'a>> {
        let Some(read) = rtp::parse(packet) else {
            self.quality.malformed += 1;
            return None;
        };
        let verdict = self.source.judge(from);
        if verdict == Verdict::Foreign {
            self.quality.foreign += 1;
            return None;
        }
        if verdict == Verdict::Locked {
            out.event(Event::SourceLocked { leg: self.key, from });
        }
        if !self.reception.is_within_rate(packet.len(), now_us) {
            self.quality.over_rate += 1;
            return None;
        }
        self.count(&read, now_us);
        Some(read)
    }

    fn count(&mut self, packet: &Packet<'_>, now_us: u64) {
        self.quality.packets_in += 1;
        self.quality.octets_in += packet.payload.len() as u64;
        match self.reception.place(packet.ssrc, packet.sequence) {
            Place::Ahead => {}
            Place::New => self.listening.forget(),
            Place::Behind => {
                self.quality.late += 1;
                return;
            }
        }
        // All packets of a press carry the time of its beginning: they say nothing about jitter.
        let gap = match packet.payload_type == self.format.digits_type {
            true => self.reception.touch(now_us),
            false => self.reception.time(packet.timestamp, now_us),
        };
        self.quality.max_gap_us = self.quality.max_gap_us.max(gap.min(u64::from(u32::MAX)) as u32);
        self.quality.max_jitter_us = self.quality.max_jitter_us.max(self.reception.jitter_us());
    }

    fn hear_digits(&mut self, packet: &Packet<'_>, now_us: u64, out: &mut impl Outputs) {
        match self.listening.hear(packet.timestamp, packet.payload, now_us) {
            Heard::Pressed { key, duration_ms } => {
                out.event(Event::Digit { leg: self.id.clone(), digit: key, duration_ms });
            }
            Heard::TooFast => self.quality.digits_dropped += 1,
            Heard::Nothing => {}
        }
    }

    fn send_relayed(
        &mut self,
        origin: &Origin,
        packet: &Packet<'_>,
        law: Option<hotline_sound::Law>,
        now_us: u64,
        scratch: &mut [u8; MAX_PACKET],
        out: &mut impl Outputs,
    ) {
        if law.is_none() && self.format.digits_type == NO_DIGITS {
            return self.sender.leave_out(origin);
        }
        let Some(to) = self.source.reply_to().filter(|_| self.format.may_send) else { return };
        let Some((sequence, timestamp)) = self.sender.relay(origin, packet.sequence, packet.timestamp, now_us) else {
            return;
        };
        let payload_type = if law.is_some() { self.format.payload_type } else { self.format.digits_type };
        let marker = packet.marker || std::mem::take(&mut self.sender.is_fresh);
        let length = HEADER + packet.payload.len();
        rtp::write_header(scratch, u8::from(marker) << 7 | payload_type, sequence, timestamp, self.sender.ssrc);
        scratch[HEADER..length].copy_from_slice(packet.payload);
        if let Some(law) = law {
            law.translate(self.format.law, &mut scratch[HEADER..length]);
        }
        self.sender.sent_us = now_us;
        self.send(to, &scratch[..length], out);
    }

    /// Hands a finished packet out and counts it.
    pub(crate) fn send(&mut self, to: SocketAddr, packet: &[u8], out: &mut impl Outputs) {
        self.quality.packets_out += 1;
        self.quality.octets_out += (packet.len() - HEADER) as u64;
        out.rtp(self.key, to, packet);
    }
}

/// [`crate::leg::Format::digits_type`] of a peer that takes none.
pub(crate) const NO_DIGITS: u8 = 0xFF;

/// RFC 3389, and its payload type before that RFC.
const COMFORT_NOISE: [u8; 2] = [13, 19];
