//! Legs that move between media threads: nobody who listens notices.

mod kit;

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_control::frames::{Command, Event, OnPeerEnd, RecordingEnd};
use kit::{Engine, Phone, Switch};

fn caller(switch: &Switch, engine: &mut Engine, name: &str) -> (Phone, String) {
    let mut phone = Phone::new(name, switch.sip);
    phone.invite("400");
    let leg = engine.arrival();
    engine.tell(Command::Answer { leg: leg.clone() });
    assert_eq!(phone.answer("400").code(), Some(200));
    engine.answered(&leg);
    (phone, leg)
}

/// Two phones that talk at once; whether each heard the other.
fn heard_each_other(one: &mut Phone, other: &mut Phone, tones: [f32; 2]) -> [bool; 2] {
    std::thread::scope(|scope| {
        let far = scope.spawn(|| other.talk(tones[1], Duration::from_millis(700)).tone(tones[0]));
        let near = one.talk(tones[0], Duration::from_millis(700)).tone(tones[1]);
        [near, far.join().expect("no panic")]
    })
}

#[test]
fn legs_from_three_threads_meet_part_and_meet_others() {
    let switch = Switch::start(&["--media-threads", "3"]);
    let mut engine = Engine::connect(&switch);
    let mut calls: Vec<(Phone, String)> =
        ["alisa", "boris", "clara"].iter().map(|name| caller(&switch, &mut engine, name)).collect();
    for (room, one, other) in [("r-1", 0, 1), ("r-2", 1, 2), ("r-3", 0, 2), ("r-4", 0, 1)] {
        let (a, b) = (calls[one].1.clone(), calls[other].1.clone());
        engine.connect_pair(room, &a, &b);
        engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { room: of, .. } if of == room));
        let [first, second] = calls.get_disjoint_mut([one, other]).expect("two of three");
        assert_eq!(heard_each_other(&mut first.0, &mut second.0, [440.0, 880.0]), [true, true], "{room}");
    }
    assert_eq!(switch.metric("media_legs"), 3);
    for (phone, leg) in &mut calls[1..] {
        assert_eq!(phone.hang_up(), 200);
        engine.ended(leg);
    }
    for figure in ["legs", "media_legs", "rtp_ports"] {
        switch.wait_metric(figure, 0);
    }
}

#[test]
fn a_recording_goes_along_and_loses_nothing() {
    let switch = Switch::start(&["--media-threads", "3"]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, one) = caller(&switch, &mut engine, "alisa");
    let (mut boris, other) = caller(&switch, &mut engine, "boris");
    let path = switch.folder.join("moved.opus");
    engine.tell(Command::Record {
        recording: "r".to_owned(),
        left: vec![one.clone()],
        right: vec![],
        path: path.display().to_string(),
        max_ms: None,
    });
    alisa.talk(440.0, Duration::from_millis(500));
    engine.connect_pair("talk", &one, &other);
    assert_eq!(heard_each_other(&mut alisa, &mut boris, [440.0, 880.0]), [true, true]);
    engine.tell(Command::StopRecording { recording: "r".to_owned() });
    let closed = engine.event("RecordingClosed", |event| matches!(event, Event::RecordingClosed { .. }));
    let Event::RecordingClosed { reason, duration_ms, .. } = closed else { panic!() };
    assert_eq!(reason, RecordingEnd::Stopped);
    assert!(duration_ms >= 1_100, "{duration_ms}");
    let (samples, _) = hotline_sound::ogg::read_bytes(&std::fs::read(&path).expect("a file")).expect("Opus");
    let left: Vec<i16> = samples.iter().step_by(2).copied().collect();
    for (moment, piece) in left[1_600..8_000].chunks(1_600).enumerate() {
        assert!(hotline_sound::tone::level_at(piece, 440.0) > -25.0, "silence in piece {moment}");
    }
}

#[test]
fn three_in_a_room_are_mixed_and_a_listener_is_not_heard() {
    let switch = Switch::start(&["--media-threads", "3"]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, a) = caller(&switch, &mut engine, "alisa");
    let (mut boris, b) = caller(&switch, &mut engine, "boris");
    let (mut olga, o) = caller(&switch, &mut engine, "olga");
    let hears = BTreeMap::from([
        (a.clone(), vec![b.clone()]),
        (b.clone(), vec![a.clone()]),
        (o.clone(), vec![a.clone(), b.clone()]),
    ]);
    engine.tell(Command::Connect { room: "talk".into(), hears, release: vec![], on_peer_end: OnPeerEnd::Release });
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { .. }));
    let long = Duration::from_millis(800);
    let (at_alisa, at_boris, at_olga) = std::thread::scope(|scope| {
        let boris = scope.spawn(|| boris.talk(880.0, long));
        let olga = scope.spawn(|| olga.talk(1_200.0, long));
        (alisa.talk(440.0, long), boris.join().expect("no panic"), olga.join().expect("no panic"))
    });
    let level = |heard: &kit::phone::Heard, hertz| {
        hotline_sound::tone::level_at(&heard.samples[heard.samples.len() - 3_200..], hertz)
    };
    assert!(level(&at_olga, 440.0) > -25.0 && level(&at_olga, 880.0) > -25.0);
    assert!(at_alisa.tone(880.0) && level(&at_alisa, 1_200.0) < -40.0);
    assert!(at_boris.tone(440.0) && level(&at_boris, 1_200.0) < -40.0);
}
