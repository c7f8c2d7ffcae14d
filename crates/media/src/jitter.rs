//! What a leg says, put into order for the tick: for mixes, recordings and taps.
//!
//! Sound lies in a ring by its timestamp; the tick takes 160 samples at a time, 40 ms behind the newest packet at
//! the start. What never came is silence. A bridge of two does not pass here.

use hotline_sound::{FRAME_SAMPLES, Frame, Law};

/// Samples of the ring, 512 ms; a power of two.
const RING: usize = 4_096;

/// How far the reader starts behind the first packet, in samples: 40 ms, the jitter that is borne.
const DELAY: u32 = 320;

/// More than this waiting for a second means that the peer's clock is faster than ours: a frame is left out.
const TOO_MUCH: u32 = 960;
const PATIENCE: u8 = 50;

pub(crate) struct Jitter {
    ring: [i16; RING],
    /// The timestamp that the tick reads next.
    reader: u32,
    /// One past the newest sample written.
    end: u32,
    is_started: bool,
    rich_in_a_row: u8,
    frame: Frame,
}

impl Jitter {
    pub fn new() -> Box<Jitter> {
        Box::new(Jitter {
            ring: [0; RING],
            reader: 0,
            end: 0,
            is_started: false,
            rich_in_a_row: 0,
            frame: [0; FRAME_SAMPLES],
        })
    }

    /// Puts a packet into its place. False when its time has passed.
    pub fn insert(&mut self, timestamp: u32, law: Law, payload: &[u8]) -> bool {
        let payload = &payload[..payload.len().min(RING / 2)];
        if !self.is_started || self.must_restart(timestamp, payload.len()) {
            self.restart(timestamp);
        }
        if (timestamp.wrapping_sub(self.reader) as i32) < 0 {
            return false;
        }
        let linear = law.linear();
        for (index, octet) in payload.iter().enumerate() {
            self.ring[timestamp.wrapping_add(index as u32) as usize % RING] = linear[*octet as usize];
        }
        let end = timestamp.wrapping_add(payload.len() as u32);
        if (end.wrapping_sub(self.end) as i32) > 0 {
            self.end = end;
        }
        true
    }

    /// Takes the frame of this tick; [`Jitter::frame`] shows it until the next one.
    pub fn advance(&mut self) {
        if !self.is_started {
            return;
        }
        self.take();
        let waiting = self.end.wrapping_sub(self.reader) as i32;
        self.rich_in_a_row = if waiting > TOO_MUCH as i32 { self.rich_in_a_row + 1 } else { 0 };
        if self.rich_in_a_row >= PATIENCE {
            self.rich_in_a_row = 0;
            self.take();
        }
    }

    /// What the leg says in this tick.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    fn take(&mut self) {
        for sample in &mut self.frame {
            let place = &mut self.ring[self.reader as usize % RING];
            *sample = std::mem::take(place);
            self.reader = self.reader.wrapping_add(1);
        }
    }

    /// A packet from nowhere near, or one that finds nobody waiting: the peer has paused, or the network has become
    /// slower.
    fn must_restart(&self, timestamp: u32, length: usize) -> bool {
        let ahead = timestamp.wrapping_sub(self.reader) as i32;
        let is_empty = (self.end.wrapping_sub(self.reader) as i32) <= 0;
        let is_far = ahead > (RING - length - FRAME_SAMPLES) as i32 || ahead < -(RING as i32);
        is_far || (is_empty && ahead < FRAME_SAMPLES as i32)
    }

    fn restart(&mut self, timestamp: u32) {
        self.ring.fill(0);
        self.reader = timestamp.wrapping_sub(DELAY);
        self.end = timestamp;
        self.is_started = true;
        self.rich_in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(value: i16) -> [u8; FRAME_SAMPLES] {
        [Law::A.encode(value); FRAME_SAMPLES]
    }

    fn heard(jitter: &mut Jitter) -> i16 {
        jitter.advance();
        jitter.frame()[0]
    }

    #[test]
    fn packets_come_out_in_order_forty_milliseconds_later() {
        let mut jitter = Jitter::new();
        jitter.insert(1_000, Law::A, &packet(1_008));
        jitter.insert(1_320, Law::A, &packet(3_008));
        jitter.insert(1_160, Law::A, &packet(2_016));

        assert_eq!([0, 0, 1_008, 2_016, 3_008, 0], [(); 6].map(|()| heard(&mut jitter)));
    }

    #[test]
    fn a_lost_packet_is_silence_and_timestamps_wrap() {
        let mut jitter = Jitter::new();
        let start = u32::MAX - 100;
        jitter.insert(start, Law::A, &packet(1_008));
        jitter.insert(start.wrapping_add(320), Law::A, &packet(1_008));

        assert_eq!([0, 0, 1_008, 0, 1_008], [(); 5].map(|()| heard(&mut jitter)));
    }

    #[test]
    fn speech_after_a_pause_is_heard_whole() {
        for pause in [4, 10, 100] {
            let mut jitter = Jitter::new();
            jitter.insert(0, Law::A, &packet(1_008));
            for _ in 0..pause {
                jitter.advance();
            }
            // The peer stood still while silent: its timestamps did not run on.
            assert!(jitter.insert(160, Law::A, &packet(2_016)));

            assert_eq!([0, 0, 2_016], [(); 3].map(|()| heard(&mut jitter)));
        }
    }

    #[test]
    fn a_network_that_becomes_slower_is_followed() {
        let mut jitter = Jitter::new();
        let mut kept = 0;
        for tick in 0..100u32 {
            // From tick 50 on each packet takes 200 ms longer: what comes then was due long ago.
            let number = if tick < 50 { tick } else { tick.saturating_sub(10) };
            kept += u32::from(jitter.insert(number * 160, Law::A, &packet(1_008)));
            jitter.advance();
        }

        assert!(kept >= 95, "{kept}");
        assert_eq!(1_008, heard(&mut jitter));
    }

    #[test]
    fn a_fast_clock_does_not_pile_up() {
        let mut jitter = Jitter::new();
        let mut timestamp = 0;
        for tick in 0..20_000 {
            jitter.insert(timestamp, Law::A, &packet(1_008));
            timestamp += FRAME_SAMPLES as u32;
            if tick % 100 == 0 {
                jitter.insert(timestamp, Law::A, &packet(1_008));
                timestamp += FRAME_SAMPLES as u32;
            }
            jitter.advance();
            assert!(jitter.end.wrapping_sub(jitter.reader) < RING as u32 / 2);
        }
    }
}
