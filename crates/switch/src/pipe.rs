//! A bounded ring between two threads. The sender never waits: what has no room is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::wake::Wake;

/// A ring of `capacity` values; `wake` is what the receiver polls.
pub fn pipe<T>(capacity: usize, wake: &Wake) -> (Sender<T>, Receiver<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    let lost = Arc::new(AtomicU64::new(0));
    let sender = Sender { ring: producer, wake: wake.clone(), lost, unrung: false };
    (sender, Receiver { ring: consumer })
}

#[derive(Debug)]
pub struct Sender<T> {
    ring: rtrb::Producer<T>,
    wake: Wake,
    lost: Arc<AtomicU64>,
    unrung: bool,
}

impl<T> Sender<T> {
    /// Puts a value in; the receiver sees it at the next `ring`. Gives it back when there is no room.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        match self.ring.push(value) {
            Ok(()) => {
                self.unrung = true;
                Ok(())
            }
            Err(rtrb::PushError::Full(value)) => {
                self.unrung = true;
                Err(value)
            }
        }
    }

    /// As `push`, for what the receiver finds when it wakes up by itself.
    pub fn leave(&mut self, value: T) -> Result<(), T> {
        self.ring.push(value).map_err(|rtrb::PushError::Full(value)| {
            self.unrung = true;
            value
        })
    }

    /// As `push`; what has no room is dropped and counted.
    pub fn push_or_count(&mut self, value: T) {
        if self.push(value).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes the receiver, if anything was put in since the last time.
    pub fn ring(&mut self) {
        if std::mem::take(&mut self.unrung) {
            self.wake.ring();
        }
    }

    /// The count of dropped values, for the metrics.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }
}

#[derive(Debug)]
pub struct Receiver<T> {
    ring: rtrb::Consumer<T>,
}

impl<T> Receiver<T> {
    pub fn pop(&mut self) -> Option<T> {
        self.ring.pop().ok()
    }

    /// True when the sender has gone and nothing is left.
    pub fn is_over(&self) -> bool {
        self.ring.is_abandoned() && self.ring.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted() {
        let (mut sender, mut receiver) = pipe(2, &Wake::new().expect("descriptors"));
        for value in 0..5 {
            sender.push_or_count(value);
        }
        assert_eq!(sender.lost().load(Ordering::Relaxed), 3);
        assert_eq!([receiver.pop(), receiver.pop(), receiver.pop()], [Some(0), Some(1), None]);
        assert!(!receiver.is_over());
        drop(sender);
        assert!(receiver.is_over());
    }
}
