//! Calls that arrive: admitted with room for their events, named, told, and held a moment while no engine is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotline_control::frames::{Event, LegState};
use hotline_sip::sdp::Session;
use hotline_sip::{DialogKey, Door, Incoming};

use super::Switch;
use super::legs::Leg;
use super::sound::codec_name;
use super::tick::Due;

impl Switch {
    pub(super) fn on_incoming(&mut self, incoming: Incoming) {
        let offer = match incoming.offer.as_deref().map(Session::parse).transpose() {
            Ok(offer) => offer,
            Err(error) => {
                tracing::info!(%error, "an offer was refused");
                return self.turn_away(incoming.key, 488, "bad_offer");
            }
        };
        if offer.as_ref().is_some_and(|offer| codec_name(Some(offer)).is_empty()) {
            return self.turn_away(incoming.key, 488, "no_codec");
        }
        if let Door::Trunk(trunk) = &incoming.door
            && self.channels.get(trunk).is_some_and(|channels| self.legs.on_trunk(trunk) >= *channels)
        {
            return self.turn_away(incoming.key, 503, "channels");
        }
        if self.draining || self.is_full {
            return self.turn_away(incoming.key, 503, if self.draining { "draining" } else { "full" });
        }
        if !self.outbox.borrow_mut().window.admit_leg() {
            return self.turn_away(incoming.key, 503, "window_full");
        }
        self.arrived += 1;
        self.figures.count("arrived");
        let id: Arc<str> = format!("s{:x}-{}", self.boot, self.arrived).into();
        let mut leg = Leg::new(Arc::clone(&id), true);
        leg.dialog = Some(incoming.key);
        leg.is_proven = incoming.proven;
        leg.remote = offer;
        leg.source = Some(incoming.source);
        leg.trunk = match &incoming.door {
            Door::Trunk(name) => Some(name.clone()),
            Door::Account(_) | Door::Open => None,
        };
        leg.behind_nat = matches!(incoming.door, Door::Account(_)) || self.is_nat_trunk(&incoming.door);
        if self.engine.is_none() {
            leg.timer =
                Some(self.timers.set(self.now_us + self.orphans.hold_new_ms * 1_000, Due::NoEngine(Arc::clone(&id))));
        }
        self.legs.insert(leg);
        self.tell(arrived(&id, incoming));
    }

    /// A final refusal of a call that never became a leg.
    fn turn_away(&mut self, dialog: DialogKey, code: u16, reason: &'static str) {
        self.figures.count(reason);
        let retry_after = (code == 503).then(|| self.admission.as_ref().map_or(5, |admission| admission.retry_after_s));
        // Gone already: the caller was quicker.
        let _ = self.sip.reject(dialog, code, retry_after);
    }

    fn is_nat_trunk(&self, door: &Door) -> bool {
        matches!(door, Door::Trunk(name) if self.nat_trunks.contains(name))
    }

    /// Nobody has taken the call in hand within the time that it is held.
    pub(super) fn on_no_engine(&mut self, id: &str) {
        let Some(index) = self.legs.find(id) else { return };
        let Some(leg) = self.legs.get(index).filter(|leg| leg.state == LegState::Arriving) else { return };
        let Some(dialog) = leg.dialog else { return };
        self.figures.count("no_engine");
        let retry_after = self.admission.as_ref().map_or(5, |admission| admission.retry_after_s);
        let _ = self.sip.reject(dialog, 503, Some(retry_after));
        self.legs.take_dialog(index);
        self.end(index, super::legs::End { cause: hotline_control::frames::EndCause::Orphaned, code: 503, q850: 41 });
    }
}

fn arrived(id: &Arc<str>, incoming: Incoming) -> Event {
    let headers = incoming.headers.into_iter().take(MAX_HEADERS).map(|(name, value)| (name, capped(value)));
    let headers: BTreeMap<String, String> = headers.collect();
    let (trunk, account) = match incoming.door {
        Door::Trunk(name) => (Some(name), None),
        Door::Account(name) => (None, Some(name)),
        Door::Open => (None, None),
    };
    // Only trunks' identities reach us (RFC 3325): they know better than From who calls.
    let asserted = trunk.is_some().then(|| asserted_number(&headers)).flatten();
    Event::LegArrived {
        leg: id.to_string(),
        trunk,
        account,
        proven: incoming.proven,
        source: incoming.source.to_string(),
        caller: capped(asserted.unwrap_or(incoming.from.number)),
        caller_name: capped(incoming.from.name),
        called: capped(incoming.called),
        sip_call_id: capped(incoming.call_id),
        headers,
    }
}

/// The user part of P-Asserted-Identity, `<sip:+70000000001@carrier>` or `<tel:+70000000001>`.
fn asserted_number(headers: &BTreeMap<String, String>) -> Option<String> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("P-Asserted-Identity"))?;
    let uri = value.split_once('<').map_or(value.as_str(), |(_, rest)| rest);
    let user = uri.split_once("sip:").or_else(|| uri.split_once("sips:")).or_else(|| uri.split_once("tel:"))?.1;
    let number: String = user.chars().take_while(|letter| !"@>;,".contains(*letter)).collect();
    (!number.is_empty()).then_some(number)
}

fn capped(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// A leg's first event stays small whatever its INVITE holds.
const MAX_HEADERS: usize = 32;
const MAX_TEXT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asserted_identity_names_the_number() {
        for (value, number) in [
            ("\"Alisa\" <sip:+70000000001@north.example;user=phone>", Some("+70000000001")),
            ("<tel:+70000000001;cpc=ordinary>", Some("+70000000001")),
            ("sip:+70000000001@north.example", Some("+70000000001")),
            ("<sip:@north.example>", None),
            ("nonsense", None),
        ] {
            let headers = BTreeMap::from([("p-asserted-identity".to_owned(), value.to_owned())]);
            assert_eq!(asserted_number(&headers).as_deref(), number, "{value}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let cut = capped("я".repeat(400));
        assert_eq!((cut.len(), cut.chars().count()), (512, 256));
    }
}
