//! The owner's handle: starts everything, and every verb.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rsipstack::EndpointBuilder;
use rsipstack::sip::{Header, Method};
use rsipstack::transaction::endpoint::EndpointOption;
use rsipstack::transport::SipConnection;
use rsipstack::transport::udp::UdpConnection;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant};

use crate::api::{Account, Admission, By, Config, Counters, Dial, DialogKey, Event, Refused, Trunk};
use crate::arrive::{self, End};
use crate::core::{Core, Tally};
use crate::datagrams::{self, Sender};
use crate::dialog::Phase;
use crate::digest::Challenger;
use crate::gate::Gate;
use crate::message;

/// Why nothing started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("UDP {0}: {1}")]
    Udp(SocketAddr, io::Error),
    #[error("TCP {0}: {1}")]
    Tcp(SocketAddr, io::Error),
    #[error("the SIP library: {0}")]
    Library(String),
}

/// The SIP side of a process. Lives on one thread, inside a tokio `LocalSet`; clones are the same.
#[derive(Clone)]
pub struct Sip {
    core: Rc<Core>,
    _tasks: Rc<Tasks>,
}

impl Sip {
    /// Binds the sockets and begins to listen. Nobody is admitted before [`Sip::set_trunks`] and
    /// [`Sip::set_admission`] said who is.
    ///
    /// # Errors
    /// [`StartError`]: an address is taken or not ours.
    pub async fn start(config: Config) -> Result<(Sip, mpsc::Receiver<Event>), StartError> {
        let (socket, local, listener) = bind(&config)?;
        let socket = Arc::new(socket);
        let sender = Arc::new(Sender::new(Arc::clone(&socket)));
        let library = |error: rsipstack::Error| StartError::Library(error.to_string());
        let udp = UdpConnection::from_socket(Arc::<Sender>::clone(&sender), None, None).await.map_err(library)?;
        let endpoint =
            EndpointBuilder::new().with_user_agent(&config.user_agent).with_option(options(config.t1)).build();
        let arrivals = endpoint.incoming_transactions().map_err(library)?;
        let (events, receiver) = mpsc::channel(config.events);
        let core = Rc::new(Core {
            local,
            endpoint: Arc::clone(&endpoint.inner),
            udp: SipConnection::Udp(udp),
            sender,
            gate: Gate::new(Admission::default()).into(),
            dialogs: Default::default(),
            registrar: Default::default(),
            trunks: Default::default(),
            streams: Default::default(),
            acks: Default::default(),
            challenger: Challenger::new(&config.realm),
            started: Instant::now(),
            tally: Tally::default(),
            overloaded: false.into(),
            farewells: 0.into(),
            events,
            arrivals: arrivals.into(),
            config,
        });
        let timers = Arc::clone(&core.endpoint);
        let mut tasks = vec![
            tokio::task::spawn_local(Rc::clone(&core).receive(socket)).abort_handle(),
            tokio::task::spawn_local(Rc::clone(&core).sweep()).abort_handle(),
            tokio::task::spawn_local(async move { timers.process_timer().await }).abort_handle(),
        ];
        if let Some(listener) = listener {
            tasks.push(tokio::task::spawn_local(crate::streams::accept(Rc::clone(&core), listener)).abort_handle());
        }
        // The endpoint itself is not served: our loop feeds its transactions (see `core`), so it may be dropped.
        Ok((Sip { core, _tasks: Rc::new(Tasks(tasks)) }, receiver))
    }

    /// The UDP address that was bound.
    pub fn local(&self) -> SocketAddr {
        self.core.local
    }

    /// The address that this peer should see in SDP: the public one, unless the peer is on this machine.
    pub fn host_for(&self, peer: std::net::IpAddr) -> std::net::IpAddr {
        self.core.host(peer)
    }

    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// The trunks, whole. Those that changed register anew; those that went are unregistered.
    pub fn set_trunks(&self, trunks: Vec<Trunk>) {
        crate::trunks::set(&self.core, trunks);
    }

    /// The accounts, whole. Registrations of accounts that went end with [`crate::Gone::Removed`].
    pub fn set_accounts(&self, accounts: Vec<Account>) {
        crate::registrar::set_accounts(&self.core, accounts);
    }

    pub fn set_admission(&self, admission: Admission) {
        self.core.gate.borrow_mut().set_admission(admission);
    }

    /// No room for new calls: initial INVITEs get a stateless 503 until it is taken back.
    pub fn set_full(&self, full: bool) {
        self.core.gate.borrow_mut().set_full(full);
    }

    /// 180 to a call that arrived.
    ///
    /// # Errors
    /// [`Refused`]: gone, or answered already. So for all verbs below.
    pub fn ring(&self, key: DialogKey) -> Result<(), Refused> {
        self.provisional(key, 180, None)
    }

    /// 183 with SDP: sound before the answer.
    pub fn progress(&self, key: DialogKey, sdp: &str) -> Result<(), Refused> {
        self.provisional(key, 183, Some(sdp.to_string()))
    }

    /// 200 with SDP (an answer, or our offer where theirs was missing).
    pub fn answer(&self, key: DialogKey, sdp: &str) -> Result<(), Refused> {
        let mut dialogs = self.core.dialogs.borrow_mut();
        let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
        if dialog.phase != Phase::Arriving {
            return Err(Refused::State);
        }
        let pending = dialog.pending.take().ok_or(Refused::State)?;
        dialog.phase = Phase::Answered;
        pending.reply(200, dialog.session_headers(&self.core), Some(sdp.to_string()));
        Ok(())
    }

    /// A final refusal of a call that arrived. Codes outside 300..=699 become 480.
    pub fn reject(&self, key: DialogKey, code: u16, retry_after_s: Option<u32>) -> Result<(), Refused> {
        let code = if (300..700).contains(&code) { code } else { 480 };
        self.refuse(key, code, retry_after_s, None)
    }

    /// Ends a dialog in any state: CANCEL, BYE, or a final answer that fits the cause. `Ended` follows at once; what
    /// crosses on the wire (a 200 to our CANCEL, a late ACK) is settled here.
    pub fn hangup(&self, key: DialogKey, q850: u8) -> Result<(), Refused> {
        let phase = self.core.dialogs.borrow().get(key).map(|dialog| dialog.phase).ok_or(Refused::Gone)?;
        match phase {
            Phase::Arriving => self.refuse(key, message::code_of_q850(q850), None, Some(q850)),
            Phase::Up => {
                arrive::bye(&self.core, key, Some(q850));
                Ok(())
            }
            Phase::Dialling | Phase::Answered => {
                let mut dialogs = self.core.dialogs.borrow_mut();
                let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
                dialog.phase = Phase::Closing;
                dialog.stop.notify_one();
                let code = if phase == Phase::Dialling { 487 } else { 200 };
                arrive::tell_end(&self.core, dialog, End { code, reason: String::new(), q850: Some(q850), by: By::Us });
                Ok(())
            }
            Phase::Closing => Err(Refused::Gone),
        }
    }

    /// Places a call.
    ///
    /// # Errors
    /// [`Refused::NoTarget`] (account not registered, unknown trunk, unreadable address), [`Refused::Header`].
    pub fn dial(&self, dial: Dial) -> Result<DialogKey, Refused> {
        crate::dial::start(&self.core, dial)
    }

    /// Answers [`Event::Changed`].
    pub fn accept_change(&self, key: DialogKey, sdp: &str) -> Result<(), Refused> {
        self.settle_change(key, 200, Some(sdp.to_string()))
    }

    /// Refuses [`Event::Changed`]; the session stays as it was.
    pub fn refuse_change(&self, key: DialogKey, code: u16) -> Result<(), Refused> {
        self.settle_change(key, code, None)
    }

    /// Our own new offer (hold, resume, another address). [`Event::ChangeAnswered`] follows.
    pub fn change(&self, key: DialogKey, sdp: &str) -> Result<(), Refused> {
        crate::offer::change(&self.core, key, sdp)
    }

    /// A digit as INFO application/dtmf-relay.
    pub fn send_digit(&self, key: DialogKey, digit: char, duration: Duration) -> Result<(), Refused> {
        let mut dialogs = self.core.dialogs.borrow_mut();
        let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
        if !matches!(dialog.phase, Phase::Up | Phase::Answered) || !digit.is_ascii_graphic() {
            return Err(Refused::State);
        }
        let body = format!("Signal={digit}\r\nDuration={}\r\n", duration.as_millis());
        let mut request = dialog.request(&self.core, Method::Info, vec![], None);
        request.headers.retain(|header| !matches!(header, Header::ContentLength(_)));
        request.headers.push(message::header("Content-Type", "application/dtmf-relay"));
        request.headers.push(message::header("Content-Length", body.len().to_string()));
        request.body = body.into_bytes();
        let (peer, transport) = dialog.next_hop(&self.core);
        self.core.fire(request, peer, transport);
        Ok(())
    }

    /// Asks a SIP address for its health; gives the final code. `None`: no address, no transport, no answer.
    pub async fn options(&self, uri: &str) -> Option<u16> {
        crate::trunks::options(&self.core, uri).await
    }

    /// Hangs up whatever lives and waits until the peers have been told, at most `within`.
    pub async fn shutdown(&self, within: Duration) {
        let keys = self.core.dialogs.borrow().keys();
        for key in keys {
            // Those that were closing already are waited for like the others.
            let _ = self.hangup(key, 16);
        }
        self.set_trunks(Vec::new());
        let deadline = Instant::now() + within;
        while self.is_busy() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Is something still to be said to a peer?
    fn is_busy(&self) -> bool {
        let core = &self.core;
        core.farewells.get() > 0
            || core.dialogs.borrow().len() > 0
            || core.endpoint.get_stats().running_transactions > 0
    }

    fn provisional(&self, key: DialogKey, code: u16, sdp: Option<String>) -> Result<(), Refused> {
        let dialogs = self.core.dialogs.borrow();
        let dialog = dialogs.get(key).ok_or(Refused::Gone)?;
        match &dialog.pending {
            Some(pending) if dialog.phase == Phase::Arriving => {
                pending.reply(code, vec![dialog.contact_header()], sdp);
                Ok(())
            }
            _ => Err(Refused::State),
        }
    }

    fn refuse(&self, key: DialogKey, code: u16, retry_after_s: Option<u32>, q850: Option<u8>) -> Result<(), Refused> {
        let pending = {
            let mut dialogs = self.core.dialogs.borrow_mut();
            let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
            if dialog.phase != Phase::Arriving {
                return Err(Refused::State);
            }
            dialog.pending.take().ok_or(Refused::State)?
        };
        let mut more = Vec::new();
        more.extend(retry_after_s.map(|seconds| message::header("Retry-After", seconds.to_string())));
        more.extend(q850.map(|cause| message::header("Reason", format!("Q.850;cause={cause}"))));
        pending.reply(code, more, None);
        arrive::finish(&self.core, key, End { code, reason: String::new(), q850, by: By::Us });
        Ok(())
    }

    fn settle_change(&self, key: DialogKey, code: u16, sdp: Option<String>) -> Result<(), Refused> {
        let mut dialogs = self.core.dialogs.borrow_mut();
        let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
        if !matches!(dialog.phase, Phase::Up) {
            return Err(Refused::State);
        }
        let pending = dialog.pending.take().ok_or(Refused::State)?;
        let more = if code == 200 { dialog.session_headers(&self.core) } else { vec![] };
        pending.reply(code, more, sdp);
        Ok(())
    }
}

/// What runs for a handle; ends with it.
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// RFC 3261's timers from T1. A 2xx is acknowledged by our dialogs, not by the library: it would send the ACK to
/// whatever address the answer's Contact names.
fn options(t1: Duration) -> EndpointOption {
    EndpointOption {
        t1,
        t1x64: t1 * 64,
        timerc: Duration::from_secs(600),
        auto_ack_2xx: false,
        ..EndpointOption::default()
    }
}

/// Both sockets. Port 0 is any port that is free for both: the one that UDP was given may be taken for TCP.
fn bind(config: &Config) -> Result<Bound, StartError> {
    let mut tries = 1..MOST_PORTS_TRIED;
    loop {
        match bind_once(config) {
            Err(StartError::Tcp(..)) if config.udp.port() == 0 && tries.next().is_some() => {}
            other => return other,
        }
    }
}

type Bound = (datagrams::Socket, SocketAddr, Option<TcpListener>);

fn bind_once(config: &Config) -> Result<Bound, StartError> {
    let udp = |error| StartError::Udp(config.udp, error);
    let socket = datagrams::bind(config.udp).map_err(udp)?;
    let local = socket.get_ref().local_addr().map_err(udp)?;
    let listen = |tcp: SocketAddr| {
        let tcp = if tcp.port() == 0 { SocketAddr::new(tcp.ip(), local.port()) } else { tcp };
        crate::streams::bind(tcp).map_err(|error| StartError::Tcp(tcp, error))
    };
    let listener = config.tcp.map(listen).transpose()?;
    Ok((socket, local, listener))
}

const MOST_PORTS_TRIED: usize = 16;
