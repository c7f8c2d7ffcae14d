//! What SIP tells: each event finds its leg by its dialog; one that finds none came after the leg's end.

use std::sync::Arc;

use hotline_control::frames::{DigitVia, EndCause, Event, LegState};
use hotline_sip::sdp::Session;
use hotline_sip::{By, DialogKey, Ended};

use super::Switch;
use super::legs::{End, Index};
use super::sound::codec_name;
use crate::clock::now_us;

impl Switch {
    pub(super) fn on_sip(&mut self, event: hotline_sip::Event) {
        use hotline_sip::Event as Sip;
        self.now_us = now_us();
        match event {
            Sip::Incoming(incoming) => self.on_incoming(*incoming),
            Sip::Progress { key, code, sdp } => self.with(key, |switch, leg| switch.on_progress(leg, code, sdp)),
            Sip::Answered { key, sdp, source } => {
                self.with(key, |switch, leg| switch.on_answered(leg, sdp.as_deref(), source));
            }
            Sip::Acked { key, sdp } => self.with(key, |switch, leg| switch.on_acked(leg, sdp.as_deref())),
            Sip::Changed { key, sdp, held } => {
                self.with(key, |switch, leg| switch.on_changed(leg, key, sdp.as_deref(), held));
            }
            // We never offer anew by ourselves yet.
            Sip::ChangeAnswered { .. } => {}
            Sip::Digit { key, digit, duration } => self.with(key, |switch, leg| {
                switch.on_digit(leg, digit, DigitVia::Info, u32::try_from(duration.as_millis()).unwrap_or(u32::MAX));
            }),
            Sip::Transfer { key, to } => self.with(key, |switch, leg| switch.on_transfer(leg, to)),
            Sip::Ended(ended) => self.on_dialog_ended(&ended),
            Sip::Registered { account, contact, source, expires, .. } => {
                self.phones.insert(account.clone(), source.ip());
                let expires_s = u32::try_from(expires.as_secs()).unwrap_or(u32::MAX);
                let contact = Some(contact);
                self.tell(Event::RegistrationChanged { account, contact, expires_s, source: source.to_string() });
            }
            Sip::Unregistered { account, .. } => {
                self.phones.remove(&account);
                let source = String::new();
                self.tell(Event::RegistrationChanged { account, contact: None, expires_s: 0, source });
            }
            Sip::TrunkChanged { trunk, up, reason } => self.tell(Event::TrunkChanged { trunk, up, reason }),
        }
    }

    fn with(&mut self, key: DialogKey, act: impl FnOnce(&mut Self, Index)) {
        if let Some(index) = self.legs.by_dialog(key) {
            act(self, index);
        }
    }

    /// Our 200 was acknowledged: the caller is proven, and what was held for him happens now.
    fn on_acked(&mut self, index: Index, sdp: Option<&str>) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        leg.is_proven = true;
        let answered_us = leg.answered_us.unwrap_or(self.now_us);
        if let Some(answer) = sdp.and_then(|text| Session::parse(text).ok()) {
            leg.remote = Some(answer);
        }
        let (id, codec) = (leg.id.to_string(), codec_name(leg.remote.as_ref()).to_owned());
        if leg.open_media().is_some() && sdp.is_some() {
            self.retarget(index);
        }
        self.open_sound(index);
        self.tell(Event::LegAnswered { leg: id, answered_us, acked_us: self.now_us, codec });
        self.do_held(index);
    }

    /// Hold, resume, another address: answered here at once, told where it concerns people.
    fn on_changed(&mut self, index: Index, key: DialogKey, sdp: Option<&str>, held: bool) {
        let offer = match sdp.map(Session::parse).transpose() {
            Ok(offer) => offer,
            Err(_) => return self.refuse_change(key),
        };
        let Some(ours) = self.renew_session(index, offer) else {
            return self.refuse_change(key);
        };
        // Gone: the BYE crossed.
        let _ = self.sip.accept_change(key, &ours);
        self.retarget(index);
        let Some(leg) = self.legs.get_mut(index) else { return };
        if std::mem::replace(&mut leg.is_held_by_peer, held) != held {
            let leg = leg.id.to_string();
            self.tell(Event::HoldRequested { leg, held });
        }
    }

    fn refuse_change(&self, key: DialogKey) {
        let _ = self.sip.refuse_change(key, 488);
    }

    pub(super) fn on_digit(&mut self, index: Index, digit: char, via: DigitVia, duration_ms: u32) {
        if let Some(leg) = self.legs.get(index).filter(|leg| !leg.is_ending()) {
            let leg = leg.id.to_string();
            self.tell(Event::DigitPressed { leg, digit: digit.to_string(), via, duration_ms });
        }
    }

    fn on_transfer(&mut self, index: Index, to: String) {
        if let Some(leg) = self.legs.get(index) {
            let leg = leg.id.to_string();
            self.tell(Event::TransferRequested { leg, to, replaces: None });
        }
    }

    fn on_dialog_ended(&mut self, ended: &Ended) {
        let Some(index) = self.legs.by_dialog(ended.key) else { return };
        self.legs.take_dialog(index);
        let Some(leg) = self.legs.get(index) else { return };
        let cause = cause(ended, leg.arrived, leg.state);
        let (id, q850) = (Arc::clone(&leg.id), ended.q850.unwrap_or(16));
        tracing::debug!(leg = %id, code = ended.code, by = ?ended.by, "a dialog ended");
        self.end(index, End { cause, code: ended.code, q850 });
    }
}

fn cause(ended: &Ended, arrived: bool, state: LegState) -> EndCause {
    match (ended.by, state) {
        (By::Us, _) => EndCause::Us,
        (By::Timeout, LegState::Dialling) => EndCause::Unreachable,
        (By::Timeout, _) if arrived && !ended.proven => EndCause::NeverAcked,
        (By::Timeout, _) => EndCause::Silent,
        (By::Peer, LegState::Dialling) if ended.code >= 300 => EndCause::Refused,
        (By::Peer, _) => EndCause::Peer,
    }
}
