//! The loop of one media thread: the sole owner of its legs' sockets and of one `Machine`.
//!
//! Packets of legs that others hear wake the thread and are forwarded at once. Everything else happens in the pass
//! of a tick, every 20 ms: first everything paced is sent, then the packets of those who merely listen are read.
//! In both paths nothing is allocated, locked or logged.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};

use hotline_media::{LegKey, Machine, Play, RecordingKey, Refused, TICK_US};
use rustix::event::epoll;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::clock::now_us;
use crate::disk::recordings::Tape;
use crate::media::message::{FromMedia, Hears, Luggage, MediaLeg, ToMedia};
use crate::media::outputs::{Ready, Wire};
use crate::media::sockets::{BATCH, Inbox};
use crate::metrics::{MediaCounters, add};
use crate::pipe::{Receiver, Sender};
use crate::wake::Wake;

/// What a media thread is started with.
pub struct Start {
    pub index: usize,
    /// The beginning of the grid, the same for all threads.
    pub grid_us: u64,
    pub commands: Receiver<ToMedia>,
    pub wake: Wake,
    pub tell: Sender<FromMedia>,
    pub tape: Sender<Tape>,
    pub counters: Arc<MediaCounters>,
}

struct MediaThread {
    machine: Machine,
    wire: Wire,
    timer: OwnedFd,
    wake: Wake,
    commands: Receiver<ToMedia>,
    inbox: Inbox,
    leaving: VecDeque<(Vec<MediaLeg>, usize)>,
    counters: Arc<MediaCounters>,
    ticks: u64,
    is_over: bool,
}

/// Starts a thread.
///
/// Errors: out of descriptors or threads.
pub fn start(start: Start) -> io::Result<JoinHandle<()>> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let timer = tick_timer(start.grid_us)?;
    let wire = Wire::new(epoll, start.tell, start.tape, Arc::clone(&start.counters));
    wire.watch(timer.as_fd(), Ready::Timer);
    wire.watch(start.wake.as_fd(), Ready::Wake);
    let mut thread = MediaThread {
        machine: Machine::new(start.grid_us),
        wire,
        timer,
        wake: start.wake,
        commands: start.commands,
        inbox: Inbox::new(),
        leaving: VecDeque::new(),
        counters: start.counters,
        ticks: 0,
        is_over: false,
    };
    Builder::new().name(format!("media-{}", start.index)).spawn(move || thread.run())
}

/// Fires every 20 ms on the grid.
fn tick_timer(grid_us: u64) -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    let first = grid_us + TICK_US;
    let spec = |us: u64| Timespec { tv_sec: (us / 1_000_000) as i64, tv_nsec: (us % 1_000_000 * 1_000) as i64 };
    let every = Itimerspec { it_interval: spec(TICK_US), it_value: spec(first) };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &every)?;
    Ok(timer)
}

impl MediaThread {
    fn run(&mut self) {
        let mut ready = Vec::with_capacity(256);
        while !self.is_over {
            ready.clear();
            if epoll::wait(&self.wire.epoll, rustix::buffer::spare_capacity(&mut ready), None).is_err() {
                // EINTR: a debugger or a stopped process; everything is looked at again.
                continue;
            }
            let now = now_us();
            for event in &ready {
                self.handle(Ready::from_token(event.data.u64()), now);
            }
            self.counters.legs.store(self.machine.legs() as u64, Relaxed);
            self.wire.finish_pass();
        }
    }

    #[inline]
    fn handle(&mut self, ready: Ready, now: u64) {
        match ready {
            // The poll is level-triggered: what is left is told again, and mostly one packet is all there is.
            Ready::Rtp(slot) => {
                self.receive(slot, 1, now);
            }
            Ready::Timer => self.tick(),
            Ready::Rtcp(slot) => self.receive_rtcp(slot, now),
            Ready::Wake => {
                self.wake.clear();
                self.obey(now);
            }
        }
    }

    fn obey(&mut self, now: u64) {
        while let Some(command) = self.commands.pop() {
            self.execute(command, now);
        }
        self.is_over |= self.commands.is_over();
    }

    fn tick(&mut self) {
        let _ = rustix::io::read(&self.timer, &mut [0_u8; 8]);
        let now = now_us();
        let late = now.saturating_sub(self.machine.next_tick_us());
        // Those that nobody rang for.
        self.obey(now);
        self.machine.tick(now, &mut self.wire);
        self.ticks += 1;
        add(&self.counters.ticks, 1);
        if late > self.counters.max_late_us.load(Relaxed) {
            self.counters.max_late_us.store(late, Relaxed);
        }
        add(&self.counters.late_ticks, u64::from(late > TICK_US));
        for slot in 0..self.wire.slots() {
            self.listen(slot, now);
        }
        while let Some((legs, to)) = self.leaving.pop_front() {
            self.move_out(legs, to);
        }
    }

    /// Reads what a leg that nobody hears has sent since the last tick. One packet is due each tick: asking for no more
    /// than are due spares the call that finds nothing; now and then everything is taken, for clocks that run fast.
    #[inline]
    fn listen(&mut self, slot: usize, now: u64) {
        let sweep = (self.ticks + slot as u64).is_multiple_of(SWEEP_TICKS);
        let Some(here) = self.wire.slot_mut(slot).filter(|slot| !slot.at_once) else { return };
        here.owed = (here.owed + 1).min(MOST_OWED);
        let at_most = if sweep { BATCH } else { usize::from(here.owed) };
        let received = self.receive(slot, at_most, now);
        if let Some(here) = self.wire.slot_mut(slot) {
            here.owed = here.owed.saturating_sub(received as u8);
        }
    }

    /// Reads what waits at a leg's RTP socket, at most `at_most` packets.
    #[inline]
    fn receive(&mut self, slot: usize, at_most: usize, now: u64) -> usize {
        let Some((key, socket)) = self.wire.slot(slot).map(|slot| (slot.key, slot.pair.as_raw_fd())) else {
            return 0;
        };
        let received = match at_most {
            1 => self.inbox.receive_one(socket),
            _ => self.inbox.receive(socket, at_most),
        };
        for i in 0..received {
            if let Some((from, packet)) = self.inbox.datagram(i) {
                self.machine.rtp(key, from, packet, now, &mut self.wire);
            }
        }
        if received > 0 {
            add(&self.counters.packets_in, received as u64);
        }
        received
    }

    fn receive_rtcp(&mut self, slot: usize, now: u64) {
        let Some((key, socket)) = self.wire.slot(slot).map(|slot| (slot.key, slot.pair.rtcp.as_raw_fd())) else {
            return;
        };
        for i in 0..self.inbox.receive(socket, BATCH) {
            if let Some((from, packet)) = self.inbox.datagram(i) {
                self.machine.rtcp(key, from, packet, now);
            }
        }
    }

    fn execute(&mut self, command: ToMedia, now: u64) {
        match command {
            ToMedia::Open { setup, pair } => {
                let leg = Arc::clone(&setup.id);
                match self.machine.open_leg(setup, now) {
                    Ok(key) => self.wire.insert(key, pair, self.machine.is_urgent(key)),
                    Err(error) => self.refuse(Some(leg), None, &error),
                }
            }
            ToMedia::Retarget { leg, target } => self.retarget(&leg, target),
            ToMedia::Close { leg } => self.close(leg),
            ToMedia::Play { leg, play, clips, repeat, gap_ms } => {
                let sound = Play { id: Arc::clone(&play), clips, repeat, gap_ms };
                let played = self.key(&leg).and_then(|key| self.machine.play(key, sound, &mut self.wire));
                self.told(played, leg, Some(play));
            }
            ToMedia::Stop { leg, play } => {
                let stopped = self.key(&leg).and_then(|key| self.machine.stop(key, &play, &mut self.wire));
                self.told(stopped, leg, None);
            }
            ToMedia::Connect { room, hears, release } => self.connect(&room, &hears, &release),
            ToMedia::SendDigits { leg, digits } => {
                let sent = self.key(&leg).and_then(|key| self.machine.send_digits(key, &digits, &mut self.wire));
                self.told(sent, leg, None);
            }
            ToMedia::Tap { .. } | ToMedia::OpenFeed { .. } | ToMedia::Feed { .. } | ToMedia::FlushFeed { .. } => {
                self.execute_speech(command);
            }
            ToMedia::Sample => self.sample(),
            ToMedia::MoveOut { legs, to } => self.leaving.push_back((legs, to)),
            ToMedia::MoveIn(luggage) => self.move_in(*luggage),
            ToMedia::Shutdown => self.is_over = true,
            ToMedia::Record { .. } | ToMedia::PauseRecording { .. } | ToMedia::StopRecording { .. } => {
                self.execute_recording(command);
            }
        }
    }

    fn execute_speech(&mut self, command: ToMedia) {
        let done = match command {
            ToMedia::Tap { leg, tap } => self.key(&leg).and_then(|key| {
                if let Some(slot) = self.wire.slot_mut(key.slot()) {
                    slot.tap = Some(*tap);
                }
                self.machine.tap(key, true)
            }),
            ToMedia::OpenFeed { leg } => self.key(&leg).and_then(|key| self.machine.open_feed(key, &mut self.wire)),
            ToMedia::Feed { leg, samples } => {
                self.key(&leg).and_then(|key| self.machine.feed(key, &samples)).map(|_taken| ())
            }
            ToMedia::FlushFeed { leg } => self.key(&leg).and_then(|key| self.machine.flush_feed(key)),
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.refuse(None, None, &error);
        }
    }

    fn execute_recording(&mut self, command: ToMedia) {
        let done = match command {
            ToMedia::Record { tag, left, right } => {
                if !self.wire.tags().contains(&tag) {
                    self.wire.open_tape(tag, 0);
                }
                // Legs that have ended meanwhile say nothing any more.
                let (left, right) = (self.keys(&left), self.keys(&right));
                self.machine.record(RecordingKey(tag), &left, &right)
            }
            ToMedia::PauseRecording { tag, is_paused } => self.machine.pause_recording(RecordingKey(tag), is_paused),
            ToMedia::StopRecording { tag, reason } => {
                let stopped = self.machine.stop_recording(RecordingKey(tag));
                self.wire.end_tape(tag, reason);
                stopped
            }
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.refuse(None, None, &error);
        }
    }

    fn retarget(&mut self, leg: &MediaLeg, target: hotline_media::Target) {
        let Ok(key) = self.key(leg) else { return };
        if let Some(slot) = self.wire.slot_mut(key.slot()) {
            slot.pair.unlock();
        }
        let done = self.machine.retarget(key, target);
        self.told(done, Arc::clone(leg), None);
    }

    fn close(&mut self, leg: MediaLeg) {
        let closed = self.key(&leg).and_then(|key| {
            let quality = self.machine.close_leg(key, &mut self.wire)?;
            self.wire.close(key);
            Ok(quality)
        });
        // A leg that was never opened here closes too: the signalling thread waits for it.
        self.wire.tell(FromMedia::Closed { leg, quality: closed.unwrap_or_default() });
    }

    fn connect(&mut self, room: &str, hears: &Hears, release: &[MediaLeg]) {
        // A leg that closed since the command was sent is left out; the others hear each other all the same.
        let members: Vec<(LegKey, Vec<LegKey>)> =
            hears.iter().filter_map(|(leg, sources)| Some((self.machine.leg(leg)?, self.keys(sources)))).collect();
        let release = self.keys(release);
        if let Err(error) = self.machine.connect(room, &members, &release, &mut self.wire) {
            self.refuse(None, None, &error);
        }
    }

    /// One order, one answer, even when all that it names have closed meanwhile.
    fn move_out(&mut self, legs: Vec<MediaLeg>, to: usize) {
        let mut luggage = Luggage { to, companies: Vec::new(), pairs: Vec::new(), missed: Vec::new() };
        for leg in legs {
            // Closed, or gone already with somebody else's company.
            let Ok(company) = self.key(&leg).and_then(|key| self.machine.move_out(key)) else { continue };
            let travellers: Vec<(MediaLeg, LegKey)> = company.legs().map(|(id, key)| (Arc::clone(id), key)).collect();
            let pairs = travellers.into_iter().filter_map(|(id, key)| {
                let (pair, tap) = self.wire.remove(key)?;
                Some((id, pair, tap))
            });
            luggage.pairs.extend(pairs);
            for tag in company.recordings().map(|key| key.0).collect::<Vec<_>>() {
                luggage.missed.extend(self.wire.give_tape(tag).map(|missed| (tag, missed)));
            }
            luggage.companies.push(company);
        }
        self.wire.tell(FromMedia::Left(Box::new(luggage)));
    }

    fn move_in(&mut self, luggage: Luggage) {
        for (tag, missed) in luggage.missed {
            self.wire.open_tape(tag, missed);
        }
        let mut arrived = Vec::new();
        for company in luggage.companies {
            // A million legs in one thread: nothing to be saved then, their sockets close.
            arrived.extend(self.machine.move_in(company).unwrap_or_default());
        }
        for (id, pair, tap) in luggage.pairs {
            if let Some((_, key)) = arrived.iter().find(|(name, _)| *name == id) {
                self.wire.insert(*key, pair, self.machine.is_urgent(*key));
                if let Some(slot) = self.wire.slot_mut(key.slot()) {
                    slot.tap = tap;
                }
            }
        }
    }

    fn sample(&mut self) {
        for slot in 0..self.wire.slots() {
            let Some(key) = self.wire.slot(slot).map(|slot| slot.key) else { continue };
            if let (Some(leg), Ok(quality)) = (self.machine.id(key).cloned(), self.machine.quality(key)) {
                self.wire.tell(FromMedia::Sample { leg, quality });
            }
        }
    }

    fn key(&self, leg: &str) -> Result<LegKey, Refused> {
        self.machine.leg(leg).ok_or(Refused::NoSuchLeg)
    }

    fn keys(&self, legs: &[MediaLeg]) -> Vec<LegKey> {
        legs.iter().filter_map(|leg| self.machine.leg(leg)).collect()
    }

    fn told(&mut self, done: Result<(), Refused>, leg: MediaLeg, play: Option<Arc<str>>) {
        if let Err(error) = done {
            self.refuse(Some(leg), play, &error);
        }
    }

    fn refuse(&mut self, leg: Option<MediaLeg>, play: Option<Arc<str>>, error: &Refused) {
        self.wire.tell(FromMedia::Refused { leg, play, reason: error.to_string() });
    }
}

/// A sender's burst is read within this many packets a tick.
const MOST_OWED: u8 = 4;

/// How often everything that waits is read.
const SWEEP_TICKS: u64 = 64;
