//! A recording whose writer died, or whose disk did, plays to within a second of the cut.

use hotline_sound::ogg::{self, Writer};
use hotline_sound::tone::{self, Tone};
use hotline_sound::{FRAME_SAMPLES, StereoFrame};

const LEFT: f32 = 440.0;
const RIGHT: f32 = 700.0;

/// A recording of so many frames and, for each, how many bytes had been written when it was pushed.
fn recording(frames: usize) -> (Vec<u8>, Vec<usize>) {
    let mut writer = Writer::new(Vec::new(), 7, &["TITLE=test".into()]).unwrap();
    let (mut left, mut right) = (Tone::new(LEFT, -15.0), Tone::new(RIGHT, -15.0));
    let mut written = Vec::new();
    for _ in 0..frames {
        writer.push(&stereo(&left.samples(FRAME_SAMPLES), &right.samples(FRAME_SAMPLES))).unwrap();
        written.push(writer.output().len());
    }
    (writer.finish().unwrap(), written)
}

fn stereo(left: &[i16], right: &[i16]) -> StereoFrame {
    let mut frame = [0; 2 * FRAME_SAMPLES];
    for index in 0..FRAME_SAMPLES {
        frame[2 * index] = left[index];
        frame[2 * index + 1] = right[index];
    }
    frame
}

fn frames(bytes: &[u8]) -> usize {
    ogg::read_bytes(bytes).map_or(0, |(samples, channels)| samples.len() / channels / FRAME_SAMPLES)
}

#[test]
fn a_whole_recording_has_exactly_its_length_and_its_channels() {
    for length in [1, 39, 40, 41, 500] {
        let (bytes, _) = recording(length);
        assert_eq!(length, frames(&bytes));
    }
    let (samples, _) = ogg::read_bytes(&recording(100).0).unwrap();
    let channel = |side: usize| samples.iter().skip(side).step_by(2).skip(800).copied().collect::<Vec<_>>();
    assert!(tone::is_heard(&channel(0), LEFT) && tone::is_heard(&channel(1), RIGHT));
    assert!(tone::level_at(&channel(0), RIGHT) < -60.0 && tone::level_at(&channel(1), LEFT) < -60.0);
}

#[test]
fn an_empty_recording_is_a_file_without_sound() {
    let bytes = Writer::new(Vec::new(), 7, &[]).unwrap().finish().unwrap();

    assert_eq!((Vec::new(), 2), ogg::read_bytes(&bytes).unwrap());
}

#[test]
fn when_the_writer_dies_less_than_a_second_is_missing() {
    let (bytes, written) = recording(500);

    for (index, length) in written.iter().enumerate() {
        let heard = frames(&bytes[..*length]);
        assert!(heard + 50 > index, "{heard} frames of {index}");
    }
}

#[test]
fn a_file_cut_at_any_byte_plays_to_within_a_second_of_the_cut() {
    let (bytes, written) = recording(500);
    let headers = written[0];

    for cut in (headers..bytes.len()).step_by(97) {
        let heard = frames(&bytes[..cut]);
        // The cut page holds what was pushed while the file stayed shorter than the cut.
        let there = written.iter().take_while(|length| **length <= cut).count();
        assert!(heard + 50 >= there, "{heard} frames of {there}");
    }
}

#[test]
fn damage_in_the_middle_costs_its_page_and_nothing_else() {
    let (mut bytes, _) = recording(500);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 100].fill(0);

    let heard = frames(&bytes);
    assert!((410..=470).contains(&heard), "{heard}");
}

#[test]
fn a_full_disk_is_an_error_and_not_a_panic() {
    struct Full(usize);

    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut writer = Writer::new(Full(1_000), 7, &[]).unwrap();
    let failed = (0..500).find_map(|_| writer.push(&[900; 2 * FRAME_SAMPLES]).err());
    assert!(failed.unwrap().to_string().starts_with("the recording cannot be written"));
}
