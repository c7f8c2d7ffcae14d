//! What is counted, and the page of metrics.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use hotline_control::frames::{DigitVia, EndCause, Event, PlaybackEnd};
use hotline_media::{Event as MediaEvent, PlayEnd};

use super::Switch;
use super::legs::{End, quality};
use crate::media::message::FromMedia;
use crate::metrics::Page;

/// Counts of the signalling thread.
#[derive(Debug, Default)]
pub(super) struct Figures {
    counts: BTreeMap<&'static str, u64>,
    pub no_port: u64,
    pub port_taken: u64,
    pub ended: u64,
    pub seconds: u64,
}

impl Figures {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

impl Switch {
    /// Everything that the media threads tell.
    pub(super) fn hear_media(&mut self) {
        while let Some(told) = self.media.hear() {
            match told {
                FromMedia::Closed { leg, quality } => self.on_media_closed(&leg, &quality),
                FromMedia::Told(event) => self.on_media_event(event),
                FromMedia::Sample { leg, quality: sums } => {
                    if self.is_alive(&leg, sums.packets_in) {
                        self.tell(Event::QualityChanged { leg: leg.to_string(), quality: quality(&sums) });
                    }
                }
                FromMedia::Refused { leg: Some(leg), play: Some(play), reason } => {
                    self.tell_playback(&leg, &play, PlaybackEnd::Failed, reason);
                }
                FromMedia::Refused { leg, reason, .. } => {
                    self.figures.count("media_refused");
                    tracing::warn!(leg = leg.as_deref(), reason, "a media thread refused a command");
                }
                // Sent on by `MediaThreads` itself.
                FromMedia::Left(_) => {}
            }
        }
    }

    /// False for a leg that is no more: ended, or ended here because nothing was heard of it for too long. A peer that
    /// died without a word sends neither sound nor BYE.
    fn is_alive(&mut self, id: &str, packets_in: u64) -> bool {
        let Some(index) = self.legs.find(id) else { return false };
        let (now, patience) = (self.now_us, self.silent_after_us);
        let Some(leg) = self.legs.get_mut(index) else { return false };
        if leg.packets_in != packets_in || leg.is_held_by_peer || leg.heard_us == 0 {
            (leg.packets_in, leg.heard_us) = (packets_in, now);
        }
        let is_silent = patience > 0 && now - leg.heard_us >= patience;
        if is_silent {
            self.end(index, End { cause: EndCause::Silent, code: 408, q850: 31 });
        }
        !is_silent
    }

    fn on_media_event(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Digit { leg, digit, duration_ms } => {
                if let Some(index) = self.legs.find(&leg) {
                    self.on_digit(index, digit, DigitVia::Rtp, duration_ms);
                }
            }
            MediaEvent::PlaybackEnded { leg, play, end } => {
                let reason = match end {
                    PlayEnd::Finished => PlaybackEnd::Finished,
                    PlayEnd::Stopped => PlaybackEnd::Stopped,
                };
                self.tell_playback(&leg, &play, reason, String::new());
            }
            // Handled in the media thread, or of interest to nobody yet.
            MediaEvent::SourceLocked { .. } | MediaEvent::UrgencyChanged { .. } | MediaEvent::DigitsSent { .. } => {}
        }
    }

    /// Refusals by reason, for AdmissionReport.
    pub(super) fn admission_counts(&self) -> BTreeMap<String, u64> {
        let sip = self.sip.counters();
        let mut counts: BTreeMap<String, u64> =
            ["bad_offer", "no_codec", "channels", "draining", "full", "window_full", "no_engine"]
                .into_iter()
                .filter_map(|reason| Some((reason.to_owned(), *self.figures.counts.get(reason)?)))
                .collect();
        for (reason, count) in [
            ("stranger", sip.strangers),
            ("source_limit", sip.limited),
            ("unreadable", sip.unreadable),
            ("refused_503", sip.refused_503),
            ("refused_400", sip.refused_400),
            ("auth_failure", sip.auth_failures),
        ] {
            if count > 0 {
                counts.insert(reason.to_owned(), count);
            }
        }
        counts
    }

    pub(super) fn metrics(&self) -> String {
        let mut page = Page::default();
        let sip = self.sip.counters();
        page.gauge("legs", "Legs that live.", self.legs.len() as u64);
        page.gauge("dialogs", "SIP dialogs that live.", sip.dialogs as u64);
        page.gauge("transactions", "SIP transactions that run.", sip.transactions as u64);
        page.gauge("transactions_finished", "Finished SIP transactions kept for 32 s.", sip.finished as u64);
        page.gauge("sip_streams", "Open SIP connections over TCP.", sip.streams as u64);
        page.gauge("unproven", "Calls at the open door without ACK.", sip.unproven as u64);
        page.gauge("registrations", "Contacts of accounts.", sip.bindings as u64);
        page.gauge("rtp_ports", "RTP port pairs in use.", self.ports.used() as u64);
        page.gauge("rtp_ports_total", "RTP port pairs of the range.", self.ports.total() as u64);
        page.gauge("rooms", "Rooms.", self.rooms.len() as u64);
        page.gauge("recordings", "Recordings that run.", self.recordings.len() as u64);
        page.gauge("feeds", "Feeds of speech workers.", self.speech.feeds() as u64);
        page.gauge("timers", "Timers that wait.", self.timers.len() as u64);
        page.gauge("groups", "Groups of dialled legs.", self.groups.len() as u64);
        page.gauge("sound_cache_bytes", "Decoded sounds.", self.sounds.bytes() as u64);
        page.gauge("engine_connected", "1 while an engine is connected.", u64::from(self.engine.is_some()));
        self.window_metrics(&mut page);
        let counts = self.figures.counts.iter().map(|(what, count)| (*what, *count));
        page.counters("happened_total", "Events of the signalling thread.", "what", counts);
        page.counter("legs_ended_total", "Legs that ended.", self.figures.ended);
        page.counter("no_port_total", "Legs refused for want of an RTP port.", self.figures.no_port);
        page.counter("port_taken_total", "RTP ports that another program had.", self.figures.port_taken);
        let admission = self.admission_counts();
        let admission = admission.iter().map(|(reason, count)| (reason.as_str(), *count));
        page.counters("refused_total", "Refusals by reason.", "reason", admission);
        page.counter("sip_received_total", "SIP messages received.", sip.received);
        page.counter("sip_sent_total", "SIP messages sent.", sip.sent);
        page.counter("sip_send_failures_total", "SIP messages that were not sent.", sip.send_failures);
        page.counter("sip_lost_events_total", "SIP events without room: must stay 0.", sip.lost_events);
        self.media_metrics(&mut page);
        page.process();
        page.text()
    }

    fn window_metrics(&self, page: &mut Page) {
        let outbox = self.outbox.borrow();
        let (kept, capacity) = outbox.window.fill();
        page.gauge("window_events", "Events that the engine has not written.", kept as u64);
        page.gauge("window_capacity", "Room for such events.", capacity as u64);
        page.counter("events_total", "Events since the start.", outbox.window.last());
        page.counter("digits_lost_total", "Digits dropped by a full window.", outbox.window.digits_lost());
        page.counter("window_overflow_total", "Events without room: must stay 0.", outbox.window.overflow());
    }

    fn media_metrics(&self, page: &mut Page) {
        let all = self.media.counters();
        let sum = |of: fn(&crate::metrics::MediaCounters) -> &std::sync::atomic::AtomicU64| {
            all.iter().map(|counters| of(counters).load(Relaxed)).sum()
        };
        page.gauge("media_legs", "Legs in media threads.", sum(|counters| &counters.legs));
        page.counter("rtp_received_total", "RTP packets received.", sum(|counters| &counters.packets_in));
        page.counter("rtp_sent_total", "RTP packets sent.", sum(|counters| &counters.packets_out));
        page.counter("rtp_send_failures_total", "RTP packets not sent.", sum(|counters| &counters.send_failures));
        page.counter("ticks_total", "Passes of 20 ms.", sum(|counters| &counters.ticks));
        page.counter("late_ticks_total", "Passes more than 20 ms late.", sum(|counters| &counters.late_ticks));
        let latest = all.iter().map(|counters| counters.max_late_us.load(Relaxed)).max().unwrap_or(0);
        page.gauge("max_late_us", "The latest pass since the start.", latest);
        let lost = sum(|counters| &counters.recording_frames_lost);
        page.counter("recording_frames_lost_total", "Frames that became silence in recordings.", lost);
        let (tells_lost, commands_delayed) = self.media.overflow();
        page.counter("media_events_lost_total", "Media events without room: must stay 0.", tells_lost);
        page.counter("media_commands_delayed_total", "Media commands that waited for room.", commands_delayed);
    }
}
