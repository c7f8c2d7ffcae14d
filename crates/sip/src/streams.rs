//! TCP: our own streams under the library, so that the caps, the time limits and the framing are ours.
//!
//! One task a stream reads and writes: while a peer does not take what we write, nothing more of its own is read.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use rsipstack::sip::SipMessage;
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipConnection, TransportEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, timeout, timeout_at};
use tracing::debug;

use crate::api::Transport;
use crate::core::{Core, count, sip_addr};
use crate::framing::{Length, find_blank_line, glance, with_readable_head};
use crate::gate::Class;

/// The open streams, by their peer.
#[derive(Default)]
pub(crate) struct Streams {
    open: HashMap<SocketAddr, SipConnection>,
    per_source: HashMap<IpAddr, usize>,
}

impl Streams {
    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn has(&self, peer: SocketAddr) -> bool {
        self.open.contains_key(&peer)
    }

    fn has_room(&self, source: IpAddr, is_limited: bool) -> bool {
        let from_here = self.per_source.get(&source).copied().unwrap_or(0);
        self.open.len() < MAX_STREAMS && (!is_limited || from_here < MAX_PER_SOURCE)
    }

    fn insert(&mut self, peer: SocketAddr, connection: SipConnection) {
        self.open.insert(peer, connection);
        *self.per_source.entry(peer.ip()).or_default() += 1;
    }

    fn remove(&mut self, peer: SocketAddr) {
        self.open.remove(&peer);
        if let Some(left) = self.per_source.get_mut(&peer.ip()) {
            *left -= 1;
            if *left == 0 {
                self.per_source.remove(&peer.ip());
            }
        }
    }
}

pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for streams of the last life in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(128)
}

/// Accepts for ever. Strangers and those over the cap are closed at once.
pub(crate) async fn accept(core: Rc<Core>, listener: TcpListener) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors, most likely: let some be closed first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let class = core.gate.borrow().class(peer.ip(), Instant::now());
        let is_limited = !matches!(class, Class::Trunk(_));
        if matches!(class, Class::Stranger) {
            count(&core.tally.strangers);
        } else if core.streams.borrow().has_room(peer.ip(), is_limited) {
            // Without a stream's connection there is nothing to serve.
            let _ = serve(&core, stream, peer, Some(FIRST_MESSAGE_WITHIN)).await;
        } else {
            count(&core.tally.limited);
        }
    }
}

/// The open stream to this peer, or a new one.
pub(crate) async fn connect(core: &Rc<Core>, peer: SocketAddr) -> io::Result<SipConnection> {
    let known = core.streams.borrow().open.get(&peer).cloned();
    if let Some(connection) = known {
        return Ok(connection);
    }
    let stream = timeout(CONNECT_WITHIN, TcpStream::connect(peer)).await??;
    serve(core, stream, peer, None).await
}

async fn serve(
    core: &Rc<Core>,
    stream: TcpStream,
    peer: SocketAddr,
    first_within: Option<Duration>,
) -> io::Result<SipConnection> {
    // Small messages that wait for an answer: Nagle would only hold them up.
    let _ = stream.set_nodelay(true);
    let (_unused, incoming) = mpsc::unbounded_channel();
    let (outgoing, writes) = mpsc::unbounded_channel();
    let address = sip_addr(peer, Transport::Tcp);
    let channel = ChannelConnection::create_connection(incoming, outgoing, address, None);
    let connection = SipConnection::Channel(channel.await.map_err(io::Error::other)?);
    core.streams.borrow_mut().insert(peer, connection.clone());
    let (core, returned) = (Rc::clone(core), connection.clone());
    tokio::task::spawn_local(async move {
        let mut life = Stream { core: Rc::clone(&core), connection, peer, buffer: Vec::new() };
        let why = life.run(stream, writes, first_within).await;
        debug!(%peer, ?why, "a stream ends");
        core.streams.borrow_mut().remove(peer);
    });
    Ok(returned)
}

struct Stream {
    core: Rc<Core>,
    connection: SipConnection,
    peer: SocketAddr,
    buffer: Vec<u8>,
}

/// Why a stream ended.
#[derive(Debug)]
enum Why {
    Closed,
    Slow,
    Idle,
    Unframeable,
}

impl Stream {
    async fn run(
        &mut self,
        mut stream: TcpStream,
        mut writes: mpsc::UnboundedReceiver<TransportEvent>,
        first_within: Option<Duration>,
    ) -> Why {
        let mut first_due = first_within.map(|within| Instant::now() + within);
        let mut chunk = [0; 4096];
        loop {
            let deadline = first_due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                written = writes.recv() => {
                    let Some(TransportEvent::Incoming(message, ..)) = written else { return Why::Closed };
                    match timeout(WRITE_WITHIN, stream.write_all(&message.to_bytes())).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Why::Closed,
                        Err(_) => return Why::Slow,
                    }
                }
                read = timeout_at(deadline, stream.read(&mut chunk)) => match read {
                    Err(_) if first_due.is_some() => return Why::Slow,
                    Err(_) => return Why::Idle,
                    Ok(Err(_) | Ok(0)) => return Why::Closed,
                    Ok(Ok(count)) => {
                        self.buffer.extend_from_slice(&chunk[..count]);
                        match self.take_messages(&mut stream).await {
                            None => return Why::Unframeable,
                            Some(0) => {}
                            Some(_) => first_due = None,
                        }
                    }
                },
            }
        }
    }

    /// Hands over every whole message; gives their number. `None`: what comes cannot be framed, the stream must end.
    async fn take_messages(&mut self, stream: &mut TcpStream) -> Option<usize> {
        let mut taken = 0;
        loop {
            // Keep-alives between messages (RFC 5626, 3.5.1).
            while self.buffer.starts_with(b"\r\n") {
                if self.buffer.starts_with(b"\r\n\r\n") {
                    stream.write_all(b"\r\n").await.ok()?;
                }
                let length = if self.buffer.starts_with(b"\r\n\r\n") { 4 } else { 2 };
                self.buffer.drain(..length);
            }
            if find_blank_line(&self.buffer).is_none() {
                return (self.buffer.len() < MAX_HEAD).then_some(taken);
            }
            let Some(whole) = self.whole_message()? else { return Some(taken) };
            taken += 1;
            self.hand_over(&whole).await;
        }
    }

    /// The first message of the buffer if all of it is there. On a stream its length must be said, once
    /// (RFC 3261, 18.3).
    fn whole_message(&mut self) -> Option<Option<Vec<u8>>> {
        let readable = with_readable_head(&self.buffer);
        let seen = glance(readable.as_deref().unwrap_or(&self.buffer))?;
        let body_at = find_blank_line(&self.buffer)? + 4;
        let length = match seen.length {
            Length::Is(length) if length <= MAX_BODY => length,
            Length::Missing => 0,
            Length::Is(_) | Length::Conflicting => {
                count(&self.core.tally.refused_400);
                return None;
            }
        };
        if self.buffer.len() < body_at + length {
            return Some(None);
        }
        let rest = self.buffer.split_off(body_at + length);
        Some(Some(std::mem::replace(&mut self.buffer, rest)))
    }

    async fn hand_over(&self, whole: &[u8]) {
        count(&self.core.tally.received);
        let readable = with_readable_head(whole);
        let whole = readable.as_deref().unwrap_or(whole);
        let Some(seen) = glance(whole) else { return };
        let now = Instant::now();
        let Some(class) = self.core.pass_stream(whole, &seen, self.peer, now, &self.connection).await else { return };
        match SipMessage::try_from(whole) {
            Ok(message) => {
                self.core.take(message, self.connection.clone(), self.peer, Transport::Tcp, class).await;
            }
            Err(_) => count(&self.core.tally.unreadable),
        }
    }
}

const MAX_STREAMS: usize = 4096;
const MAX_PER_SOURCE: usize = 50;
const MAX_HEAD: usize = 16_384;
const MAX_BODY: usize = 65_535;
const FIRST_MESSAGE_WITHIN: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(120);
const WRITE_WITHIN: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
