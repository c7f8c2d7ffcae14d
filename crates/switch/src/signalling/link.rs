//! The link to the engine: a Unix socket, one engine at a time, a higher epoch wins.
//!
//! Readers hand frames to the signalling loop; each connection's writer takes replies and the window's events from
//! the `Outbox`, as fast as the engine reads. Nothing is buffered between the window and the socket, so a slow
//! engine fills the window and is seen there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hotline_control::frames::{ToEngine, ToSwitch};
use hotline_control::framing::{Decoder, encode};
use hotline_control::window::Window;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, spawn_local};

/// Names a connection for the life of the process.
pub type ConnectionId = u64;

/// What the readers tell the loop.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are frames, and a box would cost each an allocation")]
pub enum Heard {
    Frame(ConnectionId, ToSwitch),
    /// The connection is over, in words.
    Closed(ConnectionId, String),
}

/// The listening socket and its connections.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
    listener: UnixListener,
    heard: mpsc::Sender<Heard>,
    connections: HashMap<ConnectionId, Connection>,
    next: ConnectionId,
    outbox: Rc<RefCell<Outbox>>,
}

/// What all writers take from.
#[derive(Debug)]
pub struct Outbox {
    pub window: Window,
}

#[derive(Debug)]
struct Connection {
    shared: Rc<Shared>,
    tasks: [AbortHandle; 2],
}

/// Between the loop and one connection's writer.
#[derive(Debug, Default)]
struct Shared {
    wake: Notify,
    replies: RefCell<Vec<u8>>,
    /// The last event written; none before Welcome.
    cursor: RefCell<Option<u64>>,
    /// Close once the replies are out.
    closing: RefCell<bool>,
}

impl Link {
    /// Listens at `path`; a socket that nobody listens at any more is replaced.
    ///
    /// Errors: another switch listens there, or the path cannot be made.
    pub fn listen(path: &Path, window: Window) -> io::Result<(Self, mpsc::Receiver<Heard>)> {
        if path.exists() {
            if UnixStream::connect(path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another switch listens there"));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        restrict(path)?;
        let (heard, receiver) = mpsc::channel(1024);
        let outbox = Rc::new(RefCell::new(Outbox { window }));
        Ok((Self { path: path.to_owned(), listener, heard, connections: HashMap::new(), next: 1, outbox }, receiver))
    }

    pub fn outbox(&self) -> Rc<RefCell<Outbox>> {
        Rc::clone(&self.outbox)
    }

    /// The next caller at the socket; cancel-safe.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await?.0.into_std()
    }

    /// Starts to read and write a new connection; beyond a handful of them the newcomer is closed at once.
    ///
    /// Errors: the process is out of descriptors.
    pub fn welcome(&mut self, stream: UnixStream) -> io::Result<()> {
        if self.connections.len() >= MAX_CONNECTIONS {
            tracing::warn!("too many control connections");
            return Ok(());
        }
        let id = self.next;
        self.next += 1;
        let shared = Rc::new(Shared::default());
        // Polled for what arrives only: one that is polled for room too wakes us whenever the engine has read.
        let reader = polled(stream.try_clone()?, Interest::READABLE)?;
        let tasks = [
            spawn_local(read(id, reader, self.heard.clone())).abort_handle(),
            spawn_local(write(id, stream, Rc::clone(&shared), Rc::clone(&self.outbox), self.heard.clone()))
                .abort_handle(),
        ];
        self.connections.insert(id, Connection { shared, tasks });
        Ok(())
    }

    /// Sends one frame outside the window.
    pub fn reply(&self, id: ConnectionId, frame: &ToEngine) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        match encode(frame) {
            Ok(bytes) => connection.shared.replies.borrow_mut().extend_from_slice(&bytes),
            Err(error) => tracing::error!(%error, "a frame of ours is too long"),
        }
        connection.shared.wake.notify_one();
    }

    /// From now on this connection gets every event after `n`.
    pub fn stream_events(&self, id: ConnectionId, n: u64) {
        if let Some(connection) = self.connections.get(&id) {
            *connection.shared.cursor.borrow_mut() = Some(n);
            connection.shared.wake.notify_one();
        }
    }

    /// Lets the writer look at the window.
    pub fn wake(&self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(&id) {
            connection.shared.wake.notify_one();
        }
    }

    /// True when the engine has been handed everything that there is.
    pub fn is_drained(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_none_or(|connection| {
            let cursor = *connection.shared.cursor.borrow();
            connection.shared.replies.borrow().is_empty() && cursor == Some(self.outbox.borrow().window.last())
        })
    }

    /// Takes the socket's name away at the end.
    pub fn remove_socket(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Closes a connection after what it was told.
    pub fn close(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(&id) {
            *connection.shared.closing.borrow_mut() = true;
            *connection.shared.cursor.borrow_mut() = None;
            connection.tasks[0].abort();
            connection.shared.wake.notify_one();
        }
    }

    /// Forgets a connection that is over.
    pub fn forget(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            connection.tasks.iter().for_each(AbortHandle::abort);
        }
    }
}

async fn read(id: ConnectionId, reader: AsyncFd<UnixStream>, heard: mpsc::Sender<Heard>) {
    let mut decoder = Decoder::default();
    let mut bytes = vec![0; 64 * 1024];
    let reason = loop {
        match read_some(&reader, &mut bytes).await {
            Ok(0) => break "the engine closed it".to_owned(),
            Ok(length) => decoder.push(&bytes[..length]),
            Err(error) => break error.to_string(),
        }
        if let Err(error) = hand_over(id, &mut decoder, &heard).await {
            break error;
        }
    };
    let _ = heard.send(Heard::Closed(id, reason)).await;
}

async fn read_some(reader: &AsyncFd<UnixStream>, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = reader.readable().await?;
        match reader.get_ref().read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Ok(length) if length < bytes.len() => {
                // Nothing is left; an end that stands behind it is not cleared away.
                ready.clear_ready();
                return Ok(length);
            }
            other => return other,
        }
    }
}

/// Waits for room only when there is none.
async fn write_all(mut writer: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let room = polled(writer.try_clone()?, Interest::WRITABLE)?;
                let _ = room.writable().await?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn polled(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: the AsyncFd owns the stream, and a UnixStream's descriptor stays the same until it is dropped.
    unsafe { AsyncFd::register_with_interest(stream, interest) }.map_err(io::Error::from)
}

async fn hand_over(id: ConnectionId, decoder: &mut Decoder, heard: &mpsc::Sender<Heard>) -> Result<(), String> {
    while let Some(frame) = decoder.pop().map_err(|error| error.to_string())? {
        heard.send(Heard::Frame(id, frame)).await.map_err(|_| "the switch ends".to_owned())?;
    }
    Ok(())
}

async fn write(
    id: ConnectionId,
    writer: UnixStream,
    shared: Rc<Shared>,
    outbox: Rc<RefCell<Outbox>>,
    heard: mpsc::Sender<Heard>,
) {
    let mut bytes = Vec::new();
    let reason = loop {
        bytes.clear();
        shared.fill(&outbox.borrow().window, &mut bytes);
        if !bytes.is_empty() {
            if let Err(error) = write_all(&writer, &bytes).await {
                break error.to_string();
            }
        } else if *shared.closing.borrow() {
            break "the switch closed it".to_owned();
        } else {
            shared.wake.notified().await;
        }
    };
    // The reader keeps a descriptor of it until it is forgotten.
    let _ = writer.shutdown(Shutdown::Write);
    let _ = heard.send(Heard::Closed(id, reason)).await;
}

impl Shared {
    /// Replies first: Welcome stands before the backlog.
    fn fill(&self, window: &Window, bytes: &mut Vec<u8>) {
        bytes.append(&mut self.replies.borrow_mut());
        let mut cursor = self.cursor.borrow_mut();
        if let Some(cursor) = cursor.as_mut() {
            *cursor = window.copy_after(*cursor, WRITE_BATCH, bytes);
        }
    }
}

/// Only the owner's processes may speak to the switch.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

const MAX_CONNECTIONS: usize = 16;

/// Bytes of events gathered for one write.
const WRITE_BATCH: usize = 64 * 1024;
