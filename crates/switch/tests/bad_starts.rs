//! What cannot start says why in one sentence, and leaves nothing behind.

mod kit;

use std::process::{Command, Output};

use kit::{Engine, Switch};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotline-switch")).args(arguments).output().expect("the binary starts")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("hotline-switch: ")).collect();
    assert_eq!(sentences.len(), 1, "{text}");
    sentences[0].to_owned()
}

#[test]
fn a_taken_sip_port_is_a_sentence_and_leaves_no_socket() {
    let switch = Switch::start(&[]);
    let socket = switch.folder.join("second.sock");
    let sip = switch.sip.to_string();
    let output = run(&["run", "--socket", &socket.display().to_string(), "--sip-udp", &sip]);
    let sentence = complaint(&output);
    assert!(sentence.contains(&sip) && sentence.contains("in use"), "{sentence}");
    assert!(!socket.exists());
}

#[test]
fn a_control_socket_of_a_living_switch_is_not_taken_and_a_dead_ones_is() {
    let switch = Switch::start(&[]);
    let socket = switch.socket.display().to_string();
    let output = run(&["run", "--socket", &socket, "--sip-udp", "127.0.0.1:0"]);
    assert!(complaint(&output).contains("another switch listens there"));
    let left = switch.folder.join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).expect("a socket"));
    // A listener that was dropped leaves its name behind, as a killed switch does.
    let again = Switch::start_at(&left, &[]);
    let mut engine = Engine::hello(&again, 1, 0, 0);
    engine.welcomed();
}

#[test]
fn a_metrics_port_that_is_taken_is_a_sentence() {
    let switch = Switch::start(&[]);
    let socket = switch.folder.join("second.sock").display().to_string();
    let metrics = format!("127.0.0.1:{}", switch.metrics);
    let output = run(&["run", "--socket", &socket, "--sip-udp", "127.0.0.1:0", "--metrics", &metrics]);
    assert!(complaint(&output).contains(&metrics));
}

#[test]
fn an_unreadable_sound_is_a_sentence_and_a_good_one_says_its_length() {
    let folder = std::env::temp_dir().join(format!("hotline-sounds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let bad = folder.join("bad.wav");
    std::fs::write(&bad, b"RIFF but no sound").expect("written");
    let path = bad.display().to_string();
    assert!(complaint(&run(&["sound", &path])).contains("bad.wav"));
    assert!(complaint(&run(&["sound", "/nowhere.wav"])).contains("/nowhere.wav"));
    let good = folder.join("good.wav");
    std::fs::write(&good, kit::wav(440.0, 2)).expect("written");
    let output = run(&["sound", &good.display().to_string(), "--json"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("{\"duration_ms\":2000,\"lufs\":-"), "{said}");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn the_version_names_the_protocols() {
    let output = run(&["--version"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), format!("hotline-switch {} (protocols 1)", env!("CARGO_PKG_VERSION")));
}
