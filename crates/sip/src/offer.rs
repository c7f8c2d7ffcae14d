//! Changes of ours inside a call: one re-INVITE at a time, tried again when it meets the peer's (RFC 3261, 14.1).

use std::rc::Rc;

use rsipstack::sip::{Method, Response};
use tokio::time::Duration;

use crate::api::{By, DialogKey, Event, Refused};
use crate::arrive::{self, End, finish};
use crate::core::Core;
use crate::dial::acknowledge;
use crate::dialog::Phase;
use crate::{message, random};

/// Our own re-INVITE.
pub(crate) fn change(core: &Rc<Core>, key: DialogKey, sdp: &str) -> Result<(), Refused> {
    let mut dialogs = core.dialogs.borrow_mut();
    let dialog = dialogs.get_mut(key).ok_or(Refused::Gone)?;
    if dialog.phase != Phase::Up || dialog.is_offering || dialog.pending.is_some() {
        return Err(Refused::State);
    }
    dialog.is_changing = true;
    dialog.is_offering = true;
    tokio::task::spawn_local(offer(Rc::clone(core), key, sdp.to_string()));
    Ok(())
}

async fn offer(core: Rc<Core>, key: DialogKey, sdp: String) {
    for _ in 0..GLARE_TRIES {
        let Some(response) = reinvite(&core, key, &sdp).await else { return };
        if response.status_code.code() != 491 {
            return settle_offer(&core, key, &response);
        }
        // While ours waits for its next try, theirs may pass.
        fly(&core, key, false);
        // RFC 3261, 14.1: whoever made the Call-ID waits longer; a random wait parts the two.
        let wait_ms = 400 + u64::from(random::text(1).as_bytes()[0]) * 15;
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    end_offer(&core, key, Err(491));
}

async fn reinvite(core: &Rc<Core>, key: DialogKey, sdp: &str) -> Option<Response> {
    while core.dialogs.borrow().get(key)?.pending.is_some() {
        tokio::time::sleep(THEIRS_FIRST).await;
    }
    fly(core, key, true);
    let (request, peer, transport) = {
        let mut dialogs = core.dialogs.borrow_mut();
        let dialog = dialogs.get_mut(key)?;
        let more = vec![dialog.contact_header(), message::header("Allow", message::ALLOW)];
        let (peer, transport) = dialog.next_hop(core);
        (dialog.request(core, Method::Invite, more, Some(sdp)), peer, transport)
    };
    let response = core.ask(request.clone(), peer, transport).await;
    let mut dialogs = core.dialogs.borrow_mut();
    let dialog = dialogs.get_mut(key)?;
    if let Some(response) = &response
        && (200..300).contains(&response.status_code.code())
    {
        if let Some(target) = message::contact(&response.headers) {
            dialog.target = target;
        }
        acknowledge(core, dialog, &request);
    }
    drop(dialogs);
    response.or_else(|| {
        end_offer(core, key, Err(503));
        None
    })
}

fn settle_offer(core: &Rc<Core>, key: DialogKey, response: &Response) {
    let code = response.status_code.code();
    match code {
        200..300 => end_offer(core, key, Ok(message::text(&response.body))),
        // The dialog is gone on the other side (RFC 3261, 12.2.1.2).
        408 | 481 => {
            arrive::send_bye(core, key, Some(41));
            finish(core, key, End { code, reason: "Dialog lost".into(), q850: Some(41), by: By::Timeout });
        }
        _ => end_offer(core, key, Err(code)),
    }
}

fn end_offer(core: &Core, key: DialogKey, answer: Result<Option<String>, u16>) {
    if let Some(dialog) = core.dialogs.borrow_mut().get_mut(key) {
        dialog.is_changing = false;
        dialog.is_offering = false;
        core.tell(Event::ChangeAnswered { key, answer });
    }
}

/// Marks our change as being on the wire or not.
fn fly(core: &Core, key: DialogKey, is_changing: bool) {
    if let Some(dialog) = core.dialogs.borrow_mut().get_mut(key) {
        dialog.is_changing = is_changing;
    }
}

const GLARE_TRIES: u32 = 4;
/// How often we look whether the owner has answered the peer's change.
const THEIRS_FIRST: Duration = Duration::from_millis(20);
