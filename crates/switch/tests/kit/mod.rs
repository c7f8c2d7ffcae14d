//! What the scenarios stand on: the real binary, an engine made of one socket, and phones made of two.

#![allow(dead_code, reason = "each test file uses its part of the kit")]
#![allow(clippy::disallowed_methods, reason = "real peers keep real time")]

pub mod engine;
pub mod phone;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use engine::Engine;
pub use phone::Phone;

/// Longer than anything here takes on a busy machine; an assertion that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running `hotline-switch`; ended with its scenario.
pub struct Switch {
    pub child: Child,
    pub sip: SocketAddr,
    pub socket: PathBuf,
    pub folder: PathBuf,
    pub metrics: u16,
}

impl Switch {
    /// Starts the binary with a socket, ports and a folder of its own, and these further arguments.
    pub fn start(more: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        static PORTS: AtomicU16 = AtomicU16::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("hotline-switch-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let socket = folder.join("switch.sock");
        // Each binary of tests begins elsewhere, so that two that run at once seldom meet.
        let first = 41_000 + (std::process::id() as u16 % 40) * 400 + PORTS.fetch_add(40, Ordering::Relaxed) % 400;
        let metrics = free_port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotline-switch"))
            .args(["run", "--sip-udp", "127.0.0.1:0", "--min-free-mb", "1", "--log", "debug"])
            .args(["--rtp-ports", &format!("{first}-{}", first + 39)])
            .args(["--metrics", &format!("127.0.0.1:{metrics}")])
            .arg("--socket")
            .arg(&socket)
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let sip = ready(&mut child);
        Self { child, sip, socket, folder, metrics }
    }

    /// The value of one metric.
    pub fn metric(&self, name: &str) -> u64 {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.metrics)).expect("metrics listen");
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let prefix = format!("hotline_switch_{name} ");
        let line =
            text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no {name}: {text}"));
        line.parse().expect("a number")
    }

    /// Waits until a metric has a value.
    pub fn wait_metric(&self, name: &str, wanted: u64) {
        until(&format!("{name} is {wanted}"), || self.metric(name) == wanted);
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads the log until the switch is ready; goes on reading it, so that the pipe never fills.
fn ready(child: &mut Child) -> SocketAddr {
    let stderr = child.stderr.take().expect("piped");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("\"message\":\"ready\",\"sip\":\"") {
                let address = rest.split('"').next().and_then(|address| address.parse().ok());
                let _ = tell.send(address);
            }
            if std::env::var_os("SHOW_LOG").is_some() {
                eprintln!("{line}");
            }
        }
    });
    told.recv_timeout(PATIENCE).expect("the switch is ready").expect("an address")
}

/// Waits for something that another process does.
pub fn until(what: &str, mut fact: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < PATIENCE, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("bound").port()
}
