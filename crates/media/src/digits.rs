//! Pressed keys as RTP telephone events (RFC 4733): heard once each, and sent.

use std::collections::VecDeque;

use hotline_sound::FRAME_SAMPLES;

use crate::rtp::is_after_32;

/// The events of RFC 4733 section 3.2 that are keys, by their codes.
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// More presses a second than this are no fingers.
const MOST_A_SECOND: u8 = 20;

/// A long press is cut into events of this many samples (RFC 4733 section 2.5.1.3).
const SEGMENT: u32 = 0xFFFF;

/// Keys that wait to be sent to one leg at most.
const MOST_WAITING: usize = 64;

/// A key is sent for 100 ms, its end three times (RFC 4733 section 2.5.1.4), then 60 ms of silence.
const TONE_TICKS: u16 = 5;
const END_TICKS: u16 = 3;
const PAUSE_TICKS: u16 = 3;

/// What a packet of events meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A key was pressed; its first packet to arrive.
    Pressed { key: char, duration_ms: u32 },
    /// A press that is known already, or no key at all.
    Nothing,
    /// A press too many.
    TooFast,
}

/// Recognises presses by their timestamp: all packets of one press carry the same one, so that lost, doubled and
/// overtaken packets change nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listening {
    last: Option<(u32, u8)>,
    second_began_us: u64,
    in_second: u8,
}

impl Listening {
    pub fn hear(&mut self, timestamp: u32, payload: &[u8], now_us: u64) -> Heard {
        let [event, _, high, low, ..] = *payload else { return Heard::Nothing };
        let Some(key) = KEYS.get(usize::from(event)) else { return Heard::Nothing };
        if !self.is_new(timestamp, event) {
            return Heard::Nothing;
        }
        if now_us.saturating_sub(self.second_began_us) >= 1_000_000 {
            self.second_began_us = now_us;
            self.in_second = 0;
        }
        if self.in_second >= MOST_A_SECOND {
            return Heard::TooFast;
        }
        self.in_second += 1;
        let samples = u32::from(u16::from_be_bytes([high, low]));
        Heard::Pressed { key: char::from(*key), duration_ms: samples / 8 }
    }

    /// A new stream counts its time anew.
    pub fn forget(&mut self) {
        self.last = None;
    }

    fn is_new(&mut self, timestamp: u32, event: u8) -> bool {
        let before = match self.last {
            Some((last, _)) if !is_after_32(timestamp, last) => return false,
            last => last,
        };
        self.last = Some((timestamp, event));
        before != Some((timestamp.wrapping_sub(SEGMENT), event))
    }
}

/// What is to be sent in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A packet of an event with this payload; `is_first` has the marker and the time of the press.
    Event { payload: [u8; 4], is_first: bool },
    /// Silence between two keys.
    Pause,
    /// All keys are out.
    Done,
}

/// Keys on their way to a leg.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    waiting: VecDeque<u8>,
    tick: u16,
}

impl Sending {
    pub fn new() -> Sending {
        Sending { waiting: VecDeque::with_capacity(MOST_WAITING), tick: 0 }
    }

    /// Appends keys; false, and none is taken, when there is no room for all.
    pub fn push(&mut self, events: &[u8]) -> bool {
        let fits = self.waiting.len() + events.len() <= MOST_WAITING;
        if fits {
            self.waiting.extend(events);
        }
        fits
    }

    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn step(&mut self) -> Step {
        let Some(event) = self.waiting.front().copied() else { return Step::Done };
        self.tick += 1;
        if self.tick <= TONE_TICKS + END_TICKS {
            let ticks = self.tick.min(TONE_TICKS);
            let duration = (ticks * FRAME_SAMPLES as u16).to_be_bytes();
            let end = if self.tick > TONE_TICKS { END_BIT } else { 0 };
            let payload = [event, end | VOLUME, duration[0], duration[1]];
            return Step::Event { payload, is_first: self.tick == 1 };
        }
        if self.tick == TONE_TICKS + END_TICKS + PAUSE_TICKS {
            self.waiting.pop_front();
            self.tick = 0;
        }
        Step::Pause
    }
}

/// The event codes of `digits`; nothing when one of them is no key.
pub(crate) fn events(digits: &str) -> Option<Vec<u8>> {
    let code = |key: u8| KEYS.iter().position(|other| *other == key.to_ascii_uppercase());
    digits.bytes().map(|key| code(key).map(|code| code as u8)).collect()
}

const END_BIT: u8 = 0x80;

/// -10 dBm0, as phones send it (RFC 4733 section 2.3.4).
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn presses(packets: impl IntoIterator<Item = (u32, [u8; 4])>) -> String {
        let mut listening = Listening::default();
        let mut heard = String::new();
        for (index, (timestamp, payload)) in packets.into_iter().enumerate() {
            if let Heard::Pressed { key, .. } = listening.hear(timestamp, &payload, index as u64 * 100_000) {
                heard.push(key);
            }
        }
        heard
    }

    /// The packets of one press, as phones send them.
    fn press(event: u8, timestamp: u32) -> Vec<(u32, [u8; 4])> {
        let mut sending = Sending::new();
        sending.push(&[event]);
        let steps = std::iter::from_fn(|| match sending.step() {
            Step::Event { payload, .. } => Some((timestamp, payload)),
            _ => None,
        });
        steps.collect()
    }

    #[test]
    fn a_press_is_heard_once_and_at_its_first_packet() {
        let mut listening = Listening::default();
        let heard: Vec<_> = press(7, 1_000).iter().map(|(at, payload)| listening.hear(*at, payload, 0)).collect();

        assert_eq!(Heard::Pressed { key: '7', duration_ms: 20 }, heard[0]);
        assert!(heard[1..].iter().all(|heard| *heard == Heard::Nothing));
    }

    #[test]
    fn a_press_is_sent_for_100_ms_and_its_end_three_times() {
        let (tone, end) = ([0, 0], [0x80, 0]);
        let sent: Vec<_> =
            press(7, 0).iter().map(|(_, [_, end, high, low])| ([end & 0x80, 0], [*high, *low])).collect();
        let lasting = |samples: u16| samples.to_be_bytes();

        assert_eq!([160, 320, 480, 640, 800].map(|samples| (tone, lasting(samples))), sent[..5]);
        assert_eq!([(end, lasting(800)); 3], sent[5..]);
    }

    #[test]
    fn the_same_key_twice_is_two_presses() {
        assert_eq!("11", presses(press(1, 1_000).into_iter().chain(press(1, 3_000))));
    }

    #[test]
    fn a_key_held_for_ten_seconds_is_one_press() {
        let first = (1_000, [5, 0, 0xFF, 0xFF]);
        let second = (1_000 + 0xFFFF, [5, 0x80, 0x10, 0]);

        assert_eq!("5", presses([first, second]));
    }

    #[test]
    fn flash_and_other_events_are_no_keys() {
        assert_eq!("", presses([(1, [16, 0x80, 0, 160]), (2, [255, 0x80, 0, 160])]));
    }

    #[test]
    fn faster_than_fingers_is_dropped() {
        let mut listening = Listening::default();
        let heard = (0..100).map(|press| listening.hear(press * 10, &[1, 0x80, 0, 160], 5_000_000));

        assert_eq!(20, heard.filter(|heard| matches!(heard, Heard::Pressed { .. })).count());
    }

    #[test]
    fn letters_and_signs_are_keys_and_nothing_else_is() {
        assert_eq!(Some(vec![0, 10, 11, 12, 15]), events("0*#ad"));
        assert_eq!(None, events("1-2"));
    }

    proptest! {
        /// Whatever the network does to the packets of a press, it is heard exactly once, as long as one arrives.
        #[test]
        fn lost_doubled_and_overtaken_packets_change_nothing(
            keys in prop::collection::vec(0u8..16, 1..12),
            start in any::<u32>(),
            chance in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 96),
        ) {
            let mut packets = Vec::new();
            for (number, key) in keys.iter().enumerate() {
                let timestamp = start.wrapping_add(number as u32 * 1_760);
                let mut sent = press(*key, timestamp);
                let mut arrived = Vec::new();
                for (index, (place, fate)) in sent.iter().zip(&chance[number * 8..]).map(|(_, chance)| *chance).enumerate() {
                    match fate {
                        0 => continue,
                        1 => arrived.extend([sent[index], sent[index]]),
                        2 => arrived.insert(place.index(arrived.len() + 1), sent[index]),
                        _ => arrived.push(sent[index]),
                    }
                }
                if arrived.is_empty() {
                    arrived.push(sent.pop().unwrap());
                }
                // The last packet of the press before may come after the first of this one.
                packets.extend(arrived);
                if packets.len() > 2 && chance[number].1 == 2 {
                    let late = packets[0];
                    packets.push(late);
                }
            }
            let expected: String = keys.iter().map(|key| char::from(KEYS[usize::from(*key)])).collect();
            prop_assert_eq!(expected, presses(packets));
        }
    }
}
