//! Commands at the rate of people: play, feed, record, tap, digits.

use std::collections::VecDeque;

use crate::digits::{self, Sending};
use crate::leg::Feed;
use crate::machine::{Machine, NO_DIGITS};
use crate::outputs::{Event, Outputs, PlayEnd};
use crate::player::{Play, Player};
use crate::recorder::{Recording, RecordingKey};
use crate::setup::{LegKey, Refused};

impl Machine {
    /// Plays sounds to a leg, over whatever it hears. A play that was running ends as stopped.
    pub fn play(&mut self, leg: LegKey, play: Play, out: &mut impl Outputs) -> Result<(), Refused> {
        let law = self.legs.get(leg).ok_or(Refused::NoSuchLeg)?.format.law;
        let player = Player::new(play, law)?;
        self.end_play(leg, None, PlayEnd::Stopped, out);
        self.unlink(leg, out);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.player = Some(player);
        }
        self.link(leg, out);
        Ok(())
    }

    /// Ends a leg's play (any, when `play` is empty). One that has ended already is no mistake.
    pub fn stop(&mut self, leg: LegKey, play: &str, out: &mut impl Outputs) -> Result<(), Refused> {
        self.legs.get(leg).ok_or(Refused::NoSuchLeg)?;
        self.end_play(leg, Some(play).filter(|play| !play.is_empty()), PlayEnd::Stopped, out);
        Ok(())
    }

    /// Opens the leg's ear to speech from outside, in front of the legs that it hears and behind a play.
    pub fn open_feed(&mut self, leg: LegKey, out: &mut impl Outputs) -> Result<(), Refused> {
        self.legs.get(leg).ok_or(Refused::NoSuchLeg)?;
        self.unlink(leg, out);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.feed = Some(Box::new(Feed { samples: VecDeque::with_capacity(FEED_SAMPLES) }));
        }
        self.link(leg, out);
        Ok(())
    }

    /// Gives speech at 8 kHz to an open feed; returns how many samples were taken. At most 200 ms wait: the rest
    /// is to be given again later.
    pub fn feed(&mut self, leg: LegKey, samples: &[i16]) -> Result<usize, Refused> {
        let leg = self.legs.get_mut(leg).ok_or(Refused::NoSuchLeg)?;
        let Some(feed) = &mut leg.feed else { return Ok(0) };
        let taken = samples.len().min(FEED_SAMPLES - feed.samples.len());
        feed.samples.extend(&samples[..taken]);
        Ok(taken)
    }

    /// Forgets what waits in a feed: the robot was interrupted.
    pub fn flush_feed(&mut self, leg: LegKey) -> Result<(), Refused> {
        let leg = self.legs.get_mut(leg).ok_or(Refused::NoSuchLeg)?;
        if let Some(feed) = &mut leg.feed {
            feed.samples.clear();
        }
        Ok(())
    }

    /// Closes a feed; the leg hears again whom it is to hear.
    pub fn close_feed(&mut self, leg: LegKey, out: &mut impl Outputs) -> Result<(), Refused> {
        self.legs.get(leg).ok_or(Refused::NoSuchLeg)?;
        self.unlink(leg, out);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.feed = None;
        }
        self.link(leg, out);
        Ok(())
    }

    /// Sends keys to a leg by RFC 4733, after those that wait already. [`Event::DigitsSent`] follows.
    pub fn send_digits(&mut self, leg: LegKey, digits: &str, out: &mut impl Outputs) -> Result<(), Refused> {
        let here = self.legs.get_mut(leg).ok_or(Refused::NoSuchLeg)?;
        let events = digits::events(digits).filter(|_| here.format.digits_type != NO_DIGITS);
        let events = events.ok_or(Refused::NoDigits)?;
        if let Some(sending) = &mut here.sending {
            return if sending.push(&events) { Ok(()) } else { Err(Refused::TooManyDigits) };
        }
        let mut sending = Box::new(Sending::new());
        if !sending.push(&events) {
            return Err(Refused::TooManyDigits);
        }
        self.unlink(leg, out);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.sending = Some(sending);
        }
        self.link(leg, out);
        Ok(())
    }

    /// Begins a recording of what the legs of each side say, or changes whose voices it takes.
    pub fn record(&mut self, recording: RecordingKey, left: &[LegKey], right: &[LegKey]) -> Result<(), Refused> {
        if left.iter().chain(right).any(|leg| self.legs.get(*leg).is_none()) {
            return Err(Refused::NoSuchLeg);
        }
        let is_paused = self.forget_recording(recording).is_some_and(|before| before.is_paused);
        let recording = Recording { key: recording, left: left.to_vec(), right: right.to_vec(), is_paused };
        for leg in recording.legs() {
            self.take(leg);
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.recorded_by.push(recording.key);
            }
        }
        self.recordings.push(recording);
        Ok(())
    }

    /// Pauses a recording (it goes on with silence) or resumes it.
    pub fn pause_recording(&mut self, recording: RecordingKey, is_paused: bool) -> Result<(), Refused> {
        let found = self.recordings.iter_mut().find(|other| other.key == recording);
        found.ok_or(Refused::NoSuchRecording)?.is_paused = is_paused;
        Ok(())
    }

    /// Ends a recording: no frame of it follows.
    pub fn stop_recording(&mut self, recording: RecordingKey) -> Result<(), Refused> {
        self.forget_recording(recording).map(|_| ()).ok_or(Refused::NoSuchRecording)
    }

    /// Begins or ends to hand out what a leg says, every 20 ms.
    pub fn tap(&mut self, leg: LegKey, is_tapped: bool) -> Result<(), Refused> {
        let here = self.legs.get_mut(leg).ok_or(Refused::NoSuchLeg)?;
        if std::mem::replace(&mut here.is_tapped, is_tapped) == is_tapped {
            return Ok(());
        }
        if is_tapped {
            self.take(leg)
        } else {
            self.untake(leg)
        }
        Ok(())
    }

    /// Ends the leg's play, when it is the one named (or whichever, when none is named).
    pub(crate) fn end_play(&mut self, leg: LegKey, play: Option<&str>, end: PlayEnd, out: &mut impl Outputs) {
        let running = self.legs.get(leg).and_then(|leg| leg.player.as_ref()).map(|player| player.id.clone());
        let Some(running) = running.filter(|running| play.is_none_or(|play| play == &**running)) else { return };
        self.unlink(leg, out);
        if let Some(here) = self.legs.get_mut(leg) {
            here.player = None;
            out.event(Event::PlaybackEnded { leg: here.id.clone(), play: running, end });
        }
        self.link(leg, out);
    }

    fn forget_recording(&mut self, recording: RecordingKey) -> Option<Recording> {
        let index = self.recordings.iter().position(|other| other.key == recording)?;
        let found = self.recordings.swap_remove(index);
        for leg in found.legs() {
            self.untake(leg);
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.recorded_by.retain(|other| *other != recording);
            }
        }
        Some(found)
    }
}

/// 200 ms.
const FEED_SAMPLES: usize = 1_600;
