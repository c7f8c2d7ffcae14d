//! Prometheus metrics over the smallest HTTP there is: any GET is answered with all figures.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// Asks the signalling loop for the text.
pub type Ask = oneshot::Sender<String>;

/// What one media thread counts; each on a cache line of its own thread.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct MediaCounters {
    pub packets_in: AtomicU64,
    pub packets_out: AtomicU64,
    pub send_failures: AtomicU64,
    pub ticks: AtomicU64,
    /// Ticks that began more than a whole tick late.
    pub late_ticks: AtomicU64,
    /// The latest beginning of a tick since the start, in microseconds after its time.
    pub max_late_us: AtomicU64,
    pub recording_frames_lost: AtomicU64,
    pub legs: AtomicU64,
}

/// Counts by their only writer: no locked instruction.
pub fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// The media threads' counters.
pub type AllMedia = Vec<Arc<MediaCounters>>;

/// Binds the port.
///
/// Errors: it is taken.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers for ever; at most a handful at once.
pub async fn serve(listener: TcpListener, ask: mpsc::Sender<Ask>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: they come back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let ask = ask.clone();
        spawn_local(async move {
            let _ = timeout(Duration::from_secs(2), answer(stream, ask)).await;
        });
    }
}

async fn answer(mut stream: TcpStream, ask: mpsc::Sender<Ask>) -> io::Result<()> {
    let mut request = [0; 4096];
    let mut length = 0;
    while !request[..length].windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut request[length..]).await? {
            0 => return Ok(()),
            more => length += more,
        }
    }
    let (text, answer) = oneshot::channel();
    if ask.send(text).await.is_err() {
        return Ok(());
    }
    let body = answer.await.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}

/// A page of metrics under construction.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// What exists now.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.metric("gauge", name, help, value);
    }

    /// What was counted since the start.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric("counter", name, help, value);
    }

    /// One counter split by a label.
    pub fn counters<'a>(&mut self, name: &str, help: &str, label: &str, values: impl Iterator<Item = (&'a str, u64)>) {
        let _ = writeln!(self.0, "# HELP hotline_switch_{name} {help}\n# TYPE hotline_switch_{name} counter");
        for (of, value) in values {
            let _ = writeln!(self.0, "hotline_switch_{name}{{{label}=\"{of}\"}} {value}");
        }
    }

    /// What the kernel says of this process.
    pub fn process(&mut self) {
        let count = |folder: &str| std::fs::read_dir(folder).map_or(0, |entries| entries.count() as u64);
        // The open folder counts itself.
        self.gauge("fds", "Open file descriptors.", count("/proc/self/fd").saturating_sub(1));
        self.gauge("threads", "Threads.", count("/proc/self/task"));
        let pages = std::fs::read_to_string("/proc/self/statm").ok();
        let resident = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok()).unwrap_or(0);
        self.gauge("resident_bytes", "Memory in use.", resident * rustix::param::page_size() as u64);
    }

    pub fn text(self) -> String {
        self.0
    }

    fn metric(&mut self, kind: &str, name: &str, help: &str, value: u64) {
        let _ = writeln!(
            self.0,
            "# HELP hotline_switch_{name} {help}\n# TYPE hotline_switch_{name} {kind}\nhotline_switch_{name} {value}"
        );
    }
}
