//! Recordings: what each side says, on its own channel, through the writer and back.

mod kit;

use hotline_media::{Law, RecordingKey, Refused, StereoFrame};
use hotline_sound::level::dbfs;
use hotline_sound::{ogg, tone};
use kit::{ALISA, ALL, ANNA, House, OLGA, music};

const CALL: RecordingKey = RecordingKey(7);

fn channel(frames: &[StereoFrame], channel: usize) -> Vec<i16> {
    frames.iter().flatten().skip(channel).step_by(2).copied().collect()
}

fn talk() -> (House, usize, usize) {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::Mu);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa])], &[]);
    (house, alisa, anna)
}

#[test]
fn each_side_is_on_its_own_channel_after_encoding_and_decoding() {
    let (mut house, alisa, anna) = talk();
    house.machine.record(CALL, &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.run(3_000);
    let mut writer = ogg::Writer::new(Vec::new(), 1, &[]).unwrap();
    let frames = &house.out.recorded[&CALL];
    assert_eq!(150, frames.len());
    for frame in frames {
        writer.push(frame).unwrap();
    }
    let (samples, channels) = ogg::read_bytes(&writer.finish().unwrap()).unwrap();

    assert_eq!((2, 3 * 8_000 * 2), (channels, samples.len()));
    let left: Vec<i16> = samples.iter().step_by(2).skip(800).copied().collect();
    let right: Vec<i16> = samples.iter().skip(1).step_by(2).skip(800).copied().collect();
    assert_eq!((Some(ALISA), Some(ANNA)), (tone::find(&left, &ALL), tone::find(&right, &ALL)));
    assert!(tone::level_at(&left, ANNA) < -55.0, "{}", tone::level_at(&left, ANNA));
    assert!(tone::level_at(&right, ALISA) < -55.0, "{}", tone::level_at(&right, ALISA));
}

#[test]
fn music_and_whispers_are_in_nobodys_recording() {
    let (mut house, alisa, anna) = talk();
    let olga = house.phone("olga", OLGA, Law::A);
    house.machine.record(CALL, &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa, olga]), (olga, &[alisa, anna])], &[]);
    house.run(500);
    house.play(alisa, "music", vec![music(500)], true);
    house.run(500);

    let frames = &house.out.recorded[&CALL];
    for frequency in [OLGA, kit::MUSIC] {
        for side in [0, 1] {
            assert!(tone::level_at(&channel(frames, side), frequency) < -60.0);
        }
    }
    assert!(house.phones[anna].hears_also(OLGA));
}

#[test]
fn a_paused_recording_keeps_time_with_silence() {
    let (mut house, alisa, anna) = talk();
    house.machine.record(CALL, &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.run(1_000);
    house.machine.pause_recording(CALL, true).unwrap();
    house.run(500);
    let (caller, callee) = (house.leg(alisa), house.leg(anna));
    house.machine.record(CALL, &[caller], &[callee]).unwrap();
    house.run(500);
    house.machine.pause_recording(CALL, false).unwrap();
    house.run(1_000);
    house.machine.stop_recording(CALL).unwrap();
    house.run(1_000);

    let frames = &house.out.recorded[&CALL];
    assert_eq!(150, frames.len());
    assert!(frames[51..100].iter().all(|frame| *frame == [0; 320]));
    assert!(dbfs(&frames[25]) > -20.0 && dbfs(&frames[140]) > -20.0);
    assert_eq!(Err(Refused::NoSuchRecording), house.machine.stop_recording(CALL));
}

#[test]
fn a_leg_joins_a_running_recording_and_an_ended_one_leaves_silence() {
    let (mut house, alisa, anna) = talk();
    let (caller, callee) = (house.leg(alisa), house.leg(anna));
    house.machine.record(CALL, &[caller], &[]).unwrap();
    house.run(500);
    house.machine.record(CALL, &[caller], &[callee]).unwrap();
    house.run(500);
    house.machine.close_leg(callee, &mut house.out).unwrap();
    house.run(500);

    let right = channel(&house.out.recorded[&CALL], 1);
    assert_eq!(3 * 4_000, right.len());
    assert!(right[..4_000].iter().all(|sample| *sample == 0));
    assert!(tone::is_heard(&right[4_800..7_900], ANNA));
    assert!(right[8_000..].iter().all(|sample| *sample == 0));
    assert!(tone::is_heard(&channel(&house.out.recorded[&CALL], 0)[9_000..], ALISA));
}

#[test]
fn a_recording_of_a_gone_leg_is_refused_whole() {
    let (mut house, alisa, anna) = talk();
    let (caller, callee) = (house.leg(alisa), house.leg(anna));
    house.machine.close_leg(callee, &mut house.out).unwrap();

    assert_eq!(Err(Refused::NoSuchLeg), house.machine.record(CALL, &[caller], &[callee]));
    house.run(100);
    assert!(house.out.recorded.is_empty());
}

#[test]
fn a_flood_from_the_source_itself_does_not_make_the_recording_longer() {
    let (mut house, alisa, anna) = talk();
    house.machine.record(CALL, &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.run(1_000);
    let from = house.phones[alisa].address;
    for _ in 0..50 {
        for _ in 0..20 {
            let packet = house.phones[alisa].speak();
            house.receive(alisa, from, &packet);
        }
        house.pass(20);
    }

    assert_eq!(100, house.out.recorded[&CALL].len());
    let quality = house.machine.quality(house.leg(alisa)).unwrap();
    assert!(quality.over_rate >= 800, "{quality:?}");
}
