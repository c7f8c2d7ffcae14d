//! Every format that people bring becomes the same clip; what is no sound is refused in a sentence.

use std::time::Duration;

use hotline_sound::file::{self, LoadError};
use hotline_sound::loudness::{TARGET_LUFS, loudness};
use hotline_sound::{Law, tone};
use proptest::prelude::*;

/// Second of 440 Hz each; those in two channels have 6 kHz on the right, which must not fold down to 2 kHz.
/// Made by ffmpeg, with its codecs and not ours.
const FILES: [&str; 8] = [
    "tone.mp3",
    "tone.flac",
    "tone-vorbis.ogg",
    "tone-opus.ogg",
    "tone-16k.wav",
    "tone-alaw.wav",
    "tone-8bit.wav",
    "tone-24bit.wav",
];

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

#[test]
fn every_format_gives_the_tone_at_the_same_loudness() {
    for name in FILES {
        let clip = file::load(&path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let length = if name == "tone-24bit.wav" { 500 } else { 1_000 };
        let off = clip.duration().abs_diff(Duration::from_millis(length));
        assert!(off < Duration::from_millis(60), "{name} lasts {:?}", clip.duration());

        let samples = clip.samples();
        let middle = &samples[400..samples.len() - 400];
        assert!(tone::is_heard(middle, 440.0), "{name}");
        assert!(tone::level_at(middle, 2_000.0) < -60.0, "{name}: {} dBFS", tone::level_at(middle, 2_000.0));
        let loudness = loudness(&samples).unwrap();
        assert!((loudness - TARGET_LUFS).abs() < 1.0, "{name}: {loudness} LUFS");
        assert_eq!(clip.octets(Law::A).len(), clip.octets(Law::Mu).len());
    }
}

#[test]
fn two_channels_are_averaged_and_keep_their_level() {
    for name in FILES {
        let samples = file::samples(bytes(name)).unwrap();
        let level = tone::level_at(&samples[400..samples.len() - 400], 440.0);
        assert!((level + 17.0).abs() < 0.5, "{name}: {level} dBFS");
    }
}

#[test]
fn what_is_no_sound_is_refused_in_a_sentence() {
    let mut silent = bytes("tone-16k.wav");
    silent.truncate(44);
    let said = |bytes: Vec<u8>| file::decode(bytes).unwrap_err().to_string();

    assert!(said(b"Dear Sir or Madam".repeat(1_000)).starts_with("not a WAV, MP3, FLAC or Ogg sound"));
    assert!(said(Vec::new()).starts_with("not a WAV, MP3, FLAC or Ogg sound"));
    assert_eq!("the sound file holds no sound", said(silent));
    assert!(matches!(file::load(&path("no-such-file.wav")), Err(LoadError::Read(_))));
}

#[test]
fn a_header_that_claims_an_absurd_rate_is_refused() {
    let mut absurd = bytes("tone-16k.wav");
    absurd[24..28].copy_from_slice(&1u32.to_le_bytes());

    assert_eq!(
        "the sound file is damaged: it claims 1 samples a second",
        file::decode(absurd).unwrap_err().to_string()
    );
}

#[test]
fn a_sound_of_more_than_an_hour_is_refused() {
    let rate = 4_000u32;
    let length = 3_601 * rate;
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav[4..8].copy_from_slice(&(36 + length).to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend(rate.to_le_bytes());
    wav.extend([1, 0, 8, 0]);
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.resize(wav.len() + length as usize, 128);

    assert!(matches!(file::decode(wav), Err(LoadError::TooLong)));
}

#[test]
fn a_file_cut_short_gives_what_it_has() {
    for name in FILES {
        let mut cut = bytes(name);
        cut.truncate(cut.len() * 7 / 10);
        match file::decode(cut) {
            Ok(clip) => assert!(clip.duration() > Duration::from_millis(100), "{name}: {:?}", clip.duration()),
            // A second of Opus or Vorbis is one page, and a page cut short is no page.
            Err(error) => assert!(name.ends_with(".ogg"), "{name}: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_heard_or_refused_without_a_panic(
        name in prop::sample::select(&FILES[..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes(name);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        if let Ok(clip) = file::decode(bytes) {
            prop_assert!(clip.duration() < Duration::from_secs(60));
        }
    }
}
