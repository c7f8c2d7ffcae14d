//! What happens by the clock.

use std::sync::Arc;

use hotline_control::frames::{EndCause, Event, LegState};

use super::Switch;
use super::legs::End;
use crate::media::message::ToMedia;

/// Errands of the signalling thread's timers. Legs go by name: a timer may outlive its leg.
#[derive(Debug, Clone)]
pub enum Due {
    /// An arriving leg was held long enough for an engine that did not come.
    NoEngine(Arc<str>),
    /// Early media must become an answer now.
    AnswerBy(Arc<str>),
    /// Nobody answered in time.
    RingEnds(Arc<str>),
    /// Quality samples, admission's counts.
    EverySecond,
    /// No engine for as long as the orphan policy waits.
    Orphaned(u64),
    /// Draining has lasted long enough.
    DrainEnds,
}

impl Switch {
    /// Sets what recurs.
    pub(super) fn start_clockwork(&mut self) {
        self.timers.set(self.now_us + SECOND_US, Due::EverySecond);
        self.orphan_clock();
    }

    pub(super) fn on_due(&mut self, due: Due) {
        match due {
            Due::NoEngine(leg) => self.on_no_engine(&leg),
            Due::AnswerBy(leg) => self.on_answer_by(&leg),
            Due::RingEnds(leg) => self.on_ring_ends(&leg),
            Due::EverySecond => self.on_second(),
            Due::Orphaned(turn) => self.on_orphaned(turn),
            Due::DrainEnds => self.end_all(),
        }
    }

    fn on_answer_by(&mut self, id: &str) {
        let Some(index) = self.legs.find(id) else { return };
        if self.legs.get(index).is_some_and(|leg| leg.state == LegState::Progressing)
            && let Err(reason) = self.answer(index)
        {
            tracing::warn!(leg = id, reason, "a leg could not be answered in time");
        }
    }

    fn on_ring_ends(&mut self, id: &str) {
        let Some(index) = self.legs.find(id) else { return };
        if self.legs.get(index).is_some_and(|leg| leg.answered_us.is_none()) {
            self.end(index, End { cause: EndCause::RingTimeout, code: 487, q850: 19 });
        }
    }

    fn on_second(&mut self) {
        self.timers.set(self.now_us + SECOND_US, Due::EverySecond);
        self.figures.seconds += 1;
        if self.figures.seconds.is_multiple_of(SAMPLE_EVERY) {
            self.media.send_to_all(|| ToMedia::Sample);
        }
        if self.engine.is_some() {
            self.outbox.borrow_mut().window.take_samples();
            self.report_admission();
        }
    }

    /// What was refused since the last report, by reason.
    fn report_admission(&mut self) {
        let counts = self.admission_counts();
        let moved = counts.iter().filter_map(|(reason, count)| {
            let more = count - self.reported.get(reason).copied().unwrap_or(0);
            (more > 0).then(|| (reason.clone(), more))
        });
        let moved: std::collections::BTreeMap<String, u64> = moved.collect();
        if !moved.is_empty() {
            self.reported = counts;
            self.tell(Event::AdmissionReport { counts: moved });
        }
    }

    /// Counts down to the orphan policy whenever the engine has gone.
    pub(super) fn orphan_clock(&mut self) {
        self.orphan_turn += 1;
        if self.engine.is_none() {
            let due = self.now_us + self.orphans.end_waiting_after_ms * 1_000;
            self.timers.set(due, Due::Orphaned(self.orphan_turn));
        }
    }

    /// Legs that are connected to nobody end; those that talk to each other never do.
    fn on_orphaned(&mut self, turn: u64) {
        if turn != self.orphan_turn || self.engine.is_some() {
            return;
        }
        let alone = self.legs.iter().filter(|(_, leg)| leg.room.as_ref().is_none_or(|room| self.rooms.is_alone(room)));
        for index in alone.map(|(index, _)| index).collect::<Vec<_>>() {
            self.end(index, End { cause: EndCause::Orphaned, code: 503, q850: 41 });
        }
    }

    /// Takes no new calls; over when the last leg has gone, at the latest after `within_ms`.
    pub(super) fn drain(&mut self, within_ms: u64) {
        tracing::info!(within_ms, legs = self.legs.len(), "draining");
        let again = std::mem::replace(&mut self.draining, true);
        if again || within_ms == 0 {
            self.end_all();
        } else {
            self.timers.set(crate::clock::now_us() + within_ms * 1_000, Due::DrainEnds);
        }
        if self.legs.len() == 0 {
            self.is_over = true;
        }
    }

    fn end_all(&mut self) {
        self.draining = true;
        for index in self.legs.iter().map(|(index, _)| index).collect::<Vec<_>>() {
            self.end(index, End { cause: EndCause::Us, code: 503, q850: 41 });
        }
    }
}

const SECOND_US: u64 = 1_000_000;

/// Seconds between two quality samples of a leg.
const SAMPLE_EVERY: u64 = 5;
