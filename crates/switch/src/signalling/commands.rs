//! The engine's commands: each is carried out whole, or refused whole with an event that says why.

use hotline_control::frames::{Command, EndCause, Event, LegId, LegState};

use super::Switch;
use super::legs::{End, Held, Index};
use super::plays::coming;
use super::tick::Due;
use crate::media::message::ToMedia;

/// Why a command was refused, and for which leg.
#[derive(Debug)]
pub(super) struct Refusal {
    leg: Option<LegId>,
    reason: String,
    /// It is only too early: the caller is not proven yet. The command is held until he is.
    hold: Option<Index>,
}

impl Refusal {
    pub fn leg(leg: &str, reason: impl Into<String>) -> Self {
        Self { leg: Some(leg.to_owned()), reason: reason.into(), hold: None }
    }

    pub fn whole(reason: impl Into<String>) -> Self {
        Self { leg: None, reason: reason.into(), hold: None }
    }

    fn gone(leg: &str) -> Self {
        Self::leg(leg, "the leg is gone")
    }
}

impl Switch {
    /// Executes a command once: one at or below the high-water mark is a duplicate.
    pub(super) fn do_once(&mut self, seq: u64, i: u32, command: Command) {
        if self.mark.rise(seq, i) {
            self.attempt(seq, i, command);
        } else {
            self.figures.count("duplicate_commands");
        }
    }

    fn attempt(&mut self, seq: u64, i: u32, command: Command) {
        // Only commands for sound are ever held, and only those are worth a copy.
        let copy = is_for_sound(&command).then(|| command.clone());
        let Err(refusal) = self.execute(command) else { return };
        if let (Some(index), Some(command)) = (refusal.hold, copy)
            && let Some(leg) = self.legs.get_mut(index)
            && leg.held.len() < MAX_HELD
        {
            leg.held.push_back(Held { seq, i, command });
            return;
        }
        tracing::debug!(seq, i, leg = refusal.leg, reason = refusal.reason, "a command was refused");
        self.figures.count("refused_commands");
        self.tell(Event::CommandRefused { seq, i, leg: refusal.leg, reason: refusal.reason });
    }

    /// What was held until the caller was proven.
    pub(super) fn do_held(&mut self, index: Index) {
        let held = self.legs.get_mut(index).map(|leg| std::mem::take(&mut leg.held)).unwrap_or_default();
        for Held { seq, i, command } in held {
            self.attempt(seq, i, command);
        }
    }

    fn execute(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Ring { leg } => self.ring(&leg),
            Command::Progress { leg, answer_by_ms } => self.progress(&leg, answer_by_ms),
            Command::Answer { leg } => {
                let index = self.living(&leg)?;
                self.answer(index).map_err(|reason| Refusal::leg(&leg, reason))
            }
            Command::Reject { leg, code, retry_after_s, .. } => self.reject(&leg, code, retry_after_s),
            Command::Hangup { leg, q850 } => {
                let index = self.living(&leg)?;
                self.end(index, End { cause: EndCause::Us, code: 200, q850 });
                Ok(())
            }
            Command::Dial { .. } => self.dial(command),
            Command::Play { leg, play, sounds, repeat, gap_ms, volume_db } => {
                self.play(&leg, coming(&play, sounds, repeat, gap_ms, volume_db))
            }
            Command::Stop { leg, play } => self.stop(&leg, &play),
            Command::Connect { room, hears, release, on_peer_end } => self.connect(&room, hears, &release, on_peer_end),
            Command::Record { recording, left, right, path, max_ms } => {
                self.record(recording, &left, &right, path, max_ms)
            }
            Command::PauseRecording { recording } => self.pause_recording(&recording, true),
            Command::ResumeRecording { recording } => self.pause_recording(&recording, false),
            Command::StopRecording { recording } => self.stop_recording(&recording),
            Command::SendDigits { leg, digits } => {
                self.leg_with_sound(&leg)?;
                let id = leg.as_str().into();
                self.media.send(&leg, ToMedia::SendDigits { leg: id, digits });
                Ok(())
            }
            Command::Tap { leg, tap, token } => self.tap(&leg, tap, token),
            Command::Feed { leg, feed, token, generation } => self.feed(&leg, feed, token, generation),
            Command::Transfer { leg, .. } => Err(Refusal::leg(&leg, "this switch cannot do that yet")),
            Command::Note { leg, note } => {
                let index = self.living(&leg)?;
                if let Some(leg) = self.legs.get_mut(index) {
                    leg.note = note;
                }
                Ok(())
            }
        }
    }

    /// A leg that has not ended.
    pub(super) fn living(&self, leg: &str) -> Result<Index, Refusal> {
        self.legs.find(leg).ok_or_else(|| Refusal::gone(leg))
    }

    /// A leg that can say and hear.
    pub(super) fn leg_with_sound(&self, id: &str) -> Result<Index, Refusal> {
        let index = self.living(id)?;
        let leg = self.legs.get(index).ok_or_else(|| Refusal::gone(id))?;
        if leg.open_media().is_some() {
            return Ok(index);
        }
        let is_early = leg.arrived && matches!(leg.state, LegState::Answered | LegState::Progressing);
        let reason = if is_early { "too much is held for the unproven caller" } else { "the leg has no sound yet" };
        Err(Refusal { hold: is_early.then_some(index), ..Refusal::leg(id, reason) })
    }

    fn ring(&mut self, id: &str) -> Result<(), Refusal> {
        let (_, dialog) = self.arriving(id)?;
        self.sip.ring(dialog).map_err(|error| Refusal::leg(id, error.to_string()))
    }

    fn progress(&mut self, id: &str, answer_by_ms: Option<u64>) -> Result<(), Refusal> {
        let (index, dialog) = self.arriving(id)?;
        let sdp = self.our_session(index).map_err(|reason| Refusal::leg(id, reason))?;
        self.sip.progress(dialog, &sdp).map_err(|error| Refusal::leg(id, error.to_string()))?;
        let timer = answer_by_ms.map(|ms| self.timers.set(self.now_us + ms * 1_000, Due::AnswerBy(id.into())));
        if let Some(leg) = self.legs.get_mut(index) {
            leg.state = LegState::Progressing;
            let before = std::mem::replace(&mut leg.timer, timer);
            before.into_iter().for_each(|timer| self.timers.cancel(timer));
        }
        self.open_if_proven(index);
        Ok(())
    }

    /// 200 with our SDP. Media opens now for the proven, at the ACK for the others.
    pub(super) fn answer(&mut self, index: Index) -> Result<(), String> {
        let sdp = self.our_session(index)?;
        let leg = self.legs.get_mut(index).ok_or("the leg is gone")?;
        let dialog = leg.dialog.filter(|_| leg.arrived).ok_or("the leg did not arrive")?;
        self.sip.answer(dialog, &sdp).map_err(|error| error.to_string())?;
        leg.state = LegState::Answered;
        leg.answered_us = Some(self.now_us);
        if let Some(timer) = leg.timer.take() {
            self.timers.cancel(timer);
        }
        self.open_if_proven(index);
        Ok(())
    }

    fn open_if_proven(&mut self, index: Index) {
        if self.legs.get(index).is_some_and(|leg| leg.is_proven && leg.remote.is_some()) {
            self.open_sound(index);
        }
    }

    /// Our SDP for an arriving leg; its port is reserved by it.
    fn our_session(&mut self, index: Index) -> Result<String, String> {
        let peer = self.legs.get(index).and_then(|leg| leg.source).ok_or("the leg is gone")?;
        self.reserve_sound(index, peer.ip(), self.media.emptiest())?;
        let media = self.legs.get(index).and_then(|leg| leg.media.as_ref());
        media.map(|media| media.local.to_string()).ok_or_else(|| "the leg is gone".to_owned())
    }

    fn reject(&mut self, id: &str, code: u16, retry_after_s: Option<u32>) -> Result<(), Refusal> {
        let (index, dialog) = self.arriving(id)?;
        self.sip.reject(dialog, code, retry_after_s).map_err(|error| Refusal::leg(id, error.to_string()))?;
        self.legs.take_dialog(index);
        self.end(index, End { cause: EndCause::Us, code, q850: 16 });
        Ok(())
    }

    /// An arriving leg that has no final answer yet.
    fn arriving(&self, id: &str) -> Result<(Index, hotline_sip::DialogKey), Refusal> {
        let index = self.living(id)?;
        let leg = self.legs.get(index).filter(|leg| matches!(leg.state, LegState::Arriving | LegState::Progressing));
        let dialog = leg.and_then(|leg| leg.dialog).ok_or_else(|| Refusal::leg(id, "the leg is answered already"))?;
        Ok((index, dialog))
    }
}

fn is_for_sound(command: &Command) -> bool {
    matches!(
        command,
        Command::Play { .. }
            | Command::Stop { .. }
            | Command::Connect { .. }
            | Command::Record { .. }
            | Command::SendDigits { .. }
            | Command::Tap { .. }
            | Command::Feed { .. }
    )
}

/// Commands held for one unproven caller.
const MAX_HELD: usize = 16;
