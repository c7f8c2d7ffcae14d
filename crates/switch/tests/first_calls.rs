//! The thin path: a call arrives, is answered, hears itself, a sound, somebody else.

mod kit;

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_control::frames::{Command, EndCause, Event, OnAnswer, OnPeerEnd, PlaybackEnd, RecordingEnd};
use kit::{Engine, Phone, Switch};

const WHILE: Duration = Duration::from_millis(600);

/// An answered caller, his phone and his leg.
fn caller(switch: &Switch, engine: &mut Engine, name: &str) -> (Phone, String) {
    let mut phone = Phone::new(name, switch.sip);
    phone.invite("400");
    let leg = engine.arrival();
    engine.tell(Command::Ring { leg: leg.clone() });
    engine.tell(Command::Answer { leg: leg.clone() });
    assert_eq!(phone.answer("400").code(), Some(200));
    engine.answered(&leg);
    (phone, leg)
}

fn dial(leg: &str, target: String, for_leg: &str, group: Option<&str>) -> Command {
    Command::Dial {
        leg: leg.to_owned(),
        note: "c-1".to_owned(),
        for_leg: Some(for_leg.to_owned()),
        targets: vec![target],
        trunk: None,
        from_number: "+70000000001".to_owned(),
        from_name: "Alisa".to_owned(),
        headers: BTreeMap::from([("X-Call".to_owned(), "c-1".to_owned())]),
        ring_for_ms: 5_000,
        group: group.map(str::to_owned),
        on_answer: OnAnswer::Join,
        room: "talk".to_owned(),
        on_peer_end: OnPeerEnd::Release,
    }
}

fn wav(switch: &Switch, name: &str, hertz: f32, seconds: usize) -> String {
    let path = switch.folder.join(name);
    std::fs::write(&path, kit::wav(hertz, seconds)).expect("written");
    path.display().to_string()
}

#[test]
fn a_leg_that_hears_itself_is_an_echo() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let hears = BTreeMap::from([(leg.clone(), vec![leg.clone()])]);
    engine.tell(Command::Connect { room: "echo".into(), hears, release: vec![], on_peer_end: OnPeerEnd::Release });
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { .. }));
    assert!(alisa.talk(440.0, WHILE).tone(440.0));
    assert_eq!(alisa.hang_up(), 200);
    let Event::LegEnded { cause, quality, answered_us, .. } = engine.ended(&leg) else { panic!() };
    assert_eq!(cause, EndCause::Peer);
    assert!(answered_us.is_some() && quality.packets_in >= 25 && quality.packets_out >= 25, "{quality:?}");
    for figure in ["legs", "dialogs", "rtp_ports", "rooms", "media_legs"] {
        switch.wait_metric(figure, 0);
    }
}

#[test]
fn a_caller_hears_a_sound_and_its_end_is_told() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let sound = wav(&switch, "music.wav", 660.0, 1);
    let play = |play: &str, repeat, sound: &str| Command::Play {
        leg: leg.clone(),
        play: play.to_owned(),
        sounds: vec![sound.to_owned()],
        repeat,
        gap_ms: 0,
        volume_db: 0,
    };
    engine.tell(play("p-1", false, &sound));
    assert!(alisa.talk(0.0, WHILE).tone(660.0));
    let ended = |engine: &mut Engine| match engine
        .event("PlaybackEnded", |event| matches!(event, Event::PlaybackEnded { .. }))
    {
        Event::PlaybackEnded { play, reason, detail, .. } => (play, reason, detail),
        other => panic!("{other:?}"),
    };
    assert_eq!(ended(&mut engine), ("p-1".to_owned(), PlaybackEnd::Finished, String::new()));
    engine.tell(play("p-2", true, &sound));
    assert!(alisa.talk(0.0, WHILE).tone(660.0));
    engine.tell(Command::Stop { leg: leg.clone(), play: "p-2".to_owned() });
    assert_eq!(ended(&mut engine).1, PlaybackEnd::Stopped);
    engine.tell(play("p-3", false, "/nowhere/at-all.wav"));
    let (play, reason, detail) = ended(&mut engine);
    assert_eq!((play.as_str(), reason), ("p-3", PlaybackEnd::Failed));
    assert!(detail.contains("/nowhere/at-all.wav"), "{detail}");
}

#[test]
fn a_dialled_phone_is_joined_and_both_are_heard_and_recorded() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let mut anna = Phone::new("anna", switch.sip);
    engine.tell(dial("e1-0", anna.uri(), &leg, None));
    let invite = anna.invited();
    assert_eq!(invite.header("X-Call"), "c-1");
    anna.reply(&invite, 180);
    engine.event("180", |event| matches!(event, Event::LegProgress { code: 180, .. }));
    anna.reply(&invite, 200);
    anna.expect_request("ACK");
    engine.answered("e1-0");
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { hears, .. } if hears.len() == 2));
    let path = switch.folder.join("talk.opus");
    engine.tell(Command::Record {
        recording: "rec-1".to_owned(),
        left: vec![leg.clone()],
        right: vec!["e1-0".to_owned()],
        path: path.display().to_string(),
        max_ms: None,
    });
    let talking = std::thread::spawn(move || {
        let heard = anna.talk(880.0, 2 * WHILE);
        (anna, heard)
    });
    assert!(alisa.talk(440.0, 2 * WHILE).tone(880.0));
    let (mut anna, heard) = talking.join().expect("no panic");
    assert!(heard.tone(440.0));
    // The caller goes: the dialled leg of the pair is hung up, and the recording ends with the last of them.
    assert_eq!(alisa.hang_up(), 200);
    anna.expect_request("BYE");
    let Event::LegEnded { cause, .. } = engine.ended("e1-0") else { panic!() };
    assert_eq!(cause, EndCause::Us);
    let closed = engine.event("RecordingClosed", |event| matches!(event, Event::RecordingClosed { .. }));
    let Event::RecordingClosed { reason, duration_ms, bytes, .. } = closed else { panic!() };
    assert_eq!((reason, std::fs::metadata(&path).expect("a file").len()), (RecordingEnd::LegsEnded, bytes));
    assert!((900..3_000).contains(&duration_ms), "{duration_ms}");
    let (samples, channels) = hotline_sound::ogg::read_bytes(&std::fs::read(&path).expect("a file")).expect("Opus");
    assert_eq!(channels, 2);
    let side = |channel| samples.iter().skip(channel).step_by(2).copied().collect::<Vec<i16>>();
    let loud = |side: &[i16], hertz| hotline_sound::tone::level_at(&side[4_000..7_200], hertz) > -20.0;
    assert!(loud(&side(0), 440.0) && !loud(&side(0), 880.0), "the left channel is the caller");
    assert!(loud(&side(1), 880.0) && !loud(&side(1), 440.0), "the right channel is the dialled phone");
    switch.wait_metric("recordings", 0);
}

#[test]
fn the_first_of_a_group_wins_and_the_others_are_withdrawn() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (_alisa, leg) = caller(&switch, &mut engine, "alisa");
    let (mut anna, mut viktor) = (Phone::new("anna", switch.sip), Phone::new("viktor", switch.sip));
    engine.tell(dial("e1-0", anna.uri(), &leg, Some("g-1")));
    engine.tell(dial("e1-1", viktor.uri(), &leg, Some("g-1")));
    let (to_anna, to_viktor) = (anna.invited(), viktor.invited());
    anna.reply(&to_anna, 180);
    viktor.reply(&to_viktor, 180);
    anna.reply(&to_anna, 200);
    anna.expect_request("ACK");
    viktor.expect_request("CANCEL");
    viktor.reply(&to_viktor, 487);
    viktor.expect_request("ACK");
    let Event::LegEnded { cause, .. } = engine.ended("e1-1") else { panic!() };
    assert_eq!(cause, EndCause::Withdrawn);
    engine.answered("e1-0");
}

#[test]
fn an_answer_that_crosses_our_cancel_ends_in_bye() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let mut anna = Phone::new("anna", switch.sip);
    engine.tell(dial("e1-0", anna.uri(), &leg, None));
    let invite = anna.invited();
    anna.reply(&invite, 180);
    engine.event("180", |event| matches!(event, Event::LegProgress { .. }));
    assert_eq!(alisa.hang_up(), 200);
    anna.expect_request("CANCEL");
    anna.reply(&invite, 200);
    anna.expect_request("ACK");
    anna.expect_request("BYE");
    let Event::LegEnded { cause, .. } = engine.ended("e1-0") else { panic!() };
    assert_eq!(cause, EndCause::Withdrawn);
    assert!(
        !engine.heard.iter().any(|frame| format!("{frame:?}").contains("LegAnswered")),
        "a ghost: {:?}",
        engine.heard
    );
    for figure in ["legs", "dialogs", "rtp_ports"] {
        switch.wait_metric(figure, 0);
    }
}

#[test]
fn a_phone_that_nobody_picks_up_is_told_as_ring_timeout() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (_alisa, leg) = caller(&switch, &mut engine, "alisa");
    let mut anna = Phone::new("anna", switch.sip);
    let Command::Dial { .. } = dial("e1-0", anna.uri(), &leg, None) else { panic!() };
    let mut command = dial("e1-0", anna.uri(), &leg, None);
    if let Command::Dial { ring_for_ms, .. } = &mut command {
        *ring_for_ms = 200;
    }
    engine.tell(command);
    let invite = anna.invited();
    anna.reply(&invite, 180);
    anna.expect_request("CANCEL");
    let Event::LegEnded { cause, .. } = engine.ended("e1-0") else { panic!() };
    assert_eq!(cause, EndCause::RingTimeout);
}

#[test]
fn a_caller_who_gives_up_is_told_and_his_late_answer_is_refused() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let mut alisa = Phone::new("alisa", switch.sip);
    alisa.invite("400");
    let leg = engine.arrival();
    engine.tell(Command::Ring { leg: leg.clone() });
    alisa.wait("180", |message| message.code() == Some(180));
    alisa.cancel("400");
    assert_eq!(alisa.answer("400").code(), Some(487));
    let Event::LegEnded { cause, answered_us, .. } = engine.ended(&leg) else { panic!() };
    assert_eq!((cause, answered_us), (EndCause::Peer, None));
    engine.tell(Command::Answer { leg: leg.clone() });
    let refused = engine.event("CommandRefused", |event| matches!(event, Event::CommandRefused { .. }));
    assert!(matches!(refused, Event::CommandRefused { leg: Some(of), .. } if of == leg));
}

#[test]
fn a_pressed_key_is_told_once() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    alisa.talk(0.0, Duration::from_millis(100));
    alisa.press(5);
    alisa.talk(0.0, Duration::from_millis(200));
    let pressed = engine.event("a digit", |event| matches!(event, Event::DigitPressed { .. }));
    assert!(matches!(pressed, Event::DigitPressed { leg: of, digit, .. } if of == leg && digit == "5"));
    alisa.hang_up();
    engine.ended(&leg);
    assert!(!engine.heard.iter().any(|frame| format!("{frame:?}").contains("DigitPressed")), "{:?}", engine.heard);
}

#[test]
fn sigterm_hangs_up_closes_recordings_and_exits_cleanly() {
    let mut switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let path = switch.folder.join("voicemail.opus").display().to_string();
    let left = vec![leg.clone()];
    engine.tell(Command::Record { recording: "v".into(), left, right: vec![], path, max_ms: None });
    alisa.talk(440.0, WHILE);
    assert!(switch.terminate().success());
    alisa.expect_request("BYE");
    engine.ended(&leg);
    engine.event("RecordingClosed", |event| matches!(event, Event::RecordingClosed { bytes, .. } if *bytes > 0));
    assert!(!switch.socket.exists());
}

#[test]
fn no_socket_and_no_sound_is_spent_on_a_caller_before_his_ack() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let mut mallory = Phone::new("mallory", switch.sip);
    mallory.invite("400");
    let leg = engine.arrival();
    let before = switch.metric("fds");
    engine.tell(Command::Answer { leg: leg.clone() });
    let sounds = vec![wav(&switch, "music.wav", 660.0, 1)];
    let (play, repeat, gap_ms, volume_db) = ("p-1".to_owned(), true, 0, 0);
    engine.tell(Command::Play { leg: leg.clone(), play, sounds, repeat, gap_ms, volume_db });
    assert_eq!(mallory.final_answer().code(), Some(200));
    assert_eq!(mallory.talk(0.0, WHILE).packets, 0);
    assert_eq!((switch.metric("media_legs"), switch.metric("rtp_ports")), (0, 1));
    assert_eq!(switch.metric("fds"), before);
    mallory.ack("400");
    engine.answered(&leg);
    assert!(mallory.talk(0.0, WHILE).tone(660.0), "what was held is played now");
}

#[test]
fn a_full_disk_stops_recordings_and_no_call() {
    let switch = Switch::start(&["--min-free-mb", "1000000000"]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let path = switch.folder.join("full.opus").display().to_string();
    let left = vec![leg.clone()];
    engine.tell(Command::Record { recording: "r".into(), left, right: vec![], path, max_ms: None });
    let closed = engine.event("RecordingClosed", |event| matches!(event, Event::RecordingClosed { .. }));
    assert!(matches!(closed, Event::RecordingClosed { reason: RecordingEnd::DiskFull, bytes: 0, .. }), "{closed:?}");
    assert_eq!(alisa.hang_up(), 200);
}

#[test]
fn a_recording_ends_at_its_length_and_the_call_goes_on() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let path = switch.folder.join("short.opus").display().to_string();
    let left = vec![leg.clone()];
    engine.tell(Command::Record { recording: "r".into(), left, right: vec![], path, max_ms: Some(400) });
    alisa.talk(440.0, WHILE);
    let closed = engine.event("RecordingClosed", |event| matches!(event, Event::RecordingClosed { .. }));
    let Event::RecordingClosed { reason, duration_ms, .. } = closed else { panic!() };
    assert_eq!((reason, duration_ms), (RecordingEnd::MaxLength, 400));
    switch.wait_metric("recordings", 0);
    assert_eq!(alisa.hang_up(), 200);
}
