//! `hotline-switch run`: opens everything that can fail, then starts; a failure is one sentence.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;

use hotline_control::window::Window;
use hotline_sip::Sip;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::cli::{Public, Run, Tcp};
use crate::disk::recordings::Recorder;
use crate::disk::sounds::Sounds;
use crate::media::ports::Ports;
use crate::signalling::link::Link;
use crate::signalling::media::MediaThreads;
use crate::signalling::speech::Speech;
use crate::signalling::{Inlets, Parts, Switch};
use crate::wake::Wake;
use crate::{metrics, pipe, random, stun};

/// Runs until the switch is told to end.
///
/// Errors: a sentence that says what could not be opened.
pub fn run(args: &Run) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot start: {error}"))?;
    LocalSet::new().block_on(&runtime, start(args))
}

async fn start(args: &Run) -> Result<(), String> {
    let public = args.public.as_ref().map(public_address).transpose()?;
    let boot = u64::from_be_bytes(random::bytes().map_err(|error| format!("no random numbers: {error}"))?) >> 1;
    let (link, heard) = Link::listen(&args.socket, Window::new(args.window.max(64)))
        .map_err(|error| format!("the control socket {} cannot be opened: {error}", args.socket.display()))?;
    let metrics = match args.metrics {
        Some(address) => Some(
            metrics::listen(address).await.map_err(|error| format!("metrics cannot listen at {address}: {error}"))?,
        ),
        None => None,
    };
    let (sip, events) = Sip::start(sip_config(args, public, boot)).await.map_err(|error| {
        link.remove_socket();
        format!("SIP cannot start: {error}")
    })?;
    let metrics_at = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    let metrics_at = metrics_at.map(tracing::field::display);
    let (speech, spoken) = Speech::listen(&args.socket)
        .map_err(|error| format!("the socket for speech beside {} cannot be opened: {error}", args.socket.display()))?;
    tracing::info!(sip = %sip.local(), metrics = metrics_at, socket = %args.socket.display(), "ready");
    let (parts, wake, loaded, closed) =
        workers(args, boot, sip, link, speech, public).map_err(|error| format!("a thread cannot start: {error}"))?;
    let (ask, asks) = mpsc::channel(4);
    if let Some(listener) = metrics {
        tokio::task::spawn_local(metrics::serve(listener, ask));
    }
    let inlets = Inlets { sip: events, heard, spoken, wake, loaded, closed, asks };
    Switch::new(parts).run(inlets).await.map_err(|error| format!("the switch cannot go on: {error}"))
}

type Workers =
    (Parts, Wake, pipe::Receiver<crate::disk::sounds::Loaded>, pipe::Receiver<crate::disk::recordings::Closed>);

fn workers(args: &Run, boot: u64, sip: Sip, link: Link, speech: Speech, public: Option<IpAddr>) -> io::Result<Workers> {
    let (wake, recorder_wake) = (Wake::new()?, Wake::new()?);
    let (media, tapes) = MediaThreads::start(media_threads(args), &wake, &recorder_wake)?;
    let (recorder, commands) = pipe::pipe(4_096, &recorder_wake);
    let (closed, closes) = pipe::pipe(4_096, &wake);
    let min_free = args.min_free_mb << 20;
    let recorder_thread = Recorder { commands, tapes, closed, wake: recorder_wake, min_free }.start()?;
    let (sounds, loaded) = Sounds::start(args.sound_cache << 20, &wake)?;
    let ports = Ports::new(args.rtp_ports.first, args.rtp_ports.last, boot);
    let rtp_bind = args.rtp_bind.unwrap_or(args.sip_udp.ip());
    let has_public = public.is_some();
    let drain_ms = args.drain_ms;
    let silent_after_us = args.silent_after_s * 1_000_000;
    let parts = Parts {
        boot,
        sip,
        link,
        media,
        speech,
        sounds,
        recorder,
        recorder_thread,
        ports,
        rtp_bind,
        has_public,
        drain_ms,
        silent_after_us,
    };
    Ok((parts, wake, loaded, closes))
}

fn media_threads(args: &Run) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    args.media_threads.map_or_else(|| cores().saturating_sub(1).max(1), usize::from)
}

fn sip_config(args: &Run, public: Option<IpAddr>, boot: u64) -> hotline_sip::Config {
    let tcp = match args.sip_tcp {
        None => Some(args.sip_udp),
        Some(Tcp::Off) => None,
        Some(Tcp::At(address)) => Some(address),
    };
    hotline_sip::Config {
        tcp,
        public,
        boot: format!("{:x}", boot & 0xff_ffff),
        realm: args.realm.clone(),
        ..hotline_sip::Config::on(args.sip_udp)
    }
}

fn public_address(public: &Public) -> Result<IpAddr, String> {
    match public {
        Public::Is(address) => Ok(*address),
        Public::Ask(server) => {
            let unknown = |error: io::Error| format!("the public address cannot be found out from {server}: {error}");
            let mut addresses = server.to_socket_addrs().map_err(unknown)?;
            let first: SocketAddr = addresses.next().ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
            stun::public_address(first).map_err(unknown)
        }
    }
}
