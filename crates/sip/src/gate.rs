//! Admission: who is let in, decided by source and first line, before anything is parsed.
//!
//! Everything that turns a message away lives here. Strangers get silence; what we have no room for gets a stateless
//! 503; trunks are exempt from limits by source, since all their callers share one address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::rc::Rc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::time::{Duration, Instant};

use crate::api::Admission;
use crate::framing::{Glance, Kind, STATELESS_TAG};
use crate::net::Net;

/// What is known of a source by its address alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The trunk's name.
    Trunk(Rc<str>),
    /// Calls from anyone, phones of accounts, or both.
    Door {
        open: bool,
        accounts: bool,
    },
    /// A peer that we sent something to: answers and in-dialog requests only.
    Known,
    Stranger,
}

/// What happens to a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admit,
    /// Dropped without a word.
    Silence(Why),
    /// Answered 503 without keeping anything.
    Busy,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Why {
    Stranger,
    Limited,
    Nobodys,
}

/// What the rest of the house looks like at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub unproven: usize,
    /// No room for events, or the receive buffer does not drain.
    pub overloaded: bool,
}

pub(crate) struct Gate {
    admission: Admission,
    trunks: Vec<(Net, Rc<str>)>,
    known: HashMap<IpAddr, Known>,
    failures: HashMap<IpAddr, Failures>,
    limiter: DefaultKeyedRateLimiter<IpAddr>,
}

struct Known {
    holders: usize,
    /// Kept after the last holder for what is still on its way.
    until: Instant,
}

struct Failures {
    count: u32,
    since: Instant,
    blocked_until: Option<Instant>,
}

impl Gate {
    pub fn new(admission: Admission) -> Self {
        let limiter = limiter(&admission);
        Self { admission, trunks: Vec::new(), known: HashMap::new(), failures: HashMap::new(), limiter }
    }

    pub fn set_admission(&mut self, admission: Admission) {
        if (admission.per_source, admission.per_source_burst)
            != (self.admission.per_source, self.admission.per_source_burst)
        {
            self.limiter = limiter(&admission);
        }
        self.admission = admission;
    }

    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    pub fn set_full(&mut self, full: bool) {
        self.admission.full = full;
    }

    /// The trunks' trusted ranges, whole.
    pub fn set_trunks(&mut self, trunks: Vec<(Net, Rc<str>)>) {
        self.trunks = trunks;
    }

    pub fn trunks(&self) -> &[(Net, Rc<str>)] {
        &self.trunks
    }

    /// What this source may do at all.
    pub fn class(&self, source: IpAddr, now: Instant) -> Class {
        let source = source.to_canonical();
        if self.admission.blocked.iter().any(|net| net.contains(source)) || self.is_blocked(source, now) {
            return Class::Stranger;
        }
        if let Some((_, name)) = self.trunks.iter().find(|(net, _)| net.contains(source)) {
            return Class::Trunk(Rc::clone(name));
        }
        let open = self.admission.open.iter().any(|net| net.contains(source));
        let accounts = self.admission.accounts.iter().any(|net| net.contains(source));
        if open || accounts {
            return Class::Door { open, accounts };
        }
        match self.known.get(&source) {
            Some(known) if known.holders > 0 || known.until > now => Class::Known,
            _ => Class::Stranger,
        }
    }

    /// Judges one message of a source of this class.
    pub fn judge(&self, class: &Class, source: SocketAddr, glance: &Glance<'_>, load: Load) -> Verdict {
        if glance.kind == Kind::Ack && glance.to_tag == Some(STATELESS_TAG) {
            return Verdict::Silence(Why::Nobodys);
        }
        let is_new_call = glance.kind == Kind::Invite && glance.to_tag.is_none();
        match class {
            Class::Stranger => return Verdict::Silence(Why::Stranger),
            Class::Known if glance.kind != Kind::Response && glance.to_tag.is_none() => {
                return Verdict::Silence(Why::Stranger);
            }
            Class::Door { .. } if self.limiter.check_key(&source.ip()).is_err() => {
                return if is_new_call { Verdict::Busy } else { Verdict::Silence(Why::Limited) };
            }
            _ => {}
        }
        if is_new_call && self.has_no_room(class, glance, load) {
            return Verdict::Busy;
        }
        Verdict::Admit
    }

    fn has_no_room(&self, class: &Class, glance: &Glance<'_>, load: Load) -> bool {
        let is_unproven = matches!(class, Class::Door { open: true, .. }) && !glance.has_credentials;
        self.admission.full || load.overloaded || (is_unproven && load.unproven >= self.admission.unproven_max)
    }

    /// A dialog or a trunk talks with this address: its answers must pass.
    pub fn hold(&mut self, peer: IpAddr, now: Instant) {
        let known = self.known.entry(peer.to_canonical()).or_insert(Known { holders: 0, until: now });
        known.holders += 1;
    }

    /// The holder is done; the address stays known for `linger`.
    pub fn release(&mut self, peer: IpAddr, linger: Duration, now: Instant) {
        if let Some(known) = self.known.get_mut(&peer.to_canonical()) {
            known.holders = known.holders.saturating_sub(1);
            known.until = now + linger;
        }
    }

    /// A wrong password or unknown user came from here: ten in ten minutes block the source for an hour.
    pub fn auth_failed(&mut self, source: IpAddr, now: Instant) {
        if self.failures.len() >= MAX_FAILURE_RECORDS {
            self.failures.retain(|_, failures| failures.is_recent(now));
        }
        if self.failures.len() >= MAX_FAILURE_RECORDS {
            return;
        }
        let failures = self.failures.entry(source).or_insert(Failures { count: 0, since: now, blocked_until: None });
        if now.duration_since(failures.since) > FAILURE_WINDOW {
            *failures = Failures { count: 0, since: now, blocked_until: None };
        }
        failures.count += 1;
        if failures.count >= MAX_FAILURES {
            failures.blocked_until = Some(now + BLOCK);
        }
    }

    pub fn auth_succeeded(&mut self, source: IpAddr) {
        self.failures.remove(&source);
    }

    pub fn blocked_sources(&self, now: Instant) -> usize {
        self.failures.values().filter(|failures| failures.blocked_until.is_some_and(|until| until > now)).count()
    }

    /// Once a second: forget what is over.
    pub fn sweep(&mut self, now: Instant) {
        self.known.retain(|_, known| known.holders > 0 || known.until > now);
        self.failures.retain(|_, failures| failures.is_recent(now));
        self.limiter.retain_recent();
    }

    fn is_blocked(&self, source: IpAddr, now: Instant) -> bool {
        self.failures.get(&source).and_then(|failures| failures.blocked_until).is_some_and(|until| until > now)
    }
}

impl Failures {
    fn is_recent(&self, now: Instant) -> bool {
        self.blocked_until.map_or(now.duration_since(self.since) <= FAILURE_WINDOW, |until| until > now)
    }
}

fn limiter(admission: &Admission) -> DefaultKeyedRateLimiter<IpAddr> {
    let at_least_one = |value: u32| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
    let quota =
        Quota::per_second(at_least_one(admission.per_source)).allow_burst(at_least_one(admission.per_source_burst));
    RateLimiter::keyed(quota)
}

const MAX_FAILURES: u32 = 10;
const FAILURE_WINDOW: Duration = Duration::from_secs(600);
const BLOCK: Duration = Duration::from_secs(3600);
const MAX_FAILURE_RECORDS: usize = 10_000;
