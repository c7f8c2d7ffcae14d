//! Requests of the peer inside a dialog: BYE, re-INVITE, UPDATE, INFO and those that we refuse.

use std::rc::Rc;

use rsipstack::sip::{Method, Request, SipMessage};
use rsipstack::transaction::Transaction;
use tokio::time::{Duration, Instant};

use crate::api::{By, DialogKey, Event};
use crate::arrive::{End, cseq, finish, reply_now};
use crate::core::Core;
use crate::dialog::{Pending, Phase};
use crate::framing::tag_of;
use crate::message;
use crate::sdp::Session;

pub(crate) async fn dispatch(core: &Rc<Core>, transaction: Transaction, local_tag: &str) {
    let request = &transaction.original;
    let Some(key) = find(core, request, local_tag) else {
        return reply_now(core, transaction, 481, vec![]).await;
    };
    if !is_next(core, key, cseq(request)) {
        return reply_now(core, transaction, 500, vec![]).await;
    }
    match request.method {
        Method::Bye => bye(core, key, transaction).await,
        Method::Invite | Method::Update => change(core, key, transaction).await,
        Method::Info => info(core, key, transaction).await,
        Method::Options => reply_now(core, transaction, 200, vec![message::header("Allow", message::ALLOW)]).await,
        Method::Refer => {
            let to = message::value(&request.headers, "Refer-To").unwrap_or_default().to_string();
            reply_now(core, transaction, 603, vec![]).await;
            core.tell(Event::Transfer { key, to });
        }
        _ => reply_now(core, transaction, 405, vec![message::header("Allow", message::ALLOW)]).await,
    }
}

fn find(core: &Core, request: &Request, local_tag: &str) -> Option<DialogKey> {
    let call_id = message::value(&request.headers, "Call-ID")?;
    let remote_tag = tag_of(message::value(&request.headers, "From")?).unwrap_or_default();
    core.dialogs.borrow().find(call_id, local_tag, remote_tag)
}

/// Requests count upwards (RFC 3261, 12.2.2); the higher number is remembered.
fn is_next(core: &Core, key: DialogKey, number: u32) -> bool {
    let mut dialogs = core.dialogs.borrow_mut();
    let Some(dialog) = dialogs.get_mut(key) else { return false };
    if number <= dialog.remote_cseq {
        return false;
    }
    dialog.remote_cseq = number;
    true
}

async fn bye(core: &Rc<Core>, key: DialogKey, transaction: Transaction) {
    let q850 = message::q850(&transaction.original.headers);
    reply_now(core, transaction, 200, vec![]).await;
    let (pending, driver) = {
        let mut dialogs = core.dialogs.borrow_mut();
        let Some(dialog) = dialogs.get_mut(key) else { return };
        (dialog.pending.take(), dialog.driver.take())
    };
    match (pending, driver) {
        // RFC 3261, 15.1.2: what still waits for an answer gets 487.
        (Some(pending), _) => pending.reply(487, vec![], None),
        // Our 200 need not be repeated any more.
        (None, Some(driver)) => driver.abort(),
        (None, None) => {}
    }
    finish(core, key, End { code: 200, reason: String::new(), q850: q850.or(Some(16)), by: By::Peer });
}

/// A new offer (RFC 3261, 14.2; RFC 3311): one at a time, the owner answers.
async fn change(core: &Rc<Core>, key: DialogKey, transaction: Transaction) {
    let request = &transaction.original;
    let is_update = request.method == Method::Update;
    let sdp = message::text(&request.body);
    if is_update && sdp.is_none() {
        refresh_target(core, key, request);
        let more = session_headers(core, key);
        return reply_now(core, transaction, 200, more).await;
    }
    if let Some(code) = glare(core, key) {
        let retry = (code == 500).then(|| message::header("Retry-After", "1"));
        return reply_now(core, transaction, code, retry.into_iter().collect()).await;
    }
    let held = match sdp.as_deref().map(Session::parse) {
        Some(Err(_)) => return reply_now(core, transaction, 488, vec![]).await,
        Some(Ok(session)) => session.is_held(),
        None => false,
    };
    refresh_target(core, key, request);
    if let Some(dialog) = core.dialogs.borrow_mut().get_mut(key) {
        let head = message::reply_head(request, Some(&dialog.local_tag));
        dialog.pending = Some(Pending { sender: transaction.tu_sender.clone(), head });
    }
    core.tell(Event::Changed { key, sdp: sdp.clone(), held });
    tokio::task::spawn_local(serve(Rc::clone(core), key, transaction, sdp.is_none()));
}

/// 491 while our own change is out, 500 while theirs is not answered yet (RFC 3261, 14.2), 491 before the first ACK.
fn glare(core: &Core, key: DialogKey) -> Option<u16> {
    let dialogs = core.dialogs.borrow();
    let dialog = dialogs.get(key)?;
    match dialog.phase {
        Phase::Closing => Some(481),
        _ if dialog.is_changing => Some(491),
        _ if dialog.pending.is_some() => Some(500),
        Phase::Up => None,
        _ => Some(491),
    }
}

fn refresh_target(core: &Core, key: DialogKey, request: &Request) {
    if let (Some(target), Some(dialog)) = (message::contact(&request.headers), core.dialogs.borrow_mut().get_mut(key)) {
        dialog.target = target;
    }
}

fn session_headers(core: &Core, key: DialogKey) -> Vec<rsipstack::sip::Header> {
    core.dialogs.borrow().get(key).map(|dialog| dialog.session_headers(core)).unwrap_or_default()
}

/// The life of a change's transaction: the owner's answer within 4 s, then ACK (for an INVITE).
async fn serve(core: Rc<Core>, key: DialogKey, mut transaction: Transaction, is_offerless: bool) {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let end = deadline + core.patience();
    loop {
        let is_waiting = core.dialogs.borrow().get(key).is_some_and(|dialog| dialog.pending.is_some());
        tokio::select! {
            message = transaction.receive() => match message {
                Some(SipMessage::Request(request)) if request.method == Method::Ack => {
                    if is_offerless && core.has(key) {
                        core.tell(Event::Acked { key, sdp: message::text(&request.body) });
                    }
                    return;
                }
                Some(SipMessage::Request(request)) if request.method == Method::Cancel => refuse(&core, key, 487),
                Some(_) => {}
                None => return,
            },
            () = tokio::time::sleep_until(deadline), if is_waiting => refuse(&core, key, 500),
            // For an answer that could not be sent the library starts no timer.
            () = tokio::time::sleep_until(end) => return,
        }
    }
}

fn refuse(core: &Core, key: DialogKey, code: u16) {
    if let Some(pending) = core.dialogs.borrow_mut().get_mut(key).and_then(|dialog| dialog.pending.take()) {
        pending.reply(code, vec![], None);
    }
}

async fn info(core: &Rc<Core>, key: DialogKey, transaction: Transaction) {
    let request = &transaction.original;
    let kind = message::value(&request.headers, "Content-Type").unwrap_or_default().to_ascii_lowercase();
    let body = message::text(&request.body).unwrap_or_default();
    let pressed = match kind.split(';').next().unwrap_or_default().trim() {
        "application/dtmf-relay" => relayed_digit(&body),
        "application/dtmf" => digit(body.trim()).map(|digit| (digit, DEFAULT_DIGIT)),
        "" => None,
        _ => return reply_now(core, transaction, 415, vec![message::header("Accept", "application/dtmf-relay")]).await,
    };
    reply_now(core, transaction, 200, vec![]).await;
    if let Some((digit, duration)) = pressed {
        core.tell(Event::Digit { key, digit, duration });
    }
}

/// `Signal=5` and `Duration=160`, a line each.
fn relayed_digit(body: &str) -> Option<(char, Duration)> {
    let field = |wanted: &str| {
        body.lines()
            .filter_map(|line| line.split_once('='))
            .find_map(|(name, value)| name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim()))
    };
    let duration = field("duration").and_then(|text| text.parse().ok()).map_or(DEFAULT_DIGIT, Duration::from_millis);
    Some((digit(field("signal")?)?, duration.min(Duration::from_secs(10))))
}

fn digit(text: &str) -> Option<char> {
    let mut letters = text.chars();
    let letter = letters.next()?.to_ascii_uppercase();
    (letters.next().is_none() && "0123456789*#ABCD".contains(letter)).then_some(letter)
}

/// Shorter than the peer's patience, so that it hears our refusal and not its own time-out.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
const DEFAULT_DIGIT: Duration = Duration::from_millis(160);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_in_both_forms_and_nothing_else_is() {
        assert_eq!(relayed_digit("Signal=5\r\nDuration=160\r\n"), Some(('5', Duration::from_millis(160))));
        assert_eq!(relayed_digit("signal = #\r\n"), Some(('#', DEFAULT_DIGIT)));
        assert_eq!(relayed_digit("Duration=160\r\n"), None);
        assert_eq!((digit("12"), digit(""), digit("d"), digit("é")), (None, None, Some('D'), None));
    }
}
