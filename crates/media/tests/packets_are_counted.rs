//! What a leg's counts say, and the reports that tell the peer.

mod kit;

use hotline_media::{Direction, Law, LegKey, Target};
use kit::{ALISA, ANNA, House, packet, target};

fn quality(house: &House, phone: usize) -> hotline_media::Quality {
    house.machine.quality(house.leg(phone)).unwrap()
}

fn alone() -> (House, usize) {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    (house, alisa)
}

/// A receiver report about `about`, as if the peer had lost `lost` packets.
fn report(about: u32, lost: u32) -> Vec<u8> {
    let mut report = vec![0x81, 201, 0, 7];
    for word in [9, about, lost, 0, 0, 0, 0] {
        report.extend(u32::to_be_bytes(word));
    }
    report
}

/// The words of the last report that went to a leg.
fn last_report(house: &House, leg: LegKey) -> (std::net::SocketAddr, Vec<u32>) {
    let (_, to, report) = house.out.reports.iter().rfind(|(key, ..)| *key == leg).unwrap();
    (*to, report.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect())
}

#[test]
fn a_packet_that_comes_twice_is_late_once_and_never_lost() {
    let (mut house, alisa) = alone();
    house.run(200);
    let from = house.phones[alisa].address;
    let packets: Vec<_> = (0..3).map(|_| house.phones[alisa].speak()).collect();
    for index in [0, 0, 2, 1] {
        house.receive(alisa, from, &packets[index]);
    }
    house.run(200);

    let quality = quality(&house, alisa);
    assert_eq!((24, 2, 0), (quality.packets_in, quality.late, quality.lost));
}

#[test]
fn losses_add_up_over_the_streams_of_a_source() {
    let (mut house, alisa) = alone();
    let from = house.phones[alisa].address;
    for (ssrc, numbers) in [(1, [1, 2, 4]), (2, [900, 903, 904]), (3, [50, 51, 52])] {
        for number in numbers {
            house.receive(alisa, from, &packet(8, number, u32::from(number) * 160, ssrc, &[0xD5; 160]));
        }
    }

    assert_eq!(3, quality(&house, alisa).lost);
}

#[test]
fn comfort_noise_is_no_mistake_and_other_types_are() {
    let (mut house, alisa) = alone();
    let from = house.phones[alisa].address;
    house.receive(alisa, from, &packet(13, 1, 0, 1, &[40]));
    assert_eq!(0, quality(&house, alisa).malformed);
    house.receive(alisa, from, &packet(97, 2, 0, 1, &[40; 33]));
    house.receive(alisa, from, b"no RTP at all");

    assert_eq!(2, quality(&house, alisa).malformed);
}

#[test]
fn a_flood_of_large_packets_is_cut_by_its_octets() {
    let (mut house, alisa) = alone();
    let from = house.phones[alisa].address;
    for number in 0..60 {
        house.receive(alisa, from, &packet(8, number, u32::from(number) * 1_400, 1, &[0xD5; 1_400]));
    }

    let quality = quality(&house, alisa);
    assert!((40..50).contains(&quality.over_rate), "{quality:?}");
}

#[test]
fn a_long_press_is_no_jitter() {
    let (mut house, alisa) = alone();
    house.run(500);
    let from = house.phones[alisa].address;
    for ticks in 1..=100 {
        let press = house.phones[alisa].press(4, ticks * 160, false);
        house.receive(alisa, from, &press);
        house.pass(20);
    }
    house.phones[alisa].pause(16_000);
    house.run(500);

    let quality = quality(&house, alisa);
    assert!(quality.max_jitter_us <= 250, "{quality:?}");
    assert!(quality.max_gap_us <= 41_000, "{quality:?}");
}

#[test]
fn reports_go_to_the_source_and_to_no_third_party() {
    let (mut house, alisa) = alone();
    let other =
        Target { rtcp: Some("203.0.113.66:5005".parse().unwrap()), ..target(house.phones[alisa].address, Law::A) };
    house.machine.retarget(house.leg(alisa), other).unwrap();
    house.run(10_000);

    let (to, words) = last_report(&house, house.leg(alisa));
    assert_eq!("10.0.0.1:5005", to.to_string());
    assert!((1..=2).contains(&house.out.reports.len()));
    // SR with one block: our SSRC, packets and octets sent; the peer's SSRC, nothing lost.
    assert_eq!((0x81C8_000C, 0x1001, 0xFACE, 0), (words[0], words[1], words[7], words[8]));
    assert_eq!(words[5] * 160, words[6]);
}

#[test]
fn a_quarter_lost_since_the_last_report_is_told_as_a_quarter() {
    let (mut house, alisa) = alone();
    let from = house.phones[alisa].address;
    for tick in 0..1_000 {
        let packet = house.phones[alisa].speak();
        if tick % 4 != 0 {
            house.receive(alisa, from, &packet);
        }
        house.pass(20);
    }

    let (_, words) = last_report(&house, house.leg(alisa));
    let (fraction, lost) = (words[8] >> 24, words[8] & 0xFF_FFFF);
    assert!((62..=66).contains(&fraction), "{fraction} of 256");
    assert!((180..=250).contains(&lost), "{lost}");
}

#[test]
fn nobody_is_told_anything_before_the_first_packet() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let held = Target { direction: Direction::None, ..target(house.phones[alisa].address, Law::A) };
    house.machine.retarget(house.leg(alisa), held).unwrap();
    house.pass(20_000);

    assert!(house.out.reports.is_empty() && house.phones[alisa].seen.is_empty());
}

#[test]
fn only_the_peers_report_about_us_counts_on_either_port() {
    let (mut house, alisa) = alone();
    house.run(100);
    let (leg, from) = (house.leg(alisa), house.phones[alisa].address);
    house.machine.rtcp(leg, "203.0.113.66:4003".parse().unwrap(), &report(0x1001, 99), house.now_us);
    house.machine.rtcp(leg, from, &report(0x9999, 99), house.now_us);
    assert_eq!((0, 1), (quality(&house, alisa).lost_by_peer, quality(&house, alisa).foreign));

    house.receive(alisa, from, &report(0x1001, 7));
    assert_eq!((7, 0), (quality(&house, alisa).lost_by_peer, quality(&house, alisa).malformed));
    house.machine.rtcp(leg, from, &report(0x1001, 0xFF_FFFF), house.now_us);
    assert_eq!(0, quality(&house, alisa).lost_by_peer, "more came than was sent: no loss");
}

#[test]
fn the_marker_stands_where_something_new_begins() {
    let (mut house, alisa) = alone();
    let anna = house.phone("anna", ANNA, Law::A);
    house.run(200);
    house.connect("talk", &[(alisa, &[anna])], &[]);
    house.run(200);
    house.play(alisa, "music", vec![kit::music(1_000)], true);
    house.run(200);

    let marked: Vec<_> =
        house.phones[alisa].seen.iter().enumerate().filter(|(_, seen)| seen.marker).map(|(index, _)| index).collect();
    assert_eq!(3, marked.len(), "{marked:?}");
    assert_eq!(0, marked[0]);
}

#[test]
fn a_packet_from_before_one_was_heard_is_not_passed_on() {
    let (mut house, alisa) = alone();
    let anna = house.phone("anna", ANNA, Law::A);
    house.run(200);
    let late = house.phones[anna].speak();
    house.connect("talk", &[(alisa, &[anna])], &[]);
    house.run(20);
    let before = house.phones[alisa].seen.len();
    let from = house.phones[anna].address;
    house.receive(anna, from, &late);

    assert_eq!(before, house.phones[alisa].seen.len());
}
