//! Sounds: read, decoded and encoded once on a thread of their own, then shared by every leg that hears them.
//!
//! Files are immutable by contract (a path never changes its content), so a cached clip is never wrong.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use hotline_sound::{Clip, file};

use crate::pipe::{self, Sender};
use crate::wake::Wake;

/// What a play asks for: a file, louder or softer by so many decibels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SoundKey {
    pub path: String,
    pub volume_db: i8,
}

/// The answer of the reading thread.
#[derive(Debug)]
pub struct Loaded {
    pub key: SoundKey,
    /// The clip, or a sentence.
    pub clip: Result<Clip, String>,
}

/// What is known of a sound right now.
#[derive(Debug)]
pub enum Sound {
    Ready(Clip),
    /// Asked for; `Loaded` will come.
    Coming,
    /// Too many sounds are being asked for.
    Overloaded,
}

/// The cache in front of the reading thread; lives on the signalling thread.
#[derive(Debug)]
pub struct Sounds {
    cached: HashMap<SoundKey, Cached>,
    bytes: usize,
    capacity: usize,
    uses: u64,
    coming: HashMap<SoundKey, ()>,
    ask: SyncSender<SoundKey>,
}

#[derive(Debug)]
struct Cached {
    clip: Clip,
    used: u64,
}

impl Sounds {
    /// Starts the reading thread. `capacity` bytes of clips are kept.
    ///
    /// Errors: the thread cannot be started.
    pub fn start(capacity: usize, wake: &Wake) -> io::Result<(Self, pipe::Receiver<Loaded>)> {
        let (ask, asked) = sync_channel(MAX_COMING);
        let (answer, answers) = pipe::pipe(MAX_COMING, wake);
        thread::Builder::new().name("sounds".to_owned()).spawn(move || read(&asked, answer))?;
        let cached = HashMap::new();
        Ok((Self { cached, bytes: 0, capacity, uses: 0, coming: HashMap::new(), ask }, answers))
    }

    /// The clip, or a promise of it.
    pub fn get(&mut self, key: &SoundKey) -> Sound {
        self.uses += 1;
        if let Some(cached) = self.cached.get_mut(key) {
            cached.used = self.uses;
            return Sound::Ready(cached.clip.clone());
        }
        if self.coming.contains_key(key) {
            return Sound::Coming;
        }
        match self.ask.try_send(key.clone()) {
            Ok(()) => {
                self.coming.insert(key.clone(), ());
                Sound::Coming
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Sound::Overloaded,
        }
    }

    /// Takes in what the reading thread has found.
    pub fn loaded(&mut self, loaded: &Loaded) {
        self.coming.remove(&loaded.key);
        if let Ok(clip) = &loaded.clip {
            self.make_room(size(clip));
            self.bytes += size(clip);
            self.uses += 1;
            self.cached.insert(loaded.key.clone(), Cached { clip: clip.clone(), used: self.uses });
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops the sounds that were not asked for the longest. Legs that are hearing one keep it.
    fn make_room(&mut self, wanted: usize) {
        while self.bytes + wanted > self.capacity {
            let Some(oldest) = self.cached.iter().min_by_key(|(_, cached)| cached.used).map(|(key, _)| key.clone())
            else {
                return;
            };
            if let Some(cached) = self.cached.remove(&oldest) {
                self.bytes -= size(&cached.clip);
            }
        }
    }
}

fn read(asked: &Receiver<SoundKey>, mut answer: Sender<Loaded>) {
    while let Ok(key) = asked.recv() {
        let clip = file::load(Path::new(&key.path)).map_err(|error| error.to_string());
        let clip = clip.map(|clip| if key.volume_db == 0 { clip } else { clip.scaled(f32::from(key.volume_db)) });
        // The ring has room for everything that can be asked at once.
        answer.push_or_count(Loaded { key, clip });
        answer.ring();
    }
}

/// Octets in both laws.
fn size(clip: &Clip) -> usize {
    clip.frames() * hotline_sound::FRAME_SAMPLES * 2
}

const MAX_COMING: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn sounds(capacity: usize) -> (Sounds, Receiver<SoundKey>) {
        let (ask, asked) = sync_channel(2);
        let cached = HashMap::new();
        (Sounds { cached, bytes: 0, capacity, uses: 0, coming: HashMap::new(), ask }, asked)
    }

    fn key(path: &str) -> SoundKey {
        SoundKey { path: path.to_owned(), volume_db: 0 }
    }

    fn arrive(sounds: &mut Sounds, path: &str) {
        sounds.loaded(&Loaded { key: key(path), clip: Ok(Clip::from_samples(&[0; 160])) });
    }

    #[test]
    fn the_sound_that_was_not_used_the_longest_goes_first() {
        let (mut sounds, _asked) = sounds(640);
        arrive(&mut sounds, "a");
        arrive(&mut sounds, "b");
        assert!(matches!(sounds.get(&key("a")), Sound::Ready(_)));
        arrive(&mut sounds, "c");
        assert_eq!(sounds.bytes(), 640);
        assert!(matches!(sounds.get(&key("a")), Sound::Ready(_)));
        assert!(matches!(sounds.get(&key("b")), Sound::Coming));
    }

    #[test]
    fn a_sound_is_asked_for_once_and_a_flood_is_refused() {
        let (mut sounds, asked) = sounds(640);
        for path in ["a", "a", "b"] {
            assert!(matches!(sounds.get(&key(path)), Sound::Coming));
        }
        assert!(matches!(sounds.get(&key("c")), Sound::Overloaded));
        assert_eq!(asked.try_iter().count(), 2);
    }
}
