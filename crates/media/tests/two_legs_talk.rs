//! A bridge of two: packets are sent on at once, each side hears the other and nobody else.

mod kit;

use hotline_media::{Direction, Event, Law, Refused};
use kit::{ALISA, ANNA, House, assert_seamless, target};

#[test]
fn each_hears_the_other_in_every_pair_of_laws() {
    for (ours, theirs) in [(Law::A, Law::A), (Law::A, Law::Mu), (Law::Mu, Law::A), (Law::Mu, Law::Mu)] {
        let mut house = House::new();
        let alisa = house.phone("alisa", ALISA, ours);
        let anna = house.phone("anna", ANNA, theirs);
        house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
        house.run(1_000);

        assert_eq!(Some(ANNA), house.phones[alisa].hears());
        assert_eq!(Some(ALISA), house.phones[anna].hears());
        for phone in [alisa, anna] {
            assert_seamless(&house.phones[phone].seen);
            // As clean as it was spoken: octets of the other law would sound like the tone with its harmonics.
            let level = hotline_sound::level::dbfs(&house.phones[phone].heard[1_600..]);
            assert!((level + 15.0).abs() < 0.3, "{ours:?} {theirs:?}: {level} dBFS");
        }
    }
}

#[test]
fn a_packet_goes_on_at_once_and_not_by_the_tick() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);

    // Alisa speaks 1 ms after the grid, Anna 2 ms after it.
    assert!(house.phones[anna].seen[5..].iter().all(|seen| seen.at_us % 20_000 == 1_000));
    assert!(house.phones[alisa].seen[5..].iter().all(|seen| seen.at_us % 20_000 == 2_000));
    let urgent = |event: &&Event| matches!(event, Event::UrgencyChanged { at_once: true, .. });
    assert_eq!(2, house.out.events.iter().filter(urgent).count());
    assert!(house.machine.is_urgent(house.leg(alisa)));
}

#[test]
fn loss_and_order_of_the_source_are_passed_on() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(anna, &[alisa])], &[]);
    house.run(100);
    house.phones[anna].seen.clear();
    let packets: Vec<_> = (0..5).map(|_| house.phones[alisa].speak()).collect();
    let from = house.phones[alisa].address;
    for index in [0, 2, 1, 4] {
        house.receive(alisa, from, &packets[index]);
    }

    let seen = &house.phones[anna].seen;
    let steps: Vec<_> = seen.iter().map(|other| other.sequence.wrapping_sub(seen[0].sequence)).collect();
    assert_eq!(vec![0, 2, 1, 4], steps);
    let times: Vec<_> = seen.iter().map(|other| other.timestamp.wrapping_sub(seen[0].timestamp)).collect();
    assert_eq!(vec![0, 320, 160, 640], times);
}

#[test]
fn the_other_hears_silence_when_one_leg_closes() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);
    let (leg, address) = (house.leg(anna), house.phones[anna].address);
    let quality = house.machine.close_leg(leg, &mut house.out).unwrap();
    house.run(1_000);

    assert_eq!(50, quality.packets_in);
    assert_eq!((0, 0, 0), (quality.lost, quality.late, quality.foreign));
    assert_eq!(None, house.phones[alisa].hears());
    assert_seamless(&house.phones[alisa].seen);
    assert_eq!(100, house.phones[alisa].seen.len());
    assert_eq!(Err(Refused::NoSuchLeg), house.machine.quality(leg));
    assert_eq!(None, house.machine.leg("anna"));
    assert!(house.out.packets.iter().all(|(_, to, _)| *to != address));
}

#[test]
fn a_leg_that_hears_itself_is_an_echo() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    house.connect("echo", &[(alisa, &[alisa])], &[]);
    house.run(1_000);

    assert_eq!(Some(ALISA), house.phones[alisa].hears());
}

#[test]
fn a_pause_of_the_source_is_filled_with_silence() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);
    house.pass(5_000);
    let filled = house.phones[alisa].seen.len() - 50;
    house.run(1_000);

    assert!((235..=241).contains(&filled), "{filled}");
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
    let seen = &house.phones[alisa].seen;
    assert!(seen.windows(2).all(|pair| pair[1].sequence.wrapping_sub(pair[0].sequence) == 1));
    let time = seen[seen.len() - 1].timestamp.wrapping_sub(seen[0].timestamp);
    assert!((6_900 * 8..7_100 * 8).contains(&time), "{time}");
}

#[test]
fn a_source_that_sets_its_clock_is_heard_on_our_clock() {
    for jump in [80_000, u32::MAX - 80_000] {
        let mut house = House::new();
        let alisa = house.phone("alisa", ALISA, Law::A);
        let anna = house.phone("anna", ANNA, Law::A);
        house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
        house.run(1_000);
        house.phones[alisa].pause(jump);
        house.run(1_000);

        assert_seamless(&house.phones[anna].seen);
        assert_eq!(Some(ALISA), house.phones[anna].hears());
    }
}

#[test]
fn nothing_is_sent_to_a_peer_that_wants_nothing() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(200);
    let held = kit::target(house.phones[alisa].address, Law::A);
    house.machine.retarget(house.leg(alisa), hotline_media::Target { direction: Direction::Receive, ..held }).unwrap();
    let before = house.phones[alisa].seen.len();
    house.run(1_000);
    assert_eq!(before, house.phones[alisa].seen.len());
    assert_eq!(Some(ALISA), house.phones[anna].hears());

    house.machine.retarget(house.leg(alisa), target(house.phones[alisa].address, Law::A)).unwrap();
    house.run(1_000);
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
}
