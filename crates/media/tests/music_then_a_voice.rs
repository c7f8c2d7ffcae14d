//! A caller waits with music, hears announcements, and is connected: one stream without a seam.

mod kit;

use hotline_media::{Clip, Event, Law, PlayEnd, Refused};
use kit::{ALISA, ANNA, House, MUSIC, assert_seamless, music};

fn ends(house: &House) -> Vec<(String, PlayEnd)> {
    let end = |event: &Event| match event {
        Event::PlaybackEnded { play, end, .. } => Some((play.to_string(), *end)),
        _ => None,
    };
    house.out.events.iter().filter_map(end).collect()
}

#[test]
fn the_stream_is_seamless_from_music_to_talk_and_back() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.play(alisa, "music", vec![music(700)], true);
    house.run(2_000);
    assert_eq!(Some(MUSIC), house.phones[alisa].hears());

    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
    assert_eq!(vec![("music".into(), PlayEnd::Stopped)], ends(&house));

    house.connect("talk", &[(alisa, &[]), (anna, &[])], &[]);
    house.play(alisa, "hold", vec![music(700)], true);
    house.run(1_000);
    assert_eq!(Some(MUSIC), house.phones[alisa].hears());
    assert_eq!(None, house.phones[anna].hears());

    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(1_000);
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
    assert_seamless(&house.phones[alisa].seen);
    assert_seamless(&house.phones[anna].seen);
    assert!((249..=251).contains(&house.phones[alisa].seen.len()));
}

#[test]
fn a_play_that_ends_gives_the_ear_back() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    house.run(200);
    house.play(alisa, "notice", vec![music(400), music(100)], false);
    house.run(400);
    assert_eq!(Some(MUSIC), house.phones[alisa].hears());
    assert_eq!(Some(ALISA), house.phones[anna].hears());

    house.run(600);
    assert_eq!(vec![("notice".into(), PlayEnd::Finished)], ends(&house));
    assert_eq!(Some(ANNA), house.phones[alisa].hears());
    assert_seamless(&house.phones[alisa].seen);
}

#[test]
fn each_play_ends_exactly_once() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::Mu);
    let leg = house.leg(alisa);
    house.play(alisa, "one", vec![music(1_000)], true);
    house.play(alisa, "two", vec![music(1_000)], true);
    house.machine.stop(leg, "one", &mut house.out).unwrap();
    house.run(100);
    house.machine.stop(leg, "", &mut house.out).unwrap();
    house.machine.stop(leg, "", &mut house.out).unwrap();
    house.play(alisa, "three", vec![music(1_000)], true);
    house.machine.close_leg(leg, &mut house.out).unwrap();

    let expected = ["one", "two", "three"].map(|play| (play.to_string(), PlayEnd::Stopped));
    assert_eq!(expected.to_vec(), ends(&house));
    let nothing = hotline_media::Play { id: "four".into(), clips: vec![], repeat: true, gap_ms: 0 };
    assert_eq!(Err(Refused::NoSuchLeg), house.machine.play(leg, nothing, &mut house.out));
}

#[test]
fn a_play_lasts_as_long_as_its_sounds() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    house.play(alisa, "prompt", vec![music(200), Clip::from_samples(&[]), music(90)], false);
    house.run(400);

    // 200 ms and 90 ms filled up to 100: 15 frames of music, then silence.
    let sounding = house.phones[alisa].heard.chunks(160).filter(|frame| frame.iter().any(|sample| *sample > 999));
    assert_eq!(15, sounding.count());
}

#[test]
fn a_late_tick_catches_up_and_a_stall_is_left_out() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    house.play(alisa, "music", vec![music(1_000)], true);
    house.run(1_000);
    house.now_us += 80_000;
    house.run(20);
    assert_eq!(55, house.phones[alisa].seen.len());
    assert_seamless(&house.phones[alisa].seen);

    house.now_us += 10_000_000;
    house.run(20);
    assert_eq!(60, house.phones[alisa].seen.len());
    assert_eq!(496, house.machine.skipped_ticks());
}
