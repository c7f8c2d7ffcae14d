//! Whole calls between two of our own UAs, and what crosses on the wire.

mod kit;

use std::time::Duration;

use hotline_sip::{By, Config, Event, Refused, Target};
use kit::{Bare, End, call, connect, header, run, sdp, to_tag};

#[test]
fn a_call_is_answered_talks_and_ends_without_a_trace() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::trusting_all().await);
        let ours = alisa.dial(&anna.uri("100"));
        let incoming = anna.incoming().await;
        assert_eq!((incoming.called.as_str(), incoming.from.number.as_str()), ("100", "+70000000001"));
        assert_eq!(incoming.from.name, "Алиса");
        assert!(incoming.proven);
        anna.sip.ring(incoming.key).expect("rings");
        assert!(matches!(alisa.next().await, Event::Progress { code: 180, sdp: None, .. }));
        anna.sip.progress(incoming.key, &sdp(5000)).expect("early sound");
        assert!(matches!(alisa.next().await, Event::Progress { code: 183, sdp: Some(_), .. }));
        anna.sip.answer(incoming.key, &sdp(5000)).expect("answered");
        assert!(matches!(alisa.next().await, Event::Answered { sdp: Some(_), .. }));
        assert!(matches!(anna.next().await, Event::Acked { .. }));

        alisa.sip.hangup(ours, 16).expect("hung up");

        let (here, there) = (alisa.ended().await, anna.ended().await);
        assert_eq!((here.code, here.by, there.code, there.by, there.q850), (200, By::Us, 200, By::Peer, Some(16)));
        alisa.assert_clean().await;
        anna.assert_clean().await;
        assert_eq!(alisa.sip.hangup(ours, 16), Err(Refused::Gone));
    });
}

#[test]
fn a_call_is_cancelled_before_and_after_it_rings() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        for rings in [false, true] {
            let ours = alisa.dial(&anna.uri("100"));
            let theirs = anna.incoming().await.key;
            if rings {
                anna.sip.ring(theirs).expect("rings");
                assert!(matches!(alisa.next().await, Event::Progress { code: 180, .. }));
            }

            alisa.sip.hangup(ours, 16).expect("hung up");

            assert_eq!((alisa.ended().await.code, anna.ended().await.code), (487, 487));
            alisa.assert_clean().await;
            anna.assert_clean().await;
        }
    });
}

#[test]
fn a_cancel_that_crosses_the_200_leaves_no_ghost_on_either_side() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        for step in 0..20 {
            let ours = alisa.dial(&anna.uri("100"));
            let theirs = anna.incoming().await.key;
            anna.sip.ring(theirs).expect("rings");
            assert!(matches!(alisa.next().await, Event::Progress { .. }));
            // Both act in the same moment: the order of the two packets differs with the order of the verbs.
            if step % 2 == 0 {
                anna.sip.answer(theirs, &sdp(5000)).expect("answered");
                alisa.sip.hangup(ours, 16).expect("hung up");
            } else {
                alisa.sip.hangup(ours, 16).expect("hung up");
                anna.sip.answer(theirs, &sdp(5000)).expect("answered");
            }

            assert_eq!(alisa.ended().await.by, By::Us);
            loop {
                match anna.next().await {
                    Event::Acked { .. } => {}
                    Event::Ended(ended) => {
                        assert_eq!(ended.by, By::Peer);
                        break;
                    }
                    other => panic!("not {other:?}"),
                }
            }
            alisa.assert_clean().await;
            anna.assert_clean().await;
            alisa.assert_quiet();
        }
    });
}

#[test]
fn both_hang_up_at_once_and_each_hears_one_end() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let (ours, theirs) = connect(&mut alisa, &mut anna).await;

        alisa.sip.hangup(ours, 16).expect("hung up");
        anna.sip.hangup(theirs, 16).expect("hung up");

        assert_eq!((alisa.ended().await.by, anna.ended().await.by), (By::Us, By::Us));
        alisa.assert_clean().await;
        anna.assert_clean().await;
        alisa.assert_quiet();
        anna.assert_quiet();
    });
}

#[test]
fn hold_and_resume_are_told_and_answered() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let (ours, theirs) = connect(&mut alisa, &mut anna).await;
        for (direction, expected) in [("sendonly", true), ("sendrecv", false)] {
            let offer = sdp(4000).replace("a=sendrecv", &format!("a={direction}"));
            alisa.sip.change(ours, &offer).expect("offered");
            assert!(matches!(anna.next().await, Event::Changed { held, sdp: Some(_), .. } if held == expected));
            anna.sip.accept_change(theirs, &sdp(5000)).expect("accepted");
            assert!(matches!(alisa.next().await, Event::ChangeAnswered { answer: Ok(Some(_)), .. }));
        }
        alisa.sip.hangup(ours, 16).expect("hung up");
        assert_eq!(anna.ended().await.by, By::Peer);
        alisa.assert_clean().await;
        anna.assert_clean().await;
    });
}

#[test]
fn two_changes_at_once_part_by_491_and_both_succeed() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let (ours, theirs) = connect(&mut alisa, &mut anna).await;
        alisa.sip.change(ours, &sdp(4002)).expect("offered");
        anna.sip.change(theirs, &sdp(5002)).expect("offered");

        let mut answers = 0;
        while answers < 2 {
            tokio::select! {
                event = alisa.next() => match event {
                    Event::Changed { key, .. } => alisa.sip.accept_change(key, &sdp(4002)).expect("accepted"),
                    Event::ChangeAnswered { answer, .. } => { assert!(answer.is_ok()); answers += 1; }
                    other => panic!("not {other:?}"),
                },
                event = anna.next() => match event {
                    Event::Changed { key, .. } => anna.sip.accept_change(key, &sdp(5002)).expect("accepted"),
                    Event::ChangeAnswered { answer, .. } => { assert!(answer.is_ok()); answers += 1; }
                    other => panic!("not {other:?}"),
                },
            }
        }
    });
}

#[test]
fn a_bye_that_meets_a_change_ends_the_call() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let (ours, theirs) = connect(&mut alisa, &mut anna).await;
        alisa.sip.change(ours, &sdp(4002)).expect("offered");
        anna.sip.hangup(theirs, 16).expect("hung up");

        assert_eq!(anna.ended().await.by, By::Us);
        loop {
            if let Event::Ended(_) = alisa.next().await {
                break;
            }
        }
        alisa.assert_clean().await;
        anna.assert_clean().await;
        alisa.assert_quiet();
    });
}

#[test]
fn a_refusal_reaches_the_caller_with_its_code() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        for code in [486, 480, 603, 404] {
            alisa.dial(&anna.uri("100"));
            let theirs = anna.incoming().await.key;
            anna.sip.reject(theirs, code, None).expect("refused");
            assert_eq!((alisa.ended().await.code, anna.ended().await.by), (code, By::Us));
        }
        alisa.assert_clean().await;
        anna.assert_clean().await;
    });
}

#[test]
fn digits_in_info_are_told() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let (ours, _) = connect(&mut alisa, &mut anna).await;
        alisa.sip.send_digit(ours, '#', Duration::from_millis(120)).expect("sent");
        match anna.next().await {
            Event::Digit { digit, duration, .. } => assert_eq!((digit, duration), ('#', Duration::from_millis(120))),
            other => panic!("not {other:?}"),
        }
    });
}

#[test]
fn calls_work_over_tcp() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let ours = alisa.dial(&format!("{};transport=tcp", anna.uri("100")));
        let incoming = anna.incoming().await;
        assert_eq!(incoming.transport, hotline_sip::Transport::Tcp);
        anna.sip.answer(incoming.key, &sdp(5000)).expect("answered");
        assert!(matches!(alisa.next().await, Event::Answered { .. }));
        assert!(matches!(anna.next().await, Event::Acked { .. }));
        anna.sip.hangup(incoming.key, 16).expect("hung up");
        assert_eq!(alisa.ended().await.key, ours);
        alisa.assert_clean().await;
        anna.assert_clean().await;
    });
}

#[test]
fn a_dead_first_address_fails_over_to_the_second() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        let nobody = Bare::to(&anna).await;
        let mut dial = call(&format!("sip:100@{}", nobody.here()));
        dial.targets.push(Target::Uri(anna.uri("100")));
        let began = tokio::time::Instant::now();

        let ours = alisa.sip.dial(dial).expect("dialled");

        let theirs = anna.incoming().await.key;
        assert!(began.elapsed() < Duration::from_secs(5));
        anna.sip.answer(theirs, &sdp(5000)).expect("answered");
        assert!(matches!(alisa.next().await, Event::Answered { key, .. } if key == ours));
    });
}

#[test]
fn a_503_fails_over_at_once_and_a_486_does_not() {
    run(async {
        let (mut alisa, mut first, mut second) = (End::open().await, End::open().await, End::open().await);
        for (code, goes_on) in [(503, true), (486, false)] {
            let mut dial = call(&first.uri("100"));
            dial.targets.push(Target::Uri(second.uri("100")));
            alisa.sip.dial(dial).expect("dialled");
            let theirs = first.incoming().await.key;
            first.sip.reject(theirs, code, None).expect("refused");
            assert_eq!(first.ended().await.code, code);
            if goes_on {
                let theirs = second.incoming().await.key;
                second.sip.reject(theirs, 486, None).expect("refused");
                assert_eq!(second.ended().await.by, By::Us);
            }
            assert_eq!(alisa.ended().await.code, 486);
        }
        second.assert_quiet();
    });
}

#[test]
fn a_200_that_is_never_acknowledged_ends_in_bye() {
    run(async {
        let quick = |config: &mut Config| config.t1 = Duration::from_millis(20);
        let open = hotline_sip::Admission { open: vec!["127.0.0.0/8".parse().expect("a range")], ..Default::default() };
        let mut anna = End::with(quick, open).await;
        let bare = Bare::to(&anna).await;
        bare.say(&bare.invite("c1", "Content-Type: application/sdp\r\n", &sdp(4000))).await;
        let incoming = anna.incoming().await;
        assert!(!incoming.proven);
        assert_eq!(anna.sip.counters().unproven, 1);
        anna.sip.answer(incoming.key, &sdp(5000)).expect("answered");
        let first = bare.hear_start("SIP/2.0 200").await;
        let again = bare.hear_start("SIP/2.0 200").await;
        assert_eq!(first, again);

        let bye = bare.hear_start("BYE ").await;

        assert!(bye.contains(&format!("To: <sip:bare@{}>;tag=bc1", bare.here())));
        let ended = anna.ended().await;
        assert_eq!((ended.by, ended.proven, ended.code), (By::Timeout, false, 408));
        assert_eq!(anna.sip.counters().unproven, 0);
    });
}

#[test]
fn a_repeated_200_is_acknowledged_again() {
    run(async {
        let mut alisa = End::open().await;
        let bare = Bare::to(&alisa).await;
        alisa.dial(&format!("sip:100@{}", bare.here()));
        let invite = bare.hear_start("INVITE ").await;
        let answer = answer_by_hand(&bare, &invite, "200 OK");
        for _ in 0..3 {
            bare.say(&answer).await;
            let ack = bare.hear_start("ACK ").await;
            assert_eq!(header(&ack, "CSeq"), Some("1 ACK"));
            assert_eq!(to_tag(&ack), "bare");
        }
        assert!(matches!(alisa.next().await, Event::Answered { .. }));
        alisa.assert_quiet();
    });
}

#[test]
fn requests_go_back_where_the_call_came_from_not_where_a_contact_points() {
    run(async {
        let mut anna = End::open().await;
        let bare = Bare::to(&anna).await;
        let victim = Bare::from("127.0.0.9", &anna).await;
        let contact = format!("Contact: <sip:x@{}>\r\nContent-Type: application/sdp\r\n", victim.here());
        bare.say(&bare.request("INVITE", "c1", 1, "", &contact, &sdp(4000))).await;
        let theirs = anna.incoming().await.key;
        anna.sip.answer(theirs, &sdp(5000)).expect("answered");
        let answer = bare.hear_start("SIP/2.0 200").await;
        bare.say(&bare.request("ACK", "c1", 1, &to_tag(&answer), "", "")).await;
        assert!(matches!(anna.next().await, Event::Acked { .. }));

        anna.sip.hangup(theirs, 16).expect("hung up");

        assert!(bare.hear_start("BYE ").await.contains("Reason: Q.850;cause=16"));
        assert_eq!(victim.hear_within(Duration::from_millis(100)).await, None);
    });
}

#[test]
fn a_shutdown_tells_the_peers_before_it_is_done() {
    run(async {
        let (mut alisa, mut anna, mut boris) = (End::open().await, End::open().await, End::open().await);
        connect(&mut alisa, &mut anna).await;
        alisa.dial(&boris.uri("100"));
        boris.incoming().await;
        alisa.sip.shutdown(Duration::from_secs(3)).await;
        let left = alisa.sip.counters();
        assert_eq!((left.dialogs, left.transactions), (0, 0));
        assert_eq!((anna.ended().await.code, boris.ended().await.code), (200, 487));
    });
}

#[test]
fn a_foreign_request_inside_a_dialog_is_refused() {
    run(async {
        let (mut alisa, mut anna) = (End::open().await, End::open().await);
        connect(&mut alisa, &mut anna).await;
        let bare = Bare::to(&anna).await;
        bare.say(&bare.request("BYE", "guess", 7, "anything", "", "")).await;
        assert!(bare.hear().await.starts_with("SIP/2.0 481"));
        assert_eq!(anna.sip.counters().dialogs, 1);
    });
}

fn answer_by_hand(bare: &Bare, invite: &str, status: &str) -> String {
    let copied =
        invite.lines().filter(|line| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    let copied: String = copied.map(|line| format!("{line}\r\n")).collect();
    let to = header(invite, "To").expect("a To");
    let body = sdp(6000);
    format!(
        "SIP/2.0 {status}\r\n{copied}To: {to};tag=bare\r\nContact: <sip:bare@{}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        bare.here(),
        body.len()
    )
}

#[test]
fn the_peer_is_waited_for_no_longer_than_told() {
    run(async {
        let mut alisa = End::open().await;
        let bare = Bare::to(&alisa).await;
        let ours = alisa.dial(&format!("sip:100@{}", bare.here()));
        bare.hear_start("INVITE ").await;
        alisa.sip.hangup(ours, 16).expect("hung up");
        assert_eq!(alisa.ended().await.code, 487);
        // Nothing was heard from the peer: a CANCEL must wait for its first word (RFC 3261, 9.1).
        let next = bare.hear_within(Duration::from_millis(100)).await;
        assert!(next.is_none_or(|message| message.starts_with("INVITE ")));
    });
}
