//! `contract/` is the border itself: one example of every frame, as bytes and as readable JSON.
//!
//! `HOTLINE_WRITE_CONTRACT=1 cargo test -p hotline-control --test golden` writes it anew; a difference in
//! review is a change of the protocol. The Python suite reads the same files.

mod examples;

use std::{fs, path::PathBuf};

use hotline_control::frames::{ToEngine, ToSwitch};
use hotline_control::framing::{decode, encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use examples::{TO_ENGINE, TO_SWITCH, to_engine, to_switch};

/// One line of `frames.json`; `file` holds the same frame as MessagePack, without its length.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Golden<T> {
    file: String,
    frame: T,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Contract {
    to_switch: Vec<Golden<ToSwitch>>,
    to_engine: Vec<Golden<ToEngine>>,
}

#[test]
fn every_golden_frame_is_written_byte_for_byte() {
    let contract = Contract { to_switch: golden(to_switch()), to_engine: golden(to_engine()) };
    if std::env::var_os("HOTLINE_WRITE_CONTRACT").is_some() {
        write(&contract);
    }
    let text = fs::read_to_string(folder().join("frames.json")).expect("contract/frames.json is there");
    assert_eq!(serde_json::from_str::<Contract>(&text).expect("readable"), contract);
    assert_eq!(text, json(&contract), "frames.json is written by this test");
    same_bytes(&contract.to_switch);
    same_bytes(&contract.to_engine);
}

#[test]
fn every_variant_has_an_example() {
    let mut sent: Vec<&str> = to_switch().into_iter().map(|(name, _)| name).collect();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), TO_SWITCH);
    let mut received: Vec<&str> = to_engine().into_iter().map(|(name, _)| name).collect();
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len(), TO_ENGINE);
}

#[test]
fn contract_holds_no_file_that_is_no_example() {
    let names = to_switch().into_iter().map(|(name, _)| name).chain(to_engine().into_iter().map(|(name, _)| name));
    let expected: Vec<String> = names.map(file).chain(["frames.json".to_owned()]).collect();
    for entry in fs::read_dir(folder()).expect("contract/ is there") {
        let name = entry.expect("readable").file_name().into_string().expect("ascii");
        assert!(expected.contains(&name) || name.ends_with(".md"), "{name} is no example");
    }
}

fn golden<T>(examples: Vec<(&'static str, T)>) -> Vec<Golden<T>> {
    examples.into_iter().map(|(name, frame)| Golden { file: file(name), frame }).collect()
}

fn file(name: &str) -> String {
    format!("{name}.msgpack")
}

fn same_bytes<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(golden: &[Golden<T>]) {
    for Golden { file, frame } in golden {
        let bytes = fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(bytes, body(frame), "{file}");
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(frame), "{file}");
    }
}

fn body<T: Serialize>(frame: &T) -> Vec<u8> {
    encode(frame).expect("an example is short").split_off(4)
}

fn write(contract: &Contract) {
    fs::create_dir_all(folder()).expect("contract/ can be made");
    for Golden { file, frame } in &contract.to_switch {
        fs::write(folder().join(file), body(frame)).expect("written");
    }
    for Golden { file, frame } in &contract.to_engine {
        fs::write(folder().join(file), body(frame)).expect("written");
    }
    fs::write(folder().join("frames.json"), json(contract)).expect("written");
}

fn json(contract: &Contract) -> String {
    serde_json::to_string_pretty(contract).expect("plain values") + "\n"
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contract")
}
