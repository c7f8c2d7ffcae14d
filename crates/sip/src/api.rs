//! The words that the switch and the phone share with the SIP skin: settings in, events out.
//!
//! Everything here is plain data. SDP crosses as text (see [`crate::sdp`] for reading and writing it), addresses as
//! `SocketAddr`, times as `Duration`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::net::Net;

/// Names one dialog (one call leg's signalling) for the life of the process. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogKey(pub u64);

impl fmt::Display for DialogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}", self.0)
    }
}

/// What is fixed for the life of the process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where UDP is received; port 0 takes a free one.
    pub udp: SocketAddr,
    /// Where TCP is accepted; port 0 takes the port that UDP got.
    pub tcp: Option<SocketAddr>,
    /// The address that others see behind a cloud's NAT: stands in Via and Contact.
    pub public: Option<IpAddr>,
    pub user_agent: String,
    /// Drawn at start; part of every dialog tag, so that a later process knows whose dialog a message means.
    pub boot: String,
    /// The realm of our own challenges to accounts.
    pub realm: String,
    /// Room for events that the owner has not read. At 75 % new calls get a stateless 503.
    pub events: usize,
    /// RFC 3261 T1; 64 x T1 is how long an answer waits for its ACK. Only tests change it.
    pub t1: Duration,
}

impl Config {
    /// The usual settings on this UDP address, with TCP on the same port.
    pub fn on(udp: SocketAddr) -> Self {
        Self {
            udp,
            tcp: Some(udp),
            public: None,
            user_agent: format!("Hotline/{}", env!("CARGO_PKG_VERSION")),
            boot: crate::random::text(6),
            realm: "hotline".into(),
            events: 16_384,
            t1: Duration::from_millis(500),
        }
    }
}

/// Who may knock, and how hard. Always the whole state, never a change.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Calls from anyone here are accepted, unproven until their ACK.
    pub open: Vec<Net>,
    /// Phones of accounts may register and call from here.
    pub accounts: Vec<Net>,
    /// Refused before anything else, without a word.
    pub blocked: Vec<Net>,
    /// Unproven calls at once at the open door; more get a stateless 503.
    pub unproven_max: usize,
    /// Seconds in the Retry-After of a 503.
    pub retry_after_s: u16,
    /// Messages a second from one source that is no trunk, and how many may come at once.
    pub per_source: u32,
    pub per_source_burst: u32,
    /// True: the owner has no room for new calls; initial INVITEs get a stateless 503.
    pub full: bool,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            accounts: Vec::new(),
            blocked: Vec::new(),
            unproven_max: 200,
            retry_after_s: 5,
            per_source: 300,
            per_source_burst: 600,
            full: false,
        }
    }
}

/// What answers a challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
    /// Only a challenge of this realm is answered; `None`: the realm of the first challenge of the configured next hop.
    pub realm: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ***)", self.user)
    }
}

/// A carrier connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    pub name: String,
    /// Calls from these addresses are this trunk's, proven, and exempt from source limits.
    pub addresses: Vec<Net>,
    /// `sip:host:port;transport=tcp`: where calls go out, in order of preference.
    pub next_hops: Vec<String>,
    pub credentials: Option<Credentials>,
    /// Registers us at the provider; its server's addresses become trusted too.
    pub register: Option<Registration>,
    /// Health by OPTIONS; `None`: not asked.
    pub options_every: Option<Duration>,
}

/// Our registration at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// `sip:provider.example`
    pub server: String,
    /// The user part of the address of record.
    pub user: String,
    pub expires: Duration,
}

/// A login of a phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, ***)", self.name)
    }
}

/// A person at one end: what From, To or P-Asserted-Identity say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The user part: a number or a name.
    pub number: String,
    /// The display name, unquoted; empty when there is none.
    pub name: String,
}

/// Through which door a call came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// The trunk's name: source address trusted.
    Trunk(String),
    /// The account's name: digest verified.
    Account(String),
    /// Anyone; nothing is known.
    Open,
}

/// Which transport a message came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

/// A call that arrives.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub key: DialogKey,
    pub from: Party,
    /// The user part of the Request-URI.
    pub called: String,
    /// X-*, User-Agent, Diversion, and from trunks P-Asserted-Identity and Privacy. Names as they came.
    pub headers: Vec<(String, String)>,
    /// The body; `None`: the offer comes from us.
    pub offer: Option<String>,
    pub source: SocketAddr,
    pub transport: Transport,
    pub door: Door,
    /// True for trunks and accounts; callers at the open door are proven by their ACK.
    pub proven: bool,
    pub call_id: String,
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Us,
    Peer,
    /// Nobody: no answer to a request, no ACK, no transport.
    Timeout,
}

/// The end of a dialog; its key means nothing afterwards.
#[derive(Clone, Debug)]
pub struct Ended {
    pub key: DialogKey,
    /// The final code: 200 after BYE, 487 after CANCEL, 408 when nobody answered.
    pub code: u16,
    pub reason: String,
    /// Reason: Q.850;cause= of the peer, or what the code maps to (RFC 3398).
    pub q850: Option<u8>,
    pub by: By,
    /// False when our 200 was never acknowledged.
    pub proven: bool,
}

/// Why a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The phone took it back.
    Asked,
    /// Nothing came before its time ran out.
    Expired,
    /// The account is no longer configured.
    Removed,
}

/// What happened. Facts, in order, each once.
#[derive(Clone, Debug)]
pub enum Event {
    Incoming(Box<Incoming>),
    /// Our call rings (180), or sounds before the answer (183 with SDP).
    Progress {
        key: DialogKey,
        code: u16,
        sdp: Option<String>,
    },
    /// Our call was answered; the ACK is sent already.
    Answered {
        key: DialogKey,
        sdp: Option<String>,
        source: SocketAddr,
    },
    /// Our 200 was acknowledged: the caller is proven. SDP only where the offer was ours.
    Acked {
        key: DialogKey,
        sdp: Option<String>,
    },
    /// The peer changes the session (re-INVITE, UPDATE). Answer with `accept_change` or `refuse_change` within 4 s.
    /// `held` is what its direction says; `sdp: None` asks for our offer.
    Changed {
        key: DialogKey,
        sdp: Option<String>,
        held: bool,
    },
    /// Our own `change` was answered: SDP, or the code of refusal.
    ChangeAnswered {
        key: DialogKey,
        answer: Result<Option<String>, u16>,
    },
    /// INFO with application/dtmf-relay or application/dtmf.
    Digit {
        key: DialogKey,
        digit: char,
        duration: Duration,
    },
    /// REFER: refused (603) for now; told so that it can be counted.
    Transfer {
        key: DialogKey,
        to: String,
    },
    Ended(Box<Ended>),
    Registered {
        account: String,
        contact: String,
        source: SocketAddr,
        transport: Transport,
        expires: Duration,
        user_agent: String,
    },
    Unregistered {
        account: String,
        contact: String,
        why: Gone,
    },
    /// A trunk came up or went down, with a plain sentence.
    TrunkChanged {
        trunk: String,
        up: bool,
        reason: String,
    },
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `sip:anna@192.0.2.7:5062;transport=tcp`
    Uri(String),
    /// The phones registered for the account, newest first.
    Account(String),
    /// A number through the trunk's next hops, with its credentials.
    Trunk { name: String, number: String },
}

/// A call that we place.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Tried in order: the next one after no transport, no answer at all within 4 s, 408 or 503.
    pub targets: Vec<Target>,
    pub from: Party,
    /// Added as they are; names that belong to the protocol (Via, From, ...) are refused.
    pub headers: Vec<(String, String)>,
    pub sdp: String,
    /// Answers a challenge of the first target's host; trunks use their own.
    pub credentials: Option<Credentials>,
}

/// Why a verb could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("no such dialog")]
    Gone,
    #[error("not in this state of the dialog")]
    State,
    #[error("nothing to dial: no target has an address")]
    NoTarget,
    #[error("a header that is not ours to set, or with a line break in it")]
    Header,
}

/// Figures: what exists now (leaks show here) and what was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Dialogs that live.
    pub dialogs: usize,
    /// Transactions that run (not those that only wait out RFC 3261's 32 s).
    pub transactions: usize,
    /// Finished transactions kept for retransmissions (Timer J, 64 x T1).
    pub finished: usize,
    /// Open TCP connections.
    pub streams: usize,
    /// Calls at the open door that have not acknowledged.
    pub unproven: usize,
    pub bindings: usize,
    pub received: u64,
    pub sent: u64,
    /// Dropped without a word: strangers, source limits, unreadable messages, ACKs to stateless answers.
    pub strangers: u64,
    pub limited: u64,
    pub unreadable: u64,
    /// Stateless answers: 503 (full, overload, unproven cap) and 400 (framing).
    pub refused_503: u64,
    pub refused_400: u64,
    pub send_failures: u64,
    /// Events that found no room: must stay 0.
    pub lost_events: u64,
    /// INVITEs or requests that came again, and answers that we sent again are not counted here.
    pub auth_failures: u64,
    pub blocked_sources: usize,
}
