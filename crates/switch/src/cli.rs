//! The command line: what an owner, a supervisor and `hotline serve` can say to the switch.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// `hotline-switch`.
#[derive(Debug, Parser)]
#[command(name = "hotline-switch", version = version(), about = "The voice of Hotline: legs and sound.")]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take calls until SIGTERM.
    Run(Box<Run>),
    /// Say whether a sound file can be played, how long and how loud it is.
    Sound(Sound),
}

/// `hotline-switch run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The engine connects to this Unix socket.
    #[arg(long, value_name = "PATH")]
    pub socket: PathBuf,
    /// SIP over UDP.
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:5060")]
    pub sip_udp: SocketAddr,
    /// SIP over TCP; `off` for none. The address of --sip-udp unless given.
    #[arg(long, value_name = "IP:PORT|off")]
    pub sip_tcp: Option<Tcp>,
    /// The address that others see: an IP, or `stun:HOST[:PORT]` to find it out.
    #[arg(long, value_name = "IP|stun:HOST")]
    pub public: Option<Public>,
    /// UDP ports for sound, two a leg.
    #[arg(long, value_name = "FIRST-LAST", default_value = "20000-40000")]
    pub rtp_ports: PortRange,
    /// Where sound is received; the address of --sip-udp unless given.
    #[arg(long, value_name = "IP")]
    pub rtp_bind: Option<IpAddr>,
    /// Threads that carry sound; cores - 1 unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub media_threads: Option<u8>,
    /// Prometheus metrics over HTTP.
    #[arg(long, value_name = "IP:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Events kept for an engine that is away.
    #[arg(long, value_name = "EVENTS", default_value_t = 131_072)]
    pub window: usize,
    /// Memory for decoded sounds.
    #[arg(long, value_name = "MB", default_value_t = 256)]
    pub sound_cache: usize,
    /// On SIGTERM: wait this long for calls to end by themselves.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub drain_ms: u64,
    /// End an answered leg of which nothing was heard for so long (and that is not on hold); 0 never does.
    #[arg(long, value_name = "S", default_value_t = 300)]
    pub silent_after_s: u64,
    /// The realm of challenges to accounts.
    #[arg(long, value_name = "NAME", default_value = "hotline")]
    pub realm: String,
    /// Recordings stop first: they neither begin nor go on with less than this free on their disk.
    #[arg(long, value_name = "MB", default_value_t = 200)]
    pub min_free_mb: u64,
    /// What is logged to stderr, as JSON lines.
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    pub log: LogLevel,
}

/// `hotline-switch sound`.
#[derive(Debug, Clone, Args)]
pub struct Sound {
    /// WAV, MP3, Ogg (Vorbis or Opus) or FLAC.
    pub file: PathBuf,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    pub json: bool,
    /// For a recording: which of these tones (hertz, separated by commas) each channel says; with --json.
    #[arg(long, value_name = "HZ,...", value_delimiter = ',', requires = "json")]
    pub tones: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// `--sip-tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    Off,
    At(SocketAddr),
}

impl FromStr for Tcp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::At).map_err(|_| format!("neither `off` nor an address: {text}")),
        }
    }
}

/// `--public`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Public {
    Is(IpAddr),
    /// `HOST:PORT` of a STUN server.
    Ask(String),
}

impl FromStr for Public {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("stun:") {
            Some(server) if server.contains(':') => Ok(Self::Ask(server.to_owned())),
            Some(server) if !server.is_empty() => Ok(Self::Ask(format!("{server}:3478"))),
            _ => text.parse().map(Self::Is).map_err(|_| format!("neither an IP nor stun:HOST: {text}")),
        }
    }
}

/// `20000-40000`, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text.split_once('-').and_then(|(first, last)| {
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first >= 1024 && last > first).then_some(Self { first, last })
        });
        range.ok_or_else(|| format!("not a range of ports above 1023, like 20000-40000: {text}"))
    }
}

/// `0.1.0 (protocols 1)`: what `hotline serve` reads before it trusts a pair.
fn version() -> &'static str {
    // One protocol so far; the list is written by hand so that `--version` needs no allocation of its own.
    const { assert!(hotline_control::frames::PROTOCOLS[0] == 1 && hotline_control::frames::PROTOCOLS.len() == 1) };
    concat!(env!("CARGO_PKG_VERSION"), " (protocols 1)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_tcp_and_public_are_read_or_refused_in_words() {
        assert_eq!("20000-40000".parse(), Ok(PortRange { first: 20_000, last: 40_000 }));
        for bad in ["80-90", "4000", "5000-4000", "x-y", "20000-70000"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
        assert_eq!("off".parse(), Ok(Tcp::Off));
        assert_eq!("stun:stun.example".parse(), Ok(Public::Ask("stun.example:3478".to_owned())));
        assert_eq!("192.0.2.1".parse(), Ok(Public::Is([192, 0, 2, 1].into())));
        assert!("stun:".parse::<Public>().is_err());
    }
}
