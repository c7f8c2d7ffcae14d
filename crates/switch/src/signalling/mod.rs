//! The signalling thread: SIP, the control link, timers and the leg table, on one single-threaded runtime.
//!
//! The law of the loop: whatever woke it is drained, then the media threads' bells are rung and the engine's writer
//! looks at the window, once. Nothing here waits for a disk or a packet.

mod arrivals;
mod closing;
mod commands;
mod dialling;
mod ends;
mod engine;
mod figures;
pub mod legs;
pub mod link;
pub mod media;
mod plays;
mod recordings;
mod rooms;
mod settings;
mod sip_events;
mod sound;
pub mod speech;
mod tick;
mod timers;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use hotline_control::frames::{Admission, Event, OrphanPolicy};
use hotline_control::mark::Mark;
use hotline_sip::Sip;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use crate::clock::now_us;
use crate::disk::recordings::{Closed, ToRecorder};
use crate::disk::sounds::{Loaded, Sounds};
use crate::media::ports::Ports;
use crate::metrics::Ask;
use crate::pipe::{Receiver, Sender};
use crate::wake::Wake;
use legs::{Index, Legs};
use link::{ConnectionId, Heard, Link, Outbox};
use media::MediaThreads;
use speech::{Speech, Spoken};
use timers::Timers;

/// What the signalling thread is started with: everything that could fail has been opened.
pub struct Parts {
    pub boot: u64,
    pub sip: Sip,
    pub link: Link,
    pub media: MediaThreads,
    pub speech: Speech,
    pub sounds: Sounds,
    pub recorder: Sender<ToRecorder>,
    pub recorder_thread: JoinHandle<()>,
    pub ports: Ports,
    pub rtp_bind: IpAddr,
    /// Our address in SDP is the one that others see.
    pub has_public: bool,
    pub drain_ms: u64,
    /// A leg of which nothing was heard for so long is ended; 0 never ends one.
    pub silent_after_us: u64,
}

/// What wakes it.
pub struct Inlets {
    pub sip: mpsc::Receiver<hotline_sip::Event>,
    pub heard: mpsc::Receiver<Heard>,
    pub spoken: mpsc::Receiver<Spoken>,
    /// Rung by media threads, the recorder and the sounds thread.
    pub wake: Wake,
    pub loaded: Receiver<Loaded>,
    pub closed: Receiver<Closed>,
    pub asks: mpsc::Receiver<Ask>,
}

/// The state of the signalling thread.
pub struct Switch {
    boot: u64,
    sip: Sip,
    link: Link,
    outbox: Rc<RefCell<Outbox>>,
    media: MediaThreads,
    speech: Speech,
    sounds: Sounds,
    recorder: Sender<ToRecorder>,
    recorder_thread: Option<JoinHandle<()>>,
    ports: Ports,
    rtp_bind: IpAddr,
    drain_ms: u64,
    silent_after_us: u64,
    now_us: u64,
    mark: Mark,
    epoch: u64,
    engine: Option<ConnectionId>,
    legs: Legs,
    arrived: u64,
    rooms: rooms::Rooms,
    groups: HashMap<String, Vec<Index>>,
    recordings: recordings::Recordings,
    /// Legs whose play waits for a sound.
    waiting_for_sound: Vec<Arc<str>>,
    timers: Timers<tick::Due>,
    admission: Option<Admission>,
    orphans: OrphanPolicy,
    /// Where each account's phone was seen last, for the address in our SDP.
    phones: HashMap<String, IpAddr>,
    trunk_hosts: HashMap<String, IpAddr>,
    nat_trunks: HashSet<String>,
    /// Trunks that carry only so many legs at once.
    channels: HashMap<String, usize>,
    has_public: bool,
    orphan_turn: u64,
    figures: figures::Figures,
    reported: BTreeMap<String, u64>,
    is_full: bool,
    draining: bool,
    is_over: bool,
}

impl Switch {
    pub fn new(parts: Parts) -> Self {
        let outbox = parts.link.outbox();
        let mut switch = Self {
            boot: parts.boot,
            sip: parts.sip,
            link: parts.link,
            outbox,
            media: parts.media,
            speech: parts.speech,
            sounds: parts.sounds,
            recorder: parts.recorder,
            recorder_thread: Some(parts.recorder_thread),
            ports: parts.ports,
            rtp_bind: parts.rtp_bind,
            drain_ms: parts.drain_ms,
            silent_after_us: parts.silent_after_us,
            now_us: now_us(),
            mark: Mark::default(),
            epoch: 0,
            engine: None,
            legs: Legs::default(),
            arrived: 0,
            rooms: rooms::Rooms::default(),
            groups: HashMap::new(),
            recordings: recordings::Recordings::default(),
            waiting_for_sound: Vec::new(),
            timers: Timers::new(),
            admission: None,
            orphans: OrphanPolicy { hold_new_ms: 3_000, end_waiting_after_ms: 600_000 },
            phones: HashMap::new(),
            trunk_hosts: HashMap::new(),
            nat_trunks: HashSet::new(),
            channels: HashMap::new(),
            has_public: parts.has_public,
            orphan_turn: 0,
            figures: figures::Figures::default(),
            reported: BTreeMap::new(),
            is_full: false,
            draining: false,
            is_over: false,
        };
        switch.start_clockwork();
        switch
    }

    /// Runs until the last leg has gone after SIGTERM or Drain.
    ///
    /// Errors: the runtime cannot poll.
    pub async fn run(mut self, mut inlets: Inlets) -> io::Result<()> {
        // SAFETY: a Wake owns its descriptor for as long as any clone lives, and AsyncFd keeps one.
        let bell = unsafe { AsyncFd::register_with_interest(inlets.wake.clone(), Interest::READABLE)? };
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        while !self.is_over {
            let due = tokio::time::sleep(self.until_next_timer());
            tokio::select! {
                Some(event) = inlets.sip.recv() => self.on_sip(event),
                Some(heard) = inlets.heard.recv() => self.on_heard(heard),
                Some(spoken) = inlets.spoken.recv() => self.on_spoken(spoken),
                guard = bell.readable() => {
                    inlets.wake.clear();
                    guard?.clear_ready();
                }
                stream = self.link.accept() => {
                    if let Err(error) = stream.and_then(|stream| self.link.welcome(stream)) {
                        tracing::warn!(%error, "a control connection was not accepted");
                    }
                }
                Some(ask) = inlets.asks.recv() => drop(ask.send(self.metrics())),
                _ = term.recv() => self.drain(self.drain_ms),
                _ = interrupt.recv() => self.drain(self.drain_ms),
                () = due => {}
            }
            self.drain_inlets(&mut inlets);
        }
        self.close_down(&mut inlets).await;
        Ok(())
    }

    /// Everything that waits by now, in turns, and then the outward side once.
    fn drain_inlets(&mut self, inlets: &mut Inlets) {
        self.now_us = now_us();
        for _ in 0..BATCH {
            let mut idle = true;
            if let Ok(event) = inlets.sip.try_recv() {
                self.on_sip(event);
                idle = false;
            }
            if let Ok(heard) = inlets.heard.try_recv() {
                self.on_heard(heard);
                idle = false;
            }
            if idle {
                break;
            }
        }
        self.hear_media();
        while let Some(loaded) = inlets.loaded.pop() {
            self.on_loaded(&loaded);
        }
        while let Some(closed) = inlets.closed.pop() {
            self.on_recording_closed(closed);
        }
        while let Some(due) = self.timers.pop(self.now_us) {
            self.on_due(due);
        }
        self.media.flush();
        self.recorder.ring();
        self.set_full();
        if let Some(engine) = self.engine {
            self.link.wake(engine);
        }
    }

    fn until_next_timer(&self) -> std::time::Duration {
        if self.media.is_behind() {
            return std::time::Duration::from_millis(1);
        }
        let due = self.timers.next_due_us().unwrap_or(u64::MAX);
        std::time::Duration::from_micros(due.saturating_sub(now_us()).min(1_000_000))
    }

    /// Numbers an event and keeps it for the engine.
    fn tell(&mut self, event: Event) {
        self.outbox.borrow_mut().window.push(self.now_us, event);
    }

    /// Stops new calls before the parser while there is no room for their events, or while draining.
    fn set_full(&mut self) {
        let legs = self.admission.as_ref().map_or(usize::MAX, |admission| admission.max_legs as usize);
        let full = self.draining || self.legs.len() >= legs || self.outbox.borrow().window.is_crowded();
        if full != self.is_full {
            self.is_full = full;
            self.sip.set_full(full);
        }
    }
}

/// SIP events and control frames handled between two looks at everything else.
const BATCH: usize = 64;
