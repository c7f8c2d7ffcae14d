//! Sound for speech workers: on a socket of its own, never on the control link (ARCHITECTURE.md section 5).
//!
//! Beside the control socket listens `SOCKET.sound`. A worker connects and sends the token of a Tap or a Feed and a
//! line feed; a token opens once. Sound is mono, 8 kHz, 16 bit, little endian.
//! A tap then hands out 20 ms (320 octets) every 20 ms; when the worker stalls, its oldest frames are dropped.
//! A feed takes pieces: generation (u32, big endian), length in octets (u16, big endian), sound. At most 200 ms wait
//! in the switch; the socket holds the worker back. Pieces of another generation than the current are thrown away:
//! Stop raises it, so that nothing of an interrupted sentence is heard.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use hotline_media::Frame;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::Switch;
use super::commands::Refusal;
use crate::clock::now_us;
use crate::media::message::{MediaLeg, ToMedia};
use crate::pipe::{self, Receiver};
use crate::wake::Wake;

/// Speech on its way to a leg.
#[derive(Debug)]
pub struct Spoken {
    leg: MediaLeg,
    samples: Vec<i16>,
}

/// The listening socket, the tokens that nobody has used yet, and the feeds that exist.
pub struct Speech {
    path: PathBuf,
    waiting: Rc<RefCell<HashMap<String, Errand>>>,
    feeds: HashMap<(MediaLeg, String), Rc<Cell<u32>>>,
    accepting: AbortHandle,
}

enum Errand {
    Tap { leg: MediaLeg, frames: Receiver<Frame>, wake: Wake },
    Feed { leg: MediaLeg, generation: Rc<Cell<u32>> },
}

impl Errand {
    fn leg(&self) -> &MediaLeg {
        match self {
            Self::Tap { leg, .. } | Self::Feed { leg, .. } => leg,
        }
    }
}

impl Speech {
    /// Listens beside the control socket.
    ///
    /// Errors: the path cannot be made.
    pub fn listen(control: &Path) -> io::Result<(Self, mpsc::Receiver<Spoken>)> {
        let mut path = control.as_os_str().to_owned();
        path.push(".sound");
        let path = PathBuf::from(path);
        // The control socket is ours already, so a file of that name is a dead switch's.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        super::link::restrict(&path)?;
        let waiting: Rc<RefCell<HashMap<String, Errand>>> = Rc::default();
        let (spoken, receiver) = mpsc::channel(256);
        let accepting = spawn_local(accept(listener, Rc::clone(&waiting), spoken)).abort_handle();
        Ok((Self { path, waiting, feeds: HashMap::new(), accepting }, receiver))
    }

    /// A leg has ended: its tokens open nothing any more, its feeds are silent.
    pub fn forget(&mut self, leg: &str) {
        if self.waiting.borrow().is_empty() && self.feeds.is_empty() {
            return;
        }
        self.waiting.borrow_mut().retain(|_, errand| &**errand.leg() != leg);
        // A worker in the middle of a sentence sees the end of its feed by this number.
        for (_, generation) in self.feeds.extract_if(|(of, _), _| &**of == leg) {
            generation.set(OVER);
        }
    }

    pub fn feeds(&self) -> usize {
        self.feeds.len()
    }

    pub fn remove_socket(&self) {
        self.accepting.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Switch {
    pub(super) fn tap(&mut self, leg: &str, tap: String, token: String) -> Result<(), Refusal> {
        self.leg_with_sound(leg)?;
        let wake = Wake::new().map_err(|error| Refusal::leg(leg, error.to_string()))?;
        let (sender, frames) = pipe::pipe(TAP_FRAMES, &wake);
        let name: MediaLeg = leg.into();
        self.media.send(leg, ToMedia::Tap { leg: MediaLeg::clone(&name), tap: Box::new(sender) });
        self.speech.waiting.borrow_mut().insert(token, Errand::Tap { leg: name, frames, wake });
        let address = self.speech.path.display().to_string();
        self.tell(hotline_control::frames::Event::TapOpened { leg: leg.to_owned(), tap, address });
        Ok(())
    }

    /// Opens a feed, or gives a running one its next generation.
    pub(super) fn feed(&mut self, leg: &str, feed: String, token: String, generation: u32) -> Result<(), Refusal> {
        self.leg_with_sound(leg)?;
        let name: MediaLeg = leg.into();
        if let Some(current) = self.speech.feeds.get(&(MediaLeg::clone(&name), feed.clone())) {
            current.set(generation);
            self.media.send(leg, ToMedia::FlushFeed { leg: name });
            return Ok(());
        }
        let generation = Rc::new(Cell::new(generation));
        self.media.send(leg, ToMedia::OpenFeed { leg: MediaLeg::clone(&name) });
        self.speech.feeds.insert((MediaLeg::clone(&name), feed), Rc::clone(&generation));
        self.speech.waiting.borrow_mut().insert(token, Errand::Feed { leg: name, generation });
        Ok(())
    }

    /// Stop of a feed: what waits is forgotten, and what is on its way under the old generation is thrown away.
    pub(super) fn stop_feed(&mut self, leg: &str, feed: &str) {
        let mut stopped = false;
        for ((of, name), generation) in &self.speech.feeds {
            if &**of == leg && (feed.is_empty() || name == feed) {
                generation.set(generation.get().saturating_add(1).min(OVER - 1));
                stopped = true;
            }
        }
        if stopped {
            self.media.send(leg, ToMedia::FlushFeed { leg: leg.into() });
        }
    }

    pub(super) fn on_spoken(&mut self, spoken: Spoken) {
        let leg = MediaLeg::clone(&spoken.leg);
        self.media.send(&leg, ToMedia::Feed { leg: spoken.leg, samples: spoken.samples });
    }
}

async fn accept(listener: UnixListener, waiting: Rc<RefCell<HashMap<String, Errand>>>, spoken: mpsc::Sender<Spoken>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: they come back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (waiting, spoken) = (Rc::clone(&waiting), spoken.clone());
        spawn_local(async move {
            if let Err(error) = serve(stream, &waiting, spoken).await {
                tracing::info!(%error, "a speech worker's connection is over");
            }
        });
    }
}

async fn serve(
    mut stream: UnixStream,
    waiting: &RefCell<HashMap<String, Errand>>,
    spoken: mpsc::Sender<Spoken>,
) -> io::Result<()> {
    let token = timeout(Duration::from_secs(5), token(&mut stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let errand = waiting.borrow_mut().remove(&token);
    match errand {
        Some(Errand::Tap { frames, wake, .. }) => hand_out(stream, frames, wake).await,
        Some(Errand::Feed { leg, generation }) => take_in(stream, &leg, &generation, spoken).await,
        None => Err(io::Error::new(io::ErrorKind::PermissionDenied, "an unknown or used token")),
    }
}

async fn token(stream: &mut UnixStream) -> io::Result<String> {
    let mut token = String::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(token),
            letter if letter.is_ascii_graphic() && token.len() < MAX_TOKEN => token.push(char::from(letter)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Writes frames as fast as the worker reads; a second of them waits for him, then the oldest go.
async fn hand_out(stream: UnixStream, mut frames: Receiver<Frame>, wake: Wake) -> io::Result<()> {
    // SAFETY: a Wake owns its descriptor for as long as any clone lives, and AsyncFd keeps one.
    let bell = unsafe { AsyncFd::register_with_interest(wake.clone(), Interest::READABLE)? };
    let (mut reader, mut writer) = stream.into_split();
    let mut late: VecDeque<[u8; FRAME_OCTETS]> = VecDeque::new();
    let mut sent = 0;
    loop {
        while let Some(frame) = frames.pop() {
            if late.len() == TAP_FRAMES {
                // The one that is half written stays whole.
                late.remove(usize::from(sent > 0));
            }
            late.push_back(octets(&frame));
        }
        if late.is_empty() && frames.is_over() {
            return Ok(());
        }
        let front = late.front().copied();
        let rest = front.as_ref().map_or(&[][..], |front| &front[sent..]);
        tokio::select! {
            written = writer.write(rest), if !rest.is_empty() => {
                sent += written?;
                if sent == FRAME_OCTETS {
                    late.pop_front();
                    sent = 0;
                }
            }
            guard = bell.readable() => {
                wake.clear();
                guard?.clear_ready();
            }
            gone = reader.read_u8() => return gone.map(drop),
            // A leg speaks every 20 ms; the ring's other end falls silent without a bell when its leg has closed.
            () = sleep(SILENCE_OF_THE_DEAD) => {}
        }
    }
}

/// Reads pieces no faster than they are heard: at most 160 ms ahead of the leg's ear.
async fn take_in(
    mut stream: UnixStream,
    leg: &MediaLeg,
    generation: &Cell<u32>,
    spoken: mpsc::Sender<Spoken>,
) -> io::Result<()> {
    let mut heard_until_us = 0;
    loop {
        let of = stream.read_u32().await?;
        let length = usize::from(stream.read_u16().await?);
        let mut piece = vec![0; length];
        stream.read_exact(&mut piece).await?;
        for part in piece.chunks(FRAME_OCTETS) {
            if generation.get() == OVER {
                return Ok(());
            }
            if of != generation.get() {
                heard_until_us = 0;
                break;
            }
            let now = now_us();
            heard_until_us = now.max(heard_until_us) + FRAME_US;
            if let Some(early) = heard_until_us.checked_sub(now + AHEAD_US) {
                sleep(Duration::from_micros(early)).await;
            }
            if of != generation.get() {
                break;
            }
            let samples = part.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
            let said = Spoken { leg: MediaLeg::clone(leg), samples };
            spoken.send(said).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
    }
}

fn octets(frame: &Frame) -> [u8; FRAME_OCTETS] {
    let mut octets = [0; FRAME_OCTETS];
    for (pair, sample) in octets.chunks_exact_mut(2).zip(frame) {
        pair.copy_from_slice(&sample.to_le_bytes());
    }
    octets
}

const FRAME_OCTETS: usize = 320;
const FRAME_US: u64 = 20_000;
const AHEAD_US: u64 = 160_000;

const SILENCE_OF_THE_DEAD: Duration = Duration::from_millis(200);

/// A second.
const TAP_FRAMES: usize = 50;
const MAX_TOKEN: usize = 128;

/// The generation of a feed whose leg has ended.
const OVER: u32 = u32::MAX;
