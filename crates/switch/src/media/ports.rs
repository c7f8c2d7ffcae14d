//! RTP ports: even ones from a range, each with the odd one above it for RTCP.
//!
//! A closed port rests, because late packets of its old call still arrive (RELIABILITY.md section 2): the port that
//! was closed the longest ago is taken first, after 30 s where the range allows and never before 1 s.

use std::collections::VecDeque;

/// Who rests how long, in microseconds.
const MUST_REST_US: u64 = 1_000_000;

/// The free ports of a range.
#[derive(Debug)]
pub struct Ports {
    /// Front: closed the longest ago, or never used.
    free: VecDeque<Free>,
    total: usize,
}

#[derive(Debug)]
struct Free {
    port: u16,
    closed_us: Option<u64>,
}

impl Ports {
    /// The even ports of `first..=last` whose odd neighbour is inside too. `turn` rotates where it begins, so that a
    /// restarted switch does not take the ports of its predecessor first.
    pub fn new(first: u16, last: u16, turn: u64) -> Self {
        let even = first.next_multiple_of(2);
        let mut free: VecDeque<Free> = (even..last).step_by(2).map(|port| Free { port, closed_us: None }).collect();
        let total = free.len();
        if total > 0 {
            free.rotate_left((turn % total as u64) as usize);
        }
        Self { free, total }
    }

    /// The port that rested longest; `None` when all are taken or still must rest.
    pub fn take(&mut self, now_us: u64) -> Option<u16> {
        let rested = |free: &Free| free.closed_us.is_none_or(|closed| now_us.saturating_sub(closed) >= MUST_REST_US);
        if !rested(self.free.front()?) {
            return None;
        }
        self.free.pop_front().map(|free| free.port)
    }

    /// Gives a port back; its rest begins.
    pub fn give_back(&mut self, port: u16, now_us: u64) {
        self.free.push_back(Free { port, closed_us: Some(now_us) });
    }

    /// How many are in use.
    pub fn used(&self) -> usize {
        self.total - self.free.len()
    }

    pub fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_closed_port_is_reused_first_and_never_before_a_second() {
        let mut ports = Ports::new(20_000, 20_005, 0);
        assert_eq!(ports.total(), 3);
        assert_eq!([ports.take(0), ports.take(0), ports.take(0)], [Some(20_000), Some(20_002), Some(20_004)]);
        assert_eq!(ports.take(0), None);
        ports.give_back(20_002, 1_000);
        ports.give_back(20_000, 2_000);
        assert_eq!(ports.take(1_000_999), None);
        assert_eq!(ports.take(1_001_000), Some(20_002));
        assert_eq!((ports.take(1_001_500), ports.used()), (None, 2));
    }

    #[test]
    fn an_odd_range_keeps_its_pairs_inside() {
        let mut ports = Ports::new(20_001, 20_004, 7);
        assert_eq!((ports.take(0), ports.take(0)), (Some(20_002), None));
    }
}
