//! Making every sound equally loud (EBU R 128), so that nobody's announcement shouts.

use ebur128::{EbuR128, Mode};

use crate::SAMPLE_RATE;

/// What [`normalise`] aims at, in LUFS.
pub const TARGET_LUFS: f64 = -19.0;

/// Brings a sound at 8 kHz to about [`TARGET_LUFS`], without letting a peak pass -1 dBFS.
///
/// A sound that is all but silent is left as it is, and nothing is raised by more than 20 dB: what would come up
/// is noise.
pub fn normalise(samples: &mut [i16]) {
    let Some(loudness) = loudness(samples) else { return };
    let peak = samples.iter().map(|sample| i32::from(*sample).abs()).max().unwrap_or(0).max(1);
    let room = PEAK / f64::from(peak);
    let gain = 10f64.powf((TARGET_LUFS - loudness) / 20.0).min(MOST_GAIN).min(room);
    for sample in samples {
        *sample = (f64::from(*sample) * gain).round() as i16;
    }
}

/// The integrated loudness of a sound at 8 kHz in LUFS; nothing when it is all but silent.
pub fn loudness(samples: &[i16]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let mut meter = EbuR128::new(1, SAMPLE_RATE, Mode::I).ok()?;
    // The measure looks at blocks of 400 ms: a shorter sound is heard again until there are some.
    let rounds = SHORTEST.div_ceil(samples.len());
    for _ in 0..rounds {
        meter.add_frames_i16(samples).ok()?;
    }
    meter.loudness_global().ok().filter(|loudness| *loudness > SILENT_LUFS)
}

const PEAK: f64 = 29_204.0;
const MOST_GAIN: f64 = 10.0;
const SILENT_LUFS: f64 = -60.0;
const SHORTEST: usize = SAMPLE_RATE as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Tone;

    #[test]
    fn loud_and_soft_come_out_alike() {
        for level in [-35.0, -20.0, -6.0] {
            for length in [16_000, 1_000] {
                let mut samples = Tone::new(1_000.0, level).samples(length);
                normalise(&mut samples);
                let loudness = loudness(&samples).unwrap();
                assert!((loudness - TARGET_LUFS).abs() < 0.5, "{level} dBFS, {length}: {loudness} LUFS");
            }
        }
    }

    #[test]
    fn peaks_stay_below_full_scale() {
        let mut samples = Tone::new(1_000.0, -50.0).samples(16_000);
        samples[100] = 20_000;
        normalise(&mut samples);

        assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 29_204));
    }

    #[test]
    fn what_is_all_but_silent_is_raised_by_20_db_at_most() {
        let mut samples = Tone::new(1_000.0, -55.0).samples(16_000);
        normalise(&mut samples);

        assert!((crate::level::dbfs(&samples) + 35.0).abs() < 1.0, "{}", crate::level::dbfs(&samples));
    }

    #[test]
    fn silence_stays_silence() {
        let mut samples = [0, 1, -1, 0].repeat(4_000);
        let before = samples.clone();
        normalise(&mut samples);

        assert_eq!(before, samples);
        normalise(&mut []);
    }
}
