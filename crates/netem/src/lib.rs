//! A seeded faker of bad networks over virtual time: loss, delay, jitter, reordering and duplicates.
//!
//! `Netem` holds what is under way. The same seed and the same calls give the same network, on every machine.
//!
//! ```
//! use hotline_netem::{Conditions, Netem};
//!
//! let mut wire = Netem::new(Conditions { delay_us: 30_000, ..Conditions::default() }, 7);
//! wire.send(1_000, "hello");
//! assert_eq!(None, wire.receive(30_999));
//! assert_eq!(Some((31_000, "hello")), wire.receive(31_000));
//! ```

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// What the network does to packets. Shares are of 1.0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Conditions {
    /// The share of packets that vanish.
    pub loss: f64,
    /// The share of packets that arrive twice.
    pub duplicate: f64,
    /// What every packet takes, in microseconds.
    pub delay_us: u64,
    /// What a packet may take longer, evenly spread up to this. Order is kept.
    pub jitter_us: u64,
    /// The share of packets that are overtaken by those sent in the `reorder_us` after them.
    pub reorder: f64,
    /// How long an overtaken packet is held up.
    pub reorder_us: u64,
}

/// One direction of a network that carries values of `T`.
#[derive(Debug)]
pub struct Netem<T> {
    conditions: Conditions,
    dice: Dice,
    under_way: BinaryHeap<Reverse<UnderWay<T>>>,
    sent: u64,
    lost: u64,
    latest_us: u64,
}

impl<T: Clone> Netem<T> {
    /// An empty network. The seed decides everything that chance decides.
    pub fn new(conditions: Conditions, seed: u64) -> Netem<T> {
        Netem { conditions, dice: Dice::new(seed), under_way: BinaryHeap::new(), sent: 0, lost: 0, latest_us: 0 }
    }

    /// Changes the weather for what is sent from now on.
    pub fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Hands a packet to the network.
    pub fn send(&mut self, now_us: u64, packet: T) {
        if self.dice.falls(self.conditions.loss) {
            self.lost += 1;
            return;
        }
        if self.dice.falls(self.conditions.duplicate) {
            self.carry(now_us, packet.clone());
        }
        self.carry(now_us, packet);
    }

    /// The next packet that has arrived by `now_us`, and when it did.
    pub fn receive(&mut self, now_us: u64) -> Option<(u64, T)> {
        if self.next_us()? > now_us {
            return None;
        }
        self.under_way.pop().map(|Reverse(packet)| (packet.at_us, packet.value))
    }

    /// When the next packet arrives.
    pub fn next_us(&self) -> Option<u64> {
        self.under_way.peek().map(|Reverse(packet)| packet.at_us)
    }

    /// How many packets vanished.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn carry(&mut self, now_us: u64, value: T) {
        let jitter = if self.conditions.jitter_us == 0 { 0 } else { self.dice.below(self.conditions.jitter_us + 1) };
        let on_time = (now_us + self.conditions.delay_us + jitter).max(self.latest_us);
        let is_overtaken = self.dice.falls(self.conditions.reorder);
        let at_us = if is_overtaken { on_time + self.conditions.reorder_us } else { on_time };
        if !is_overtaken {
            self.latest_us = on_time;
        }
        self.sent += 1;
        self.under_way.push(Reverse(UnderWay { at_us, order: self.sent, value }));
    }
}

/// Chance without a library, so that a seed means the same for ever (SplitMix64, Steele and others 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for the same seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(limit)) >> 64) as u64
    }

    /// True in `share` of all cases.
    pub fn falls(&mut self, share: f64) -> bool {
        share > 0.0 && ((self.roll() >> 11) as f64) < share * (1u64 << 53) as f64
    }
}

#[derive(Debug)]
struct UnderWay<T> {
    at_us: u64,
    order: u64,
    value: T,
}

impl<T> Ord for UnderWay<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}

impl<T> PartialOrd for UnderWay<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for UnderWay<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for UnderWay<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(conditions: Conditions, seed: u64) -> Vec<(u64, u64)> {
        let mut wire = Netem::new(conditions, seed);
        for number in 0..10_000 {
            wire.send(number * 20_000, number);
        }
        std::iter::from_fn(|| wire.receive(u64::MAX)).collect()
    }

    #[test]
    fn the_same_seed_is_the_same_network() {
        let bad = Conditions { loss: 0.1, duplicate: 0.1, jitter_us: 40_000, ..Conditions::default() };

        assert_eq!(arrivals(bad, 7), arrivals(bad, 7));
        assert_ne!(arrivals(bad, 7), arrivals(bad, 8));
    }

    #[test]
    fn five_percent_lost_is_five_percent() {
        let left = arrivals(Conditions { loss: 0.05, ..Conditions::default() }, 1).len();

        assert!((9_400..9_600).contains(&left), "{left}");
    }

    #[test]
    fn jitter_keeps_the_order_and_reordering_does_not() {
        let jitter = Conditions { delay_us: 10_000, jitter_us: 100_000, ..Conditions::default() };
        let reorder = Conditions { reorder: 0.1, reorder_us: 50_000, ..Conditions::default() };

        assert!(arrivals(jitter, 3).is_sorted_by_key(|(_, number)| *number));
        assert!(!arrivals(reorder, 3).is_sorted_by_key(|(_, number)| *number));
    }

    #[test]
    fn duplicates_arrive_twice() {
        let arrived = arrivals(Conditions { duplicate: 1.0, ..Conditions::default() }, 3);

        assert_eq!(20_000, arrived.len());
    }
}
