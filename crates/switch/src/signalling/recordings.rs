//! Recordings: which legs they take, and when they end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use hotline_control::frames::{Event, LegId, RecordingEnd};

use super::Switch;
use super::commands::Refusal;
use crate::disk::recordings::{Closed, Tag, ToRecorder};
use crate::media::message::{MediaLeg, ToMedia};

/// All recordings that are not closed yet.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    by_name: HashMap<String, Recording>,
    names: HashMap<Tag, String>,
    next: Tag,
}

#[derive(Debug)]
struct Recording {
    tag: Tag,
    path: String,
    legs: Vec<MediaLeg>,
    /// The tape's end has been ordered; RecordingClosed will come.
    is_ending: bool,
}

impl Recordings {
    pub fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Legs that a leg shares a recording with.
    pub fn companions(&self, leg: &str) -> Vec<MediaLeg> {
        let shared = self.by_name.values().filter(|recording| recording.legs.iter().any(|other| &**other == leg));
        shared.flat_map(|recording| recording.legs.clone()).collect()
    }
}

impl Switch {
    /// Begins a recording, or changes whose voices a running one takes.
    pub(super) fn record(
        &mut self,
        name: String,
        left: &[LegId],
        right: &[LegId],
        path: String,
        max_ms: Option<u64>,
    ) -> Result<(), Refusal> {
        let legs: Vec<MediaLeg> = left.iter().chain(right).map(|leg| leg.as_str().into()).collect();
        for leg in &legs {
            self.leg_with_sound(leg)?;
        }
        let running = self.recordings.by_name.get(&name);
        if running.is_some_and(|running| running.is_ending || running.path != path) {
            return Err(Refusal::whole("the recording has another path or is ending"));
        }
        let tag = running.map(|running| running.tag);
        let Some(thread) = self.gather(&legs) else {
            return Err(Refusal::whole("a recording needs a leg"));
        };
        let tag = match tag {
            Some(tag) => tag,
            None => self.begin(path.clone(), max_ms)?,
        };
        let take = |side: &[LegId]| side.iter().map(|leg| MediaLeg::from(leg.as_str())).collect();
        self.media.send_to(thread, ToMedia::Record { tag, left: take(left), right: take(right) });
        self.recordings.names.insert(tag, name.clone());
        self.recordings.by_name.insert(name, Recording { tag, path, legs, is_ending: false });
        Ok(())
    }

    fn begin(&mut self, path: String, max_ms: Option<u64>) -> Result<Tag, Refusal> {
        self.recordings.next += 1;
        let tag = self.recordings.next;
        let begin = ToRecorder::Begin { tag, path: PathBuf::from(path), max_ms };
        self.recorder.push(begin).map_err(|_| Refusal::whole("the recorder is overloaded"))?;
        // The recorder must know it before its first frame comes.
        self.recorder.ring();
        Ok(tag)
    }

    pub(super) fn pause_recording(&mut self, name: &str, is_paused: bool) -> Result<(), Refusal> {
        let recording = self.recordings.by_name.get(name).ok_or_else(no_such_recording)?;
        let (tag, leg) = (recording.tag, recording.legs.first().cloned());
        if let Some(leg) = leg {
            self.media.send(&leg, ToMedia::PauseRecording { tag, is_paused });
        }
        Ok(())
    }

    pub(super) fn stop_recording(&mut self, name: &str) -> Result<(), Refusal> {
        if !self.recordings.by_name.contains_key(name) {
            return Err(no_such_recording());
        }
        self.end_recording(name, RecordingEnd::Stopped);
        Ok(())
    }

    fn end_recording(&mut self, name: &str, reason: RecordingEnd) {
        let Some(recording) = self.recordings.by_name.get_mut(name).filter(|recording| !recording.is_ending) else {
            return;
        };
        recording.is_ending = true;
        if let Some(leg) = recording.legs.first() {
            self.media.send(leg, ToMedia::StopRecording { tag: recording.tag, reason });
        }
    }

    /// A leg has ended: a recording ends with its last one.
    pub(super) fn recordings_lose(&mut self, id: &Arc<str>) {
        let mut over = Vec::new();
        for (name, recording) in &mut self.recordings.by_name {
            match recording.legs.as_slice() {
                [last] if last == id => over.push(name.clone()),
                _ => recording.legs.retain(|leg| leg != id),
            }
        }
        over.iter().for_each(|name| self.end_recording(name, RecordingEnd::LegsEnded));
    }

    pub(super) fn on_recording_closed(&mut self, closed: Closed) {
        let Some(name) = self.recordings.names.remove(&closed.tag) else { return };
        let Some(recording) = self.recordings.by_name.remove(&name) else { return };
        if !recording.is_ending
            && let Some(leg) = recording.legs.first()
        {
            // Its length was reached or the disk is full: no frames are wanted any more.
            self.media.send(leg, ToMedia::StopRecording { tag: closed.tag, reason: closed.reason });
        }
        if !closed.detail.is_empty() {
            self.figures.count("recordings_failed");
            tracing::error!(recording = name, reason = ?closed.reason, detail = closed.detail, "a recording ended early");
        }
        self.tell(Event::RecordingClosed {
            recording: name,
            path: recording.path,
            duration_ms: closed.duration_ms,
            bytes: closed.bytes,
            reason: closed.reason,
        });
    }
}

fn no_such_recording() -> Refusal {
    Refusal::whole("no such recording")
}
