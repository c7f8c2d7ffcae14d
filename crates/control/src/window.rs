//! Events are numbered here and kept until the engine says that they stand in its journal.
//!
//! The law of this file: no fact is dropped while the window is used as told. Room is kept for what must come:
//! a leg is admitted only when the events of its whole life still fit, and not at all above three quarters.
//! Only digits (a caller can press without end) may be lost, above nine tenths, and they are counted. Samples
//! are no facts: the newest of each leg stands beside the window and takes a number when it is sent.

use std::collections::{BTreeMap, VecDeque};

use crate::frames::{Event, LegId, ToEngine};
use crate::framing::{FrameError, encode};

/// Events that one leg may still bring before it ends: answered, play ended, room changed, recording closed, ended.
pub const EVENTS_OF_A_LEG: usize = 5;

/// The resend window of one boot.
#[derive(Debug)]
pub struct Window {
    capacity: usize,
    /// Encoded frames, oldest first; the first one's number is `first`.
    kept: VecDeque<Box<[u8]>>,
    first: u64,
    legs: usize,
    samples: BTreeMap<LegId, (u64, Event)>,
    digits_lost: u64,
    overflow: u64,
}

impl Window {
    /// A window for at most `capacity` events that nobody has acknowledged.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: VecDeque::new(),
            first: 1,
            legs: 0,
            samples: BTreeMap::new(),
            digits_lost: 0,
            overflow: 0,
        }
    }

    /// Reserves room for a new leg's events; false when it must be refused with 503 and Retry-After.
    pub fn admit_leg(&mut self) -> bool {
        let admitted = !self.is_crowded();
        if admitted {
            self.legs += 1;
        }
        admitted
    }

    /// True when a new leg would be refused; the admission in front of the parser asks this.
    pub fn is_crowded(&self) -> bool {
        (self.kept.len() + (self.legs + 1) * EVENTS_OF_A_LEG) * 4 > self.capacity * 3
    }

    /// Gives an admitted leg's room back; call it after its LegEnded was pushed.
    pub fn release_leg(&mut self) {
        debug_assert!(self.legs > 0, "a leg was released twice");
        self.legs = self.legs.saturating_sub(1);
    }

    /// Numbers an event that happened at `at_us` and keeps it. Returns the frame for the wire, `None` when it
    /// was a sample (see `take_samples`) or a digit too many.
    pub fn push(&mut self, at_us: u64, event: Event) -> Option<&[u8]> {
        match &event {
            Event::QualityChanged { leg, .. } => {
                self.samples.insert(leg.clone(), (at_us, event));
                None
            }
            Event::DigitPressed { .. } if self.kept.len() * 10 >= self.capacity * 9 => {
                self.digits_lost += 1;
                None
            }
            _ => self.keep(at_us, event),
        }
    }

    /// Numbers and keeps the newest sample of each leg while less than half of the window is in use. Called
    /// about once a second while an engine is connected; returns the numbers' range for `from`.
    pub fn take_samples(&mut self) -> u64 {
        let after = self.last();
        while self.kept.len() * 2 < self.capacity {
            let Some((_, (at_us, event))) = self.samples.pop_first() else {
                break;
            };
            self.keep(at_us, event);
        }
        after
    }

    /// Forgets a leg's sample; its LegEnded carries the sums.
    pub fn drop_sample(&mut self, leg: &str) {
        self.samples.remove(leg);
    }

    /// Everything up to and including `n` stands in the journal.
    pub fn acknowledge(&mut self, n: u64) {
        while self.first <= n && self.kept.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// The kept frames after `n`, oldest first.
    pub fn after(&self, n: u64) -> impl Iterator<Item = &[u8]> {
        let skip = (n + 1).saturating_sub(self.first);
        self.kept.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).map(|frame| &**frame)
    }

    /// Appends the frames after `n` to `bytes` until it holds at least `enough`; returns the last number copied.
    pub fn copy_after(&self, n: u64, enough: usize, bytes: &mut Vec<u8>) -> u64 {
        let mut last = n.max(self.first - 1);
        for frame in self.after(last) {
            if bytes.len() >= enough {
                break;
            }
            bytes.extend_from_slice(frame);
            last += 1;
        }
        last
    }

    /// The number of the newest event; 0 before the first.
    pub fn last(&self) -> u64 {
        self.first + self.kept.len() as u64 - 1
    }

    /// Events kept, of `capacity`.
    pub fn fill(&self) -> (usize, usize) {
        (self.kept.len(), self.capacity)
    }

    /// Digits dropped because nobody read them.
    pub fn digits_lost(&self) -> u64 {
        self.digits_lost
    }

    /// Events that had no room although every leg has its own: always 0 unless an engine floods us with commands.
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    fn keep(&mut self, at_us: u64, event: Event) -> Option<&[u8]> {
        let terminal = matches!(event, Event::LegEnded { .. } | Event::RecordingClosed { .. });
        if self.kept.len() >= self.capacity && !terminal {
            self.overflow += 1;
            return None;
        }
        let n = self.first + self.kept.len() as u64;
        match encode(&ToEngine::Event { n, at_us, event }) {
            Ok(frame) => {
                self.kept.push_back(frame.into_boxed_slice());
                self.kept.back().map(|frame| &**frame)
            }
            // An event is made of strings that admission has capped, far below a frame's limit.
            Err(FrameError::TooLong(_) | FrameError::Bad(_)) => {
                self.overflow += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{DigitVia, Quality};
    use crate::framing::Decoder;

    fn ended(room: &str) -> Event {
        Event::RoomChanged { room: room.to_owned(), hears: BTreeMap::new() }
    }

    fn digit() -> Event {
        Event::DigitPressed { leg: "s1-1".to_owned(), digit: "1".to_owned(), via: DigitVia::Rtp, duration_ms: 80 }
    }

    fn sample(packets_in: u64) -> Event {
        let quality = Quality { packets_in, ..Quality::default() };
        Event::QualityChanged { leg: "s1-1".to_owned(), quality }
    }

    fn numbers<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Vec<u64> {
        let mut decoder = Decoder::default();
        frames.for_each(|frame| decoder.push(frame));
        let mut numbers = Vec::new();
        while let Some(ToEngine::Event { n, .. }) = decoder.pop::<ToEngine>().expect("our own frames") {
            numbers.push(n);
        }
        numbers
    }

    #[test]
    fn events_are_kept_until_they_are_acknowledged() {
        let mut window = Window::new(100);
        for room in ["a", "b", "c"] {
            assert!(window.push(1, ended(room)).is_some());
        }
        assert_eq!(numbers(window.after(0)), [1, 2, 3]);
        assert_eq!(numbers(window.after(2)), [3]);
        window.acknowledge(2);
        assert_eq!(numbers(window.after(0)), [3]);
        window.acknowledge(9);
        assert_eq!((window.last(), window.fill().0), (3, 0));
        window.push(2, ended("d"));
        assert_eq!(numbers(window.after(3)), [4]);
    }

    #[test]
    fn a_leg_is_refused_above_three_quarters_and_its_end_always_fits() {
        let mut window = Window::new(100);
        let mut legs = 0;
        while window.admit_leg() {
            legs += 1;
        }
        assert_eq!(legs, 15);
        for _ in 0..legs {
            for _ in 0..EVENTS_OF_A_LEG {
                assert!(window.push(1, ended("r")).is_some());
            }
            window.release_leg();
        }
        assert_eq!((window.fill().0, window.overflow()), (75, 0));
        assert!(!window.admit_leg());
        window.acknowledge(75);
        assert!(window.admit_leg());
    }

    #[test]
    fn digits_beyond_nine_tenths_are_counted_and_lost() {
        let mut window = Window::new(10);
        for _ in 0..12 {
            window.push(1, digit());
        }
        assert_eq!((window.fill().0, window.digits_lost()), (9, 3));
        assert!(window.push(1, ended("r")).is_some());
    }

    #[test]
    fn samples_coalesce_and_take_their_number_when_sent() {
        let mut window = Window::new(10);
        window.push(1, sample(1));
        window.push(2, sample(2));
        window.push(3, ended("r"));
        assert_eq!(window.last(), 1);
        let after = window.take_samples();
        assert_eq!(numbers(window.after(after)), [2]);
        let mut decoder = Decoder::default();
        window.after(after).for_each(|frame| decoder.push(frame));
        assert_eq!(decoder.pop(), Ok(Some(ToEngine::Event { n: 2, at_us: 2, event: sample(2) })));
    }
}
