//! What is due when. One ordered map; a timer that is no longer wanted is taken out by its key.

use std::collections::BTreeMap;

/// Names a timer until it fires or is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerKey {
    due_us: u64,
    turn: u64,
}

/// Timers of one kind of errand `T`.
#[derive(Debug)]
pub struct Timers<T> {
    waiting: BTreeMap<TimerKey, T>,
    turn: u64,
}

impl<T> Timers<T> {
    pub const fn new() -> Self {
        Self { waiting: BTreeMap::new(), turn: 0 }
    }

    pub fn set(&mut self, due_us: u64, errand: T) -> TimerKey {
        self.turn += 1;
        let key = TimerKey { due_us, turn: self.turn };
        self.waiting.insert(key, errand);
        key
    }

    pub fn cancel(&mut self, key: TimerKey) {
        self.waiting.remove(&key);
    }

    /// When the next one is due.
    pub fn next_due_us(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|(key, _)| key.due_us)
    }

    /// The next one that is due by now.
    pub fn pop(&mut self, now_us: u64) -> Option<T> {
        let first = self.waiting.first_entry()?;
        (first.key().due_us <= now_us).then(|| first.remove())
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Timers;

    #[test]
    fn timers_fire_in_order_and_a_cancelled_one_never() {
        let mut timers = Timers::new();
        timers.set(20, "late");
        let gone = timers.set(10, "gone");
        timers.set(10, "early");
        timers.cancel(gone);
        assert_eq!((timers.next_due_us(), timers.pop(9)), (Some(10), None));
        assert_eq!([timers.pop(30), timers.pop(30), timers.pop(30)], [Some("early"), Some("late"), None]);
        assert_eq!(timers.len(), 0);
    }
}
