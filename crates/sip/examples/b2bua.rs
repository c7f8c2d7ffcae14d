//! Signalling only, both legs: every call to us is dialled on to the address given. Measures what SIP costs a call.
//!
//! `cargo run --release --example b2bua -- 127.0.0.1:5060 127.0.0.1:5290` prints the counters on Ctrl-C or when stdin ends.

use std::collections::HashMap;

use hotline_sip::{Config, Dial, DialogKey, Event, Net, Sip, Target, Trunk};
use tokio::io::AsyncReadExt;

fn main() {
    let mut words = std::env::args().skip(1);
    let here = words.next().expect("our address").parse().expect("IP:PORT");
    let there = words.next().expect("the other side's address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let (sip, mut events) = Sip::start(Config::on(here)).await.expect("a UA");
        let everyone: Net = "0.0.0.0/0".parse().expect("a range");
        sip.set_trunks(vec![Trunk {
            name: "all".into(),
            addresses: vec![everyone],
            next_hops: vec![],
            credentials: None,
            register: None,
            options_every: None,
        }]);
        println!("ready {}", std::process::id());
        let mut pairs: HashMap<DialogKey, DialogKey> = HashMap::new();
        let mut stdin = tokio::io::stdin();
        let mut byte = [0];
        loop {
            tokio::select! {
                Some(event) = events.recv() => relay(&sip, &mut pairs, &there, event),
                _ = stdin.read(&mut byte) => break,
            }
        }
        println!("{:?}", sip.counters());
    });
    runtime.shutdown_background();
}

fn relay(sip: &Sip, pairs: &mut HashMap<DialogKey, DialogKey>, there: &str, event: Event) {
    match event {
        Event::Incoming(incoming) => {
            let dial = Dial {
                targets: vec![Target::Uri(format!("sip:{}@{there}", incoming.called))],
                from: incoming.from,
                headers: vec![],
                sdp: incoming.offer.unwrap_or_default(),
                credentials: None,
            };
            let theirs = sip.dial(dial).expect("dialled");
            pairs.insert(theirs, incoming.key);
            pairs.insert(incoming.key, theirs);
        }
        // A caller who hung up in the meantime is told to the other side by his own `Ended`.
        Event::Progress { key, code: 180, .. } => {
            if let Some(other) = pairs.get(&key) {
                let _ = sip.ring(*other);
            }
        }
        Event::Answered { key, sdp, .. } => {
            if let Some(other) = pairs.get(&key) {
                let _ = sip.answer(*other, &sdp.unwrap_or_default());
            }
        }
        Event::Ended(ended) => {
            if let Some(other) = pairs.remove(&ended.key) {
                pairs.remove(&other);
                let _ = sip.hangup(other, 16);
            }
        }
        _ => {}
    }
}
