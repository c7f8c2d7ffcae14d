//! Two ends over loopback: our own UA, and a bare socket that says whatever a test wants to say.

#![allow(dead_code, reason = "every test file uses its own part of the kit")]

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use hotline_sip::sdp::Session;
use hotline_sip::{Account, Admission, Config, Dial, DialogKey, Ended, Event, Incoming, Party, Sip, Target, Trunk};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// No step of a test takes longer.
pub const SOON: Duration = Duration::from_secs(5);

/// Runs a test on one thread, as the switch does.
pub fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        timeout(Duration::from_secs(60), test).await.expect("the test ends");
    });
}

/// One UA with its events.
pub struct End {
    pub sip: Sip,
    pub events: Receiver<Event>,
}

impl End {
    /// On a free port, with the open door wide open.
    pub async fn open() -> End {
        Self::with(|_| {}, Admission { open: vec!["127.0.0.0/8".parse().expect("a range")], ..Admission::default() })
            .await
    }

    /// A peer whose calls are proven, from a trunk of this address.
    pub async fn trusting_all() -> End {
        let end = Self::with(|_| {}, Admission::default()).await;
        end.sip.set_trunks(vec![trunk("north")]);
        end
    }

    pub async fn with(change: impl FnOnce(&mut Config), admission: Admission) -> End {
        let mut config = Config::on("127.0.0.1:0".parse().expect("an address"));
        change(&mut config);
        let (sip, events) = Sip::start(config).await.expect("a UA");
        sip.set_admission(admission);
        End { sip, events }
    }

    pub fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.sip.local())
    }

    pub fn dial(&self, to: &str) -> DialogKey {
        self.sip.dial(call(to)).expect("a dialog")
    }

    pub async fn next(&mut self) -> Event {
        timeout(SOON, self.events.recv()).await.expect("an event in time").expect("the UA lives")
    }

    /// Nothing more was told by now.
    pub fn assert_quiet(&mut self) {
        if let Ok(event) = self.events.try_recv() {
            panic!("more was told: {event:?}");
        }
    }

    pub async fn incoming(&mut self) -> Incoming {
        match self.next().await {
            Event::Incoming(incoming) => *incoming,
            other => panic!("a call was to arrive, not {other:?}"),
        }
    }

    pub async fn ended(&mut self) -> Ended {
        match self.next().await {
            Event::Ended(ended) => *ended,
            other => panic!("the call was to end, not {other:?}"),
        }
    }

    /// The next event that is no progress.
    pub async fn beyond_progress(&mut self) -> Event {
        loop {
            match self.next().await {
                Event::Progress { .. } => {}
                other => return other,
            }
        }
    }

    /// Waits until no dialog and no running transaction is left.
    pub async fn assert_clean(&self) {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let counters = self.sip.counters();
            if counters.dialogs == 0 && counters.transactions == 0 && counters.unproven == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "left over: {counters:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub fn call(to: &str) -> Dial {
    Dial {
        targets: vec![Target::Uri(to.to_string())],
        from: Party { number: "+70000000001".into(), name: "Алиса".into() },
        headers: vec![],
        sdp: sdp(4000),
        credentials: None,
    }
}

pub fn trunk(name: &str) -> Trunk {
    Trunk {
        name: name.into(),
        addresses: vec!["127.0.0.0/8".parse().expect("a range")],
        next_hops: vec![],
        credentials: None,
        register: None,
        options_every: None,
    }
}

pub fn anna() -> Account {
    Account { name: "anna".into(), password: "secret".into() }
}

pub fn sdp(port: u16) -> String {
    Session::offer(1, "127.0.0.1".parse().expect("an address"), port).to_string()
}

/// Waits until it is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A call that stands: the caller's key and the answering side's.
pub async fn connect(caller: &mut End, callee: &mut End) -> (DialogKey, DialogKey) {
    let ours = caller.dial(&callee.uri("100"));
    let theirs = callee.incoming().await.key;
    callee.sip.answer(theirs, &sdp(5000)).expect("answered");
    match caller.beyond_progress().await {
        Event::Answered { key, .. } => assert_eq!(key, ours),
        other => panic!("the call was to be answered, not {other:?}; {:?}", callee.sip.counters()),
    }
    assert!(matches!(callee.next().await, Event::Acked { key, .. } if key == theirs));
    (ours, theirs)
}

/// A socket that speaks SIP by hand.
pub struct Bare {
    pub socket: UdpSocket,
    pub to: SocketAddr,
}

impl Bare {
    pub async fn to(end: &End) -> Bare {
        Self::from("127.0.0.1", end).await
    }

    pub async fn from(address: &str, end: &End) -> Bare {
        let socket = UdpSocket::bind((address, 0)).await.expect("a socket");
        Bare { socket, to: end.sip.local() }
    }

    pub fn here(&self) -> SocketAddr {
        self.socket.local_addr().expect("an address")
    }

    /// An INVITE; `{}` lines are added before the body as they are.
    pub fn invite(&self, call: &str, lines: &str, body: &str) -> String {
        self.request("INVITE", call, 1, "", &format!("Contact: <sip:bare@{}>\r\n{lines}", self.here()), body)
    }

    pub fn request(&self, method: &str, call: &str, cseq: u32, to_tag: &str, lines: &str, body: &str) -> String {
        let (here, to) = (self.here(), self.to);
        let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        format!(
            "{method} sip:100@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{call}{method}{cseq}\r\nMax-Forwards: 70\r\n\
             From: <sip:bare@{here}>;tag=b{call}\r\nTo: <sip:100@{to}>{tag}\r\nCall-ID: {call}@bare\r\nCSeq: {cseq} {method}\r\n{lines}\r\n{body}"
        )
    }

    pub async fn say(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.to).await.expect("sent");
    }

    pub async fn hear(&self) -> String {
        self.hear_within(SOON).await.expect("a message in time")
    }

    pub async fn hear_within(&self, within: Duration) -> Option<String> {
        let mut buffer = vec![0; 8192];
        let received = timeout(within, self.socket.recv_from(&mut buffer)).await.ok()?;
        let (length, _) = received.expect("received");
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// The next message that begins with this.
    pub async fn hear_start(&self, start: &str) -> String {
        loop {
            let message = self.hear().await;
            if message.starts_with(start) {
                return message;
            }
        }
    }
}

/// The tag of To in a message.
pub fn to_tag(message: &str) -> String {
    let line = message.lines().find(|line| line.starts_with("To:")).expect("a To");
    line.split(";tag=").nth(1).expect("a tag").to_string()
}

/// The value of a header in a message.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
