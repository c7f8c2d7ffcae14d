//! The engine's frames: who it is, what it has written, what it wants (ARCHITECTURE.md section 5).

use hotline_control::frames::{Event, LegSnapshot, LegState, PROTOCOLS, ToEngine, ToSwitch};

use super::link::{ConnectionId, Heard};
use super::{Switch, settings};
use crate::clock::now_us;
use crate::signalling::dialling::uri_host;
use crate::signalling::tick::Due;

/// The parts of a Hello.
struct Hello {
    epoch: u64,
    protocols: Vec<u16>,
    version: String,
    boot: u64,
    n: u64,
}

impl Switch {
    pub(super) fn on_heard(&mut self, heard: Heard) {
        self.now_us = now_us();
        match heard {
            Heard::Frame(id, ToSwitch::Hello { epoch, protocols, version, boot, n }) => {
                self.on_hello(id, &Hello { epoch, protocols, version, boot, n });
            }
            Heard::Frame(id, frame) if self.engine == Some(id) => self.on_frame(id, frame),
            // An engine that was dropped for a higher epoch, or one that never said Hello.
            Heard::Frame(id, _) => self.refuse(id, "say Hello first"),
            Heard::Closed(id, reason) => self.on_closed(id, &reason),
        }
    }

    fn on_hello(&mut self, id: ConnectionId, hello: &Hello) {
        let Some(protocol) = PROTOCOLS.into_iter().find(|protocol| hello.protocols.contains(protocol)) else {
            return self.refuse(id, &format!("no protocol in common: this switch speaks {PROTOCOLS:?}"));
        };
        if hello.epoch < self.epoch {
            return self.refuse(id, &format!("epoch {} is lower than {}", hello.epoch, self.epoch));
        }
        if let Some(before) = self.engine.replace(id).filter(|before| *before != id) {
            tracing::info!(epoch = hello.epoch, "a newer engine takes over");
            self.refuse(before, &format!("epoch {} has taken over", hello.epoch));
        }
        self.epoch = hello.epoch;
        let written = if hello.boot == self.boot { hello.n } else { 0 };
        self.outbox.borrow_mut().window.acknowledge(written);
        tracing::info!(epoch = hello.epoch, version = hello.version, protocol, written, "the engine is connected");
        let welcome = self.snapshot(protocol);
        self.link.reply(id, &welcome);
        self.link.stream_events(id, written);
        // Whoever was held for an engine has one now.
        for index in self.legs.iter().map(|(index, _)| index).collect::<Vec<_>>() {
            let timer = self.legs.get_mut(index).filter(|leg| leg.state == LegState::Arriving);
            if let Some(timer) = timer.and_then(|leg| leg.timer.take()) {
                self.timers.cancel(timer);
            }
        }
        self.orphan_clock();
    }

    fn snapshot(&self, protocol: u16) -> ToEngine {
        let legs = self.legs.iter().map(|(_, leg)| LegSnapshot {
            leg: leg.id.to_string(),
            note: leg.note.clone(),
            state: leg.state,
            room: leg.room.as_ref().map(ToString::to_string),
            arrived: leg.arrived,
        });
        ToEngine::Welcome {
            boot: self.boot,
            protocol,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seq: self.mark.seq,
            i: self.mark.i,
            n: self.outbox.borrow().window.last(),
            now_us: self.now_us,
            legs: legs.collect(),
            recordings: self.recordings.names(),
        }
    }

    fn on_frame(&mut self, id: ConnectionId, frame: ToSwitch) {
        match frame {
            ToSwitch::Do { seq, i, command } => self.do_once(seq, i, command),
            ToSwitch::Ack { n } => self.outbox.borrow_mut().window.acknowledge(n),
            ToSwitch::Ping { id: ping } => self.link.reply(id, &ToEngine::Pong { id: ping, now_us: self.now_us }),
            ToSwitch::SetTrunks { trunks } => self.set_trunks(&trunks),
            ToSwitch::SetAccounts { accounts } => self.sip.set_accounts(settings::accounts(accounts)),
            ToSwitch::SetAdmission { admission } => match settings::admission(&admission) {
                Ok(made) => {
                    self.sip.set_admission(sip_admission(made, self.is_full));
                    self.admission = Some(admission);
                }
                Err(reason) => self.refuse_setting(reason),
            },
            ToSwitch::SetOrphanPolicy { policy } => self.orphans = policy,
            ToSwitch::Drain { within_ms } => self.drain(within_ms),
            // Handled by `on_heard`.
            ToSwitch::Hello { .. } => {}
        }
    }

    fn set_trunks(&mut self, trunks: &[hotline_control::frames::Trunk]) {
        match settings::trunks(trunks) {
            Ok(made) => {
                let nat = trunks.iter().filter(|trunk| trunk.behind_nat).map(|trunk| trunk.name.clone());
                self.nat_trunks = nat.collect();
                let channels = trunks.iter().filter(|trunk| trunk.max_channels > 0);
                self.channels = channels.map(|trunk| (trunk.name.clone(), trunk.max_channels as usize)).collect();
                let host = |trunk: &hotline_control::frames::Trunk| uri_host(trunk.servers.first()?);
                let hosts = trunks.iter().filter_map(|trunk| Some((trunk.name.clone(), host(trunk)?)));
                self.trunk_hosts = hosts.collect();
                self.sip.set_trunks(made);
            }
            Err(reason) => self.refuse_setting(reason),
        }
    }

    /// A setting that makes no sense leaves the old one in force.
    fn refuse_setting(&mut self, reason: String) {
        tracing::error!(reason, "a setting was refused");
        self.tell(Event::CommandRefused { seq: 0, i: 0, leg: None, reason });
    }

    fn refuse(&mut self, id: ConnectionId, reason: &str) {
        tracing::warn!(reason, "a control connection is refused");
        self.link.reply(id, &ToEngine::Refused { reason: reason.to_owned() });
        self.link.close(id);
    }

    fn on_closed(&mut self, id: ConnectionId, reason: &str) {
        self.link.forget(id);
        if self.engine == Some(id) {
            tracing::warn!(reason, "the engine is gone");
            self.engine = None;
            self.orphan_clock();
            self.hold_arrivals();
        }
    }

    /// Calls that the engine has not taken in hand wait for the next one as if they came now.
    fn hold_arrivals(&mut self) {
        let due = self.now_us + self.orphans.hold_new_ms * 1_000;
        for index in self.legs.iter().map(|(index, _)| index).collect::<Vec<_>>() {
            let Some(leg) = self.legs.get_mut(index) else { continue };
            if leg.state == LegState::Arriving && leg.timer.is_none() {
                leg.timer = Some(self.timers.set(due, Due::NoEngine(leg.id.clone())));
            }
        }
    }
}

fn sip_admission(admission: hotline_sip::Admission, full: bool) -> hotline_sip::Admission {
    hotline_sip::Admission { full, ..admission }
}
