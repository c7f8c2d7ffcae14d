//! The whole binary, over its JSON lines: two phones of one process call each other.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

struct Phones {
    child: Child,
    commands: ChildStdin,
    events: Receiver<Value>,
}

impl Phones {
    fn start() -> Phones {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotline-phone"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the phone starts");
        let (commands, out) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("an event is JSON");
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let phones = Phones { child, commands, events };
        phones.expect("ready", "");
        phones
    }

    fn say(&mut self, command: Value) {
        writeln!(self.commands, "{command}").expect("the phone listens");
    }

    /// The next event of this kind, about this call if one is named.
    fn expect(&self, event: &str, call: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let found = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no {event} of {call:?}"));
            assert_ne!(found["event"], "failed", "{found}");
            if found["event"] == event && (call.is_empty() || found["call"] == call) {
                return found;
            }
        }
    }

    /// Asks until the call hears it.
    fn hears(&mut self, call: &str, hertz: &[u64]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            self.say(json!({"do": "heard", "call": call, "last_ms": 400}));
            let heard = self.expect("heard", call);
            let tones = heard["tones"].as_array().expect("a list").iter().filter_map(|tone| tone["hz"].as_u64());
            if tones.eq(hertz.iter().copied()) && heard["packets"].as_u64() >= Some(15) {
                return;
            }
            assert!(Instant::now() < deadline, "{call} hears {heard}, not {hertz:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The ends of both calls, in whatever order they came, by the name of the call.
    fn both_ends(&self) -> [Value; 2] {
        let mut ends = [self.expect("ended", ""), self.expect("ended", "")];
        ends.sort_by_key(|end| end["call"].to_string());
        ends
    }

    fn quit(mut self) {
        self.say(json!({"do": "quit"}));
        assert!(self.child.wait().expect("it ends").success());
    }
}

fn connected() -> (Phones, String) {
    let mut phones = Phones::start();
    phones.say(json!({"do": "listen", "phone": "anna", "answer_after_ms": 50, "tone_hz": 880}));
    let address = phones.expect("listening", "")["address"].as_str().expect("an address").to_string();
    phones.say(
        json!({"do": "call", "phone": "alisa", "call": "alisa", "to": format!("sip:anna@{address}"), "tone_hz": 440}),
    );
    phones.expect("answered", "alisa");
    (phones, address)
}

#[test]
fn both_hear_each_other_and_the_end_tells_the_whole_call() {
    let (mut phones, _) = connected();
    phones.hears("alisa", &[880]);
    phones.hears("anna#1", &[440]);
    phones.say(json!({"do": "play", "call": "alisa", "silence": true}));
    phones.hears("anna#1", &[]);
    phones.say(json!({"do": "hangup", "call": "alisa"}));
    let [alisa, anna] = phones.both_ends();
    assert_eq!((&anna["by"], &anna["call"]), (&json!("peer"), &json!("anna#1")));
    assert_eq!(alisa["heard"]["tones"][0]["hz"], 880);
    assert_eq!(alisa["heard"]["lost"], 0);
    phones.say(json!({"do": "calls"}));
    assert_eq!(phones.expect("calls", "")["dialogs"], 0);
    phones.quit();
}

#[test]
fn keys_arrive_once_each_by_every_way() {
    let (mut phones, _) = connected();
    phones.say(json!({"do": "digits", "call": "alisa", "digits": "11#"}));
    phones.say(json!({"do": "digits", "call": "alisa", "digits": "D", "via": "info"}));
    let mut keys: Vec<_> =
        (0..4).map(|_| phones.expect("digit", "anna#1")["digit"].as_str().expect("a key").to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["#", "1", "1", "D"]);
    phones.quit();
}

#[test]
fn hold_silences_and_resume_brings_back() {
    let (mut phones, _) = connected();
    phones.hears("alisa", &[880]);
    phones.say(json!({"do": "hold", "call": "alisa"}));
    phones.expect("held", "anna#1");
    assert_eq!(phones.expect("changed", "alisa")["code"], 200);
    phones.say(json!({"do": "resume", "call": "alisa"}));
    phones.expect("resumed", "anna#1");
    phones.hears("alisa", &[880]);
    phones.quit();
}

#[test]
fn a_recording_holds_what_was_heard() {
    let (mut phones, _) = connected();
    let path = std::env::temp_dir().join(format!("phone-{}.wav", std::process::id()));
    phones.say(json!({"do": "record", "call": "alisa", "path": path}));
    phones.hears("alisa", &[880]);
    phones.say(json!({"do": "hangup", "call": "alisa"}));
    phones.expect("ended", "alisa");
    let samples: Vec<i16> =
        hound::WavReader::open(&path).expect("a WAV file").samples().map(|sample| sample.expect("a sample")).collect();
    std::fs::remove_file(&path).expect("removed");
    assert!(hotline_sound::tone::is_heard(&samples, 880.0));
    phones.quit();
}

#[test]
fn quit_ends_what_lives_and_tells_it() {
    let (mut phones, _) = connected();
    phones.say(json!({"do": "quit"}));
    // They hang up on each other at once: either may be told first.
    assert_eq!(phones.both_ends().map(|end| end["call"].clone()), ["alisa", "anna#1"]);
    assert!(phones.child.wait().expect("it ends").success());
}

#[test]
fn busy_and_refusing_phones_say_so() {
    let mut phones = Phones::start();
    for (settings, code) in [(json!({"busy": true}), 486), (json!({"reject": 603}), 603)] {
        let mut listen = json!({"do": "listen", "phone": "anna"});
        for (key, value) in settings.as_object().expect("settings") {
            listen[key] = value.clone();
        }
        phones.say(listen);
        let address = phones.expect("listening", "")["address"].as_str().expect("an address").to_string();
        phones.say(json!({"do": "call", "phone": "alisa", "call": "alisa", "to": format!("sip:anna@{address}")}));
        assert_eq!(phones.expect("ended", "alisa")["code"], code);
    }
    phones.quit();
}

#[test]
fn the_one_shot_form_prints_one_summary_and_says_by_its_code_whether_it_was_answered() {
    let mut phones = Phones::start();
    phones.say(json!({"do": "listen", "phone": "anna", "answer_after_ms": 50, "tone_hz": 880}));
    let address = phones.expect("listening", "")["address"].as_str().expect("an address").to_string();
    for (user, code) in [("anna", 0), ("nobody", 1)] {
        let output = Command::new(env!("CARGO_BIN_EXE_hotline-phone"))
            .args([
                "call",
                &format!("sip:{user}@{address}"),
                "--for",
                "600ms",
                "--digits",
                "5",
                "--digits-after",
                "100ms",
            ])
            .output()
            .expect("it runs");
        let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(output.status.code(), Some(code), "{summary}");
        if code == 0 {
            assert_eq!(summary["heard"]["tones"][0]["hz"], 880);
            assert_eq!(phones.expect("digit", "anna#1")["digit"], "5");
        }
    }
    phones.quit();
}
