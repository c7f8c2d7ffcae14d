//! A media thread's side of the machine's outputs: sockets, the tape, and what is told to the signalling thread.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use hotline_control::frames::RecordingEnd;
use hotline_media::{Event, Frame, LegKey, Outputs, RecordingKey, StereoFrame};
use rustix::event::epoll;

use crate::disk::recordings::{Tag, Tape};
use crate::media::message::FromMedia;
use crate::media::sockets::Pair;
use crate::metrics::{MediaCounters, add};
use crate::pipe::Sender;

/// Everything that the machine's outputs reach.
pub struct Wire {
    pub epoll: OwnedFd,
    slots: Vec<Option<Slot>>,
    tell: Sender<FromMedia>,
    untold: VecDeque<FromMedia>,
    tape: Sender<Tape>,
    /// Per recording: frames that found no room since the last one that did, and an end that did not.
    tapes: Vec<OpenTape>,
    counters: Arc<MediaCounters>,
    /// Gathered for one pass and then added to the shared counters.
    sent: u64,
    unsent: u64,
}

/// One leg's sockets.
pub struct Slot {
    pub key: LegKey,
    pub pair: Pair,
    /// Its RTP socket is polled; else it is read once a tick.
    pub at_once: bool,
    /// Where its voice goes, 20 ms by 20 ms.
    pub tap: Option<Sender<Frame>>,
    /// Packets that should have come by now, of those read once a tick.
    pub owed: u8,
}

struct OpenTape {
    tag: Tag,
    missed: u32,
    end: Option<RecordingEnd>,
}

/// What an event of the poll set is about: a leg's slot and which of its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Timer,
    Wake,
    Rtp(usize),
    Rtcp(usize),
}

impl Ready {
    pub fn token(self) -> u64 {
        match self {
            Self::Timer => 0,
            Self::Wake => 1,
            Self::Rtp(slot) => 2 + 2 * slot as u64,
            Self::Rtcp(slot) => 3 + 2 * slot as u64,
        }
    }

    pub fn from_token(token: u64) -> Self {
        match token {
            0 => Self::Timer,
            1 => Self::Wake,
            token if token % 2 == 0 => Self::Rtp((token as usize - 2) / 2),
            token => Self::Rtcp((token as usize - 3) / 2),
        }
    }
}

impl Wire {
    pub fn new(epoll: OwnedFd, tell: Sender<FromMedia>, tape: Sender<Tape>, counters: Arc<MediaCounters>) -> Self {
        let (slots, untold, tapes) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { epoll, slots, tell, untold, tape, tapes, counters, sent: 0, unsent: 0 }
    }

    /// Takes a leg's sockets in. RTCP is always polled, RTP when the machine says so.
    pub fn insert(&mut self, key: LegKey, pair: Pair, at_once: bool) {
        let index = key.slot();
        self.watch(pair.rtcp.as_fd(), Ready::Rtcp(index));
        if at_once {
            self.watch(pair.as_fd(), Ready::Rtp(index));
        }
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(Slot { key, pair, at_once, tap: None, owed: 0 });
    }

    /// Closes a leg's sockets, which takes them out of the poll set too.
    pub fn close(&mut self, key: LegKey) {
        if let Some(slot) = self.slots.get_mut(key.slot()) {
            slot.take_if(|slot| slot.key == key);
        }
    }

    /// Gives a leg's sockets away, to travel.
    pub fn remove(&mut self, key: LegKey) -> Option<(Pair, Option<Sender<Frame>>)> {
        let slot = self.slots.get_mut(key.slot())?.take_if(|slot| slot.key == key)?;
        let _ = epoll::delete(&self.epoll, &slot.pair.rtcp);
        if slot.at_once {
            let _ = epoll::delete(&self.epoll, &slot.pair);
        }
        Some((slot.pair, slot.tap))
    }

    #[inline]
    pub fn slot(&self, index: usize) -> Option<&Slot> {
        self.slots.get(index)?.as_ref()
    }

    pub fn slot_mut(&mut self, index: usize) -> Option<&mut Slot> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// One past the highest slot.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    pub fn watch(&self, descriptor: impl AsFd, ready: Ready) {
        let data = epoll::EventData::new_u64(ready.token());
        if let Err(error) = epoll::add(&self.epoll, descriptor, data, epoll::EventFlags::IN) {
            tracing::error!(%error, "a socket cannot be polled");
        }
    }

    /// Tells the signalling thread; what must not be lost waits when the ring is full.
    pub fn tell(&mut self, what: FromMedia) {
        if self.untold.is_empty() {
            if let Err(what) = self.tell.push(what) {
                self.keep(what);
            }
        } else {
            self.keep(what);
        }
    }

    fn keep(&mut self, what: FromMedia) {
        let may_be_lost = matches!(what, FromMedia::Sample { .. } | FromMedia::Told(Event::Digit { .. }));
        if may_be_lost || self.untold.len() > MAX_UNTOLD {
            self.tell.push_or_count(what);
        } else {
            self.untold.push_back(what);
        }
    }

    pub fn open_tape(&mut self, tag: Tag, missed: u32) {
        self.tapes.push(OpenTape { tag, missed, end: None });
    }

    /// The recording has no more frames here.
    pub fn end_tape(&mut self, tag: Tag, reason: RecordingEnd) {
        if let Some(tape) = self.tapes.iter_mut().find(|tape| tape.tag == tag) {
            tape.end = Some(reason);
        }
    }

    /// A recording that travels to another thread; how many frames its tape has missed.
    pub fn give_tape(&mut self, tag: Tag) -> Option<u32> {
        let index = self.tapes.iter().position(|tape| tape.tag == tag)?;
        Some(self.tapes.swap_remove(index).missed)
    }

    pub fn tags(&self) -> Vec<Tag> {
        self.tapes.iter().map(|tape| tape.tag).collect()
    }

    /// Once after every pass: counters, the ends of tapes, and the bells.
    pub fn finish_pass(&mut self) {
        if self.sent > 0 {
            add(&self.counters.packets_out, std::mem::take(&mut self.sent));
        }
        if self.unsent > 0 {
            add(&self.counters.send_failures, std::mem::take(&mut self.unsent));
        }
        let tape = &mut self.tape;
        self.tapes.retain(|open| match open.end {
            Some(reason) => tape.push(Tape::End { tag: open.tag, reason }).is_err(),
            None => true,
        });
        while let Some(what) = self.untold.pop_front() {
            if let Err(what) = self.tell.push(what) {
                self.untold.push_front(what);
                break;
            }
        }
        self.tape.ring();
        self.tell.ring();
    }
}

impl Outputs for Wire {
    #[inline]
    fn rtp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]) {
        let Some(slot) = self.slot(leg.slot()) else { return };
        if slot.pair.send(to, packet) {
            self.sent += 1;
        } else {
            self.unsent += 1;
        }
    }

    fn rtcp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]) {
        if let Some(slot) = self.slot(leg.slot()) {
            // A lost report is followed by the next one.
            let _ = slot.pair.rtcp.send_to(packet, to);
        }
    }

    fn recorded(&mut self, recording: RecordingKey, frame: &StereoFrame) {
        let Some(open) = self.tapes.iter_mut().find(|tape| tape.tag == recording.0) else { return };
        let piece = Tape::Frame { tag: open.tag, missed: open.missed, frame: *frame };
        if self.tape.push(piece).is_ok() {
            open.missed = 0;
        } else {
            open.missed += 1;
            add(&self.counters.recording_frames_lost, 1);
        }
    }

    fn tapped(&mut self, leg: LegKey, frame: &Frame) {
        if let Some(tap) = self.slot_mut(leg.slot()).and_then(|slot| slot.tap.as_mut()) {
            tap.push_or_count(*frame);
            tap.ring();
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::SourceLocked { leg, from } => {
                if let Some(slot) = self.slot_mut(leg.slot()) {
                    slot.pair.lock(from);
                }
            }
            Event::UrgencyChanged { leg, at_once } => self.set_urgency(leg, at_once),
            told => self.tell(FromMedia::Told(told)),
        }
    }
}

impl Wire {
    fn set_urgency(&mut self, leg: LegKey, at_once: bool) {
        let index = leg.slot();
        let Some(slot) = self.slots.get_mut(index).and_then(Option::as_mut) else { return };
        if std::mem::replace(&mut slot.at_once, at_once) == at_once {
            return;
        }
        if at_once {
            let data = epoll::EventData::new_u64(Ready::Rtp(index).token());
            let _ = epoll::add(&self.epoll, &slot.pair, data, epoll::EventFlags::IN);
        } else {
            let _ = epoll::delete(&self.epoll, &slot.pair);
        }
    }
}

const MAX_UNTOLD: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::Ready;

    #[test]
    fn a_token_names_its_socket() {
        for ready in [Ready::Timer, Ready::Wake, Ready::Rtp(0), Ready::Rtcp(0), Ready::Rtp(77), Ready::Rtcp(77)] {
            assert_eq!(Ready::from_token(ready.token()), ready);
        }
    }
}
