//! What recording costs: CPU per second of call, and octets. `cargo run --release --example recording_cost [FILE]`
#![allow(clippy::disallowed_methods, reason = "a measurement owns a clock")]

use std::time::Instant;

use hotline_sound::tone::Tone;
use hotline_sound::{FRAME_SAMPLES, StereoFrame, ogg};

const FRAMES: usize = 3_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let silent = measure("both silent", &mut |_| [0; 2 * FRAME_SAMPLES])?;
    let mut voice = Voice::new(1);
    measure("one speaks", &mut |_| stereo(&voice.frame(), &[0; FRAME_SAMPLES]))?;
    let (mut left, mut right) = (Voice::new(1), Voice::new(2));
    let quiet = [0; FRAME_SAMPLES];
    let turns = measure("in turns of 2 s", &mut |number| match number / 100 % 2 {
        0 => stereo(&left.frame(), &quiet),
        _ => stereo(&quiet, &right.frame()),
    })?;
    let (mut left, mut right) = (Voice::new(1), Voice::new(2));
    measure("both speak", &mut |_| stereo(&left.frame(), &right.frame()))?;
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, turns)?;
    }
    assert!(!silent.is_empty());
    Ok(())
}

fn measure(name: &str, next: &mut dyn FnMut(usize) -> StereoFrame) -> Result<Vec<u8>, ogg::WriteError> {
    let frames: Vec<_> = (0..FRAMES).map(next).collect();
    let mut writer = ogg::Writer::new(Vec::new(), 1, &[])?;
    let start = Instant::now();
    for frame in &frames {
        writer.push(frame)?;
    }
    let spent = start.elapsed();
    let bytes = writer.finish()?;
    let seconds = FRAMES as f64 / 50.0;
    println!(
        "{name}: {:.3} ms of CPU and {:.0} octets per second of call",
        spent.as_secs_f64() * 1_000.0 / seconds,
        bytes.len() as f64 / seconds
    );
    Ok(bytes)
}

fn stereo(left: &[i16; FRAME_SAMPLES], right: &[i16; FRAME_SAMPLES]) -> StereoFrame {
    let mut frame = [0; 2 * FRAME_SAMPLES];
    for index in 0..FRAME_SAMPLES {
        (frame[2 * index], frame[2 * index + 1]) = (left[index], right[index]);
    }
    frame
}

/// Something like a voice to an encoder: harmonics of a pitch that moves, in syllables, with some breath.
struct Voice {
    harmonics: Vec<Tone>,
    noise: u32,
    number: u32,
}

impl Voice {
    fn new(seed: u32) -> Voice {
        Voice { harmonics: Vec::new(), noise: seed, number: seed * 17 }
    }

    fn frame(&mut self) -> [i16; FRAME_SAMPLES] {
        self.number += 1;
        if self.number.is_multiple_of(7) || self.harmonics.is_empty() {
            let pitch = 110.0 + (self.number * 37 % 90) as f32;
            self.harmonics = (1..12).map(|n| Tone::new(pitch * n as f32, -20.0 - 2.5 * n as f32)).collect();
        }
        let mut frame = [0i16; FRAME_SAMPLES];
        for harmonic in &mut self.harmonics {
            for (sum, sample) in frame.iter_mut().zip(harmonic.samples(FRAME_SAMPLES)) {
                *sum = sum.saturating_add(sample);
            }
        }
        for sample in &mut frame {
            self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = sample.saturating_add((self.noise >> 24) as i16 - 128);
        }
        frame
    }
}
