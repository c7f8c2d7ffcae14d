//! Calls that we place: target by target, through challenge and CANCEL, to one answer or one end.

use std::net::SocketAddr;
use std::rc::Rc;

use rsipstack::sip::headers::untyped;
use rsipstack::sip::{Header, Method, Request, Response, SipMessage, Uri};
use rsipstack::transaction::Transaction;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tracing::debug;

use crate::api::{By, Credentials, Dial, DialogKey, Event, Refused, Target, Transport};
use crate::arrive::{self, End, finish};
use crate::core::{self, Core, SentAck, sip_addr};
use crate::dialog::{Dialog, Phase, local_value, new_tag};
use crate::message;
use crate::{digest, random};

/// One place to try.
struct Hop {
    /// What the request is addressed to.
    uri: Uri,
    /// Where it is sent: a literal address, or a name to look up.
    at: At,
    transport: Transport,
    credentials: Option<Credentials>,
    /// The host of From: a provider that we are registered at knows us by its own name.
    from_host: Option<String>,
}

enum At {
    Address(SocketAddr),
    Name(String, u16),
}

pub(crate) fn start(core: &Rc<Core>, dial: Dial) -> Result<DialogKey, Refused> {
    if dial.headers.iter().any(|(name, value)| !is_ours_to_set(name, value)) {
        return Err(Refused::Header);
    }
    let hops: Vec<Hop> = dial.targets.iter().flat_map(|target| hops(core, target, dial.credentials.as_ref())).collect();
    let first = hops.first().ok_or(Refused::NoTarget)?;
    let key = core.dialogs.borrow_mut().new_key();
    let dialog = open(core, key, &dial, first);
    core.dialogs.borrow_mut().insert(dialog);
    tokio::task::spawn_local(run(Rc::clone(core), key, hops, dial));
    Ok(key)
}

/// Headers of the protocol are ours; a line break would begin another header.
fn is_ours_to_set(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_token =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!%*+`'~".contains(&byte));
    let is_free = lower.starts_with("x-")
        || matches!(
            lower.as_str(),
            "diversion"
                | "history-info"
                | "p-asserted-identity"
                | "p-preferred-identity"
                | "privacy"
                | "alert-info"
                | "call-info"
                | "subject"
                | "user-to-user"
                | "answer-mode"
        );
    is_token && is_free && !value.chars().any(char::is_control)
}

fn hops(core: &Core, target: &Target, credentials: Option<&Credentials>) -> Vec<Hop> {
    match target {
        Target::Uri(text) => {
            message::parse_uri(text).and_then(|uri| hop(uri.clone(), &uri, credentials.cloned())).into_iter().collect()
        }
        Target::Account(name) => {
            let bindings = core.registrar.borrow().bindings(name);
            let to_hop = |(uri, address, transport)| Hop {
                uri,
                at: At::Address(address),
                transport,
                credentials: None,
                from_host: None,
            };
            bindings.into_iter().map(to_hop).collect()
        }
        Target::Trunk { name, number } => {
            let trunks = core.trunks.borrow();
            let Some(trunk) = trunks.get(name) else { return Vec::new() };
            let next_hops = trunk.next_hops.iter().filter_map(|text| message::parse_uri(text));
            next_hops
                .filter_map(|at| {
                    let user = number.chars().filter(|letter| letter.is_ascii_graphic() && !"@<>\"".contains(*letter));
                    let mut uri = at.clone();
                    uri.auth = Some(rsipstack::sip::uri::Auth { user: user.collect(), password: None });
                    let server = trunk.register.as_ref().and_then(|register| message::parse_uri(&register.server));
                    let from_host = server.map(|server| server.host_with_port.host.to_string());
                    Some(Hop { from_host, ..hop(uri, &at, trunk.credentials.clone())? })
                })
                .collect()
        }
    }
}

fn hop(uri: Uri, at: &Uri, credentials: Option<Credentials>) -> Option<Hop> {
    let transport = message::transport_of(at)?;
    let place = match message::literal_address(at) {
        Some(address) => At::Address(address),
        None => {
            At::Name(at.host_with_port.host.to_string(), at.host_with_port.port.as_ref().map_or(5060, |port| port.0))
        }
    };
    Some(Hop { uri, at: place, transport, credentials, from_host: None })
}

fn open(core: &Core, key: DialogKey, dial: &Dial, first: &Hop) -> Dialog {
    let local_tag = new_tag(&core.config.boot);
    let peer = match &first.at {
        At::Address(address) => *address,
        At::Name(..) => SocketAddr::from(([192, 0, 2, 1], 5060)),
    };
    let host = core.host(peer.ip()).to_string();
    Dialog {
        key,
        call_id: format!("{}@{host}", random::text(24)),
        remote_tag: String::new(),
        local: local_value(&dial.from, first.from_host.as_deref().unwrap_or(&host), &local_tag),
        remote: format!("<{}>", first.uri),
        target: first.uri.clone(),
        routes: Vec::new(),
        contact: core.contact(&dial.from.number, peer.ip(), first.transport),
        cseq: 0,
        remote_cseq: 0,
        peer,
        transport: first.transport,
        phase: Phase::Dialling,
        proven: true,
        is_counted: false,
        pending: None,
        is_offering: false,
        is_changing: false,
        stop: Rc::new(Notify::new()),
        holds_peer: false,
        driver: None,
        local_tag,
    }
}

/// What became of one address.
enum Outcome {
    /// Answered, refused for good, or withdrawn: nothing more to do.
    Settled,
    /// Try the next one; if there is none, this is the end.
    Next(End),
}

async fn run(core: Rc<Core>, key: DialogKey, hops: Vec<Hop>, dial: Dial) {
    let mut places = Vec::new();
    for hop in &hops {
        match &hop.at {
            At::Address(address) => places.push((hop, *address)),
            At::Name(name, port) => places.extend(look_up(name, *port).await.into_iter().map(|address| (hop, address))),
        }
    }
    let mut last = End { code: 503, reason: "No address".into(), q850: None, by: By::Timeout };
    let count = places.len();
    for (at, (hop, address)) in places.into_iter().enumerate() {
        let is_last = at + 1 == count;
        match attempt(&core, key, hop, address, &dial, is_last).await {
            Outcome::Settled => return,
            Outcome::Next(end) => last = end,
        }
    }
    finish(&core, key, last);
}

async fn look_up(name: &str, port: u16) -> Vec<SocketAddr> {
    match timeout(LOOK_UP_WITHIN, tokio::net::lookup_host((name, port))).await {
        Ok(Ok(addresses)) => addresses.take(8).collect(),
        _ => Vec::new(),
    }
}

/// Moves the dialog to this address and tries it.
async fn attempt(core: &Rc<Core>, key: DialogKey, hop: &Hop, peer: SocketAddr, dial: &Dial, is_last: bool) -> Outcome {
    let unreachable = || End { code: 503, reason: "Unreachable".into(), q850: None, by: By::Timeout };
    let Some(stop) = aim(core, key, hop, peer) else {
        finish(core, key, End { code: 487, reason: String::new(), q850: None, by: By::Us });
        return Outcome::Settled;
    };
    let connection = match timeout(CONNECT_WITHIN, core.connection(peer, hop.transport)).await {
        Ok(Ok(connection)) => connection,
        _ => return Outcome::Next(unreachable()),
    };
    let mut authorization = None;
    let mut challenges = 0;
    loop {
        let Some(request) = invite(core, key, hop, dial, authorization.take()) else { return Outcome::Settled };
        let Some(mut transaction) = core.client(request, connection.clone(), peer, hop.transport) else {
            return Outcome::Next(unreachable());
        };
        if transaction.send().await.is_err() {
            return Outcome::Next(unreachable());
        }
        match follow(core, key, transaction, &stop, is_last).await {
            Followed::Done => return Outcome::Settled,
            Followed::Silent => {
                return Outcome::Next(End { code: 408, reason: "No answer".into(), q850: None, by: By::Timeout });
            }
            Followed::Failed(response) => {
                challenges += 1;
                authorization = answer_challenge(&response, hop, challenges);
                if authorization.is_some() {
                    continue;
                }
                let end = end_of(&response);
                if matches!(end.code, 408 | 430 | 503) && !is_last {
                    return Outcome::Next(end);
                }
                finish(core, key, end);
                return Outcome::Settled;
            }
        }
    }
}

/// Points the dialog at this address; `None`: the owner hung up meanwhile.
fn aim(core: &Core, key: DialogKey, hop: &Hop, peer: SocketAddr) -> Option<Rc<Notify>> {
    let mut dialogs = core.dialogs.borrow_mut();
    let dialog = dialogs.get_mut(key)?;
    let now = Instant::now();
    let mut gate = core.gate.borrow_mut();
    if dialog.holds_peer {
        gate.release(dialog.peer.ip(), core.patience(), now);
    }
    gate.hold(peer.ip(), now);
    dialog.holds_peer = true;
    dialog.peer = peer;
    dialog.transport = hop.transport;
    dialog.target = hop.uri.clone();
    dialog.remote = format!("<{}>", hop.uri);
    (dialog.phase != Phase::Closing).then(|| Rc::clone(&dialog.stop))
}

fn invite(core: &Core, key: DialogKey, hop: &Hop, dial: &Dial, authorization: Option<Header>) -> Option<Request> {
    let mut dialogs = core.dialogs.borrow_mut();
    let dialog = dialogs.get_mut(key)?;
    let mut more = vec![dialog.contact_header(), message::header("Allow", message::ALLOW)];
    more.extend(dial.headers.iter().map(|(name, value)| message::header(name, value.clone())));
    more.extend(authorization);
    debug!(%key, to = %message::masked(hop.uri.user().unwrap_or_default()), peer = %dialog.peer, "dialling");
    Some(dialog.request(core, Method::Invite, more, Some(&dial.sdp)))
}

/// What one INVITE led to.
enum Followed {
    /// The dialog is up, or gone: settled here.
    Done,
    /// A final answer other than 2xx.
    Failed(Response),
    /// Nothing at all in the time that another address deserves.
    Silent,
}

async fn follow(
    core: &Rc<Core>,
    key: DialogKey,
    mut transaction: Transaction,
    stop: &Notify,
    is_last: bool,
) -> Followed {
    let silence = Instant::now() + SILENCE_BEFORE_NEXT;
    let mut is_heard = false;
    loop {
        tokio::select! {
            message = transaction.receive() => {
                let Some(message) = message else { return Followed::Silent };
                let SipMessage::Response(response) = message else { continue };
                match response.status_code.code() {
                    100 => is_heard = true,
                    101..200 => {
                        is_heard = true;
                        let code = response.status_code.code();
                        core.tell(Event::Progress { key, code, sdp: message::text(&response.body) });
                    }
                    200..300 => {
                        answered(core, key, &transaction.original, &response).await;
                        return Followed::Done;
                    }
                    _ => return Followed::Failed(response),
                }
            }
            () = stop.notified() => {
                let branch = core.dialogs.borrow().get(key).map(Dialog::fork);
                if let Some(branch) = branch {
                    withdraw(core, branch, transaction, is_heard).await;
                }
                finish(core, key, End { code: 487, reason: String::new(), q850: None, by: By::Us });
                return Followed::Done;
            }
            () = sleep_until(silence), if !is_heard && !is_last => {
                // It may still wake up: whatever it says then is ended in the background.
                let branch = core.dialogs.borrow().get(key).map(Dialog::fork);
                if let Some(branch) = branch {
                    let core = Rc::clone(core);
                    tokio::task::spawn_local(async move { withdraw(&core, branch, transaction, false).await });
                }
                return Followed::Silent;
            }
        }
    }
}

/// 2xx: the dialog stands, the ACK goes out; if the owner hung up in the same moment, BYE follows.
async fn answered(core: &Rc<Core>, key: DialogKey, invite: &Request, response: &Response) {
    let is_closing = {
        let mut dialogs = core.dialogs.borrow_mut();
        let Some(dialog) = dialogs.get_mut(key) else { return };
        dialog.establish(response);
        let is_closing = dialog.phase == Phase::Closing;
        if !is_closing {
            dialog.phase = Phase::Up;
        }
        acknowledge(core, dialog, invite);
        is_closing
    };
    if is_closing {
        arrive::bye(core, key, Some(16));
        return;
    }
    let source = core.dialogs.borrow().get(key).map(|dialog| dialog.peer);
    if let Some(source) = source {
        core.tell(Event::Answered { key, sdp: message::text(&response.body), source });
    }
}

/// Sends the ACK of a 2xx and keeps it for the answer's repetitions. Credentials are repeated (RFC 3261, 22.1).
pub(crate) fn acknowledge(core: &Rc<Core>, dialog: &Dialog, invite: &Request) {
    let credentials = invite
        .headers
        .iter()
        .filter(|header| matches!(header, Header::Authorization(_) | Header::ProxyAuthorization(_)));
    let cseq = arrive::cseq(invite);
    let ack = dialog.request_numbered(core, Method::Ack, cseq, credentials.cloned().collect(), None);
    let (peer, transport) = dialog.next_hop(core);
    let sent = SentAck {
        to_tag: dialog.remote_tag.clone(),
        cseq,
        ack: ack.clone(),
        peer,
        transport,
        until: Instant::now() + core.patience(),
    };
    core.acks.borrow_mut().insert(dialog.call_id.clone(), sent);
    if transport == Transport::Udp {
        core.sender.send(&ack.to_bytes(), peer);
        return;
    }
    let core = Rc::clone(core);
    tokio::task::spawn_local(async move {
        if let Ok(connection) = core.connection(peer, transport).await {
            // A lost ACK is asked for again by the repeated 2xx.
            let _ = connection.send(ack.into(), Some(&sip_addr(peer, transport))).await;
        }
    });
}

/// Takes an INVITE back: CANCEL as soon as something was heard (RFC 3261, 9.1), ACK and BYE for a 200 that crossed it.
async fn withdraw(core: &Rc<Core>, mut branch: Dialog, mut transaction: Transaction, is_heard: bool) {
    let deadline = Instant::now() + core.patience();
    let mut is_cancelled = false;
    let mut is_heard = is_heard;
    loop {
        if is_heard && !is_cancelled {
            is_cancelled = true;
            core.fire(cancel(&transaction.original), branch.peer, branch.transport);
        }
        tokio::select! {
            message = transaction.receive() => match message {
                Some(SipMessage::Response(response)) if response.status_code.code() < 200 => is_heard = true,
                Some(SipMessage::Response(response)) if response.status_code.code() < 300 => {
                    branch.establish(&response);
                    acknowledge(core, &branch, &transaction.original);
                    let request = branch.request(core, Method::Bye, vec![], None);
                    let (peer, transport) = branch.next_hop(core);
                    core.fire(request, peer, transport);
                    return;
                }
                Some(SipMessage::Response(_)) | None => return,
                Some(_) => {}
            },
            () = sleep_until(deadline) => return,
        }
    }
}

/// The CANCEL of an INVITE: same branch, same number, same address (RFC 3261, 9.1).
fn cancel(invite: &Request) -> Request {
    let headers = invite.headers.iter().filter(|header| {
        matches!(
            header,
            Header::Via(_)
                | Header::From(_)
                | Header::To(_)
                | Header::CallId(_)
                | Header::Route(_)
                | Header::MaxForwards(_)
                | Header::UserAgent(_)
        )
    });
    let mut headers: Vec<Header> = headers.cloned().collect();
    headers.push(Header::CSeq(untyped::CSeq::new(format!("{} CANCEL", arrive::cseq(invite)))));
    core::request(Method::Cancel, invite.uri.clone(), headers, None)
}

/// Answers a challenge once, and once more when only the nonce was stale. Nothing but an initial INVITE to a configured
/// target comes here, so that no peer can draw credentials out of us by challenging something else.
fn answer_challenge(response: &Response, hop: &Hop, challenges: u32) -> Option<Header> {
    let (asks, answers) = match response.status_code.code() {
        401 => ("WWW-Authenticate", "Authorization"),
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => return None,
    };
    let credentials = hop.credentials.as_ref()?;
    let is_stale = message::values(&response.headers, asks).any(digest::is_stale);
    if challenges > 1 && !(is_stale && challenges == 2) {
        return None;
    }
    let value = digest::answer(message::values(&response.headers, asks), credentials, "INVITE", &hop.uri.to_string())?;
    Some(message::header(answers, value))
}

fn end_of(response: &Response) -> End {
    let code = response.status_code.code();
    let reason = response.reason_phrase().unwrap_or_else(|| response.status_code.text()).to_string();
    End { code, reason, q850: message::q850(&response.headers), by: By::Peer }
}

const SILENCE_BEFORE_NEXT: Duration = Duration::from_secs(4);
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
const LOOK_UP_WITHIN: Duration = Duration::from_secs(4);
