//! The registrar for phones of accounts (RFC 3261, 10): digest, NAT, a few bindings each, in memory.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use rsipstack::sip::{Header, Request, Uri};
use rsipstack::transaction::Transaction;
use tokio::time::{Duration, Instant};

use crate::api::{Account, Event, Gone, Transport};
use crate::arrive::{challenge, cseq, reply_now, verify};
use crate::core::Core;
use crate::digest::Denied;
use crate::gate::Class;
use crate::message::{self, NameAddr};

/// Accounts and where their phones are.
#[derive(Default)]
pub(crate) struct Registrar {
    accounts: HashMap<String, String>,
    bindings: HashMap<String, Vec<Binding>>,
}

struct Binding {
    contact: Uri,
    source: SocketAddr,
    transport: Transport,
    call_id: String,
    cseq: u32,
    until: Instant,
    /// The contact is not where its packets come from: its NAT needs packets to stay open.
    is_behind_nat: bool,
    pinged_at: Instant,
}

impl Registrar {
    pub fn has_account(&self, name: &str) -> bool {
        self.accounts.contains_key(name)
    }

    pub fn password(&self, name: &str) -> Option<String> {
        self.accounts.get(name).cloned()
    }

    pub fn len(&self) -> usize {
        self.bindings.values().map(Vec::len).sum()
    }

    /// Where the account's phones are, newest first. They are reached where their packets came from, whatever their
    /// Contact says.
    pub fn bindings(&self, name: &str) -> Vec<(Uri, SocketAddr, Transport)> {
        let bindings = self.bindings.get(name).map(Vec::as_slice).unwrap_or_default();
        bindings.iter().rev().map(|binding| (binding.contact.clone(), binding.source, binding.transport)).collect()
    }
}

/// The accounts, whole.
pub(crate) fn set_accounts(core: &Rc<Core>, accounts: Vec<Account>) {
    let mut registrar = core.registrar.borrow_mut();
    registrar.accounts = accounts.into_iter().map(|account| (account.name, account.password)).collect();
    let gone: Vec<String> =
        registrar.bindings.keys().filter(|name| !registrar.accounts.contains_key(*name)).cloned().collect();
    for account in gone {
        for binding in registrar.bindings.remove(&account).unwrap_or_default() {
            let contact = binding.contact.to_string();
            core.tell(Event::Unregistered { account: account.clone(), contact, why: Gone::Removed });
        }
    }
}

/// REGISTER.
pub(crate) async fn register(
    core: &Rc<Core>,
    transaction: Transaction,
    source: SocketAddr,
    transport: Transport,
    class: &Class,
) {
    if !matches!(class, Class::Door { accounts: true, .. }) {
        let allow = message::ALLOW.to_string();
        return reply_now(core, transaction, 405, vec![message::header("Allow", allow)]).await;
    }
    let account = match verify(core, &transaction.original, source) {
        Some(Ok(account)) => account,
        denied => {
            let stale = denied == Some(Err(Denied::Stale));
            let more = challenge(core, &transaction.original, source, stale);
            return reply_now(core, transaction, 401, more).await;
        }
    };
    let request = &transaction.original;
    let user = message::value(&request.headers, "To").and_then(NameAddr::parse);
    if user.as_ref().and_then(|to| to.uri.user()) != Some(account.as_str()) {
        return reply_now(core, transaction, 403, vec![]).await;
    }
    let (code, more) = bind(core, &account, request, source, transport);
    reply_now(core, transaction, code, more).await;
}

/// Carries out a verified REGISTER; gives the answer.
fn bind(
    core: &Rc<Core>,
    account: &str,
    request: &Request,
    source: SocketAddr,
    transport: Transport,
) -> (u16, Vec<Header>) {
    let now = Instant::now();
    let contacts: Vec<&str> = message::values(&request.headers, "Contact").flat_map(message::split_list).collect();
    let default = message::value(&request.headers, "Expires")
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(DEFAULT_EXPIRES_S);
    let mut told = Vec::new();
    {
        let mut registrar = core.registrar.borrow_mut();
        let bindings = registrar.bindings.entry(account.to_string()).or_default();
        if contacts == ["*"] && default == 0 {
            told.extend(bindings.drain(..).map(|binding| unregistered(account, &binding, Gone::Asked)));
        }
        for contact in contacts.iter().filter(|contact| **contact != "*").take(MAX_BINDINGS) {
            let Some(address) = NameAddr::parse(contact) else { return (400, vec![]) };
            let expires_s = expires_of(contact).unwrap_or(default);
            let new = Binding {
                is_behind_nat: message::literal_address(&address.uri) != Some(source),
                contact: address.uri,
                source,
                transport,
                call_id: message::value(&request.headers, "Call-ID").unwrap_or_default().to_string(),
                cseq: cseq(request),
                until: now + Duration::from_secs(u64::from(expires_s.min(MAX_EXPIRES_S))),
                pinged_at: now,
            };
            match rebind(bindings, new, expires_s == 0) {
                Rebound::Bound(expires) => told.push(registered(account, bindings, expires, request)),
                Rebound::Removed(binding) => told.push(unregistered(account, &binding, Gone::Asked)),
                Rebound::Unchanged => {}
                // RFC 3261, 10.3: a request out of order changes nothing.
                Rebound::OutOfOrder => return (500, vec![]),
            }
        }
        if bindings.is_empty() {
            registrar.bindings.remove(account);
        }
    }
    for event in told {
        core.tell(event);
    }
    (200, current(core, account, now))
}

enum Rebound {
    Bound(Duration),
    Removed(Box<Binding>),
    Unchanged,
    OutOfOrder,
}

fn rebind(bindings: &mut Vec<Binding>, new: Binding, is_removal: bool) -> Rebound {
    // The same phone behind a NAT that gave it a new port is the same Call-ID.
    let same = bindings.iter().position(|old| old.contact == new.contact || old.call_id == new.call_id);
    if let Some(at) = same {
        if bindings[at].call_id == new.call_id && bindings[at].cseq >= new.cseq {
            return Rebound::OutOfOrder;
        }
        let old = bindings.remove(at);
        if is_removal {
            return Rebound::Removed(Box::new(old));
        }
    } else if is_removal {
        return Rebound::Unchanged;
    }
    if bindings.len() >= MAX_BINDINGS {
        bindings.remove(0);
    }
    let expires = new.until.duration_since(new.pinged_at);
    bindings.push(new);
    Rebound::Bound(expires)
}

fn registered(account: &str, bindings: &[Binding], expires: Duration, request: &Request) -> Event {
    // The newest is the last; `rebind` has just pushed it.
    let binding = &bindings[bindings.len() - 1];
    Event::Registered {
        account: account.to_string(),
        contact: binding.contact.to_string(),
        source: binding.source,
        transport: binding.transport,
        expires,
        user_agent: message::value(&request.headers, "User-Agent").unwrap_or_default().to_string(),
    }
}

fn unregistered(account: &str, binding: &Binding, why: Gone) -> Event {
    Event::Unregistered { account: account.to_string(), contact: binding.contact.to_string(), why }
}

/// The Contact list of a 200.
fn current(core: &Core, account: &str, now: Instant) -> Vec<Header> {
    let registrar = core.registrar.borrow();
    let bindings = registrar.bindings.get(account).map(Vec::as_slice).unwrap_or_default();
    bindings
        .iter()
        .map(|binding| {
            let left = binding.until.duration_since(now).as_secs();
            message::header("Contact", format!("<{}>;expires={left}", binding.contact))
        })
        .collect()
}

fn expires_of(contact: &str) -> Option<u32> {
    let parameters = contact.rsplit('>').next()?;
    parameters.split(';').find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("expires").then(|| value.trim().parse().ok())?
    })
}

/// Once a second: registrations run out, NATs are kept open.
pub(crate) fn sweep(core: &Rc<Core>, now: Instant) {
    let mut told = Vec::new();
    {
        let mut registrar = core.registrar.borrow_mut();
        for (account, bindings) in &mut registrar.bindings {
            let over = bindings.extract_if(.., |binding| binding.until <= now);
            told.extend(over.map(|binding| unregistered(account, &binding, Gone::Expired)));
            for binding in
                bindings.iter_mut().filter(|binding| binding.is_behind_nat && binding.transport == Transport::Udp)
            {
                if now.duration_since(binding.pinged_at) >= KEEP_NAT_OPEN {
                    binding.pinged_at = now;
                    core.sender.send(b"\r\n\r\n", binding.source);
                }
            }
        }
        registrar.bindings.retain(|_, bindings| !bindings.is_empty());
    }
    for event in told {
        core.tell(event);
    }
}

const DEFAULT_EXPIRES_S: u32 = 300;
const MAX_EXPIRES_S: u32 = 3600;
const MAX_BINDINGS: usize = 5;
const KEEP_NAT_OPEN: Duration = Duration::from_secs(25);
