//! What happens to calls: SIP events, sound, timers.

use std::collections::BTreeMap;

use hotline_sip::Event;
use serde_json::json;
use tokio::time::Instant;

use crate::phones::{Due, Phones, local};
use crate::voice::Voice;
use crate::{call, command};

impl Phones {
    pub(crate) async fn sip(&mut self, door: usize, event: Event) {
        match event {
            Event::Incoming(incoming) => self.arrive(door, *incoming).await,
            Event::Registered { .. } | Event::Unregistered { .. } | Event::Transfer { .. } => {}
            Event::TrunkChanged { trunk, up: true, .. } => {
                let expires = self.doors[door]
                    .trunks
                    .iter()
                    .find(|known| known.name == trunk)
                    .and_then(|known| known.register.as_ref());
                let expires = expires.map(|register| register.expires.as_secs());
                self.tell("registered", json!({"phone": trunk, "expires": expires}));
            }
            Event::TrunkChanged { trunk, up: false, reason } => {
                self.tell("unregistered", json!({"phone": trunk, "code": null, "reason": reason}));
            }
            Event::Progress { key, .. }
            | Event::Answered { key, .. }
            | Event::Acked { key, .. }
            | Event::Changed { key, .. }
            | Event::ChangeAnswered { key, .. }
            | Event::Digit { key, .. } => {
                if let Some(name) = self.by_key.get(&(door, key)).cloned() {
                    self.of_call(&name, event);
                }
            }
            Event::Ended(ended) => {
                if let Some(name) = self.by_key.remove(&(door, ended.key)) {
                    self.ended(&name, &ended);
                }
            }
        }
    }

    pub(crate) fn of_call(&mut self, name: &str, event: Event) {
        let Some(call) = self.calls.get_mut(name) else { return };
        match event {
            Event::Progress { code, sdp, .. } => {
                call.rang = true;
                call.early |= sdp.is_some();
                if let Some(sdp) = &sdp {
                    call.take_answer(sdp);
                }
                self.tell("ringing", json!({"call": name, "code": code, "early": sdp.is_some()}));
            }
            Event::Answered { sdp, .. } => {
                if let Some(sdp) = sdp {
                    call.take_answer(&sdp);
                }
                self.answered(name);
            }
            Event::Acked { sdp, .. } => {
                if let Some(sdp) = sdp {
                    call.take_answer(&sdp);
                }
                self.tell("acked", json!({"call": name}));
            }
            Event::Changed { key, sdp, held } => {
                let accepted = match call.accept_change(sdp.as_deref()) {
                    Some(answer) => call.sip.accept_change(key, &answer),
                    None => call.sip.refuse_change(key, 488),
                };
                if accepted.is_ok() && call.is_held_by_peer != held {
                    call.is_held_by_peer = held;
                    self.tell(if held { "held" } else { "resumed" }, json!({"call": name}));
                }
            }
            Event::ChangeAnswered { answer, .. } => {
                if let Ok(Some(sdp)) = &answer {
                    call.take_answer(sdp);
                }
                let code = answer.err().unwrap_or(200);
                self.tell("changed", json!({"call": name, "code": code}));
            }
            Event::Digit { digit, .. } => {
                call.digits.push(digit);
                self.tell("digit", json!({"call": name, "digit": digit, "via": "info"}));
            }
            _ => {}
        }
    }

    pub(crate) async fn arrive(&mut self, door: usize, incoming: hotline_sip::Incoming) {
        let sip = self.doors[door].sip.clone();
        let key = incoming.key;
        let exact = (door, incoming.called.clone());
        let listen = self.listening.get(&exact).or_else(|| self.listening.get(&(door, "*".into()))).cloned();
        // A refusal that finds its call gone has nobody to tell.
        let refuse = |code| {
            let _ = sip.reject(key, code, None);
        };
        let Some(listen) = listen else { return refuse(404) };
        if listen.busy {
            return refuse(486);
        }
        if let Some(code) = listen.reject {
            return refuse(code);
        }
        let offer = match incoming.offer.as_deref().map(hotline_sip::sdp::Session::parse) {
            Some(Err(_)) => return refuse(488),
            Some(Ok(session)) => Some(session),
            None => None,
        };
        let Ok(media) = self.open_media(door, Some(incoming.source.ip())).await else { return refuse(500) };
        let Ok(here) = local(&media) else { return refuse(500) };
        let ours = call::offer(self.next_seed(), here, None);
        let count = self.counts.entry(incoming.called.clone()).or_default();
        *count += 1;
        let name = format!("{}#{count}", incoming.called);
        let mut call = self.new_call(sip.clone(), door, key, true, media, ours);
        call.offer = offer;
        call.hangup_after_ms = listen.hangup_after_ms;
        if let Some(hertz) = &listen.tone_hz {
            call.media.voice = Voice::tones(&hertz.list(), command::level());
        }
        let early = listen.early.then(|| call.answer_sdp()).flatten();
        self.insert(&name, call);
        let headers: BTreeMap<String, String> = incoming.headers.into_iter().collect();
        self.tell(
            "incoming",
            json!({
                "phone": incoming.called, "call": name, "from": incoming.from.number, "name": incoming.from.name,
                "to": incoming.called, "headers": headers,
            }),
        );
        // The caller may have given up already: `ended` follows then.
        let _ = match (early, listen.ring) {
            (Some(sdp), _) => sip.progress(key, &sdp),
            (None, true) => sip.ring(key),
            (None, false) => Ok(()),
        };
        if let Some(ms) = listen.answer_after_ms {
            self.after(&name, ms, Due::Answer);
        }
    }

    pub(crate) fn sound(&mut self, name: &str, data: &[u8], at: Instant) {
        let Some(call) = self.calls.get_mut(name) else { return };
        if let Some(digit) = call.media.take(data, at) {
            call.digits.push(digit);
            self.tell("digit", json!({"call": name, "digit": digit, "via": "rfc4733"}));
        }
    }

    pub(crate) fn due(&mut self, name: &str, due: Due) {
        let Some(call) = self.calls.get_mut(name) else { return };
        match due {
            // For an incoming call its answer is due, for an outgoing one its end of ringing.
            Due::Answer if call.answered_at.is_some() => {}
            Due::Answer if call.is_incoming => {
                if let Err(reason) = self.answer(name) {
                    self.tell("failed", json!({"id": null, "reason": format!("{name}: {reason}")}));
                }
            }
            // It may have ended in the same moment.
            Due::Answer | Due::Hangup => {
                let _ = call.sip.hangup(call.key, 16);
            }
            Due::Report => {
                let _ = self.heard(name, false, 1000);
            }
        }
    }

    pub(crate) fn ended(&mut self, name: &str, ended: &hotline_sip::Ended) {
        let Some(mut call) = self.calls.remove(name) else { return };
        // Its file is whole before anyone is told that the call has ended.
        drop(call.media.recording.take());
        let now = Instant::now();
        let talk = call.answered_at.map_or(0, |answered| now.duration_since(answered).as_millis() as u64);
        let by = match ended.by {
            hotline_sip::By::Us => "us",
            hotline_sip::By::Peer => "peer",
            hotline_sip::By::Timeout => "timeout",
        };
        self.tell(
            "ended",
            json!({
                "call": name, "code": ended.code, "reason": ended.reason, "by": by, "talk_ms": talk, "q850": ended.q850,
                "answered": call.answered_at.is_some(), "rang": call.rang, "early": call.early, "digits": call.digits,
                "heard": call.media.ear.whole(now),
            }),
        );
    }
}
