//! What the parts share: the library's endpoint, the tables, and the way in for every message.
//!
//! Messages go from the socket through the gate, the parser and the library's transaction layer into our dispatch in
//! one go, on one thread: there is no buffer between transport and transactions that could grow.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rsipstack::sip::{Header, Method, Request, Response, SipMessage, Uri};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::{SipAddr, SipConnection};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use crate::api::{Config, Counters, DialogKey, Event, Transport};
use crate::datagrams::Sender;
use crate::dialog::Dialogs;
use crate::digest::Challenger;
use crate::gate::{Gate, Load};
use crate::message;
use crate::random;
use crate::registrar::Registrar;
use crate::streams::Streams;
use crate::trunks::Trunks;

pub(crate) struct Core {
    pub config: Config,
    pub local: SocketAddr,
    pub endpoint: EndpointInnerRef,
    pub udp: SipConnection,
    pub sender: Arc<Sender>,
    pub gate: RefCell<Gate>,
    pub dialogs: RefCell<Dialogs>,
    pub registrar: RefCell<Registrar>,
    pub trunks: RefCell<Trunks>,
    pub streams: RefCell<Streams>,
    pub acks: RefCell<HashMap<String, SentAck>>,
    pub challenger: Challenger,
    pub started: Instant,
    pub tally: Tally,
    pub overloaded: Cell<bool>,
    /// Requests on their way that the end of the process waits for.
    pub farewells: Cell<usize>,
    pub events: mpsc::Sender<Event>,
    /// The transactions that the library opened for requests that came in.
    pub arrivals: RefCell<mpsc::UnboundedReceiver<Transaction>>,
}

/// An ACK of a 2xx, kept while the answer may come again (RFC 3261, 13.2.2.4).
pub(crate) struct SentAck {
    pub to_tag: String,
    pub cseq: u32,
    pub ack: Request,
    pub peer: SocketAddr,
    pub transport: Transport,
    pub until: Instant,
}

/// Counts since the start.
#[derive(Default)]
pub(crate) struct Tally {
    pub received: Cell<u64>,
    pub strangers: Cell<u64>,
    pub limited: Cell<u64>,
    pub unreadable: Cell<u64>,
    pub refused_503: Cell<u64>,
    pub refused_400: Cell<u64>,
    pub lost_events: Cell<u64>,
    pub auth_failures: Cell<u64>,
    pub unproven: Cell<usize>,
}

/// Adds one.
pub(crate) fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

impl Core {
    /// Tells the owner. A full channel is a counted bug of the owner's: new calls stop long before (see `load`).
    pub fn tell(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            count(&self.tally.lost_events);
        }
    }

    pub fn load(&self) -> Load {
        let has_room = self.events.capacity() * 4 >= self.config.events;
        Load { unproven: self.tally.unproven.get(), overloaded: self.overloaded.get() || !has_room }
    }

    /// 64 x T1: how long what was sent may still be answered (RFC 3261, 17).
    pub fn patience(&self) -> Duration {
        self.config.t1 * 64
    }

    /// Our address as the peer should see it.
    pub fn host(&self, peer: IpAddr) -> IpAddr {
        if peer.is_loopback() && (self.local.ip().is_unspecified() || self.local.ip().is_loopback()) {
            return if self.local.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.local.ip() };
        }
        let fallback = || SipConnection::resolve_bind_address(self.local).ip();
        self.config.public.unwrap_or_else(fallback)
    }

    fn address(&self, peer: IpAddr) -> String {
        SocketAddr::new(self.host(peer), self.local.port()).to_string()
    }

    /// `<sip:user@host:port>`, where requests inside a dialog reach us.
    pub fn contact(&self, user: &str, peer: IpAddr, transport: Transport) -> String {
        let user: String =
            user.chars().filter(|letter| letter.is_ascii_alphanumeric() || "+-_.".contains(*letter)).collect();
        let at = if user.is_empty() { "" } else { "@" };
        let parameter = if transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("<sip:{user}{at}{}{parameter}>", self.address(peer))
    }

    pub fn via(&self, peer: IpAddr, transport: Transport) -> Header {
        let word = if transport == Transport::Tcp { "TCP" } else { "UDP" };
        let branch = random::text(20);
        message::header("Via", format!("SIP/2.0/{word} {};branch=z9hG4bK{branch};rport", self.address(peer)))
    }

    /// A connection to this peer: the datagram socket, or a stream that is up, or a new one.
    ///
    /// # Errors
    /// The stream cannot be opened.
    pub async fn connection(self: &Rc<Self>, peer: SocketAddr, transport: Transport) -> io::Result<SipConnection> {
        match transport {
            Transport::Udp => Ok(self.udp.clone()),
            Transport::Tcp => crate::streams::connect(self, peer).await,
        }
    }

    /// Opens a client transaction; nothing is sent yet. `None`: the request lacks what names a transaction.
    pub fn client(
        &self,
        request: Request,
        connection: SipConnection,
        peer: SocketAddr,
        transport: Transport,
    ) -> Option<Transaction> {
        let key = TransactionKey::from_request(&request, TransactionRole::Client).ok()?;
        let mut transaction = Transaction::new_client(key, request, self.endpoint.clone(), Some(connection));
        transaction.destination = Some(sip_addr(peer, transport));
        Some(transaction)
    }

    /// Sends a request and waits for its final answer; the peer may answer meanwhile. `None`: no transport, no answer.
    pub async fn ask(self: &Rc<Self>, request: Request, peer: SocketAddr, transport: Transport) -> Option<Response> {
        self.gate.borrow_mut().hold(peer.ip(), Instant::now());
        let answer = self.ask_held(request, peer, transport).await;
        self.gate.borrow_mut().release(peer.ip(), self.patience(), Instant::now());
        answer
    }

    async fn ask_held(self: &Rc<Self>, request: Request, peer: SocketAddr, transport: Transport) -> Option<Response> {
        let connection = self.connection(peer, transport).await.ok()?;
        let mut transaction = self.client(request, connection, peer, transport)?;
        transaction.send().await.ok()?;
        while let Some(message) = transaction.receive().await {
            if let SipMessage::Response(response) = message
                && response.status_code.code() >= 200
            {
                // The library says 408 itself when nobody answered: then there is no tag of a peer in it.
                return Some(response);
            }
        }
        None
    }

    /// Sends a request that nobody waits for (BYE, CANCEL).
    pub fn fire(self: &Rc<Self>, request: Request, peer: SocketAddr, transport: Transport) {
        let core = Rc::clone(self);
        self.see_off(async move { core.ask(request, peer, transport).await });
    }

    /// Runs what must be out before the process may end.
    pub fn see_off<T: 'static>(self: &Rc<Self>, farewell: impl Future<Output = T> + 'static) {
        let core = Rc::clone(self);
        core.farewells.set(core.farewells.get() + 1);
        tokio::task::spawn_local(async move {
            farewell.await;
            core.farewells.set(core.farewells.get() - 1);
        });
    }

    /// Whether the owner still holds this dialog.
    pub fn has(&self, key: DialogKey) -> bool {
        self.dialogs.borrow().contains(key)
    }

    /// May a request go to this address because a header says so? Only where it came from, to the same trunk's
    /// ranges, or to an address that anyone can reach: a Contact must not make us knock on our neighbours' doors.
    pub fn is_allowed(&self, address: IpAddr, source: IpAddr) -> bool {
        let gate = self.gate.borrow();
        let shares_a_trunk = || {
            gate.trunks().iter().any(|(net, name)| {
                net.contains(address)
                    && gate.trunks().iter().any(|(other, owner)| owner == name && other.contains(source))
            })
        };
        address == source || message::is_public(address) || shares_a_trunk()
    }

    /// Where a request inside a dialog goes: the first route or the target if that is allowed, else where it came from.
    pub fn next_hop(
        &self,
        routes: &[String],
        target: &Uri,
        source: SocketAddr,
        transport: Transport,
    ) -> (SocketAddr, Transport) {
        let first = routes.first().and_then(|route| message::NameAddr::parse(route)).map(|route| route.uri);
        let hop = first.as_ref().unwrap_or(target);
        match (message::literal_address(hop), message::transport_of(hop)) {
            // A stream is its own way back while it is open.
            _ if transport == Transport::Tcp && self.streams.borrow().has(source) => (source, transport),
            (Some(address), Some(hop_transport)) if self.is_allowed(address.ip(), source.ip()) => {
                (address, hop_transport)
            }
            _ => (source, transport),
        }
    }

    /// Once a second: what has run out goes.
    pub async fn sweep(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            self.gate.borrow_mut().sweep(now);
            self.acks.borrow_mut().retain(|_, sent| sent.until > now);
            crate::registrar::sweep(&self, now);
        }
    }

    pub fn counters(&self) -> Counters {
        let stats = self.endpoint.get_stats();
        let tally = &self.tally;
        Counters {
            dialogs: self.dialogs.borrow().len(),
            transactions: stats.running_transactions,
            finished: stats.finished_transactions,
            streams: self.streams.borrow().len(),
            unproven: tally.unproven.get(),
            bindings: self.registrar.borrow().len(),
            received: tally.received.get(),
            sent: self.sender.sent.load(Ordering::Relaxed),
            strangers: tally.strangers.get(),
            limited: tally.limited.get(),
            unreadable: tally.unreadable.get(),
            refused_503: tally.refused_503.get(),
            refused_400: tally.refused_400.get(),
            send_failures: self.sender.failed.load(Ordering::Relaxed),
            lost_events: tally.lost_events.get(),
            auth_failures: tally.auth_failures.get(),
            blocked_sources: self.gate.borrow().blocked_sources(Instant::now()),
        }
    }
}

/// A request with the headers that every request has.
pub(crate) fn request(method: Method, uri: Uri, headers: Vec<Header>, body: Option<&str>) -> Request {
    let mut headers = headers;
    message::push_body(&mut headers, body);
    Request {
        method,
        uri,
        version: rsipstack::sip::Version::V2,
        headers: headers.into(),
        body: body.unwrap_or_default().as_bytes().to_vec(),
    }
}

pub(crate) fn sip_addr(address: SocketAddr, transport: Transport) -> SipAddr {
    SipAddr { r#type: Some(library_transport(transport)), addr: address.into() }
}

pub(crate) fn library_transport(transport: Transport) -> rsipstack::sip::Transport {
    match transport {
        Transport::Udp => rsipstack::sip::Transport::Udp,
        Transport::Tcp => rsipstack::sip::Transport::Tcp,
    }
}
