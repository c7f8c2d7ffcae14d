//! RFC 4733 end to end: heard once, passed on in a bridge, sent by us.

mod kit;

use hotline_media::{Event, Law, Refused, Target};
use kit::{ALISA, ANNA, DIGITS_TYPE, House};

fn press(house: &mut House, phone: usize, event: u8) {
    let from = house.phones[phone].address;
    for ticks in 1..=5 {
        let packet = house.phones[phone].press(event, ticks * 160, false);
        house.receive(phone, from, &packet);
        house.pass(20);
    }
    for _ in 0..3 {
        let packet = house.phones[phone].press(event, 800, true);
        house.receive(phone, from, &packet);
    }
    house.phones[phone].pause(1_600);
}

#[test]
fn keys_of_a_waiting_caller_are_heard_once_each() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    house.run(100);
    for event in [1, 1, 11, 10, 0] {
        press(&mut house, alisa, event);
    }

    assert_eq!("11#*0", house.digits());
    assert_eq!(0, house.machine.quality(house.leg(alisa)).unwrap().lost);
}

#[test]
fn a_new_stream_counts_its_presses_anew() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let from = house.phones[alisa].address;
    for (ssrc, timestamp) in [(1, 50_000), (2, 900)] {
        house.receive(alisa, from, &kit::packet(DIGITS_TYPE, 7, timestamp, ssrc, &[3, 0x8A, 3, 32]));
    }

    assert_eq!("33", house.digits());
}

#[test]
fn a_bridge_passes_keys_on_under_the_listeners_payload_type() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    let other = Target { digits_type: Some(96), ..kit::target(house.phones[anna].address, Law::A) };
    house.machine.retarget(house.leg(anna), other).unwrap();
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(200);
    press(&mut house, alisa, 5);
    house.run(200);

    let events: Vec<_> = house.phones[anna].seen.iter().filter(|seen| seen.payload_type == 96).collect();
    assert_eq!(8, events.len());
    assert!(events.iter().all(|seen| seen.timestamp == events[0].timestamp));
    assert_eq!("5", house.digits());
    let seen = &house.phones[anna].seen;
    assert!(seen.windows(2).all(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence) == 1));
}

#[test]
fn a_listener_without_keys_gets_none_and_misses_no_number() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    let other = Target { digits_type: None, ..kit::target(house.phones[anna].address, Law::A) };
    house.machine.retarget(house.leg(anna), other).unwrap();
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(200);
    press(&mut house, alisa, 5);
    house.run(200);

    let seen = &house.phones[anna].seen;
    assert!(seen.iter().all(|seen| seen.payload_type == 8));
    assert!(seen.windows(2).all(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence) == 1));
    let leg = house.leg(anna);
    assert_eq!(Err(Refused::NoDigits), house.machine.send_digits(leg, "1", &mut house.out));
}

#[test]
fn keys_that_we_send_are_heard_by_another_house() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let mut there = House::new();
    let boris = there.phone("boris", ANNA, Law::A);
    house.play(alisa, "music", vec![kit::music(500)], true);
    house.run(100);
    let leg = house.leg(alisa);
    house.machine.send_digits(leg, "12", &mut house.out).unwrap();
    house.machine.send_digits(leg, "#", &mut house.out).unwrap();
    let address = there.phones[boris].address;
    for _ in 0..50 {
        house.now_us += 20_000;
        house.machine.tick(house.now_us, &mut house.out);
        for (_, _, packet) in std::mem::take(&mut house.out.packets) {
            there.receive(boris, address, &packet);
            house.phones[alisa].hear(house.now_us, &packet);
        }
        there.pass(20);
    }

    assert_eq!("12#", there.digits());
    assert_eq!(0, there.machine.quality(there.leg(boris)).unwrap().lost);
    assert_eq!(1, house.out.events.iter().filter(|event| matches!(event, Event::DigitsSent { .. })).count());
    let seen = &house.phones[alisa].seen;
    assert_eq!(24, seen.iter().filter(|seen| seen.payload_type == DIGITS_TYPE).count());
    assert!(seen.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 1_500), "time runs on");
    assert_eq!(Some(kit::MUSIC), house.phones[alisa].hears());
}

#[test]
fn sound_after_a_key_begins_after_the_key() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(100);
    // Anna's network delivers a burst: what Alisa hears is ahead of the clock.
    let from = house.phones[anna].address;
    for _ in 0..6 {
        let packet = house.phones[anna].speak();
        house.receive(anna, from, &packet);
    }
    let leg = house.leg(alisa);
    house.machine.send_digits(leg, "1", &mut house.out).unwrap();
    house.pass(400);

    let seen = &house.phones[alisa].seen;
    let key = seen.iter().find(|seen| seen.payload_type == DIGITS_TYPE).unwrap();
    let after = seen.iter().rfind(|seen| seen.payload_type == DIGITS_TYPE).unwrap().sequence.wrapping_add(1);
    let after = seen.iter().find(|seen| seen.sequence == after).unwrap();
    assert!(after.timestamp.wrapping_sub(key.timestamp) >= 800, "{key:?} {after:?}");
}

#[test]
fn more_keys_than_the_line_holds_and_letters_are_refused() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let leg = house.leg(alisa);

    assert_eq!(Err(Refused::TooManyDigits), house.machine.send_digits(leg, &"1".repeat(65), &mut house.out));
    assert_eq!(Err(Refused::NoDigits), house.machine.send_digits(leg, "1x", &mut house.out));
    assert_eq!(Ok(()), house.machine.send_digits(leg, &"1".repeat(64), &mut house.out));
    assert_eq!(Err(Refused::TooManyDigits), house.machine.send_digits(leg, "1", &mut house.out));
}
