//! A company of legs moves to another machine in the middle of everything, and nobody notices.

mod kit;

use hotline_media::{Event, Law, Machine, PlayEnd, RecordingKey, Refused};
use kit::{ALISA, ANNA, House, MUSIC, OLGA, assert_seamless, music};

/// Moves a phone's leg with its company to a machine that has legs of its own, and goes on there.
fn move_house(house: &mut House, phone: usize) -> Machine {
    let mut other = Machine::new(house.now_us);
    for number in 0..3 {
        let id = format!("other-{number}");
        let setup = hotline_media::LegSetup { id: id.into(), target: None, ssrc: 0, sequence: 0, timestamp: 0 };
        other.open_leg(setup, house.now_us).unwrap();
    }
    let company = house.machine.move_out(house.phones[phone].leg).unwrap();
    let old: Vec<_> = company.legs().map(|(_, key)| key).collect();
    let arrived = other.move_in(company).unwrap();
    for ((_, new), old) in arrived.iter().zip(old) {
        for phone in house.phones.iter_mut().filter(|phone| phone.leg == old) {
            phone.leg = *new;
        }
    }
    std::mem::replace(&mut house.machine, other)
}

#[test]
fn a_recorded_talk_moves_without_a_seam() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::Mu);
    let olga = house.phone("olga", OLGA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa]), (olga, &[alisa, anna])], &[]);
    house.machine.record(RecordingKey(1), &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.run(1_000);
    let old_leg = house.leg(alisa);
    let mut old = move_house(&mut house, alisa);
    house.run(1_000);

    assert_eq!(0, old.legs());
    assert_eq!(Err(Refused::NoSuchLeg), old.quality(old_leg));
    old.tick(house.now_us, &mut house.out);
    assert!(house.out.packets.is_empty(), "the old machine is silent");
    assert_eq!(6, house.machine.legs());
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
    assert_eq!(Some(ALISA), house.phones[anna].hears());
    assert!(house.phones[olga].hears_also(ALISA) && house.phones[olga].hears_also(ANNA));
    for phone in [alisa, anna, olga] {
        assert_eq!(100, house.phones[phone].seen.len());
        assert_seamless(&house.phones[phone].seen);
    }
    assert_eq!(100, house.out.recorded[&RecordingKey(1)].len());
    let left: Vec<i16> = house.out.recorded[&RecordingKey(1)].iter().flatten().step_by(2).copied().collect();
    assert!(hotline_sound::tone::level_at(&left[7_200..8_800], ALISA) > -16.0);
    assert_eq!(3, house.machine.members("talk").len());
    assert_eq!(Some(house.leg(alisa)), house.machine.leg("alisa"));
    assert_eq!(house.machine.locked_source(house.leg(alisa)), Some(house.phones[alisa].address));
    assert_eq!(100, house.machine.quality(house.leg(alisa)).unwrap().packets_in);
}

#[test]
fn a_waiting_caller_moves_in_the_middle_of_the_music_alone() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.play(alisa, "music", vec![music(1_500)], false);
    house.run(1_000);
    let old = move_house(&mut house, alisa);
    house.run(1_000);

    assert_eq!(1, old.legs());
    assert_eq!(Some(house.leg(anna)), old.leg("anna"));
    let music = house.phones[alisa].heard.chunks(800).filter(|part| hotline_sound::tone::is_heard(part, MUSIC));
    assert_eq!(15, music.count());
    assert_seamless(&house.phones[alisa].seen);
    let end = Event::PlaybackEnded { leg: "alisa".into(), play: "music".into(), end: PlayEnd::Finished };
    assert!(house.out.events.contains(&end));
}

#[test]
fn the_company_is_everyone_who_is_tied() {
    let mut house = House::new();
    let names = ["a", "b", "c", "d", "e", "f"];
    let legs: Vec<_> = names.map(|name| house.phone(name, ALISA, Law::A)).to_vec();
    house.connect("one", &[(0, &[1]), (1, &[])], &[]);
    house.machine.record(RecordingKey(1), &[house.leg(1)], &[house.leg(2)]).unwrap();
    house.connect("two", &[(2, &[]), (3, &[])], &[]);

    let mut company = house.machine.company(house.leg(0));
    company.sort();
    assert_eq!(legs[..4].iter().map(|phone| house.leg(*phone)).collect::<Vec<_>>(), company);
    assert_eq!(vec![house.leg(5)], house.machine.company(house.leg(5)));
    let moved = house.machine.move_out(house.leg(3)).unwrap();
    assert_eq!(4, moved.len());
    assert!(house.machine.members("one").is_empty());
}
