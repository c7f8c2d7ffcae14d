//! Who is let in: doors, trunks, accounts, challenges.

mod kit;

use std::time::Duration;

use hotline_sip::{Admission, Credentials, Door, Event, Gone, Net, Registration, Target, Trunk};
use kit::{Bare, End, anna, call, header, run, sdp, to_tag, trunk, until};

fn net(text: &str) -> Net {
    text.parse().expect("a range")
}

/// Phones of accounts on all of loopback, no open door.
async fn office() -> End {
    let office = End::with(|_| {}, Admission { accounts: vec![net("127.0.0.0/8")], ..Admission::default() }).await;
    office.sip.set_accounts(vec![anna()]);
    office
}

fn registering(office: &End, password: &str) -> Trunk {
    Trunk {
        addresses: vec![],
        credentials: Some(Credentials { user: "anna".into(), password: password.into(), realm: None }),
        register: Some(Registration {
            server: format!("sip:{}", office.sip.local()),
            user: "anna".into(),
            expires: Duration::from_secs(60),
        }),
        ..trunk("home")
    }
}

#[test]
fn strangers_get_silence_and_are_counted() {
    run(async {
        let mut anna = End::with(|_| {}, Admission { open: vec![net("127.77.0.0/16")], ..Admission::default() }).await;
        anna.sip.set_trunks(vec![Trunk { addresses: vec![net("127.88.0.1")], ..trunk("north") }]);
        let stranger = Bare::from("127.0.0.5", &anna).await;
        stranger.say(&stranger.invite("c1", "", "")).await;
        stranger.say(&stranger.request("OPTIONS", "o1", 1, "", "", "")).await;
        stranger.say(&stranger.request("REGISTER", "r1", 1, "", "", "")).await;
        assert_eq!(stranger.hear_within(Duration::from_millis(100)).await, None);
        assert_eq!(anna.sip.counters().strangers, 3);
        for (address, door, proven) in
            [("127.77.1.1", Door::Open, false), ("127.88.0.1", Door::Trunk("north".into()), true)]
        {
            let bare = Bare::from(address, &anna).await;
            bare.say(&bare.invite(&address.replace('.', ""), "", "")).await;
            let incoming = anna.incoming().await;
            assert_eq!((incoming.door, incoming.proven), (door, proven));
        }
    });
}

#[test]
fn asserted_identity_passes_from_trunks_only() {
    run(async {
        let mut end = End::with(|_| {}, Admission { open: vec![net("127.77.0.0/16")], ..Admission::default() }).await;
        end.sip.set_trunks(vec![Trunk { addresses: vec![net("127.88.0.1")], ..trunk("north") }]);
        for (address, expected) in [("127.77.1.1", 1), ("127.88.0.1", 2)] {
            let bare = Bare::from(address, &end).await;
            let lines = "P-Asserted-Identity: <sip:+70000000009@h>\r\nX-Order: 7\r\n";
            bare.say(&bare.invite(&address.replace('.', ""), lines, "")).await;
            let headers = end.incoming().await.headers;
            assert_eq!(headers.len(), expected, "{headers:?}");
            assert!(headers.contains(&("X-Order".into(), "7".into())));
        }
    });
}

#[test]
fn a_datagram_without_a_length_has_its_body_and_a_wrong_length_is_refused() {
    run(async {
        let mut anna = End::open().await;
        let bare = Bare::to(&anna).await;
        let sdp = sdp(4000);
        bare.say(&bare.invite("c1", "Content-Type: application/sdp\r\n", &sdp)).await;
        assert_eq!(anna.incoming().await.offer.as_deref(), Some(sdp.as_str()));
        for (call, lengths) in [
            ("c2", format!("Content-Length: {}\r\nContent-Length: 0\r\n", sdp.len())),
            ("c3", format!("Content-Length: {}\r\nl : 0\r\n", sdp.len())),
            ("c4", format!("Content-Length: {}\r\n", sdp.len() + 1)),
            ("c5", "Content-Length: -1\r\n".to_string()),
        ] {
            bare.say(&bare.invite(call, &format!("Content-Type: application/sdp\r\n{lengths}"), &sdp)).await;
            let answer = bare.hear_start("SIP/2.0 400").await;
            assert!(answer.contains(&format!("Call-ID: {call}@bare")));
        }
        anna.assert_quiet();
        assert_eq!(anna.sip.counters().refused_400, 4);
    });
}

#[test]
fn the_open_door_holds_so_many_unproven_calls_and_says_503_to_more() {
    run(async {
        let admission =
            Admission { open: vec![net("127.0.0.0/8")], unproven_max: 3, retry_after_s: 7, ..Admission::default() };
        let mut anna = End::with(|_| {}, admission).await;
        let bare = Bare::to(&anna).await;
        let mut calls = Vec::new();
        for call in 0..3 {
            bare.say(&bare.invite(&format!("c{call}"), "", "")).await;
            calls.push(anna.incoming().await.key);
        }
        bare.say(&bare.invite("c9", "", "")).await;
        let refusal = bare.hear_start("SIP/2.0 503").await;
        assert_eq!(header(&refusal, "Retry-After"), Some("7"));
        // Its ACK belongs to nobody and costs nothing.
        bare.say(&bare.request("ACK", "c9", 1, &to_tag(&refusal), "", "")).await;
        anna.sip.answer(calls[0], &sdp(5000)).expect("answered");
        let answer = bare.hear_start("SIP/2.0 200").await;
        bare.say(&bare.request("ACK", "c0", 1, &to_tag(&answer), "", "")).await;
        assert!(matches!(anna.next().await, Event::Acked { .. }));
        bare.say(&bare.invite("c10", "", "")).await;
        assert_eq!(anna.incoming().await.from.number, "bare");
        assert_eq!(anna.sip.counters().dialogs, 4);
    });
}

#[test]
fn a_full_house_refuses_trunks_too_and_opens_again() {
    run(async {
        let mut anna = End::trusting_all().await;
        let bare = Bare::to(&anna).await;
        anna.sip.set_full(true);
        bare.say(&bare.invite("c1", "", "")).await;
        assert!(bare.hear().await.starts_with("SIP/2.0 503"));
        anna.sip.set_full(false);
        bare.say(&bare.invite("c2", "", "")).await;
        assert_eq!(anna.incoming().await.call_id, "c2@bare");
    });
}

#[test]
fn one_source_is_limited_and_a_trunk_is_not() {
    run(async {
        let admission =
            Admission { open: vec![net("127.77.0.0/16")], per_source: 5, per_source_burst: 10, ..Admission::default() };
        let end = End::with(|_| {}, admission).await;
        end.sip.set_trunks(vec![Trunk { addresses: vec![net("127.88.0.1")], ..trunk("north") }]);
        for (address, at_least, at_most) in [("127.77.0.1", 10, 15), ("127.88.0.1", 60, 60)] {
            let bare = Bare::from(address, &end).await;
            for number in 0..60 {
                bare.say(&bare.request("OPTIONS", &format!("o{number}"), 1, "", "", "")).await;
            }
            let mut answers = 0;
            while bare.hear_within(Duration::from_millis(150)).await.is_some() {
                answers += 1;
            }
            assert!((at_least..=at_most).contains(&answers), "{address}: {answers}");
        }
    });
}

#[test]
fn unauthenticated_methods_are_refused() {
    run(async {
        let anna = End::open().await;
        let bare = Bare::to(&anna).await;
        for (method, code) in [
            ("MESSAGE", 405),
            ("SUBSCRIBE", 405),
            ("PUBLISH", 405),
            ("NOTIFY", 405),
            ("REFER", 405),
            ("REGISTER", 405),
            ("BYE", 481),
            ("INFO", 481),
        ] {
            bare.say(&bare.request(method, method, 1, "", "", "")).await;
            let answer = bare.hear().await;
            assert!(answer.starts_with(&format!("SIP/2.0 {code} ")), "{method}: {answer}");
        }
    });
}

#[test]
fn a_phone_registers_is_called_calls_and_leaves() {
    run(async {
        let (mut office, mut phone) = (office().await, End::open().await);
        phone.sip.set_trunks(vec![registering(&office, "secret")]);
        assert!(matches!(phone.next().await, Event::TrunkChanged { up: true, .. }));
        match office.next().await {
            Event::Registered { account, source, expires, .. } => {
                assert_eq!((account.as_str(), source, expires), ("anna", phone.sip.local(), Duration::from_secs(60)));
            }
            other => panic!("not {other:?}"),
        }

        let mut to_anna = call("sip:x@127.0.0.1");
        to_anna.targets = vec![Target::Account("anna".into())];
        let ours = office.sip.dial(to_anna).expect("dialled");
        let theirs = phone.incoming().await;
        assert_eq!(theirs.called, "anna");
        phone.sip.answer(theirs.key, &sdp(5000)).expect("answered");
        assert!(matches!(office.next().await, Event::Answered { key, .. } if key == ours));
        assert!(matches!(phone.next().await, Event::Acked { .. }));
        office.sip.hangup(ours, 16).expect("hung up");
        office.ended().await;
        phone.ended().await;

        let mut from_anna = call(&office.uri("100"));
        from_anna.credentials = Some(Credentials { user: "anna".into(), password: "secret".into(), realm: None });
        phone.sip.dial(from_anna).expect("dialled");
        let incoming = office.incoming().await;
        assert_eq!((incoming.door, incoming.proven), (Door::Account("anna".into()), true));
        office.sip.reject(incoming.key, 486, None).expect("refused");
        phone.ended().await;
        office.ended().await;

        phone.sip.set_trunks(vec![]);
        assert!(matches!(office.next().await, Event::Unregistered { why: Gone::Asked, .. }));
        assert_eq!(office.sip.counters().bindings, 0);
        office.assert_clean().await;
    });
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_the_same_answer_and_no_call() {
    run(async {
        let mut office = office().await;
        let mut answers = Vec::new();
        for (user, password) in [("anna", "guess"), ("nobody", "secret")] {
            let mut phone = End::open().await;
            let mut dial = call(&office.uri("100"));
            dial.credentials = Some(Credentials { user: user.into(), password: password.into(), realm: None });
            phone.sip.dial(dial).expect("dialled");
            let ended = phone.ended().await;
            answers.push((ended.code, ended.reason));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].0, 401);
        office.assert_quiet();
        assert_eq!(office.sip.counters().auth_failures, 2);
    });
}

#[test]
fn ten_wrong_passwords_close_the_door_to_their_source() {
    run(async {
        let office = office().await;
        for attempt in 0..11 {
            let mut phone = End::open().await;
            let mut dial = call(&office.uri("100"));
            dial.credentials = Some(Credentials { user: "anna".into(), password: format!("{attempt}"), realm: None });
            let key = phone.sip.dial(dial).expect("dialled");
            if attempt < 10 {
                assert_eq!(phone.ended().await.code, 401);
            } else {
                until("silence for the blocked source", || office.sip.counters().strangers > 0).await;
                phone.sip.hangup(key, 16).expect("nobody answers");
            }
        }
        assert_eq!((office.sip.counters().auth_failures, office.sip.counters().blocked_sources), (10, 1));
    });
}

#[test]
fn a_trunk_that_refuses_us_is_told_down_with_a_sentence() {
    run(async {
        let (office, mut phone) = (office().await, End::open().await);
        phone.sip.set_trunks(vec![registering(&office, "guess")]);
        match phone.next().await {
            Event::TrunkChanged { up, reason, .. } => {
                assert_eq!((up, reason.as_str()), (false, "refuses our user or password (401)"));
            }
            other => panic!("not {other:?}"),
        }
    });
}

#[test]
fn options_tell_a_trunks_health() {
    run(async {
        let (mut ours, theirs) = (End::open().await, End::open().await);
        let healthy = Trunk {
            next_hops: vec![format!("sip:{}", theirs.sip.local())],
            options_every: Some(Duration::from_secs(30)),
            ..trunk("north")
        };
        ours.sip.set_trunks(vec![healthy]);
        assert!(matches!(ours.next().await, Event::TrunkChanged { up: true, .. }));
    });
}

#[test]
fn a_call_through_a_registered_trunk_says_the_providers_name_and_answers_its_challenge() {
    run(async {
        let (mut provider, mut ours) = (office().await, End::open().await);
        let trunk =
            Trunk { next_hops: vec![format!("sip:{}", provider.sip.local())], ..registering(&provider, "secret") };
        ours.sip.set_trunks(vec![trunk]);
        assert!(matches!(ours.next().await, Event::TrunkChanged { up: true, .. }));
        assert!(matches!(provider.next().await, Event::Registered { .. }));
        let mut dial = call("sip:x@127.0.0.1");
        dial.targets = vec![Target::Trunk { name: "home".into(), number: "+70000000002".into() }];
        ours.sip.dial(dial).expect("dialled");

        let incoming = provider.incoming().await;

        assert_eq!((incoming.called.as_str(), incoming.door), ("+70000000002", Door::Account("anna".into())));
        provider.sip.reject(incoming.key, 486, None).expect("refused");
        assert_eq!(ours.ended().await.code, 486);
        // The provider calls us: its address is trusted while we are registered there.
        let theirs = provider.dial(&ours.uri("anna"));
        assert!(matches!(provider.next().await, Event::Ended(_)));
        assert_eq!(ours.incoming().await.door, Door::Trunk("home".into()));
        provider.sip.hangup(theirs, 16).expect("hung up");
    });
}

/// The thief answers our BYE and our re-INVITE with a challenge of our own trunk's realm: nothing may come of it.
#[test]
fn a_challenge_to_anything_but_an_initial_invite_draws_no_credentials() {
    run(async {
        let mut ours = End::open().await;
        let thief = Bare::to(&ours).await;
        let mut dial = call(&format!("sip:100@{}", thief.here()));
        dial.credentials = Some(Credentials { user: "us".into(), password: "secret".into(), realm: None });
        let key = ours.sip.dial(dial).expect("dialled");
        let invite = thief.hear_start("INVITE ").await;
        thief.say(&answer(&invite, "200 OK", &format!("Contact: <sip:t@{}>\r\n", thief.here()))).await;
        thief.hear_start("ACK ").await;
        assert!(matches!(ours.next().await, Event::Answered { .. }));
        let challenge = "WWW-Authenticate: Digest realm=\"us\", nonce=\"1\", qop=\"auth\"\r\n";
        ours.sip.change(key, &sdp(4002)).expect("offered");
        let change = thief.hear_start("INVITE ").await;
        thief.say(&answer(&change, "401 Unauthorized", challenge)).await;
        assert!(matches!(ours.next().await, Event::ChangeAnswered { answer: Err(401), .. }));
        ours.sip.hangup(key, 16).expect("hung up");
        let bye = thief.hear_start("BYE ").await;
        thief.say(&answer(&bye, "401 Unauthorized", challenge)).await;
        while let Some(message) = thief.hear_within(Duration::from_millis(200)).await {
            assert!(!message.contains("Authorization:"), "{message}");
        }
    });
}

fn answer(request: &str, status: &str, lines: &str) -> String {
    let copied =
        request.lines().filter(|line| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    let copied: String = copied.map(|line| format!("{line}\r\n")).collect();
    let to = header(request, "To").expect("a To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=thief" };
    format!("SIP/2.0 {status}\r\n{copied}To: {to}{tag}\r\n{lines}Content-Length: 0\r\n\r\n")
}
