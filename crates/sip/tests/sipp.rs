//! SIPp at the other end: a peer that we did not write. Skipped with a word where it is not installed.

mod kit;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use hotline_sip::{Dial, Event, Target};
use kit::{End, call, run, sdp};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const CALLS: usize = 100;

fn sipp(arguments: &[&str]) -> Option<Child> {
    let child = Command::new("sipp")
        .args(arguments)
        .args(["-nostdin", "-i", "127.0.0.1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    if child.is_err() {
        eprintln!("SIPp is not installed (Debian: sip-tester): skipped");
    }
    child.ok()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address").port()
}

#[test]
fn sipp_calls_us_a_hundred_times_and_every_call_succeeds() {
    run(async {
        let mut anna = End::trusting_all().await;
        let (here, port) = (anna.sip.local().to_string(), free_port().to_string());
        let calls = CALLS.to_string();
        let Some(mut child) = sipp(&["-sn", "uac", &here, "-p", &port, "-m", &calls, "-r", "100", "-d", "50"]) else {
            return;
        };
        let mut ended = 0;
        while ended < CALLS {
            match anna.next().await {
                Event::Incoming(incoming) => {
                    anna.sip.ring(incoming.key).expect("rings");
                    anna.sip.answer(incoming.key, &sdp(5000)).expect("answered");
                }
                Event::Ended(end) => {
                    assert_eq!(end.code, 200);
                    ended += 1;
                }
                Event::Acked { .. } => {}
                other => panic!("not {other:?}"),
            }
        }
        let status = timeout(Duration::from_secs(20), child.wait()).await.expect("in time").expect("ended");
        assert!(status.success(), "{status}");
        anna.assert_clean().await;
    });
}

#[test]
fn we_call_sipp_a_hundred_times_and_every_call_succeeds() {
    run(async {
        let mut alisa = End::open().await;
        let port = free_port();
        let (text, calls) = (port.to_string(), CALLS.to_string());
        let Some(mut child) = sipp(&["-sn", "uas", "-p", &text, "-m", &calls]) else { return };
        let there = SocketAddr::from(([127, 0, 0, 1], port));
        for _ in 0..CALLS {
            let dial = Dial { targets: vec![Target::Uri(format!("sip:100@{there}"))], ..call("sip:x@127.0.0.1") };
            alisa.sip.dial(dial).expect("dialled");
            match alisa.beyond_progress().await {
                Event::Answered { key, .. } => alisa.sip.hangup(key, 16).expect("hung up"),
                other => panic!("not {other:?}"),
            }
            assert_eq!(alisa.ended().await.code, 200);
        }
        let status = timeout(Duration::from_secs(20), child.wait()).await.expect("in time").expect("ended");
        assert!(status.success(), "{status}");
        alisa.assert_clean().await;
    });
}
