//! The media threads as the signalling thread sees them: which leg lives where, commands in order, legs that move.
//!
//! A leg that moves is addressed at its new thread from the moment the move is ordered; commands for a thread that
//! waits for travellers are held back, in order, until they have arrived.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::disk::recordings::Tape;
use crate::media::message::{FromMedia, Luggage, MediaLeg, ToMedia};
use crate::media::thread::{self, Start};
use crate::metrics::{AllMedia, MediaCounters};
use crate::pipe::{self, Receiver, Sender};
use crate::wake::Wake;

/// All media threads.
pub struct MediaThreads {
    threads: Vec<Thread>,
    /// Where each leg lives, or is on its way to.
    homes: HashMap<MediaLeg, usize>,
    delayed: u64,
}

struct Thread {
    commands: Sender<ToMedia>,
    tells: Receiver<FromMedia>,
    /// Companies that are on their way here.
    expected: usize,
    held: VecDeque<ToMedia>,
    legs: usize,
    counters: Arc<MediaCounters>,
    lost: Arc<std::sync::atomic::AtomicU64>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Puts the command into the ring, or gives it back when there is no room.
    #[allow(
        clippy::result_large_err,
        reason = "what found no room is kept: a box would cost each command an allocation"
    )]
    fn give(&mut self, command: ToMedia) -> Result<(), ToMedia> {
        if command.can_wait() { self.commands.leave(command) } else { self.commands.push(command) }
    }
}

impl MediaThreads {
    /// Starts `count` threads; `wake` is rung when one has something to tell, `recorder` when there are frames.
    ///
    /// Errors: out of threads or descriptors.
    pub fn start(count: usize, wake: &Wake, recorder: &Wake) -> io::Result<(Self, Vec<Receiver<Tape>>)> {
        let grid_us = crate::clock::now_us();
        let (mut threads, mut tapes) = (Vec::new(), Vec::new());
        for index in 0..count {
            let bell = Wake::new()?;
            let (commands, executed) = pipe::pipe(COMMANDS, &bell);
            let (tell, tells) = pipe::pipe(TELLS, wake);
            let (tape, tape_end) = pipe::pipe(TAPE, recorder);
            let counters = Arc::new(MediaCounters::default());
            let lost = tell.lost();
            let start =
                Start { index, grid_us, commands: executed, wake: bell, tell, tape, counters: Arc::clone(&counters) };
            let handle = Some(thread::start(start)?);
            threads.push(Thread {
                commands,
                tells,
                expected: 0,
                held: VecDeque::new(),
                legs: 0,
                counters,
                lost,
                handle,
            });
            tapes.push(tape_end);
        }
        Ok((Self { threads, homes: HashMap::new(), delayed: 0 }, tapes))
    }

    /// The thread with the fewest legs.
    pub fn emptiest(&self) -> usize {
        (0..self.threads.len()).min_by_key(|thread| self.threads[*thread].legs).unwrap_or(0)
    }

    pub fn home(&self, leg: &str) -> Option<usize> {
        self.homes.get(leg).copied()
    }

    /// The leg lives there from now on.
    pub fn settle(&mut self, leg: &MediaLeg, thread: usize) {
        self.homes.insert(Arc::clone(leg), thread);
        self.threads[thread].legs += 1;
    }

    /// The leg is closed.
    pub fn forget(&mut self, leg: &str) {
        if let Some(thread) = self.homes.remove(leg) {
            self.threads[thread].legs -= 1;
        }
    }

    /// Sends a command to the leg's thread; false when the leg has none.
    pub fn send(&mut self, leg: &str, command: ToMedia) -> bool {
        let Some(thread) = self.home(leg) else {
            return false;
        };
        self.send_to(thread, command);
        true
    }

    pub fn send_to(&mut self, thread: usize, command: ToMedia) {
        let thread = &mut self.threads[thread];
        if thread.expected > 0 || !thread.held.is_empty() {
            thread.held.push_back(command);
        } else if let Err(command) = thread.give(command) {
            self.delayed += 1;
            thread.held.push_back(command);
        }
    }

    pub fn send_to_all(&mut self, command: impl Fn() -> ToMedia) {
        (0..self.threads.len()).for_each(|thread| self.send_to(thread, command()));
    }

    /// Orders that these legs live on one thread, with their `companies` (each leg's closure over rooms and
    /// recordings); returns the thread. The thread that has most of them stays.
    pub fn bring_together(&mut self, companies: &[MediaLeg]) -> usize {
        let mut crowd = vec![0; self.threads.len()];
        for leg in companies {
            if let Some(home) = self.home(leg) {
                crowd[home] += 1;
            }
        }
        let target = (0..crowd.len()).max_by_key(|thread| crowd[*thread]).unwrap_or(0);
        for from in (0..crowd.len()).filter(|thread| *thread != target && crowd[*thread] > 0) {
            self.order_move(companies, from, target);
        }
        target
    }

    fn order_move(&mut self, companies: &[MediaLeg], from: usize, target: usize) {
        let legs: Vec<MediaLeg> = companies.iter().filter(|leg| self.home(leg) == Some(from)).cloned().collect();
        // The order goes first: what is held for the old thread was sent before it.
        self.send_to(from, ToMedia::MoveOut { legs: legs.clone(), to: target });
        self.threads[target].expected += 1;
        for leg in legs {
            self.threads[from].legs -= 1;
            self.threads[target].legs += 1;
            self.homes.insert(leg, target);
        }
    }

    /// Sends on what could not be sent, and rings the bells. Once for each turn of the loop.
    pub fn flush(&mut self) {
        for thread in &mut self.threads {
            while thread.expected == 0 {
                let Some(command) = thread.held.pop_front() else { break };
                if let Err(command) = thread.give(command) {
                    thread.held.push_front(command);
                    break;
                }
            }
            thread.commands.ring();
        }
    }

    /// True while something waits that `flush` could not send.
    pub fn is_behind(&self) -> bool {
        self.threads.iter().any(|thread| !thread.held.is_empty())
    }

    /// What the threads tell, one after the other; travellers are sent on here.
    pub fn hear(&mut self) -> Option<FromMedia> {
        for index in 0..self.threads.len() {
            while let Some(told) = self.threads[index].tells.pop() {
                match told {
                    FromMedia::Left(luggage) => self.send_on(*luggage),
                    told => return Some(told),
                }
            }
        }
        None
    }

    /// Travellers go to the thread that expects them, past what is held for it.
    fn send_on(&mut self, luggage: Luggage) {
        let thread = &mut self.threads[luggage.to];
        thread.expected = thread.expected.saturating_sub(1);
        if let Err(command) = thread.commands.push(ToMedia::MoveIn(Box::new(luggage))) {
            thread.held.push_front(command);
        }
    }

    /// Ends the threads; their legs fall silent.
    pub fn shutdown(&mut self) {
        self.send_to_all(|| ToMedia::Shutdown);
        self.threads.iter_mut().for_each(|thread| thread.expected = 0);
        self.flush();
        for thread in &mut self.threads {
            if let Some(handle) = thread.handle.take() {
                // A thread that panicked has said so on stderr.
                let _ = handle.join();
            }
        }
    }

    pub fn counters(&self) -> AllMedia {
        self.threads.iter().map(|thread| Arc::clone(&thread.counters)).collect()
    }

    /// Tells that found no room, and commands that had to wait for room.
    pub fn overflow(&self) -> (u64, u64) {
        let lost = self.threads.iter().map(|thread| thread.lost.load(std::sync::atomic::Ordering::Relaxed)).sum();
        (lost, self.delayed)
    }
}

const COMMANDS: usize = 8_192;
const TELLS: usize = 16_384;

/// Frames of 20 ms: half a second of 160 recordings.
const TAPE: usize = 4_096;
