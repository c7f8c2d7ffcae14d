//! The stream that goes to a leg: every sequence number and timestamp that leaves comes from here.

use hotline_sound::FRAME_SAMPLES;

use crate::rtp::is_after_32;
use crate::setup::LegKey;

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
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32, now_us: u64) -> Sender {
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

/// A relayed timestamp may be so far from our clock, in samples: two seconds.
const MOST_OFF: u32 = 16_000;

/// Jitter is shorter than this.
const QUIET_US: u64 = 200_000;

/// At 8 kHz.
pub(crate) const US_PER_SAMPLE: u64 = 125;
