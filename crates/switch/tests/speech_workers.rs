//! What a leg says comes out of a tap, and what a worker says is heard: on a socket of their own.

#![allow(clippy::disallowed_methods, reason = "real peers keep real time")]

mod kit;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use hotline_control::frames::{Command, Event};
use hotline_sound::tone::{Tone, is_heard};
use kit::{Engine, PATIENCE, Phone, Switch};

const WHILE: Duration = Duration::from_millis(600);

fn caller(switch: &Switch, engine: &mut Engine) -> (Phone, String) {
    let mut phone = Phone::new("alisa", switch.sip);
    phone.invite("400");
    let leg = engine.arrival();
    engine.tell(Command::Answer { leg: leg.clone() });
    assert_eq!(phone.answer("400").code(), Some(200));
    engine.answered(&leg);
    (phone, leg)
}

fn worker(switch: &Switch, token: &str) -> UnixStream {
    let path = format!("{}.sound", switch.socket.display());
    let mut stream = UnixStream::connect(path).expect("the switch listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(format!("{token}\n").as_bytes()).expect("sent");
    stream
}

fn piece(generation: u32, samples: &[i16]) -> Vec<u8> {
    let mut piece = generation.to_be_bytes().to_vec();
    piece.extend_from_slice(&(2 * samples.len() as u16).to_be_bytes());
    piece.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    piece
}

#[test]
fn a_tap_hands_out_what_the_leg_says_and_its_token_opens_once() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine);
    engine.tell(Command::Tap { leg: leg.clone(), tap: "t".to_owned(), token: "secret".to_owned() });
    let opened = engine.event("TapOpened", |event| matches!(event, Event::TapOpened { .. }));
    let Event::TapOpened { address, .. } = opened else { panic!() };
    assert_eq!(address, format!("{}.sound", switch.socket.display()));
    let mut tap = worker(&switch, "secret");
    alisa.talk(440.0, WHILE);
    let mut octets = vec![0; 320 * 40];
    tap.read_exact(&mut octets).expect("sound");
    let samples: Vec<i16> = octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    assert!(samples.chunks(800).any(|piece| is_heard(piece, 440.0)));
    for used in ["secret", "guessed"] {
        let mut other = worker(&switch, used);
        assert_eq!(other.read(&mut [0; 10]).expect("closed"), 0, "{used} opens nothing");
    }
    alisa.hang_up();
    engine.ended(&leg);
    let mut rest = Vec::new();
    tap.read_to_end(&mut rest).expect("the tap ends with its leg");
}

#[test]
fn a_feed_is_heard_and_stop_throws_away_what_is_on_its_way() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine);
    let feed = |generation| Command::Feed {
        leg: leg.clone(),
        feed: "robot".to_owned(),
        token: format!("token-{generation}"),
        generation,
    };
    engine.tell(feed(1));
    engine.tell(Command::Note { leg: leg.clone(), note: "c-1".to_owned() });
    kit::until("the token is known", || switch.metric("feeds") == 1);
    let mut robot = worker(&switch, "token-1");
    let mut voice = Tone::new(660.0, -10.0);
    // Five seconds at once: the switch takes them no faster than they are heard.
    let sentence: Vec<u8> = (0..250).flat_map(|_| piece(1, &voice.samples(160))).collect();
    robot.set_nonblocking(true).expect("a mode");
    let mut written = 0;
    let mut say = |robot: &mut UnixStream, sentence: &[u8]| match robot.write(&sentence[written..]) {
        Ok(more) => written += more,
        Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
    };
    say(&mut robot, &sentence);
    assert!(alisa.talk(0.0, WHILE).tone(660.0));
    engine.tell(Command::Stop { leg: leg.clone(), play: "robot".to_owned() });
    alisa.talk(0.0, Duration::from_millis(300));
    assert!(!alisa.talk(0.0, WHILE).tone(660.0), "the interrupted sentence is silent");
    engine.tell(feed(7));
    robot.set_nonblocking(false).expect("a mode");
    robot.write_all(&sentence[written..]).expect("the rest of the old sentence");
    let mut other = Tone::new(1_000.0, -10.0);
    let next: Vec<u8> = (0..60).flat_map(|_| piece(7, &other.samples(160))).collect();
    robot.write_all(&next).expect("sent");
    assert!(alisa.talk(0.0, WHILE).tone(1_000.0));
}
