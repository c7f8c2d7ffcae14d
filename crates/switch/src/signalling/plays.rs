//! Plays: sounds are looked up, waited for where they must be read first, and handed to the leg's media thread.

use std::sync::Arc;

use hotline_control::frames::{Event, PlaybackEnd};
use hotline_media::Clip;

use super::Switch;
use super::commands::Refusal;
use super::legs::{ComingPlay, Index};
use crate::disk::sounds::{Loaded, Sound, SoundKey};
use crate::media::message::ToMedia;

impl Switch {
    pub(super) fn play(&mut self, leg: &str, coming: ComingPlay) -> Result<(), Refusal> {
        let index = self.leg_with_sound(leg)?;
        if coming.sounds.is_empty() {
            return Err(Refusal::leg(leg, "there is nothing to play"));
        }
        // One play a leg: the newer one is what the engine wants.
        self.stop_coming(leg);
        self.play_when_ready(index, coming);
        Ok(())
    }

    pub(super) fn stop(&mut self, leg: &str, play: &str) -> Result<(), Refusal> {
        let index = self.leg_with_sound(leg)?;
        let coming = self.legs.get(index).and_then(|leg| leg.coming.as_ref());
        if coming.is_some_and(|coming| play.is_empty() || &*coming.play == play) {
            self.stop_coming(leg);
        }
        self.stop_feed(leg, play);
        let id: Arc<str> = leg.into();
        self.media.send(leg, ToMedia::Stop { leg: id, play: play.into() });
        Ok(())
    }

    /// A play that still waits for its sounds ends as stopped.
    pub(super) fn stop_coming(&mut self, leg: &str) {
        let coming = self.legs.find(leg).and_then(|index| self.legs.get_mut(index)?.coming.take());
        if let Some(coming) = coming {
            self.tell_playback(leg, &coming.play, PlaybackEnd::Stopped, String::new());
        }
    }

    /// Looks for every sound that is missing; plays when none is.
    fn play_when_ready(&mut self, index: Index, mut coming: ComingPlay) {
        let Some(id) = self.legs.get(index).map(|leg| Arc::clone(&leg.id)) else { return };
        for (key, clip) in coming.sounds.iter_mut().filter(|(_, clip)| clip.is_none()) {
            match self.sounds.get(key) {
                Sound::Ready(ready) => *clip = Some(ready),
                Sound::Coming => {}
                Sound::Overloaded => {
                    let detail = "too many sounds are being read".to_owned();
                    return self.tell_playback(&id, &coming.play, PlaybackEnd::Failed, detail);
                }
            }
        }
        match coming.sounds.iter().map(|(_, clip)| clip.clone()).collect::<Option<Vec<Clip>>>() {
            Some(clips) => {
                let ComingPlay { play, repeat, gap_ms, .. } = coming;
                self.media.send(&id, ToMedia::Play { leg: Arc::clone(&id), play, clips, repeat, gap_ms });
            }
            None => {
                if let Some(leg) = self.legs.get_mut(index) {
                    leg.coming = Some(coming);
                    self.waiting_for_sound.push(id);
                }
            }
        }
    }

    /// A sound has been read, or could not be: those who wait for it go on.
    pub(super) fn on_loaded(&mut self, loaded: &Loaded) {
        self.sounds.loaded(loaded);
        for id in std::mem::take(&mut self.waiting_for_sound) {
            let Some(index) = self.legs.find(&id) else { continue };
            let Some(leg) = self.legs.get_mut(index) else { continue };
            let Some(mut coming) = leg.coming.take() else { continue };
            let mut wanted = coming.sounds.iter_mut().filter(|(key, _)| *key == loaded.key).peekable();
            match (&loaded.clip, wanted.peek()) {
                (Ok(clip), _) => {
                    wanted.for_each(|(_, slot)| *slot = Some(clip.clone()));
                    self.play_when_ready(index, coming);
                }
                (Err(error), Some(_)) => {
                    let detail = format!("{}: {error}", loaded.key.path);
                    self.tell_playback(&id, &coming.play, PlaybackEnd::Failed, detail);
                }
                (Err(_), None) => self.play_when_ready(index, coming),
            }
        }
    }

    pub(super) fn tell_playback(&mut self, leg: &str, play: &str, reason: PlaybackEnd, detail: String) {
        if reason == PlaybackEnd::Failed {
            self.figures.count("plays_failed");
            tracing::warn!(leg, play, detail, "a play failed");
        }
        self.tell(Event::PlaybackEnded { leg: leg.to_owned(), play: play.to_owned(), reason, detail });
    }
}

/// The sounds of a Play command, none of them looked up yet.
pub(super) fn coming(play: &str, sounds: Vec<String>, repeat: bool, gap_ms: u32, volume_db: i8) -> ComingPlay {
    let sounds = sounds.into_iter().map(|path| (SoundKey { path, volume_db }, None)).collect();
    ComingPlay { play: play.into(), sounds, repeat, gap_ms }
}
