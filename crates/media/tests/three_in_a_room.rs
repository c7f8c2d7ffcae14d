//! Listening, whispering, joining: whoever hears several hears them added up.

mod kit;

use hotline_media::{Law, LegKey, Refused};
use kit::{ALISA, ANNA, House, OLGA, assert_seamless};

fn three() -> (House, usize, usize, usize) {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::Mu);
    let olga = house.phone("olga", OLGA, Law::A);
    (house, alisa, anna, olga)
}

fn heard(house: &House, phone: usize) -> Vec<f32> {
    [ALISA, ANNA, OLGA].into_iter().filter(|tone| house.phones[phone].hears_also(*tone)).collect()
}

#[test]
fn a_supervisor_listens_whispers_and_joins_without_a_seam() {
    let (mut house, alisa, anna, olga) = three();
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);

    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa]), (olga, &[alisa, anna])], &[]);
    house.run(1_000);
    assert_eq!(vec![ANNA], heard(&house, alisa));
    assert_eq!(vec![ALISA], heard(&house, anna));
    assert_eq!(vec![ALISA, ANNA], heard(&house, olga));

    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa, olga]), (olga, &[alisa, anna])], &[]);
    house.run(1_000);
    assert_eq!(vec![ANNA], heard(&house, alisa));
    assert_eq!(vec![ALISA, OLGA], heard(&house, anna));

    let all: [(usize, &[usize]); 3] = [(alisa, &[anna, olga]), (anna, &[alisa, olga]), (olga, &[alisa, anna])];
    house.connect("talk", &all, &[]);
    house.run(1_000);
    assert_eq!(vec![ANNA, OLGA], heard(&house, alisa));

    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[olga]);
    house.run(1_000);
    assert_eq!(vec![ANNA], heard(&house, alisa));
    assert!(heard(&house, olga).is_empty());
    for phone in [alisa, anna, olga] {
        assert_seamless(&house.phones[phone].seen);
    }
}

#[test]
fn a_leg_is_in_one_room_only() {
    let (mut house, alisa, anna, olga) = three();
    house.connect("one", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.connect("two", &[(alisa, &[olga]), (olga, &[alisa])], &[]);
    house.run(500);

    assert_eq!([house.leg(anna)], house.machine.members("one"));
    assert_eq!([house.leg(alisa), house.leg(olga)], house.machine.members("two"));
    assert_eq!(vec![OLGA], heard(&house, alisa));
    house.connect("one", &[], &[anna]);
    house.connect("two", &[], &[]);
    house.run(500);
    assert!(house.machine.members("one").is_empty() && house.machine.members("two").is_empty());
    assert!([alisa, anna, olga].iter().all(|phone| heard(&house, *phone).is_empty()));
}

#[test]
fn a_connect_that_names_a_gone_leg_changes_nothing() {
    let (mut house, alisa, anna, olga) = three();
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    let gone = house.leg(olga);
    house.machine.close_leg(gone, &mut house.out).unwrap();
    let hears: [(LegKey, Vec<LegKey>); 2] = [(house.leg(alisa), vec![]), (house.leg(anna), vec![gone])];

    assert_eq!(Err(Refused::NoSuchLeg), house.machine.connect("talk", &hears, &[], &mut house.out));
    house.run(500);
    assert_eq!(vec![ANNA], heard(&house, alisa));
}

#[test]
fn of_three_that_talk_two_go_on_when_one_closes() {
    let (mut house, alisa, anna, olga) = three();
    let all: [(usize, &[usize]); 3] = [(alisa, &[anna, olga]), (anna, &[alisa, olga]), (olga, &[alisa, anna])];
    house.connect("talk", &all, &[]);
    house.run(500);
    house.machine.close_leg(house.leg(olga), &mut house.out).unwrap();
    house.run(500);

    assert_eq!(vec![ANNA], heard(&house, alisa));
    assert_eq!(vec![ALISA], heard(&house, anna));
    // Two are a bridge again: their packets go on at once.
    assert!(house.machine.is_urgent(house.leg(alisa)));
    assert_eq!(1_000, house.phones[anna].seen.last().unwrap().at_us % 20_000);
}

#[test]
fn a_tap_hands_out_what_its_leg_says() {
    let (mut house, alisa, _, _) = three();
    let leg = house.leg(alisa);
    house.machine.tap(leg, true).unwrap();
    house.run(1_000);
    house.machine.tap(leg, false).unwrap();
    house.run(1_000);

    assert_eq!(8_000, house.out.tapped.len());
    assert!(hotline_sound::tone::is_heard(&house.out.tapped[800..], ALISA));
}

#[test]
fn fed_speech_is_heard_up_to_200_ms_ahead_and_can_be_flushed() {
    let (mut house, alisa, anna, _) = three();
    let leg = house.leg(alisa);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.machine.open_feed(leg, &mut house.out).unwrap();
    let speech = hotline_sound::tone::Tone::new(OLGA, -15.0).samples(4_000);
    assert_eq!(1_600, house.machine.feed(leg, &speech).unwrap());
    assert_eq!(0, house.machine.feed(leg, &speech).unwrap());
    house.run(200);
    assert_eq!(Some(OLGA), house.phones[alisa].hears());

    house.machine.feed(leg, &speech).unwrap();
    house.machine.flush_feed(leg).unwrap();
    house.run(200);
    assert_eq!(None, house.phones[alisa].hears());
    // On hold speech goes on unheard, as a play does.
    let held = kit::target(house.phones[alisa].address, Law::A);
    let hold = hotline_media::Target { direction: hotline_media::Direction::Receive, ..held };
    house.machine.retarget(leg, hold).unwrap();
    house.machine.feed(leg, &speech).unwrap();
    house.run(200);
    assert_eq!(1_600, house.machine.feed(leg, &speech).unwrap());
    house.machine.retarget(leg, held).unwrap();
    house.machine.close_feed(leg, &mut house.out).unwrap();
    house.run(500);
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
}
