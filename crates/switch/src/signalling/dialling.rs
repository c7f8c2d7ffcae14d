//! Legs that we dial: the group that has one winner, the end of ring time, the join at the answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hotline_control::frames::{Command, EndCause, Event, LegState, OnAnswer};
use hotline_sip::sdp::Session;
use hotline_sip::{Dial, Party, Target};

use super::Switch;
use super::commands::Refusal;
use super::legs::{DialPlan, End, Index, Leg};
use super::sound::codec_name;
use super::tick::Due;

impl Switch {
    /// Carries out a Dial. A target that has no address ends the leg as unreachable; what makes no sense is refused.
    pub(super) fn dial(&mut self, command: Command) -> Result<(), Refusal> {
        let Command::Dial {
            leg: id,
            note,
            for_leg,
            targets,
            trunk,
            from_number,
            from_name,
            headers,
            ring_for_ms,
            group,
            on_answer,
            room,
            on_peer_end,
        } = command
        else {
            return Err(Refusal::whole("not a Dial"));
        };
        if trunk
            .as_ref()
            .is_some_and(|trunk| self.channels.get(trunk).is_some_and(|most| self.legs.on_trunk(trunk) >= *most))
        {
            return Err(Refusal::leg(&id, "every channel of the trunk is busy"));
        }
        self.may_dial(&id, for_leg.as_deref())?;
        let id: Arc<str> = id.into();
        let mut leg = Leg::new(Arc::clone(&id), false);
        leg.note = note;
        leg.trunk = trunk.clone();
        let plan = DialPlan { for_leg: for_leg.map(Into::into), group, on_answer, room, on_peer_end };
        let index = self.enter_dial(leg, plan, ring_for_ms);
        let thread = self.thread_for(index);
        let peer = self.peer_of(&targets, trunk.as_deref());
        if let Err(reason) = self.reserve_sound(index, peer, thread) {
            tracing::warn!(leg = %id, reason, "a leg cannot be dialled");
            self.end(index, End { cause: EndCause::Us, code: 503, q850: 41 });
            return Ok(());
        }
        let sdp = self.legs.get(index).and_then(|leg| leg.media.as_ref()).map(|media| media.local.to_string());
        let targets = targets.iter().map(|target| sip_target(target, trunk.as_deref())).collect();
        let from = Party { number: from_number, name: from_name };
        let headers = headers.into_iter().collect();
        let dial = Dial { targets, from, headers, sdp: sdp.unwrap_or_default(), credentials: None };
        match self.sip.dial(dial) {
            Ok(dialog) => self.legs.set_dialog(index, dialog),
            Err(error) => {
                tracing::info!(leg = %id, %error, "a leg cannot be reached");
                self.end(index, End { cause: EndCause::Unreachable, code: 480, q850: 20 });
            }
        }
        Ok(())
    }

    fn may_dial(&mut self, id: &str, for_leg: Option<&str>) -> Result<(), Refusal> {
        if self.legs.knows(id) {
            return Err(Refusal::leg(id, "the leg exists already"));
        }
        if for_leg.is_some_and(|for_leg| self.legs.find(for_leg).is_none()) {
            return Err(Refusal::leg(id, "the leg that it is for is gone"));
        }
        if self.draining {
            return Err(Refusal::leg(id, "the switch is draining"));
        }
        if !self.outbox.borrow_mut().window.admit_leg() {
            return Err(Refusal::leg(id, "the event window is full"));
        }
        Ok(())
    }

    fn enter_dial(&mut self, mut leg: Leg, plan: DialPlan, ring_for_ms: u64) -> Index {
        self.figures.count("dialled");
        leg.timer = Some(self.timers.set(self.now_us + ring_for_ms * 1_000, Due::RingEnds(Arc::clone(&leg.id))));
        if let Some(caller) = plan.for_leg.as_deref().and_then(|caller| self.legs.find(caller))
            && let Some(caller) = self.legs.get_mut(caller)
        {
            caller.dialled.push(Arc::clone(&leg.id));
        }
        let group = plan.group.clone();
        leg.dial = Some(plan);
        let index = self.legs.insert(leg);
        if let Some(group) = group {
            self.groups.entry(group).or_default().push(index);
        }
        index
    }

    /// A dialled leg starts where its caller lives.
    fn thread_for(&self, index: Index) -> usize {
        let caller = self.legs.get(index).and_then(|leg| leg.dial.as_ref()?.for_leg.as_deref());
        caller.and_then(|caller| self.media.home(caller)).unwrap_or_else(|| self.media.emptiest())
    }

    /// Where the first target is, as far as it is known: it decides which address of ours stands in the SDP.
    fn peer_of(&self, targets: &[String], trunk: Option<&str>) -> IpAddr {
        let of_trunk = trunk.and_then(|trunk| self.trunk_hosts.get(trunk)).copied();
        let of_target = || {
            let first = targets.first()?;
            match first.strip_prefix("account:") {
                Some(account) => self.phones.get(account).copied(),
                None => uri_host(first),
            }
        };
        of_trunk.or_else(of_target).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    pub(super) fn on_progress(&mut self, index: Index, code: u16, sdp: Option<String>) {
        let early = sdp.as_deref().and_then(|text| Session::parse(text).ok());
        let early_media = early.is_some();
        let Some(leg) = self.legs.get_mut(index) else { return };
        if let Some(session) = early {
            leg.remote = Some(session);
        }
        let leg = leg.id.to_string();
        self.tell(Event::LegProgress { leg, code, early_media });
    }

    /// The first of its group to be answered wins; the others are withdrawn. `join` connects at once.
    pub(super) fn on_answered(&mut self, index: Index, sdp: Option<&str>, source: SocketAddr) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        if let Some(timer) = leg.timer.take() {
            self.timers.cancel(timer);
        }
        if let Some(answer) = sdp.and_then(|text| Session::parse(text).ok()) {
            leg.remote = Some(answer);
        }
        leg.source = Some(source);
        let codec = codec_name(leg.remote.as_ref());
        if codec.is_empty() {
            return self.end(index, End { cause: EndCause::Refused, code: 488, q850: 65 });
        }
        leg.state = LegState::Answered;
        leg.answered_us = Some(self.now_us);
        let id = leg.id.to_string();
        self.win_group(index);
        self.open_sound(index);
        if self.legs.find(&id) != Some(index) {
            return;
        }
        let (answered_us, acked_us) = (self.now_us, self.now_us);
        self.tell(Event::LegAnswered { leg: id, answered_us, acked_us, codec: codec.to_owned() });
        self.join(index);
    }

    fn win_group(&mut self, index: Index) {
        let Some(group) = self.legs.get(index).and_then(|leg| leg.dial.as_ref()?.group.clone()) else { return };
        // The winner leaves the group too, so that its later end concerns nobody.
        for other in self.groups.remove(&group).unwrap_or_default() {
            if other != index {
                self.end(other, End { cause: EndCause::Withdrawn, code: 487, q850: 26 });
            }
        }
    }

    pub(super) fn leave_group(&mut self, index: Index) {
        let Some(group) = self.legs.get(index).and_then(|leg| leg.dial.as_ref()?.group.as_ref()) else { return };
        let Some(members) = self.groups.get_mut(group) else { return };
        members.retain(|member| *member != index);
        if members.is_empty() {
            self.groups.remove(&group.clone());
        }
    }

    fn join(&mut self, index: Index) {
        let Some(leg) = self.legs.get(index) else { return };
        let Some(plan) = leg.dial.as_ref().filter(|plan| plan.on_answer == OnAnswer::Join) else { return };
        let Some(caller) = plan.for_leg.as_deref().map(str::to_owned) else { return };
        let (id, room, on_peer_end) = (leg.id.to_string(), plan.room.clone(), plan.on_peer_end);
        let hears = BTreeMap::from([(id.clone(), vec![caller.clone()]), (caller.clone(), vec![id])]);
        if let Err(refusal) = self.connect(&room, hears, &[], on_peer_end) {
            // The caller has no sound yet: the engine hears both facts and connects by itself.
            tracing::info!(?refusal, leg = %caller, "a dialled leg could not be joined");
        }
    }
}

/// `account:NAME`, a URI, or a number for the trunk.
fn sip_target(target: &str, trunk: Option<&str>) -> Target {
    match (target.strip_prefix("account:"), trunk) {
        (Some(account), _) => Target::Account(account.to_owned()),
        (None, Some(trunk)) if !target.contains('@') => {
            let number = target.strip_prefix("sip:").unwrap_or(target).to_owned();
            Target::Trunk { name: trunk.to_owned(), number }
        }
        (None, _) => Target::Uri(target.to_owned()),
    }
}

/// The host of a SIP URI or of `host:port`, when it is an address.
pub(super) fn uri_host(uri: &str) -> Option<IpAddr> {
    let after_scheme = uri.split_once("sip:").or_else(|| uri.split_once("sips:")).map_or(uri, |(_, rest)| rest);
    let after_user = after_scheme.rsplit_once('@').map_or(after_scheme, |(_, rest)| rest);
    let host = after_user.split([';', '?', '>']).next()?;
    if let Some(v6) = host.strip_prefix('[') {
        return v6.split(']').next()?.parse().ok();
    }
    host.split(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_uri_is_found() {
        for (uri, host) in [
            ("sip:op1@127.0.0.1:5290", Some([127, 0, 0, 1].into())),
            ("sip:198.51.100.7;transport=tcp", Some([198, 51, 100, 7].into())),
            ("sip:a@[::1]:5060", Some(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST))),
            ("sip:a@north.example", None),
        ] {
            assert_eq!(uri_host(uri), host, "{uri}");
        }
    }

    #[test]
    fn a_number_goes_to_its_trunk_and_a_uri_to_its_host() {
        assert_eq!(
            sip_target("+70000000001", Some("north")),
            Target::Trunk { name: "north".to_owned(), number: "+70000000001".to_owned() }
        );
        assert_eq!(sip_target("account:anna", None), Target::Account("anna".to_owned()));
        assert_eq!(sip_target("sip:a@b", Some("north")), Target::Uri("sip:a@b".to_owned()));
    }
}
