//! Floods, broken messages and slow streams: nothing falls over, and everything is given back.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hotline_sip::sdp::Session;
use hotline_sip::{Admission, Config, Event};
use kit::{Bare, End, connect, run, sdp};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn wide_open() -> Admission {
    let everyone = vec!["127.0.0.0/8".parse().expect("a range")];
    Admission { open: everyone, per_source: 1_000_000, per_source_burst: 1_000_000, ..Admission::default() }
}

/// Small and quick, from a seed: the same mutations every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

fn mutate(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.roll(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.roll(bytes.len());
        match dice.roll(6) {
            0 => bytes[at] = dice.roll(256) as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"\0\r\n:;<>\"%,= "[dice.roll(12)]),
            3 => {
                let end = (at + dice.roll(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at.max(1)),
            _ => drop(bytes.splice(at..at, std::iter::repeat_n(b"A9%s"[dice.roll(4)], dice.roll(2000)))),
        }
    }
    bytes
}

#[test]
fn ten_thousand_broken_invites_leave_good_calls_unharmed_and_no_trace() {
    run(async {
        let quick = |config: &mut Config| config.t1 = Duration::from_millis(10);
        let mut anna = End::with(quick, Admission { unproven_max: usize::MAX, ..wide_open() }).await;
        let mut alisa = End::open().await;
        let bare = Bare::to(&anna).await;
        let mut dice = Dice(7);
        for number in 0..10_000 {
            let lines =
                "Content-Type: application/sdp\r\nRecord-Route: <sip:127.0.0.1;lr>\r\nX-A: \"b\" <sip:c@d>;e\r\n";
            let invite = bare.invite(&format!("c{number}"), lines, &sdp(4000));
            bare.socket.send_to(&mutate(&invite, &mut dice), bare.to).await.expect("sent");
            if number % 16 == 0 {
                tokio::task::yield_now().await;
            }
            while let Ok(event) = anna.events.try_recv() {
                if let Event::Incoming(incoming) = event {
                    let offer = incoming.offer.as_deref().map(Session::parse);
                    let code = if matches!(offer, Some(Ok(_))) { 486 } else { 488 };
                    anna.sip.reject(incoming.key, code, None).expect("refused");
                }
            }
        }
        // What still waits in the kernel is read first: until then the house is rightly overloaded.
        let mut before = 0;
        while anna.sip.counters().received > before {
            before = anna.sip.counters().received;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        while let Ok(event) = anna.events.try_recv() {
            if let Event::Incoming(incoming) = event {
                anna.sip.reject(incoming.key, 486, None).expect("refused");
            }
        }
        assert!(anna.sip.counters().received > 5_000, "{:?}", anna.sip.counters());
        while anna.sip.counters().dialogs > 0 {
            anna.ended().await;
        }
        while anna.events.try_recv().is_ok() {}

        let (ours, _) = connect(&mut alisa, &mut anna).await;
        alisa.sip.hangup(ours, 16).expect("hung up");

        anna.assert_clean().await;
        let left = anna.sip.counters();
        assert_eq!((left.lost_events, left.send_failures), (0, 0), "{left:?}");
    });
}

#[test]
fn a_flood_of_strangers_does_not_delay_a_call() {
    run(async {
        let mut anna =
            End::with(|_| {}, Admission { open: vec!["127.0.0.0/24".parse().expect("a range")], ..wide_open() }).await;
        let mut alisa = End::open().await;
        let stranger = Bare::from("127.99.0.1", &anna).await;
        let (invite, to) = (stranger.invite("c1", "", &sdp(4000)), stranger.to);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let flood = std::thread::spawn(move || {
            let socket = std::net::UdpSocket::bind("127.99.0.1:0").expect("a socket");
            while !over.load(Ordering::Relaxed) {
                for _ in 0..16 {
                    // A full buffer is the flood's own loss.
                    let _ = socket.send_to(invite.as_bytes(), to);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        while anna.sip.counters().strangers < 2_000 {
            let (ours, _) = timeout(Duration::from_secs(1), connect(&mut alisa, &mut anna)).await.expect("in time");
            alisa.sip.hangup(ours, 16).expect("hung up");
            alisa.ended().await;
            anna.ended().await;
        }
        is_over.store(true, Ordering::Relaxed);
        flood.join().expect("the flood ends");
        anna.assert_clean().await;
    });
}

#[test]
fn a_thousand_refused_calls_give_everything_back() {
    run(async {
        let quick = |config: &mut Config| config.t1 = Duration::from_millis(5);
        let mut anna = End::with(quick, Admission { unproven_max: usize::MAX, ..wide_open() }).await;
        let mut alisa = End::with(quick, wide_open()).await;
        for _ in 0..1000 {
            alisa.dial(&anna.uri("100"));
            let key = anna.incoming().await.key;
            anna.sip.reject(key, 486, None).expect("refused");
            assert_eq!(alisa.ended().await.code, 486);
            anna.ended().await;
        }
        // 64 x T1 = 320 ms later even what waits for repetitions is gone.
        let deadline = tokio::time::Instant::now() + kit::SOON;
        while anna.sip.counters().finished + alisa.sip.counters().finished > 0 {
            assert!(tokio::time::Instant::now() < deadline, "{:?} {:?}", anna.sip.counters(), alisa.sip.counters());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anna.assert_clean().await;
        alisa.assert_clean().await;
    });
}

async fn stream(end: &End) -> TcpStream {
    TcpStream::connect(end.sip.local()).await.expect("connected")
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 8192];
    let length = timeout(kit::SOON, stream.read(&mut buffer)).await.expect("in time").unwrap_or(0);
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn messages_on_a_stream_are_framed_whatever_the_pieces() {
    run(async {
        let anna = End::open().await;
        let bare = Bare::to(&anna).await;
        let options =
            |call: &str| bare.request("OPTIONS", call, 1, "", "Content-Length: 0\r\n", "").replace("UDP", "TCP");
        let mut stream = stream(&anna).await;
        let both = format!("\r\n\r\n{}{}", options("o1"), options("o2"));
        for piece in both.as_bytes().chunks(7) {
            stream.write_all(piece).await.expect("written");
            tokio::task::yield_now().await;
        }
        let mut answers = String::new();
        while answers.matches("SIP/2.0 200").count() < 2 {
            answers += &read_some(&mut stream).await;
        }
        assert!(answers.starts_with("\r\n"), "the keep-alive is answered");
    });
}

#[test]
fn a_stream_with_two_lengths_is_closed_and_nothing_of_it_is_taken() {
    run(async {
        let mut anna = End::open().await;
        let bare = Bare::to(&anna).await;
        let mut stream = stream(&anna).await;
        let smuggled = bare.invite("inner", "Content-Length: 0\r\n", "").replace("UDP", "TCP");
        let outer = bare.invite("outer", &format!("Content-Length: 0\r\nl: {}\r\n", smuggled.len()), &smuggled);
        stream.write_all(outer.as_bytes()).await.expect("written");
        assert_eq!(read_some(&mut stream).await, "");
        anna.assert_quiet();
        assert_eq!(anna.sip.counters().refused_400, 1);
    });
}

#[test]
fn one_source_has_fifty_streams_and_no_more_and_others_are_served() {
    run(async {
        let anna = End::open().await;
        let mut kept = Vec::new();
        for _ in 0..60 {
            kept.push(stream(&anna).await);
        }
        let mut closed = 0;
        for stream in &mut kept {
            let mut byte = [0];
            if let Ok(Ok(0)) = timeout(Duration::from_millis(20), stream.read(&mut byte)).await {
                closed += 1;
            }
        }
        assert_eq!((closed, anna.sip.counters().streams), (10, 50));
        drop(kept);
        let deadline = tokio::time::Instant::now() + kit::SOON;
        while anna.sip.counters().streams > 0 {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn a_stream_that_says_nothing_is_closed_after_ten_seconds() {
    run(async {
        let anna = End::open().await;
        let mut stream = stream(&anna).await;
        stream.write_all(b"INVITE sip:1@h SIP/2.0\r\n").await.expect("written");
        let began = tokio::time::Instant::now();
        let mut byte = [0];
        assert!(matches!(timeout(Duration::from_secs(12), stream.read(&mut byte)).await, Ok(Ok(0) | Err(_))));
        assert!(began.elapsed() >= Duration::from_secs(9));
    });
}

proptest! {
    #[test]
    fn sdp_that_we_write_reads_back_the_same(port in 1_u16.., version in 1_u64.., held in any::<bool>(), digits in proptest::option::of(96_u8..127)) {
        let mut session = Session::offer(5, "192.0.2.1".parse().expect("an address"), port);
        session.version = version;
        session.digits = digits;
        if held {
            session.direction = hotline_sip::sdp::Direction::SendOnly;
        }
        let read = Session::parse(&session.to_string()).expect("our own");
        prop_assert_eq!(read, session);
    }

    #[test]
    fn no_text_makes_the_sdp_reader_panic(text in ".{0,300}", cut in 0_usize..400) {
        let _ = Session::parse(&text);
        let whole = sdp(4000) + &text;
        if let Some(part) = whole.get(..cut.min(whole.len())) {
            let _ = Session::parse(part);
        }
    }
}
