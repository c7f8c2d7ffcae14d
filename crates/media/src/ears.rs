//! How sound reaches the ears: the links between legs that packets and ticks follow.
//!
//! Law of this file: `relays`, `takers`, `jitter` and `linked` change here and nowhere else. Whoever changes what a
//! leg hears, or what is in front of it, unlinks it, makes the change, and links it again.

use crate::jitter::Jitter;
use crate::leg::Linked;
use crate::machine::Machine;
use crate::outputs::{Event, Outputs};
use crate::setup::LegKey;

impl Machine {
    /// Takes a leg's ear off what it hears.
    pub(crate) fn unlink(&mut self, listener: LegKey, out: &mut impl Outputs) {
        let Some(leg) = self.legs.get_mut(listener) else { return };
        let linked = std::mem::replace(&mut leg.linked, Linked::Nothing);
        leg.sender.let_go();
        let sources = std::mem::take(&mut leg.hears);
        for source in &sources {
            match linked {
                Linked::Nothing => {}
                Linked::Relay => self.end_relay(*source, listener, out),
                Linked::Mix => self.untake(*source),
            }
        }
        if let Some(leg) = self.legs.get_mut(listener) {
            leg.hears = sources;
        }
    }

    /// Puts a leg's ear to what it is to hear now.
    pub(crate) fn link(&mut self, listener: LegKey, out: &mut impl Outputs) {
        let Some(leg) = self.legs.get_mut(listener) else { return };
        leg.linked = match leg.hears.len() {
            _ if leg.is_covered() => Linked::Nothing,
            0 => Linked::Nothing,
            1 => Linked::Relay,
            _ => Linked::Mix,
        };
        let linked = leg.linked;
        let sources = std::mem::take(&mut leg.hears);
        for source in &sources {
            match linked {
                Linked::Nothing => {}
                Linked::Relay => self.begin_relay(*source, listener, out),
                Linked::Mix => self.take(*source),
            }
        }
        if let Some(leg) = self.legs.get_mut(listener) {
            leg.hears = sources;
        }
    }

    /// Nobody hears the leg any more, and it hears nobody.
    pub(crate) fn unhear(&mut self, leg: LegKey, out: &mut impl Outputs) {
        self.set_hears(leg, Vec::new(), out);
        let listeners = self.legs.get(leg).map(|leg| leg.heard_by.clone()).unwrap_or_default();
        for listener in listeners {
            let hears = self.legs.get(listener).map(|leg| leg.hears.clone()).unwrap_or_default();
            let rest = hears.into_iter().filter(|source| *source != leg).collect();
            self.set_hears(listener, rest, out);
        }
    }

    /// Decides whom a leg hears. Nothing is disturbed when it is what it was.
    pub(crate) fn set_hears(&mut self, listener: LegKey, hears: Vec<LegKey>, out: &mut impl Outputs) {
        let before = match self.legs.get(listener) {
            Some(leg) if leg.hears != hears => leg.hears.clone(),
            _ => return,
        };
        self.unlink(listener, out);
        for source in &before {
            if let Some(source) = self.legs.get_mut(*source) {
                source.heard_by.retain(|other| *other != listener);
            }
        }
        for source in &hears {
            if let Some(source) = self.legs.get_mut(*source) {
                source.heard_by.push(listener);
            }
        }
        if let Some(leg) = self.legs.get_mut(listener) {
            leg.hears = hears;
        }
        self.link(listener, out);
    }

    /// One more wants what the leg says by the tick.
    pub(crate) fn take(&mut self, source: LegKey) {
        let Some(leg) = self.legs.get_mut(source) else { return };
        leg.takers += 1;
        if leg.jitter.is_none() {
            leg.jitter = Some(Jitter::new());
            self.ordered += 1;
        }
    }

    /// One less wants it.
    pub(crate) fn untake(&mut self, source: LegKey) {
        let Some(leg) = self.legs.get_mut(source) else { return };
        leg.takers -= 1;
        if leg.takers == 0 && leg.jitter.take().is_some() {
            self.ordered -= 1;
        }
    }

    fn begin_relay(&mut self, source: LegKey, listener: LegKey, out: &mut impl Outputs) {
        let Some(leg) = self.legs.get_mut(source) else { return };
        leg.relays.push(listener);
        if leg.relays.len() == 1 {
            out.event(Event::UrgencyChanged { leg: source, at_once: true });
        }
    }

    fn end_relay(&mut self, source: LegKey, listener: LegKey, out: &mut impl Outputs) {
        let Some(leg) = self.legs.get_mut(source) else { return };
        leg.relays.retain(|other| *other != listener);
        if leg.relays.is_empty() {
            out.event(Event::UrgencyChanged { leg: source, at_once: false });
        }
    }
}
