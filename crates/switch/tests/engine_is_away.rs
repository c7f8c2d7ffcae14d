//! What stands when the engine is away, comes back, is replaced, or says a thing twice (ARCHITECTURE.md sections 5, 6).

#![allow(clippy::disallowed_methods, reason = "real peers keep real time")]

mod kit;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hotline_control::frames::{
    Admission, Command, EndCause, Event, LegState, OnAnswer, OnPeerEnd, OrphanPolicy, ToEngine, ToSwitch,
};
use kit::{Engine, Phone, Switch, until};

fn caller(switch: &Switch, engine: &mut Engine, name: &str) -> (Phone, String) {
    let mut phone = Phone::new(name, switch.sip);
    phone.invite("400");
    let leg = engine.arrival();
    engine.tell(Command::Answer { leg: leg.clone() });
    assert_eq!(phone.answer("400").code(), Some(200));
    engine.answered(&leg);
    (phone, leg)
}

#[test]
fn a_call_without_an_engine_is_held_and_then_refused_with_retry_after() {
    let switch = Switch::start(&[]);
    Engine::connect(&switch).die();
    switch.wait_metric("engine_connected", 0);
    let mut alisa = Phone::new("alisa", switch.sip);
    let begun = Instant::now();
    alisa.invite("400");
    alisa.wait("100", |message| message.code() == Some(100));
    let answer = alisa.answer("400");
    assert_eq!((answer.code(), answer.header("Retry-After")), (Some(503), "7"));
    assert!(begun.elapsed() >= Duration::from_millis(480), "held for half a second: {:?}", begun.elapsed());
    switch.wait_metric("legs", 0);
    // The engine that comes hears of it all the same.
    let mut engine = Engine::hello(&switch, 2, 0, 0);
    engine.welcomed();
    let leg = engine.arrival();
    assert!(matches!(engine.ended(&leg), Event::LegEnded { cause: EndCause::Orphaned, code: 503, .. }));
}

#[test]
fn a_call_held_for_the_engine_is_taken_by_the_one_that_comes() {
    let switch = Switch::start(&[]);
    Engine::connect(&switch).die();
    switch.wait_metric("engine_connected", 0);
    let mut alisa = Phone::new("alisa", switch.sip);
    alisa.invite("400");
    alisa.wait("100", |message| message.code() == Some(100));
    let mut engine = Engine::hello(&switch, 2, 0, 0);
    assert!(matches!(engine.welcomed(), ToEngine::Welcome { legs, .. } if legs.len() == 1));
    let leg = engine.arrival();
    engine.tell(Command::Answer { leg });
    assert_eq!(alisa.answer("400").code(), Some(200));
}

#[test]
fn what_was_not_written_comes_again_and_a_command_twice_is_done_once() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    engine.tell(Command::Note { leg: leg.clone(), note: "c-1".to_owned() });
    engine.acks = false;
    let hears = BTreeMap::from([(leg.clone(), vec![leg.clone()])]);
    let connect = Command::Connect { room: "echo".into(), hears, release: vec![], on_peer_end: OnPeerEnd::Release };
    engine.tell(connect.clone());
    // The Connect's event is never acknowledged: the engine dies with it.
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { .. }));
    let (boot, written, seq) = (engine.boot, engine.n - 1, engine.seq);
    engine.die();
    switch.wait_metric("engine_connected", 0);

    let mut engine = Engine::hello(&switch, 2, boot, written);
    let ToEngine::Welcome { seq: mark, n, legs, .. } = engine.welcomed() else { panic!() };
    assert_eq!((mark, n, legs.len()), (seq, written + 1, 1));
    assert_eq!(
        (legs[0].note.as_str(), legs[0].state, legs[0].room.as_deref()),
        ("c-1", LegState::Answered, Some("echo"))
    );
    engine.event("RoomChanged again", |event| matches!(event, Event::RoomChanged { .. }));
    engine.send(&ToSwitch::Do { seq, i: 0, command: connect });
    engine.send(&ToSwitch::Do { seq, i: 0, command: Command::Hangup { leg: leg.clone(), q850: 16 } });
    assert!(alisa.talk(440.0, Duration::from_millis(500)).tone(440.0), "the echo goes on");
    engine.send(&ToSwitch::Do { seq: seq + 1, i: 0, command: Command::Hangup { leg: leg.clone(), q850: 16 } });
    alisa.expect_request("BYE");
    engine.ended(&leg);
    let again = engine.heard.iter().filter(|frame| format!("{frame:?}").contains("RoomChanged")).count();
    assert_eq!(again, 1, "only the end of the room: {:?}", engine.heard);
}

#[test]
fn the_higher_epoch_wins_and_the_lower_is_refused() {
    let switch = Switch::start(&[]);
    let mut old = Engine::hello(&switch, 5, 0, 0);
    old.welcomed();
    let mut new = Engine::hello(&switch, 6, 0, 0);
    new.welcomed();
    old.frame("Refused", |frame| matches!(frame, ToEngine::Refused { .. }));
    until("the old link is closed", || !old.listen());
    let mut older = Engine::hello(&switch, 5, 0, 0);
    let ToEngine::Refused { reason } = older.frame("Refused", |frame| matches!(frame, ToEngine::Refused { .. })) else {
        panic!()
    };
    assert!(reason.contains("epoch 5 is lower than 6"), "{reason}");
    new.send(&ToSwitch::Ping { id: 1 });
    new.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 1, .. }));
}

#[test]
fn a_protocol_that_is_not_ours_is_refused_in_words() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::hello(&switch, 1, 0, 0);
    engine.welcomed();
    engine.send(&ToSwitch::Hello { epoch: 1, protocols: vec![99], version: "9".to_owned(), boot: 0, n: 0 });
    let refused = engine.frame("Refused", |frame| matches!(frame, ToEngine::Refused { .. }));
    assert!(matches!(refused, ToEngine::Refused { reason } if reason.contains("no protocol in common")));
}

#[test]
fn a_conversation_has_no_gap_when_the_engine_dies() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, one) = caller(&switch, &mut engine, "alisa");
    let (mut boris, other) = caller(&switch, &mut engine, "boris");
    engine.connect_pair("talk", &one, &other);
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { .. }));
    let boris = std::thread::spawn(move || boris.talk(880.0, Duration::from_secs(2)));
    // On a busy machine the speaking phone has gaps of its own: only what the switch adds counts.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        engine.die();
    });
    let heard = alisa.talk(440.0, Duration::from_secs(2));
    killer.join().expect("no panic");
    let at_boris = boris.join().expect("no panic");
    assert!(heard.tone(880.0) && at_boris.tone(440.0));
    let added = heard.longest_gap.saturating_sub(at_boris.longest_pause);
    assert!(added < Duration::from_millis(60), "{:?} of {:?}", added, heard.longest_gap);
    assert_eq!(switch.metric("legs"), 2);
}

#[test]
fn a_dialled_leg_settles_while_the_engine_is_away() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (mut alisa, leg) = caller(&switch, &mut engine, "alisa");
    let mut anna = Phone::new("anna", switch.sip);
    engine.tell(Command::Dial {
        leg: "e1-0".to_owned(),
        note: "c-1".to_owned(),
        for_leg: Some(leg.clone()),
        targets: vec![anna.uri()],
        trunk: None,
        from_number: "+70000000001".to_owned(),
        from_name: String::new(),
        headers: BTreeMap::new(),
        ring_for_ms: 5_000,
        group: None,
        on_answer: OnAnswer::Join,
        room: "talk".to_owned(),
        on_peer_end: OnPeerEnd::Release,
    });
    let invite = anna.invited();
    anna.reply(&invite, 180);
    engine.event("180", |event| matches!(event, Event::LegProgress { .. }));
    let (boot, n) = (engine.boot, engine.n);
    engine.die();
    switch.wait_metric("engine_connected", 0);
    // Anna picks up while nobody leads: they are joined all the same.
    anna.reply(&invite, 200);
    anna.expect_request("ACK");
    let anna = std::thread::spawn(move || anna.talk(880.0, Duration::from_millis(800)));
    assert!(alisa.talk(440.0, Duration::from_millis(800)).tone(880.0));
    assert!(anna.join().expect("no panic").tone(440.0));
    let mut engine = Engine::hello(&switch, 2, boot, n);
    engine.welcomed();
    engine.answered("e1-0");
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { hears, .. } if hears.len() == 2));
}

#[test]
fn orphans_that_talk_to_nobody_end_and_conversations_stay() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let (_alisa, one) = caller(&switch, &mut engine, "alisa");
    let (_boris, other) = caller(&switch, &mut engine, "boris");
    let (mut clara, _) = caller(&switch, &mut engine, "clara");
    engine.connect_pair("talk", &one, &other);
    engine.event("RoomChanged", |event| matches!(event, Event::RoomChanged { .. }));
    engine.send(&ToSwitch::SetOrphanPolicy { policy: OrphanPolicy { hold_new_ms: 100, end_waiting_after_ms: 300 } });
    engine.send(&ToSwitch::Ping { id: 1 });
    engine.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 1, .. }));
    engine.die();
    clara.expect_request("BYE");
    switch.wait_metric("legs", 2);
}

#[test]
fn a_full_window_refuses_new_calls_and_keeps_every_end() {
    let switch = Switch::start(&["--window", "64"]);
    let mut engine = Engine::connect(&switch);
    engine.acks = false;
    let mut phones = Vec::new();
    let mut refused = 0;
    for nth in 0..14 {
        let mut phone = Phone::new(&format!("caller{nth}"), switch.sip);
        let kept = switch.metric("legs");
        phone.invite("400");
        let tried = phone.wait("an answer", |message| message.code().is_some_and(|code| code == 100 || code >= 300));
        if tried.code() == Some(100) {
            until("the leg is there", || switch.metric("legs") == kept + 1);
            phones.push(phone);
        } else {
            assert_eq!((tried.code(), tried.header("Retry-After")), (Some(503), "7"));
            refused += 1;
        }
    }
    assert!(refused > 0 && phones.len() >= 5, "{refused} refused, {} taken", phones.len());
    for phone in &mut phones {
        let mut leg = None;
        while leg.is_none() {
            engine.listen();
            let index = engine
                .heard
                .iter()
                .position(|frame| matches!(frame, ToEngine::Event { event: Event::LegArrived { .. }, .. }));
            leg = index.map(|index| engine.heard.remove(index));
        }
        phone.cancel("400");
        assert_eq!(phone.answer("400").code(), Some(487));
    }
    let ends = |engine: &Engine| engine.heard.iter().filter(|frame| format!("{frame:?}").contains("LegEnded")).count();
    until("every end is told", || {
        engine.listen();
        ends(&engine) == phones.len()
    });
    assert_eq!(switch.metric("window_overflow_total"), 0);
    // Once they are written there is room again.
    let n = engine.n;
    engine.send(&ToSwitch::Ack { n });
    engine.send(&ToSwitch::Ping { id: 1 });
    engine.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 1, .. }));
    let mut alisa = Phone::new("alisa", switch.sip);
    alisa.invite("400");
    engine.arrival();
}

#[test]
fn garbage_on_the_link_closes_it_and_harms_nobody_else() {
    use std::io::{Read, Write};
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    for garbage in [&b"\xff\xff\xff\xff"[..], &b"\0\0\0\x03abc"[..], &b"GET / HTTP/1.1\r\n\r\n"[..]] {
        let mut stream = std::os::unix::net::UnixStream::connect(&switch.socket).expect("it listens");
        stream.set_read_timeout(Some(kit::PATIENCE)).expect("a timeout");
        stream.write_all(garbage).expect("sent");
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_ok(), "closed");
    }
    engine.send(&ToSwitch::Ping { id: 1 });
    engine.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 1, .. }));
}

#[test]
fn a_stranger_gets_silence_and_a_setting_without_sense_changes_nothing() {
    let switch = Switch::start(&[]);
    let mut engine = Engine::connect(&switch);
    let admission = Admission {
        open: vec!["nonsense".to_owned()],
        accounts: vec![],
        blocked: vec![],
        max_unproven: 1,
        max_legs: 1,
        per_source_rate: 1,
        retry_after_s: 1,
    };
    engine.send(&ToSwitch::SetAdmission { admission: admission.clone() });
    engine.event(
        "a refusal",
        |event| matches!(event, Event::CommandRefused { seq: 0, reason, .. } if reason.contains("nonsense")),
    );
    let (_alisa, _) = caller(&switch, &mut engine, "alisa");
    engine.send(&ToSwitch::SetAdmission { admission: Admission { open: vec![], ..admission } });
    engine.send(&ToSwitch::Ping { id: 1 });
    engine.frame("Pong", |frame| matches!(frame, ToEngine::Pong { id: 1, .. }));
    let mut mallory = Phone::new("mallory", switch.sip);
    mallory.invite("400");
    engine.event(
        "a report",
        |event| matches!(event, Event::AdmissionReport { counts } if counts.contains_key("stranger")),
    );
    let mut bytes = [0; 1_000];
    assert!(mallory.sip.recv_from(&mut bytes).is_err(), "silence");
}
