//! The smallest engine: frames out, events in.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use hotline_control::frames::{Admission, Command, Event, OnPeerEnd, OrphanPolicy, ToEngine, ToSwitch};
use hotline_control::framing::{Decoder, encode};

use super::{PATIENCE, Switch};

/// One connection to a switch.
pub struct Engine {
    stream: UnixStream,
    decoder: Decoder,
    pub seq: u64,
    /// Everything heard and not yet looked at, in order.
    pub heard: Vec<ToEngine>,
    /// The number of the last event heard.
    pub n: u64,
    pub boot: u64,
    pub acks: bool,
}

impl Engine {
    /// Connects, says Hello and lets everybody on this machine call.
    pub fn connect(switch: &Switch) -> Self {
        let mut engine = Self::hello(switch, 1, 0, 0);
        engine.welcomed();
        engine.open_the_door();
        engine
    }

    /// Connects and says Hello; what comes back is for the scenario.
    pub fn hello(switch: &Switch, epoch: u64, boot: u64, n: u64) -> Self {
        let stream = UnixStream::connect(&switch.socket).expect("the switch listens");
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        let decoder = Decoder::default();
        let mut engine = Self { stream, decoder, seq: 0, heard: Vec::new(), n, boot, acks: true };
        engine.send(&ToSwitch::Hello { epoch, protocols: vec![1], version: "test".to_owned(), boot, n });
        engine
    }

    /// Waits for Welcome.
    pub fn welcomed(&mut self) -> ToEngine {
        let welcome = self.frame("Welcome", |frame| matches!(frame, ToEngine::Welcome { .. }));
        if let ToEngine::Welcome { boot, .. } = &welcome {
            self.boot = *boot;
        }
        welcome
    }

    pub fn open_the_door(&mut self) {
        self.send(&ToSwitch::SetOrphanPolicy {
            policy: OrphanPolicy { hold_new_ms: 500, end_waiting_after_ms: 60_000 },
        });
        self.send(&ToSwitch::SetAdmission {
            admission: Admission {
                open: vec!["127.0.0.0/8".to_owned()],
                accounts: Vec::new(),
                blocked: Vec::new(),
                max_unproven: 200,
                max_legs: 1_000,
                per_source_rate: 10_000,
                retry_after_s: 7,
            },
        });
        // The link is ordered: the answer says that the settings are in force.
        self.send(&ToSwitch::Ping { id: 77 });
        self.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 77, .. }));
    }

    pub fn send(&mut self, frame: &ToSwitch) {
        self.stream.write_all(&encode(frame).expect("short")).expect("the switch reads");
    }

    /// One command of the next journal record.
    pub fn tell(&mut self, command: Command) {
        self.seq += 1;
        let seq = self.seq;
        self.send(&ToSwitch::Do { seq, i: 0, command });
    }

    /// The first event heard from now on, or kept, that fits.
    pub fn event(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let frame = self.frame(what, |frame| matches!(frame, ToEngine::Event { event, .. } if fits(event)));
        match frame {
            ToEngine::Event { event, .. } => event,
            other => panic!("not an event: {other:?}"),
        }
    }

    /// The first frame that fits; it is taken out, the others stay.
    pub fn frame(&mut self, what: &str, fits: impl Fn(&ToEngine) -> bool) -> ToEngine {
        let begun = Instant::now();
        loop {
            if let Some(index) = self.heard.iter().position(&fits) {
                return self.heard.remove(index);
            }
            assert!(begun.elapsed() < PATIENCE, "never heard: {what}; but {:#?}", self.heard);
            self.listen();
        }
    }

    /// Takes in what the switch has said by now; false when it closed the link.
    pub fn listen(&mut self) -> bool {
        let mut bytes = [0; 65_536];
        match self.stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(length) => self.decoder.push(&bytes[..length]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return false,
        }
        while let Some(frame) = self.decoder.pop::<ToEngine>().expect("frames of the protocol") {
            if let ToEngine::Event { n, .. } = &frame {
                assert_eq!(*n, self.n + 1, "events come in order, each once");
                self.n = *n;
            }
            self.heard.push(frame);
        }
        if self.acks && self.n > 0 {
            let n = self.n;
            // A link that is just being closed takes no more.
            let _ = self.stream.write_all(&encode(&ToSwitch::Ack { n }).expect("short"));
        }
        true
    }

    /// The next leg that arrives.
    pub fn arrival(&mut self) -> String {
        match self.event("LegArrived", |event| matches!(event, Event::LegArrived { .. })) {
            Event::LegArrived { leg, .. } => leg,
            other => panic!("{other:?}"),
        }
    }

    pub fn answered(&mut self, leg: &str) -> Event {
        self.event("LegAnswered", |event| matches!(event, Event::LegAnswered { leg: of, .. } if of == leg))
    }

    pub fn ended(&mut self, leg: &str) -> Event {
        self.event("LegEnded", |event| matches!(event, Event::LegEnded { leg: of, .. } if of == leg))
    }

    /// A `Connect` in which each of the pair hears the other; one leg alone hears itself.
    pub fn connect_pair(&mut self, room: &str, one: &str, other: &str) {
        let hears =
            BTreeMap::from([(one.to_owned(), vec![other.to_owned()]), (other.to_owned(), vec![one.to_owned()])]);
        self.tell(Command::Connect { room: room.to_owned(), hears, release: vec![], on_peer_end: OnPeerEnd::Release });
    }

    /// Breaks the link, as the death of the engine does.
    pub fn die(self) {}
}
