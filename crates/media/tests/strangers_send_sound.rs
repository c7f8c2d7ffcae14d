//! RTP bleed and injection (RELIABILITY.md section 2): only the source that signalling named is heard and answered.

mod kit;

use std::net::SocketAddr;

use hotline_media::{Event, Law, LegSetup, Target};
use hotline_netem::Dice;
use kit::{ALISA, ANNA, House, packet, target};

#[test]
fn a_sprayer_hears_nothing_and_is_not_heard() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    let noise = [Law::A.encode(20_000); 160];
    for round in 0..50u32 {
        for shot in 0..100u32 {
            let from = SocketAddr::new("203.0.113.66".parse().unwrap(), 1 + shot as u16);
            let shot = packet(8, shot as u16, (100 * round + shot) * 160, round, &noise);
            house.receive(alisa, from, &shot);
        }
        house.run(20);
    }

    assert_eq!(Some(ALISA), house.phones[anna].hears());
    assert_eq!(50, house.phones[anna].seen.len());
    assert_eq!(5_000, house.machine.quality(house.leg(alisa)).unwrap().foreign);
    assert_eq!(0, house.out.packets.len());
}

#[test]
fn behind_nat_the_signalling_host_counts_and_its_port_is_learned() {
    let mut house = House::new();
    let anna = house.phone("anna", ANNA, Law::A);
    let private: SocketAddr = "192.168.1.5:4000".parse().unwrap();
    let public: SocketAddr = "198.51.100.7:61000".parse().unwrap();
    let nat = Target { expected_ip: public.ip(), ..target(private, Law::A) };
    let setup = LegSetup { id: "boris".into(), target: Some(nat), ssrc: 1, sequence: 1, timestamp: 1 };
    let leg = house.machine.open_leg(setup, 0).unwrap();
    let hears = [(leg, vec![house.leg(anna)]), (house.leg(anna), vec![leg])];
    house.machine.connect("talk", &hears, &[], &mut house.out).unwrap();
    for number in 0..5u16 {
        assert_eq!(None, house.machine.locked_source(leg));
        let packet = packet(8, number, u32::from(number) * 160, 9, &[0xD5; 160]);
        house.machine.rtp(leg, private, &packet, 0, &mut house.out);
        house.machine.rtp(leg, public, &packet, 0, &mut house.out);
    }

    assert_eq!(Some(public), house.machine.locked_source(leg));
    assert!(house.out.events.contains(&Event::SourceLocked { leg, from: public }));
    assert_eq!(5, house.machine.quality(leg).unwrap().foreign);
    house.out.packets.clear();
    house.machine.tick(20_000, &mut house.out);
    assert!(house.out.packets.iter().all(|(_, to, _)| *to != private));
    let packet = house.phones[anna].speak();
    let from = house.phones[anna].address;
    house.machine.rtp(house.phones[anna].leg, from, &packet, 21_000, &mut house.out);
    assert_eq!(public, house.out.packets.last().unwrap().1);
}

#[test]
fn a_leg_without_sdp_takes_and_sends_nothing() {
    let mut house = House::new();
    let setup = LegSetup { id: "boris".into(), target: None, ssrc: 1, sequence: 1, timestamp: 1 };
    let leg = house.machine.open_leg(setup, 0).unwrap();
    let packet = packet(8, 1, 160, 9, &[0xD5; 160]);
    house.machine.rtp(leg, "10.0.0.1:4000".parse().unwrap(), &packet, 0, &mut house.out);
    house.machine.tick(40_000, &mut house.out);

    assert!(house.out.packets.is_empty());
    assert_eq!(1, house.machine.quality(leg).unwrap().foreign);
}

#[test]
fn garbage_from_the_source_is_counted_and_does_no_harm() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa, anna])], &[]);
    let leg = house.leg(alisa);
    house.machine.tap(leg, true).unwrap();
    let from = house.phones[alisa].address;
    let mut dice = Dice::new(3);
    for round in 0..20_000 {
        let length = dice.below(300) as usize;
        let mut packet: Vec<u8> = (0..length).map(|_| dice.roll() as u8).collect();
        if let Some(first) = packet.first_mut().filter(|_| dice.falls(0.9)) {
            *first = *first & 0x3F | 0x80;
        }
        house.machine.rtp(leg, from, &packet, round * 1_000, &mut house.out);
        house.machine.rtcp(leg, from, &packet, round * 1_000);
        house.machine.tick(round * 1_000, &mut house.out);
    }
    house.now_us = 40_000_000;
    house.out.packets.clear();
    house.run(2_000);

    assert_eq!(Some(ALISA), house.phones[anna].hears());
    let quality = house.machine.quality(leg).unwrap();
    assert!(quality.malformed > 1_000, "{quality:?}");
}

#[test]
fn a_source_that_begins_a_new_stream_goes_on_being_heard() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(anna, &[alisa])], &[]);
    house.run(500);
    let from = house.phones[alisa].address;
    for number in 0..50u32 {
        let packet = packet(8, number as u16, number * 160 + 5_000_000, 0xBEEF, &[Law::A.encode(1_000); 160]);
        house.receive(alisa, from, &packet);
        house.pass(20);
    }

    assert_eq!(75, house.phones[anna].seen.len());
    kit::assert_seamless(&house.phones[anna].seen);
    assert_eq!(0, house.machine.quality(house.leg(alisa)).unwrap().lost);
}
