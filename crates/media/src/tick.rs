//! The one pass every 20 ms: everything paced goes out here.

use std::net::SocketAddr;

use hotline_sound::mix::Sum;
use hotline_sound::{FRAME_SAMPLES, Law};

use crate::TICK_US;
use crate::digits::Step;
use crate::leg::{Leg, Linked};
use crate::machine::Machine;
use crate::outputs::{Event, Outputs, PlayEnd};
use crate::player::Next;
use crate::rtcp::{self, EVERY_TICKS, MAX_REPORT};
use crate::rtp::{self, HEADER};
use crate::slab::Slab;

const PACKET: usize = HEADER + FRAME_SAMPLES;

/// After a stall at most so many steps are made up; what is more is left out and counted.
const MOST_STEPS: u64 = 5;

impl Machine {
    /// When the next step of the grid is due.
    pub fn next_tick_us(&self) -> u64 {
        self.next_tick_us
    }

    /// Steps of the grid that were left out because `tick` came more than 100 ms late.
    pub fn skipped_ticks(&self) -> u64 {
        self.skipped
    }

    /// Makes every step that is due by `now_us`; none when it is too early. Call it at [`Machine::next_tick_us`].
    pub fn tick(&mut self, now_us: u64, out: &mut impl Outputs) {
        let late = now_us.saturating_sub(self.next_tick_us) / TICK_US;
        if late >= MOST_STEPS {
            self.skipped += late - MOST_STEPS + 1;
            self.next_tick_us += (late - MOST_STEPS + 1) * TICK_US;
        }
        while self.next_tick_us <= now_us {
            self.step(now_us, out);
            self.next_tick_us += TICK_US;
            self.ticks += 1;
        }
    }

    fn step(&mut self, now_us: u64, out: &mut impl Outputs) {
        let grid_us = self.next_tick_us;
        if self.ordered > 0 {
            self.advance_voices(out);
            self.mix(grid_us, now_us, out);
        }
        for slot in 0..self.legs.places() {
            let Some(leg) = self.legs.at_mut(slot) else { continue };
            let step = leg.pace(grid_us, now_us, &mut self.scratch, out);
            if step == Paced::Ended {
                self.ended.push(leg.key);
            }
            if (self.ticks + slot as u64).is_multiple_of(EVERY_TICKS) {
                leg.report(now_us, out);
            }
        }
        for index in 0..self.recordings.len() {
            let recording = &self.recordings[index];
            out.recorded(recording.key, &recording.frame(&self.legs));
        }
        self.settle_ended(out);
    }

    fn advance_voices(&mut self, out: &mut impl Outputs) {
        for slot in 0..self.legs.places() {
            let Some(leg) = self.legs.at_mut(slot) else { continue };
            let Some(jitter) = &mut leg.jitter else { continue };
            jitter.advance();
            if leg.is_tapped {
                out.tapped(leg.key, jitter.frame());
            }
        }
    }

    fn mix(&mut self, grid_us: u64, now_us: u64, out: &mut impl Outputs) {
        for slot in 0..self.legs.places() {
            let Some(leg) = self.legs.at_mut(slot).filter(|leg| leg.linked == Linked::Mix) else { continue };
            let (key, law) = (leg.key, leg.format.law);
            let mut frame = [0; FRAME_SAMPLES];
            voices(&self.legs, key).encode_into(law, &mut frame);
            if let Some(leg) = self.legs.get_mut(key) {
                leg.send_frame(&frame, grid_us, now_us, &mut self.scratch, out);
            }
        }
    }

    /// What has come to its end in this step gives way to what it was in front of.
    fn settle_ended(&mut self, out: &mut impl Outputs) {
        while let Some(key) = self.ended.pop() {
            let Some(leg) = self.legs.get(key) else { continue };
            if leg.sending.as_ref().is_some_and(|sending| sending.is_done()) {
                self.unlink(key, out);
                if let Some(leg) = self.legs.get_mut(key) {
                    leg.sending = None;
                    out.event(Event::DigitsSent { leg: leg.id.clone() });
                }
                self.link(key, out);
            } else {
                self.end_play(key, None, PlayEnd::Finished, out);
            }
        }
    }
}

fn voices(legs: &Slab, listener: crate::setup::LegKey) -> Sum {
    let mut sum = Sum::new();
    let sources = legs.get(listener).map_or(&[][..], |leg| &leg.hears);
    for source in sources {
        if let Some(jitter) = legs.get(*source).and_then(|leg| leg.jitter.as_ref()) {
            sum.add(jitter.frame());
        }
    }
    sum
}

#[derive(PartialEq, Eq)]
enum Paced {
    Goes,
    Ended,
}

impl Leg {
    /// Sends what is paced for this leg, by the order of the crate's page.
    fn pace(&mut self, grid_us: u64, now_us: u64, scratch: &mut [u8], out: &mut impl Outputs) -> Paced {
        let Some(to) = self.source.reply_to().filter(|_| self.format.may_send) else {
            return self.pace_unheard();
        };
        if let Some(sending) = &mut self.sending {
            let step = sending.step();
            return self.pace_digits(step, to, grid_us, now_us, scratch, out);
        }
        let law = self.format.law;
        if self.player.is_some() {
            return self.pace_player(grid_us, now_us, scratch, out);
        }
        if let Some(feed) = &mut self.feed {
            let mut frame = [law.silence(); FRAME_SAMPLES];
            for (octet, sample) in frame.iter_mut().zip(feed.take_frame()) {
                *octet = law.encode(sample);
            }
            self.send_frame(&frame, grid_us, now_us, scratch, out);
            return Paced::Goes;
        }
        match self.linked {
            Linked::Mix => {}
            Linked::Relay if self.sender.is_relaying(now_us) => {}
            Linked::Relay | Linked::Nothing => self.send_frame(silence(law), grid_us, now_us, scratch, out),
        }
        Paced::Goes
    }

    /// A peer that wants nothing now: a play and speech go on unheard, keys wait for it.
    fn pace_unheard(&mut self) -> Paced {
        if let Some(player) = &mut self.player {
            return if matches!(player.next(), Next::Finished) { Paced::Ended } else { Paced::Goes };
        }
        if let Some(feed) = &mut self.feed {
            drop(feed.take_frame());
        }
        Paced::Goes
    }

    fn pace_player(&mut self, grid_us: u64, now_us: u64, scratch: &mut [u8], out: &mut impl Outputs) -> Paced {
        // Taken out for the call, so that the frame can be sent while it is borrowed from the player.
        let Some(mut player) = self.player.take() else { return Paced::Goes };
        let paced = match player.next() {
            Next::Frame(frame) => {
                self.send_frame(frame, grid_us, now_us, scratch, out);
                Paced::Goes
            }
            Next::Gap => {
                self.send_frame(silence(self.format.law), grid_us, now_us, scratch, out);
                Paced::Goes
            }
            Next::Finished => Paced::Ended,
        };
        self.player = Some(player);
        paced
    }

    fn pace_digits(
        &mut self,
        step: Step,
        to: SocketAddr,
        grid_us: u64,
        now_us: u64,
        scratch: &mut [u8],
        out: &mut impl Outputs,
    ) -> Paced {
        match step {
            Step::Event { payload, is_first } => {
                let (sequence, timestamp) = self.sender.pace_event(grid_us, is_first);
                let first = u8::from(is_first) << 7 | self.format.digits_type;
                rtp::write_header(scratch, first, sequence, timestamp, self.sender.ssrc);
                scratch[HEADER..HEADER + payload.len()].copy_from_slice(&payload);
                self.sender.sent_us = now_us;
                self.send(to, &scratch[..HEADER + payload.len()], out);
                Paced::Goes
            }
            Step::Pause => {
                self.send_frame(silence(self.format.law), grid_us, now_us, scratch, out);
                Paced::Goes
            }
            Step::Done => Paced::Ended,
        }
    }

    /// Sends one frame of sound on the grid.
    fn send_frame(&mut self, frame: &[u8], grid_us: u64, now_us: u64, scratch: &mut [u8], out: &mut impl Outputs) {
        let Some(to) = self.source.reply_to().filter(|_| self.format.may_send) else { return };
        let (sequence, timestamp) = self.sender.pace(grid_us, FRAME_SAMPLES as u32);
        let first = u8::from(std::mem::take(&mut self.sender.is_fresh)) << 7 | self.format.payload_type;
        rtp::write_header(scratch, first, sequence, timestamp, self.sender.ssrc);
        scratch[HEADER..PACKET].copy_from_slice(frame);
        self.sender.sent_us = now_us;
        self.send(to, &scratch[..PACKET], out);
    }

    fn report(&mut self, now_us: u64, out: &mut impl Outputs) {
        let Some(target) = &self.target else { return };
        let to = match (target.rtcp, self.source.reply_to()) {
            // The host is the one that is listened to, whatever SDP says: reports go to no third party.
            (Some(rtcp), Some(source)) => SocketAddr::new(source.ip(), rtcp.port()),
            (None, Some(source)) => SocketAddr::new(source.ip(), source.port().wrapping_add(1)),
            (_, None) => return,
        };
        if self.reception.ssrc.is_none() && self.quality.packets_out == 0 {
            return;
        }
        let mut packet = [0; MAX_REPORT];
        let length = rtcp::build(self, now_us, &mut packet);
        out.rtcp(self.key, to, &packet[..length]);
    }
}

fn silence(law: Law) -> &'static [u8; FRAME_SAMPLES] {
    match law {
        Law::A => &SILENCE_A,
        Law::Mu => &SILENCE_MU,
    }
}

static SILENCE_A: [u8; FRAME_SAMPLES] = [Law::A.silence(); FRAME_SAMPLES];
static SILENCE_MU: [u8; FRAME_SAMPLES] = [Law::Mu.silence(); FRAME_SAMPLES];
