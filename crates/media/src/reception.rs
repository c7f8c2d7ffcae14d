//! What came from a leg's source: its place in the stream, its rate, its losses.

use crate::sender::US_PER_SAMPLE;

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
    transit: Option<u32>,
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
        if let Some(before) = self.transit.replace(transit) {
            let deviation = (transit.wrapping_sub(before) as i32).unsigned_abs().min(80_000);
            self.jitter = self.jitter + deviation - ((self.jitter + 8) >> 4);
        }
        self.touch(now_us)
    }

    /// Packets that never came, of all streams.
    pub fn lost(&self) -> u64 {
        let expected = if self.ssrc.is_some() { self.extended - self.base + 1 } else { 0 };
        self.lost_before + expected.saturating_sub(self.received)
    }

    /// As [`Reception::time`], for a packet whose timestamp does not run on.
    pub fn touch(&mut self, now_us: u64) -> u64 {
        let gap = if self.arrived_us == 0 { 0 } else { now_us.saturating_sub(self.arrived_us) };
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
        self.transit = None;
    }

    fn begin(&mut self, ssrc: u32, sequence: u16) -> Place {
        self.lost_before = self.lost();
        self.ssrc = Some(ssrc);
        self.stream = self.stream.wrapping_add(1);
        self.highest = sequence;
        self.extended = u64::from(sequence);
        self.base = self.extended;
        self.received = 1;
        self.pause();
        Place::New
    }
}

/// Twice the 50 packets a second of 20 ms (which is a peer's right who sends every 10 ms, hence the few more), and
/// twice 64 kbit/s with the headers of as many packets.
const MOST_PACKETS: u32 = 104;
const MOST_OCTETS: u32 = 2 * 8_000 + MOST_PACKETS * 12;

/// RFC 3550 appendix A.1.
const MOST_DROPOUT: i16 = 3_000;
const MOST_MISORDER: i16 = 100;
