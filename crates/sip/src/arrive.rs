//! Requests that come in: new calls here, those inside a dialog in [`crate::within`], REGISTER in [`crate::registrar`].

use std::net::SocketAddr;
use std::rc::Rc;

use rsipstack::sip::{Header, Method, Request, SipMessage};
use rsipstack::transaction::Transaction;
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::debug;

use crate::api::{By, DialogKey, Door, Ended, Event, Incoming, Transport};
use crate::core::{Core, count, sip_addr};
use crate::dialog::{Dialog, Pending, Phase, new_tag};
use crate::digest::Denied;
use crate::framing::tag_of;
use crate::gate::Class;
use crate::message::{self, NameAddr};

/// One request that opened a server transaction.
pub(crate) async fn dispatch(
    core: &Rc<Core>,
    mut transaction: Transaction,
    source: SocketAddr,
    transport: Transport,
    class: &Class,
) {
    // Answers go where the request came from, as if it had asked for it (RFC 3581): a Via cannot point them elsewhere.
    transaction.destination = Some(sip_addr(source, transport));
    let request = &transaction.original;
    let to_tag = message::value(&request.headers, "To").and_then(tag_of).map(str::to_string);
    match (request.method, to_tag) {
        (_, Some(tag)) => crate::within::dispatch(core, transaction, &tag).await,
        (Method::Invite, None) => invite(core, transaction, source, transport, class).await,
        (Method::Register, None) => crate::registrar::register(core, transaction, source, transport, class).await,
        (Method::Options, None) => {
            let more = vec![message::header("Allow", message::ALLOW), message::header("Accept", "application/sdp")];
            reply_now(core, transaction, 200, more).await;
        }
        (Method::Bye | Method::Info | Method::Update | Method::PRack, None) => {
            reply_now(core, transaction, 481, vec![]).await
        }
        _ => reply_now(core, transaction, 405, vec![message::header("Allow", message::ALLOW)]).await,
    }
}

/// A final answer at once. An INVITE's refusal is repeated until its ACK.
pub(crate) async fn reply_now(core: &Core, mut transaction: Transaction, code: u16, more: Vec<Header>) {
    let head = message::reply_head(&transaction.original, Some(&new_tag(&core.config.boot)));
    // The peer repeats its request if this is lost.
    let _ = transaction.respond(message::reply(&head, code, more, None)).await;
    if transaction.original.method == Method::Invite {
        let patience = core.patience();
        tokio::task::spawn_local(async move {
            // The first thing that comes is the ACK, or the end of the transaction. The limit is for answers that the
            // library could not send: for those it starts no timer.
            timeout(patience, transaction.receive()).await
        });
    }
}

/// Who is calling, as far as the door knows; or the refusal.
enum Identity {
    Known(Door),
    Challenge { stale: bool },
    Nobody,
}

async fn invite(
    core: &Rc<Core>,
    mut transaction: Transaction,
    source: SocketAddr,
    transport: Transport,
    class: &Class,
) {
    if let Some((code, more)) = unacceptable(&transaction.original) {
        return reply_now(core, transaction, code, more).await;
    }
    let Some(from) = message::value(&transaction.original.headers, "From").and_then(NameAddr::parse) else {
        return reply_now(core, transaction, 400, vec![]).await;
    };
    let door = match identify(core, &transaction.original, &from, source, class) {
        Identity::Known(door) => door,
        Identity::Challenge { stale } => {
            let more = challenge(core, &transaction.original, source, stale);
            return reply_now(core, transaction, 401, more).await;
        }
        Identity::Nobody => return reply_now(core, transaction, 403, vec![]).await,
    };
    // A lost 100 costs one repeated INVITE.
    let _ = transaction.send_trying().await;
    let key = core.dialogs.borrow_mut().new_key();
    let proven = door != Door::Open;
    let incoming = describe(key, &transaction.original, &from, source, transport, door);
    debug!(%key, from = %message::masked(&incoming.from.number), %source, "a call arrives");
    let mut dialog = open(core, key, &transaction, from, source, transport, proven);
    if !proven {
        core.tally.unproven.set(core.tally.unproven.get() + 1);
    }
    dialog.driver = Some(tokio::task::spawn_local(serve(Rc::clone(core), key, transaction)).abort_handle());
    core.dialogs.borrow_mut().insert(dialog);
    core.tell(Event::Incoming(Box::new(incoming)));
}

/// What we cannot do for this INVITE, whoever sends it (RFC 3261, 8.2).
fn unacceptable(request: &Request) -> Option<(u16, Vec<Header>)> {
    if let Some(required) = message::value(&request.headers, "Require")
        && !required.trim().is_empty()
    {
        return Some((420, vec![message::header("Unsupported", required)]));
    }
    let kind = message::value(&request.headers, "Content-Type").map(|kind| kind.split(';').next().unwrap_or("").trim());
    if !request.body.is_empty() && !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/sdp")) {
        return Some((415, vec![message::header("Accept", "application/sdp")]));
    }
    (message::value(&request.headers, "Max-Forwards") == Some("0")).then(|| (483, vec![]))
}

fn identify(core: &Core, request: &Request, from: &NameAddr, source: SocketAddr, class: &Class) -> Identity {
    let (open, accounts) = match class {
        Class::Trunk(name) => return Identity::Known(Door::Trunk(name.to_string())),
        Class::Door { open, accounts } => (*open, *accounts),
        Class::Known | Class::Stranger => return Identity::Nobody,
    };
    let claims_account = || core.registrar.borrow().has_account(from.uri.user().unwrap_or_default());
    match verify(core, request, source).filter(|_| accounts) {
        Some(Ok(account)) => Identity::Known(Door::Account(account)),
        Some(Err(denied)) => Identity::Challenge { stale: denied == Denied::Stale },
        None if accounts && (!open || claims_account()) => Identity::Challenge { stale: false },
        None if open => Identity::Known(Door::Open),
        None => Identity::Nobody,
    }
}

/// The account of a request's credentials; `None`: it has none. Failures are counted against the source.
pub(crate) fn verify(core: &Core, request: &Request, source: SocketAddr) -> Option<Result<String, Denied>> {
    let headers = &request.headers;
    let value = message::value(headers, "Authorization").or_else(|| message::value(headers, "Proxy-Authorization"))?;
    let now = tokio::time::Instant::now();
    let registrar = core.registrar.borrow();
    let now_s = now.duration_since(core.started).as_secs();
    let method = request.method.to_string();
    let verdict = core.challenger.verify(value, &method, source.ip(), now_s, |user| registrar.password(user));
    match verdict {
        Ok(_) => core.gate.borrow_mut().auth_succeeded(source.ip()),
        Err(Denied::Wrong) => {
            count(&core.tally.auth_failures);
            core.gate.borrow_mut().auth_failed(source.ip(), now);
        }
        Err(_) => {}
    }
    Some(verdict)
}

/// The headers of a 401: SHA-256 first, MD5 after it (RFC 8760, 2.4); MD5 alone for phones that give up at the other.
pub(crate) fn challenge(core: &Core, request: &Request, source: SocketAddr, stale: bool) -> Vec<Header> {
    let now_s = tokio::time::Instant::now().duration_since(core.started).as_secs();
    let values = core.challenger.challenge(source.ip(), now_s, stale);
    let skipped = usize::from(knows_md5_only(request));
    values.into_iter().skip(skipped).map(|value| message::header("WWW-Authenticate", value)).collect()
}

/// baresip before 3.0 refuses the whole answer when it meets an algorithm that it does not know; SIPp, which does not
/// name itself, takes the first challenge whatever it says. MD5 is offered either way, so nothing is given away.
fn knows_md5_only(request: &Request) -> bool {
    let agent = message::value(&request.headers, "User-Agent").unwrap_or_default();
    agent.is_empty() || ["baresip v0", "baresip v1", "baresip v2"].iter().any(|old| agent.starts_with(old))
}

fn describe(
    key: DialogKey,
    request: &Request,
    from: &NameAddr,
    source: SocketAddr,
    transport: Transport,
    door: Door,
) -> Incoming {
    let is_trunk = matches!(door, Door::Trunk(_));
    let headers = request.headers.iter().filter(|header| is_told(header.name(), is_trunk)).take(MAX_TOLD_HEADERS);
    let headers =
        headers.map(|header| (header.name().to_string(), header.value().chars().take(MAX_TOLD_LENGTH).collect()));
    Incoming {
        key,
        from: from.party(),
        called: called(request),
        headers: headers.collect(),
        offer: message::text(&request.body),
        source,
        transport,
        proven: door != Door::Open,
        door,
        call_id: message::value(&request.headers, "Call-ID").unwrap_or_default().to_string(),
    }
}

/// The user part of the Request-URI, escapes resolved; `tel:` addresses have it as their host.
fn called(request: &Request) -> String {
    let text = request.uri.to_string();
    match message::parse_uri(&text) {
        Some(uri) => uri.user().map_or_else(|| uri.host_with_port.host.to_string(), str::to_string),
        None => text,
    }
}

fn is_told(name: &str, is_trunk: bool) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-")
        || matches!(name.as_str(), "user-agent" | "diversion")
        || (is_trunk && matches!(name.as_str(), "p-asserted-identity" | "privacy" | "history-info"))
}

fn open(
    core: &Core,
    key: DialogKey,
    transaction: &Transaction,
    from: NameAddr,
    source: SocketAddr,
    transport: Transport,
    proven: bool,
) -> Dialog {
    let request = &transaction.original;
    let headers = &request.headers;
    let local_tag = new_tag(&core.config.boot);
    let header = |name| message::value(headers, name).unwrap_or_default().to_string();
    Dialog {
        key,
        call_id: header("Call-ID"),
        remote_tag: from.tag.unwrap_or_default(),
        local: format!("{};tag={local_tag}", header("To")),
        remote: header("From"),
        // Without a Contact the peer's From address names it; it is reached where it came from anyway.
        target: message::contact(headers).unwrap_or(from.uri),
        routes: message::record_routes(headers),
        contact: core.contact(&called(request), source.ip(), transport),
        cseq: 0,
        remote_cseq: cseq(request),
        peer: source,
        transport,
        phase: Phase::Arriving,
        proven,
        is_counted: !proven,
        pending: Some(Pending {
            sender: transaction.tu_sender.clone(),
            head: message::reply_head(request, Some(&local_tag)),
        }),
        is_offering: false,
        is_changing: false,
        stop: Rc::new(Notify::new()),
        holds_peer: false,
        driver: None,
        local_tag,
    }
}

pub(crate) fn cseq(request: &Request) -> u32 {
    let value = message::value(&request.headers, "CSeq").unwrap_or_default();
    value.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The life of an INVITE's server transaction: CANCEL, ACK, or neither.
async fn serve(core: Rc<Core>, key: DialogKey, mut transaction: Transaction) {
    loop {
        let message = match timeout(core.patience(), transaction.receive()).await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(_) if core.dialogs.borrow().get(key).is_some_and(|dialog| dialog.phase == Phase::Arriving) => continue,
            // The library's own timers end before; they do not run for an answer that it could not send.
            Err(_) => break,
        };
        let SipMessage::Request(request) = message else { continue };
        match request.method {
            Method::Cancel => cancelled(&core, key, &request),
            Method::Ack => {
                acknowledged(&core, key, &request);
                // What remains of the transaction the library keeps in its table of finished ones.
                return;
            }
            _ => {}
        }
    }
    never_acknowledged(&core, key);
}

fn cancelled(core: &Rc<Core>, key: DialogKey, cancel: &Request) {
    let pending = match core.dialogs.borrow_mut().get_mut(key) {
        Some(dialog) if dialog.phase == Phase::Arriving => dialog.pending.take(),
        _ => return,
    };
    if let Some(pending) = pending {
        pending.reply(487, vec![], None);
    }
    let q850 = message::q850(&cancel.headers);
    finish(core, key, End { code: 487, reason: "Request Terminated".into(), q850, by: By::Peer });
}

fn acknowledged(core: &Rc<Core>, key: DialogKey, ack: &Request) {
    let phase = {
        let mut dialogs = core.dialogs.borrow_mut();
        let Some(dialog) = dialogs.get_mut(key) else { return };
        let phase = dialog.phase;
        if phase == Phase::Answered {
            dialog.phase = Phase::Up;
            dialog.proven = true;
            prove(core, dialog);
        }
        phase
    };
    match phase {
        Phase::Answered => core.tell(Event::Acked { key, sdp: message::text(&ack.body) }),
        Phase::Closing => bye(core, key, Some(16)),
        _ => {}
    }
}

/// 64 x T1 without an ACK: the call is ended with BYE (RFC 3261, 13.3.1.4).
fn never_acknowledged(core: &Rc<Core>, key: DialogKey) {
    let phase = core.dialogs.borrow().get(key).map(|dialog| dialog.phase);
    match phase {
        Some(Phase::Answered) => {
            send_bye(core, key, Some(102));
            finish(core, key, End { code: 408, reason: "Never acknowledged".into(), q850: Some(102), by: By::Timeout });
        }
        Some(Phase::Closing) => bye(core, key, Some(16)),
        Some(Phase::Arriving) => {
            finish(core, key, End { code: 408, reason: "Never answered".into(), q850: None, by: By::Timeout })
        }
        _ => {}
    }
}

/// How a dialog ended.
pub(crate) struct End {
    pub code: u16,
    pub reason: String,
    pub q850: Option<u8>,
    pub by: By,
}

/// Removes the dialog and tells the owner, who has not been told yet unless it was closing already.
pub(crate) fn finish(core: &Rc<Core>, key: DialogKey, end: End) {
    let Some(mut dialog) = core.dialogs.borrow_mut().remove(key) else { return };
    prove(core, &mut dialog);
    if dialog.holds_peer {
        core.gate.borrow_mut().release(dialog.peer.ip(), core.patience(), tokio::time::Instant::now());
    }
    if dialog.phase != Phase::Closing {
        tell_end(core, &dialog, end);
    }
}

/// The one `Ended` of a dialog.
pub(crate) fn tell_end(core: &Core, dialog: &Dialog, end: End) {
    let q850 = end.q850.or_else(|| Some(message::q850_of_code(end.code)));
    let ended = Ended { key: dialog.key, code: end.code, reason: end.reason, q850, by: end.by, proven: dialog.proven };
    core.tell(Event::Ended(Box::new(ended)));
}

/// BYE and out.
pub(crate) fn bye(core: &Rc<Core>, key: DialogKey, q850: Option<u8>) {
    send_bye(core, key, q850);
    finish(core, key, End { code: 200, reason: String::new(), q850, by: By::Us });
}

pub(crate) fn send_bye(core: &Rc<Core>, key: DialogKey, q850: Option<u8>) {
    let mut dialogs = core.dialogs.borrow_mut();
    let Some(dialog) = dialogs.get_mut(key) else { return };
    let reason = q850.map(|cause| message::header("Reason", format!("Q.850;cause={cause}")));
    let request = dialog.request(core, Method::Bye, reason.into_iter().collect(), None);
    let (peer, transport) = dialog.next_hop(core);
    core.fire(request, peer, transport);
}

/// No longer one of the open door's unproven.
fn prove(core: &Core, dialog: &mut Dialog) {
    if std::mem::take(&mut dialog.is_counted) {
        core.tally.unproven.set(core.tally.unproven.get().saturating_sub(1));
    }
}

/// What a caller may make us carry.
const MAX_TOLD_HEADERS: usize = 32;
const MAX_TOLD_LENGTH: usize = 512;
