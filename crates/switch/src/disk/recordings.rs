//! The recorder: takes 20 ms frames from the media threads' rings, encodes and writes them.
//!
//! It never holds a media thread up: what its ring has no room for becomes silence and is counted. Its files can be
//! cut anywhere (a page is at most a second); they reach the platter about once a second, by a helper thread, so
//! that a slow disk does not stop the encoding. When the disk is full, recordings end first and calls go on.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use hotline_control::frames::RecordingEnd;
use hotline_sound::{StereoFrame, ogg};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::pipe::{Receiver, Sender};
use crate::wake::Wake;

/// Names a recording between the threads; never used twice.
pub type Tag = u64;

/// From the signalling thread.
#[derive(Debug)]
pub enum ToRecorder {
    Begin {
        tag: Tag,
        path: PathBuf,
        max_ms: Option<u64>,
    },
    /// Close everything and end the thread.
    Shutdown,
}

/// From a media thread, in order.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the ring's slots are made once; a box would allocate for each frame")]
pub enum Tape {
    /// `missed` frames had no room before this one.
    Frame {
        tag: Tag,
        missed: u32,
        frame: StereoFrame,
    },
    End {
        tag: Tag,
        reason: RecordingEnd,
    },
}

/// To the signalling thread: the file is complete.
#[derive(Debug)]
pub struct Closed {
    pub tag: Tag,
    pub duration_ms: u64,
    pub bytes: u64,
    pub reason: RecordingEnd,
    pub detail: String,
}

/// Everything that the recorder's thread is started with.
#[derive(Debug)]
pub struct Recorder {
    pub commands: Receiver<ToRecorder>,
    pub tapes: Vec<Receiver<Tape>>,
    pub closed: Sender<Closed>,
    pub wake: Wake,
    /// Recordings neither begin nor go on with less than this free on their disk.
    pub min_free: u64,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// Errors: the process may start no thread.
    pub fn start(self) -> io::Result<thread::JoinHandle<()>> {
        let (sync, synced) = sync_channel::<File>(1);
        thread::Builder::new().name("sync".to_owned()).spawn(move || {
            while let Ok(file) = synced.recv() {
                // One call for all recordings of that file system. A failing disk shows at the next write.
                let _ = rustix::fs::syncfs(&file);
            }
        })?;
        let mut run = Run { recorder: self, open: HashMap::new(), sync, synced_us: 0 };
        thread::Builder::new().name("recorder".to_owned()).spawn(move || run.run())
    }
}

struct Run {
    recorder: Recorder,
    open: HashMap<Tag, Open>,
    sync: SyncSender<File>,
    synced_us: u64,
}

struct Open {
    path: PathBuf,
    writer: ogg::Writer<Counted>,
    max: Option<Duration>,
    /// Time of the last flush, on our clock.
    flushed_us: u64,
}

impl Run {
    fn run(&mut self) {
        loop {
            self.wait();
            self.recorder.wake.clear();
            let shutdown = self.take_commands();
            let mut busy = true;
            while busy {
                busy = false;
                for tape in 0..self.recorder.tapes.len() {
                    // A batch from each thread in turn, so that none starves.
                    for _ in 0..256 {
                        let Some(piece) = self.recorder.tapes[tape].pop() else {
                            break;
                        };
                        busy = true;
                        self.take_piece(piece);
                    }
                }
            }
            self.flush();
            if shutdown {
                let tags: Vec<Tag> = self.open.keys().copied().collect();
                tags.into_iter().for_each(|tag| self.close(tag, RecordingEnd::LegsEnded));
                self.recorder.closed.ring();
                return;
            }
            self.recorder.closed.ring();
        }
    }

    fn wait(&self) {
        let mut wanted = [PollFd::new(&self.recorder.wake, PollFlags::IN)];
        // While recordings run it looks around by itself too, because media threads ring only once a tick.
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let _ = poll(&mut wanted, (!self.open.is_empty()).then_some(&second));
    }

    fn take_commands(&mut self) -> bool {
        while let Some(command) = self.recorder.commands.pop() {
            match command {
                ToRecorder::Begin { tag, path, max_ms } => self.begin(tag, path, max_ms),
                ToRecorder::Shutdown => return true,
            }
        }
        false
    }

    fn begin(&mut self, tag: Tag, path: PathBuf, max_ms: Option<u64>) {
        match Open::create(path, tag, max_ms, self.recorder.min_free) {
            Ok(open) => {
                self.open.insert(tag, open);
            }
            Err(error) => {
                let reason = reason_of(&error);
                let detail = error.to_string();
                self.tell(Closed { tag, duration_ms: 0, bytes: 0, reason, detail });
            }
        }
    }

    fn take_piece(&mut self, piece: Tape) {
        match piece {
            Tape::Frame { tag, missed, frame } => {
                if !self.open.contains_key(&tag) {
                    // Its Begin may still be in the other ring: it was put there first.
                    self.take_commands();
                }
                let Some(open) = self.open.get_mut(&tag) else {
                    return;
                };
                match open.push(missed, &frame) {
                    Ok(true) => {}
                    Ok(false) => self.close(tag, RecordingEnd::MaxLength),
                    Err(error) => self.fail(tag, &error),
                }
            }
            Tape::End { tag, reason } => {
                self.take_commands();
                self.close(tag, reason);
            }
        }
    }

    fn flush(&mut self) {
        let now = crate::clock::now_us();
        let due: Vec<Tag> =
            self.open.iter().filter(|(_, open)| now - open.flushed_us >= FLUSH_US).map(|(tag, _)| *tag).collect();
        for tag in due {
            let Some(open) = self.open.get_mut(&tag) else {
                continue;
            };
            open.flushed_us = now;
            if let Err(error) = open.writer.output().flush() {
                self.fail(tag, &error);
            } else if now - self.synced_us >= SYNC_US {
                self.synced_us = now;
                self.sync(tag);
            }
        }
    }

    /// Once a second: to the platter, and a look at the room that is left. Recordings end before the disk is full,
    /// so that the journal never meets a full one.
    fn sync(&mut self, tag: Tag) {
        let Some(open) = self.open.get_mut(&tag) else {
            return;
        };
        if let Ok(file) = open.writer.output().file.get_ref().try_clone() {
            // Still busy with the last one: then this second is skipped.
            let _ = self.sync.try_send(file);
        }
        let folder = open.path.parent().unwrap_or(Path::new("."));
        if free_bytes(folder).is_ok_and(|free| free < self.recorder.min_free) {
            let tags: Vec<Tag> = self.open.keys().copied().collect();
            tags.into_iter().for_each(|tag| self.close(tag, RecordingEnd::DiskFull));
        }
    }

    fn close(&mut self, tag: Tag, reason: RecordingEnd) {
        let Some(open) = self.open.remove(&tag) else {
            return;
        };
        let duration_ms = open.writer.duration().as_millis() as u64;
        let path = open.path;
        let (reason, detail, bytes) = match open.writer.finish() {
            Ok(counted) => (reason, String::new(), counted.bytes),
            Err(error) => (RecordingEnd::Failed, error.to_string(), size_of_file(&path)),
        };
        self.tell(Closed { tag, duration_ms, bytes, reason, detail });
    }

    /// What was written so far stays: it plays.
    fn fail(&mut self, tag: Tag, error: &io::Error) {
        let Some(open) = self.open.remove(&tag) else {
            return;
        };
        let duration_ms = open.writer.duration().as_millis() as u64;
        let bytes = size_of_file(&open.path);
        self.tell(Closed { tag, duration_ms, bytes, reason: reason_of(error), detail: error.to_string() });
    }

    fn tell(&mut self, closed: Closed) {
        self.recorder.closed.push_or_count(closed);
    }
}

impl Open {
    fn create(path: PathBuf, tag: Tag, max_ms: Option<u64>, min_free: u64) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        if free_bytes(folder)? < min_free {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let file = File::create_new(&path)?;
        let counted = Counted { file: BufWriter::with_capacity(16 * 1024, file), bytes: 0 };
        // The serial only has to differ between streams of one file (RFC 3533): the tag's low half does.
        let writer = ogg::Writer::new(counted, tag as u32, &[]).map_err(io::Error::other)?;
        let max = max_ms.map(Duration::from_millis);
        Ok(Self { path, writer, max, flushed_us: crate::clock::now_us() })
    }

    /// False when the recording has reached its length.
    fn push(&mut self, missed: u32, frame: &StereoFrame) -> io::Result<bool> {
        for _ in 0..missed.min(MAX_MISSED) {
            self.write(&SILENCE)?;
        }
        self.write(frame)?;
        Ok(self.max.is_none_or(|max| self.writer.duration() < max))
    }

    fn write(&mut self, frame: &StereoFrame) -> io::Result<()> {
        self.writer.push(frame).map_err(|error| match error {
            ogg::WriteError::Output(error) => error,
            other @ ogg::WriteError::Encoder(_) => io::Error::other(other),
        })
    }
}

/// Counts what is written, so that nobody has to ask the disk.
struct Counted {
    file: BufWriter<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn reason_of(error: &io::Error) -> RecordingEnd {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RecordingEnd::DiskFull,
        _ => RecordingEnd::Failed,
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail * disk.f_frsize)
}

fn size_of_file(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

const SILENCE: StereoFrame = [0; 320];
const FLUSH_US: u64 = 800_000;
const SYNC_US: u64 = 1_000_000;

/// A gap longer than a minute is no overflow but a broken clock.
const MAX_MISSED: u32 = 3_000;
