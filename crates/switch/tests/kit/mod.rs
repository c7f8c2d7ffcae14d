//! What the scenarios stand on: the real binary, an engine made of one socket, and phones made of two.

#![allow(dead_code, unused_imports, reason = "each test file uses its part of the kit")]
#![allow(clippy::disallowed_methods, reason = "real peers keep real time")]

pub mod engine;
pub mod phone;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("hotline-switch-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self::begin(&folder.join("switch.sock"), folder, more)
    }

    /// As `start`, at a socket of the scenario's choice.
    pub fn start_at(socket: &Path, more: &[&str]) -> Self {
        Self::begin(socket, socket.with_extension("folder"), more)
    }

    fn begin(socket: &Path, folder: PathBuf, more: &[&str]) -> Self {
        static PORTS: AtomicU16 = AtomicU16::new(0);
        // Each binary of tests begins elsewhere, so that two that run at once seldom meet.
        let first = 41_000 + (std::process::id() as u16 % 40) * 400 + PORTS.fetch_add(40, Ordering::Relaxed) % 400;
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotline-switch"))
            .args(["run", "--sip-udp", "127.0.0.1:0", "--log", "debug"])
            .args(["--rtp-ports", &format!("{first}-{}", first + 39)])
            .args(["--metrics", "127.0.0.1:0", "--sip-tcp", "off"])
            .arg("--socket")
            .arg(socket)
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let [sip, metrics] = ready(&mut child);
        let metrics = metrics.port();
        Self { child, sip, socket: socket.to_owned(), folder, metrics }
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
fn ready(child: &mut Child) -> [SocketAddr; 2] {
    let stderr = child.stderr.take().expect("piped");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.contains("\"message\":\"ready\"") {
                let _ = tell.send(["\"sip\":\"", "\"metrics\":\""].map(|name| address_after(&line, name)));
            }
            if std::env::var_os("SHOW_LOG").is_some() {
                eprintln!("{line}");
            }
        }
    });
    told.recv_timeout(PATIENCE).expect("the switch is ready")
}

fn address_after(line: &str, name: &str) -> SocketAddr {
    let (_, rest) = line.split_once(name).expect("it is named");
    rest.split('"').next().and_then(|address| address.parse().ok()).expect("an address")
}

/// Waits for something that another process does.
pub fn until(what: &str, mut fact: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < PATIENCE, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A WAV file of a tone: 16 bit, mono, 8 kHz.
pub fn wav(hertz: f32, seconds: usize) -> Vec<u8> {
    let samples = hotline_sound::tone::Tone::new(hertz, -15.0).samples(8_000 * seconds);
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(&data);
    file
}
