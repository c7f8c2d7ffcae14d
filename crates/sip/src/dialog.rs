//! Dialogs: made here, found by our tag, removed when they end. Nothing else keeps one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use rsipstack::sip::headers::untyped;
use rsipstack::sip::{Header, Method, Request, Response, Uri};
use rsipstack::transaction::transaction::{TransactionEvent, TransactionEventSender};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::api::{DialogKey, Party, Transport};
use crate::core::{self, Core};
use crate::framing::tag_of;
use crate::message;

/// One dialog of ours (RFC 3261, 12), from the INVITE on.
pub(crate) struct Dialog {
    pub key: DialogKey,
    pub call_id: String,
    pub local_tag: String,
    /// Empty until the other side has one.
    pub remote_tag: String,
    /// The values of From and To in requests of ours, tags included.
    pub local: String,
    pub remote: String,
    /// Where requests are addressed (the peer's Contact) and what they travel through.
    pub target: Uri,
    pub routes: Vec<String>,
    /// Our Contact value.
    pub contact: String,
    pub cseq: u32,
    pub remote_cseq: u32,
    /// Where its messages come from.
    pub peer: SocketAddr,
    pub transport: Transport,
    pub phase: Phase,
    /// False until proven by trunk, account, or ACK.
    pub proven: bool,
    /// Counted among the unproven of the open door.
    pub is_counted: bool,
    /// A request of the peer's that waits for our answer: its INVITE, or a change.
    pub pending: Option<Pending>,
    /// A change of ours is wanted, and on the wire at this moment.
    pub is_offering: bool,
    pub is_changing: bool,
    /// Ends the task that dials.
    pub stop: Rc<Notify>,
    /// We hold the peer's address open in the gate.
    pub holds_peer: bool,
    /// The task that serves its INVITE; aborted when nothing more is to be repeated.
    pub driver: Option<AbortHandle>,
}

/// Where a dialog is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Their INVITE, not answered yet.
    Arriving,
    /// Our INVITE, not answered yet.
    Dialling,
    /// Our 200 is out, its ACK is not in.
    Answered,
    Up,
    /// The owner is done with it; only what RFC 3261 asks for is left (CANCEL for 200, ACK before BYE).
    Closing,
}

/// A server transaction that waits for the owner's word.
pub(crate) struct Pending {
    pub sender: TransactionEventSender,
    pub head: Vec<Header>,
}

impl Pending {
    /// Answers it. The transaction's own task sends it.
    pub fn reply(&self, code: u16, more: Vec<Header>, body: Option<String>) {
        let response = message::reply(&self.head, code, more, body);
        // The task may be gone (its transaction timed out): then there is nobody to answer.
        let _ = self.sender.send(TransactionEvent::Respond(response));
    }
}

impl Dialog {
    /// A new request inside this dialog, the next in order.
    pub fn request(&mut self, core: &Core, method: Method, more: Vec<Header>, body: Option<&str>) -> Request {
        self.cseq += 1;
        self.request_numbered(core, method, self.cseq, more, body)
    }

    /// A request with this number: an ACK carries its INVITE's (RFC 3261, 13.2.2.4).
    pub fn request_numbered(
        &self,
        core: &Core,
        method: Method,
        cseq: u32,
        more: Vec<Header>,
        body: Option<&str>,
    ) -> Request {
        let mut headers = vec![
            core.via(self.peer.ip(), self.transport),
            Header::From(untyped::From::new(self.local.clone())),
            Header::To(untyped::To::new(self.remote.clone())),
            Header::CallId(untyped::CallId::new(self.call_id.clone())),
            Header::CSeq(untyped::CSeq::new(format!("{cseq} {method}"))),
            Header::MaxForwards(70.into()),
        ];
        headers.extend(self.routes.iter().map(|route| Header::Route(untyped::Route::new(route.clone()))));
        headers.push(Header::UserAgent(untyped::UserAgent::new(core.config.user_agent.clone())));
        headers.extend(more);
        core::request(method, self.target.clone(), headers, body)
    }

    /// Where its next request goes.
    pub fn next_hop(&self, core: &Core) -> (SocketAddr, Transport) {
        core.next_hop(&self.routes, &self.target, self.peer, self.transport)
    }

    /// The same call on another branch of it: what is needed to acknowledge and end an answer that came too late.
    pub fn fork(&self) -> Dialog {
        Dialog {
            key: self.key,
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: String::new(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            target: self.target.clone(),
            routes: Vec::new(),
            contact: self.contact.clone(),
            cseq: self.cseq,
            remote_cseq: 0,
            peer: self.peer,
            transport: self.transport,
            phase: Phase::Closing,
            proven: false,
            is_counted: false,
            pending: None,
            is_offering: false,
            is_changing: false,
            stop: Rc::new(Notify::new()),
            holds_peer: false,
            driver: None,
        }
    }

    /// Takes from a 2xx what makes a dialog of it (RFC 3261, 12.1.2).
    pub fn establish(&mut self, response: &Response) {
        if let Some(to) = message::value(&response.headers, "To") {
            self.remote = to.to_string();
            self.remote_tag = tag_of(to).unwrap_or_default().to_string();
        }
        if let Some(target) = message::contact(&response.headers) {
            self.target = target;
        }
        self.routes = message::record_routes(&response.headers);
        self.routes.reverse();
    }

    pub fn contact_header(&self) -> Header {
        Header::Contact(untyped::Contact::new(self.contact.clone()))
    }

    /// What a final answer that makes or changes a session carries.
    pub fn session_headers(&self, core: &Core) -> Vec<Header> {
        vec![
            self.contact_header(),
            message::header("Allow", message::ALLOW),
            message::header("Server", core.config.user_agent.clone()),
        ]
    }
}

/// The table.
#[derive(Default)]
pub(crate) struct Dialogs {
    last: u64,
    by_key: HashMap<DialogKey, Dialog>,
    by_tag: HashMap<String, DialogKey>,
}

impl Dialogs {
    /// A key that was never used.
    pub fn new_key(&mut self) -> DialogKey {
        self.last += 1;
        DialogKey(self.last)
    }

    pub fn insert(&mut self, dialog: Dialog) {
        self.by_tag.insert(dialog.local_tag.clone(), dialog.key);
        self.by_key.insert(dialog.key, dialog);
    }

    pub fn get(&self, key: DialogKey) -> Option<&Dialog> {
        self.by_key.get(&key)
    }

    pub fn get_mut(&mut self, key: DialogKey) -> Option<&mut Dialog> {
        self.by_key.get_mut(&key)
    }

    pub fn contains(&self, key: DialogKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// The dialog that a request belongs to (RFC 3261, 12.2.2): all three names must match.
    pub fn find(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Option<DialogKey> {
        let key = self.by_tag.get(local_tag)?;
        let dialog = self.by_key.get(key)?;
        (dialog.call_id == call_id && dialog.remote_tag == remote_tag).then_some(*key)
    }

    pub fn remove(&mut self, key: DialogKey) -> Option<Dialog> {
        let dialog = self.by_key.remove(&key)?;
        self.by_tag.remove(&dialog.local_tag);
        Some(dialog)
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn keys(&self) -> Vec<DialogKey> {
        self.by_key.keys().copied().collect()
    }
}

/// A tag of ours: says which process made it, and cannot be guessed.
pub(crate) fn new_tag(boot: &str) -> String {
    format!("{boot}-{}", crate::random::text(12))
}

/// Our side of From or To.
pub(crate) fn local_value(party: &Party, host: &str, tag: &str) -> String {
    let user: String =
        party.number.chars().filter(|letter| !letter.is_control() && !"<>\"@;:? \\".contains(*letter)).collect();
    let uri = if user.is_empty() { format!("sip:{host}") } else { format!("sip:{user}@{host}") };
    format!("{};tag={tag}", message::name_addr(&party.name, &uri))
}
