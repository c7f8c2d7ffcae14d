//! How legs end: once, whole, and with everything that hung on them.

use std::sync::Arc;

use hotline_control::frames::{EndCause, Event};
use hotline_media::Quality;

use super::Switch;
use super::legs::{End, Index, quality};
use crate::media::message::ToMedia;

impl Switch {
    /// Ends a leg: its dialog, its room, the legs dialled for it, then its media. LegEnded follows when that is
    /// closed. The first cause stands; a second call does nothing.
    pub(super) fn end(&mut self, index: Index, end: End) {
        let Some(leg) = self.legs.get_mut(index).filter(|leg| leg.end.is_none()) else { return };
        leg.end = Some(end);
        leg.held.clear();
        leg.coming = None;
        let (id, timer, dialled) = (Arc::clone(&leg.id), leg.timer.take(), std::mem::take(&mut leg.dialled));
        if let Some(timer) = timer {
            self.timers.cancel(timer);
        }
        if let Some(dialog) = self.legs.take_dialog(index) {
            // Gone already: the peer was quicker, and its Ended finds no leg any more.
            let _ = self.sip.hangup(dialog, end.q850);
        }
        self.leave_group(index);
        for dial in dialled {
            self.withdraw(&dial);
        }
        self.leave_room(&id, index);
        self.recordings_lose(&id);
        self.speech.forget(&id);
        if self.legs.get(index).is_some_and(|leg| leg.open_media().is_some()) {
            self.media.send(&id, ToMedia::Close { leg: Arc::clone(&id) });
        } else {
            self.finish(index, &Quality::default());
        }
    }

    /// A leg that was dialled for another one that has ended, and has not been answered yet.
    fn withdraw(&mut self, id: &str) {
        let Some(index) = self.legs.find(id) else { return };
        if self.legs.get(index).is_some_and(|leg| leg.answered_us.is_none()) {
            self.end(index, End { cause: EndCause::Withdrawn, code: 487, q850: 16 });
        }
    }

    /// The leg's media thread has let go of it.
    pub(super) fn on_media_closed(&mut self, id: &str, sums: &Quality) {
        self.media.forget(id);
        if let Some(index) = self.legs.ending(id) {
            self.finish(index, sums);
        }
    }

    fn finish(&mut self, index: Index, sums: &Quality) {
        let Some(leg) = self.legs.remove(index) else { return };
        if let Some(media) = &leg.media {
            self.ports.give_back(media.port, self.now_us);
        }
        let Some(end) = leg.end else { return };
        self.outbox.borrow_mut().window.drop_sample(&leg.id);
        self.tell(Event::LegEnded {
            leg: leg.id.to_string(),
            cause: end.cause,
            code: end.code,
            q850: end.q850,
            answered_us: leg.answered_us,
            quality: quality(sums),
        });
        self.outbox.borrow_mut().window.release_leg();
        self.figures.ended += 1;
        if self.draining && self.legs.len() == 0 {
            self.is_over = true;
        }
    }
}
