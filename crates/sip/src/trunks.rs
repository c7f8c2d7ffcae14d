//! Trunks: whose addresses are trusted, our registrations at providers, and health by OPTIONS.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use rsipstack::sip::headers::untyped;
use rsipstack::sip::{Header, Method, Request, Response, Uri};
use tokio::task::AbortHandle;
use tokio::time::{Duration, sleep, timeout};

use crate::api::{Credentials, Event, Registration, Transport, Trunk};
use crate::core::{self, Core};
use crate::net::Net;
use crate::{digest, message, random};

/// The trunks and the tasks that keep them.
#[derive(Default)]
pub(crate) struct Trunks {
    by_name: HashMap<String, Kept>,
}

struct Kept {
    trunk: Trunk,
    tasks: Vec<AbortHandle>,
    /// Addresses of the provider's server, looked up; trusted while it is registered there.
    servers: Vec<IpAddr>,
    registered: Option<Session>,
    is_up: Option<bool>,
}

/// A registration that stands: what the next REGISTER continues (RFC 3261, 10.2.4).
#[derive(Clone)]
struct Session {
    call_id: String,
    tag: String,
    cseq: u32,
    peer: SocketAddr,
    transport: Transport,
}

impl Trunks {
    pub fn get(&self, name: &str) -> Option<&Trunk> {
        self.by_name.get(name).map(|kept| &kept.trunk)
    }
}

/// The trunks, whole: unchanged ones go on undisturbed.
pub(crate) fn set(core: &Rc<Core>, trunks: Vec<Trunk>) {
    let mut old = std::mem::take(&mut core.trunks.borrow_mut().by_name);
    let mut fresh = Vec::new();
    for trunk in trunks {
        let kept = old.remove(&trunk.name);
        let name = trunk.name.clone();
        let is_same = kept.as_ref().is_some_and(|kept| kept.trunk == trunk);
        let kept = match kept {
            Some(kept) if is_same => kept,
            other => {
                other.into_iter().for_each(|kept| retire(core, kept));
                fresh.push(trunk.clone());
                Kept { trunk, tasks: Vec::new(), servers: Vec::new(), registered: None, is_up: None }
            }
        };
        core.trunks.borrow_mut().by_name.insert(name, kept);
    }
    old.into_values().for_each(|kept| retire(core, kept));
    trust(core);
    for trunk in fresh {
        begin(core, trunk);
    }
}

/// Which addresses are whose, for the gate.
fn trust(core: &Core) {
    let trunks = core.trunks.borrow();
    let ranges = trunks.by_name.values().flat_map(|kept| {
        let name: Rc<str> = kept.trunk.name.as_str().into();
        let servers = kept.servers.iter().map(|server| Net::one(*server));
        kept.trunk.addresses.iter().copied().chain(servers).map(move |net| (net, Rc::clone(&name)))
    });
    core.gate.borrow_mut().set_trunks(ranges.collect());
}

fn begin(core: &Rc<Core>, trunk: Trunk) {
    let mut tasks = Vec::new();
    if let Some(registration) = trunk.register.clone() {
        let task = keep_registered(Rc::clone(core), trunk.clone(), registration);
        tasks.push(tokio::task::spawn_local(task).abort_handle());
    }
    if let Some(every) = trunk.options_every {
        tasks.push(tokio::task::spawn_local(keep_asking(Rc::clone(core), trunk.clone(), every)).abort_handle());
    }
    if let Some(kept) = core.trunks.borrow_mut().by_name.get_mut(&trunk.name) {
        kept.tasks = tasks;
    }
}

/// Ends a trunk's tasks and takes its registration back.
fn retire(core: &Rc<Core>, kept: Kept) {
    for task in &kept.tasks {
        task.abort();
    }
    let (Some(session), Some(registration)) = (kept.registered, kept.trunk.register) else { return };
    let credentials = kept.trunk.credentials;
    let owned = Rc::clone(core);
    // Taken back or not: the provider forgets it in time.
    core.see_off(
        async move { register_once(&owned, &registration, credentials.as_ref(), session, Duration::ZERO).await },
    );
}

/// Registers, refreshes at half the time granted, backs off from 2 s to 5 min while it fails.
async fn keep_registered(core: Rc<Core>, trunk: Trunk, registration: Registration) {
    let mut session: Option<Session> = None;
    let mut failures = 0_u32;
    loop {
        let begun = match session.take() {
            Some(session) => Some(session),
            None => new_session(&core, &registration).await,
        };
        let outcome = match begun {
            None => Err("its server's name has no address".to_string()),
            Some(begun) => {
                trust_server(&core, &trunk.name, begun.peer.ip());
                register_once(&core, &registration, trunk.credentials.as_ref(), begun, registration.expires).await
            }
        };
        let wait = match outcome {
            Ok((stands, granted)) => {
                failures = 0;
                note(&core, &trunk.name, Some(stands.clone()), true, "registered");
                session = Some(stands);
                (granted / 2).max(Duration::from_secs(1))
            }
            Err(reason) => {
                failures = (failures + 1).min(8);
                note(&core, &trunk.name, None, false, &reason);
                Duration::from_secs(1 << failures).min(Duration::from_secs(300))
            }
        };
        sleep(wait).await;
    }
}

async fn new_session(core: &Core, registration: &Registration) -> Option<Session> {
    let server = message::parse_uri(&registration.server)?;
    let transport = message::transport_of(&server)?;
    let peer = resolve(&server).await?;
    let call_id = format!("{}@{}", random::text(24), core.host(peer.ip()));
    Some(Session { call_id, tag: random::text(12), cseq: 0, peer, transport })
}

/// One REGISTER, its challenge answered once (twice when the nonce was stale): the session as it stands and the time
/// granted, or a plain sentence.
async fn register_once(
    core: &Rc<Core>,
    registration: &Registration,
    credentials: Option<&Credentials>,
    mut session: Session,
    expires: Duration,
) -> Result<(Session, Duration), String> {
    let server = message::parse_uri(&registration.server).ok_or("its server is no SIP address")?;
    let mut authorization = None;
    for attempt in 0..3 {
        session.cseq += 1;
        let request = register(core, registration, &server, &session, expires, authorization.take());
        let Some(response) = core.ask(request, session.peer, session.transport).await else {
            return Err("cannot be reached".into());
        };
        let code = response.status_code.code();
        if (200..300).contains(&code) {
            let granted = granted(&response, registration).unwrap_or(expires);
            return Ok((session, granted));
        }
        authorization = credentials.and_then(|credentials| answer(&response, credentials, &server, attempt));
        if authorization.is_none() {
            return Err(match code {
                401 | 403 | 407 => format!("refuses our user or password ({code})"),
                408 => "does not answer".into(),
                _ => format!("answers {code} {}", response.status_code.text()),
            });
        }
    }
    Err("challenges again and again".into())
}

fn register(
    core: &Core,
    registration: &Registration,
    server: &Uri,
    session: &Session,
    expires: Duration,
    authorization: Option<Header>,
) -> Request {
    let host = server.host_with_port.host.to_string();
    let record = format!("<sip:{}@{host}>", registration.user);
    let mut headers = vec![
        core.via(session.peer.ip(), session.transport),
        Header::From(untyped::From::new(format!("{record};tag={}", session.tag))),
        Header::To(untyped::To::new(record)),
        Header::CallId(untyped::CallId::new(session.call_id.clone())),
        Header::CSeq(untyped::CSeq::new(format!("{} REGISTER", session.cseq))),
        Header::MaxForwards(70.into()),
        Header::Contact(untyped::Contact::new(core.contact(&registration.user, session.peer.ip(), session.transport))),
        message::header("Expires", expires.as_secs().to_string()),
        message::header("User-Agent", core.config.user_agent.clone()),
    ];
    headers.extend(authorization);
    let mut uri = server.clone();
    uri.auth = None;
    core::request(Method::Register, uri, headers, None)
}

/// Only a REGISTER to the configured server comes here; the realm is checked against the configured one.
fn answer(response: &Response, credentials: &Credentials, server: &Uri, attempt: u32) -> Option<Header> {
    let (asks, answers) = match response.status_code.code() {
        401 => ("WWW-Authenticate", "Authorization"),
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => return None,
    };
    let is_stale = message::values(&response.headers, asks).any(digest::is_stale);
    if attempt > 0 && !is_stale {
        return None;
    }
    let mut uri = server.clone();
    uri.auth = None;
    let value = digest::answer(message::values(&response.headers, asks), credentials, "REGISTER", &uri.to_string())?;
    Some(message::header(answers, value))
}

/// What the provider grants to our contact.
fn granted(response: &Response, registration: &Registration) -> Option<Duration> {
    let ours = message::values(&response.headers, "Contact")
        .flat_map(message::split_list)
        .find(|contact| contact.contains(&format!(":{}@", registration.user)))?;
    let seconds = ours.split(';').find_map(|param| param.trim().strip_prefix("expires="))?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Asks every next hop for its health; one that answers anything keeps the trunk up.
async fn keep_asking(core: Rc<Core>, trunk: Trunk, every: Duration) {
    loop {
        let mut is_up = false;
        for hop in &trunk.next_hops {
            is_up |= matches!(options(&core, hop).await, Some(code) if code != 408 && code != 503);
            if is_up {
                break;
            }
        }
        // A registered trunk is up when it is registered: OPTIONS only takes it down.
        if trunk.register.is_none() {
            note(&core, &trunk.name, None, is_up, if is_up { "answers OPTIONS" } else { "does not answer OPTIONS" });
        }
        sleep(every).await;
    }
}

/// OPTIONS to an address; its final code.
pub(crate) async fn options(core: &Rc<Core>, text: &str) -> Option<u16> {
    let uri = message::parse_uri(text)?;
    let transport = message::transport_of(&uri)?;
    let peer = resolve(&uri).await?;
    let ours = core.contact("", peer.ip(), transport);
    let headers = vec![
        core.via(peer.ip(), transport),
        Header::From(untyped::From::new(format!("{ours};tag={}", random::text(12)))),
        Header::To(untyped::To::new(format!("<{uri}>"))),
        Header::CallId(untyped::CallId::new(random::text(24))),
        Header::CSeq(untyped::CSeq::new("1 OPTIONS")),
        Header::MaxForwards(70.into()),
        Header::Contact(untyped::Contact::new(ours)),
        message::header("User-Agent", core.config.user_agent.clone()),
        message::header("Accept", "application/sdp"),
    ];
    let response = core.ask(core::request(Method::Options, uri, headers, None), peer, transport).await?;
    Some(response.status_code.code())
}

async fn resolve(uri: &Uri) -> Option<SocketAddr> {
    if let Some(address) = message::literal_address(uri) {
        return Some(address);
    }
    let port = uri.host_with_port.port.as_ref().map_or(5060, |port| port.0);
    let found = timeout(LOOK_UP_WITHIN, tokio::net::lookup_host((uri.host_with_port.host.to_string(), port)));
    found.await.ok()?.ok()?.next()
}

fn trust_server(core: &Core, name: &str, server: IpAddr) {
    let is_new = match core.trunks.borrow_mut().by_name.get_mut(name) {
        Some(kept) if !kept.servers.contains(&server) => {
            kept.servers.push(server);
            true
        }
        _ => false,
    };
    if is_new {
        trust(core);
    }
}

/// Remembers the state and tells only when it changed.
fn note(core: &Core, name: &str, session: Option<Session>, up: bool, reason: &str) {
    let has_changed = match core.trunks.borrow_mut().by_name.get_mut(name) {
        Some(kept) => {
            kept.registered = session;
            kept.is_up.replace(up) != Some(up)
        }
        None => false,
    };
    if has_changed {
        core.tell(Event::TrunkChanged { trunk: name.to_string(), up, reason: reason.to_string() });
    }
}

const LOOK_UP_WITHIN: Duration = Duration::from_secs(4);
