//! Making tones and finding them again: with these a test says who hears whom.

use std::f32::consts::TAU;

use crate::SAMPLE_RATE;
use crate::level::dbfs;

/// An endless sine.
#[derive(Debug, Clone)]
pub struct Tone {
    step: f32,
    phase: f32,
    peak: f32,
}

impl Tone {
    /// A tone of `hertz` (below 4,000) at `level` dBFS (as [`dbfs`] measures it; a sine can reach -3).
    pub fn new(hertz: f32, level: f32) -> Tone {
        let rms = 32_768.0 * 10f32.powf(level / 20.0);
        let peak = (rms * std::f32::consts::SQRT_2).min(32_767.0);
        Tone { step: TAU * hertz / SAMPLE_RATE as f32, phase: 0.0, peak }
    }

    /// Fills `samples` with what comes next.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = (self.phase.sin() * self.peak) as i16;
            self.phase = (self.phase + self.step) % TAU;
        }
    }

    /// The next `length` samples.
    pub fn samples(&mut self, length: usize) -> Vec<i16> {
        let mut samples = vec![0; length];
        self.fill(&mut samples);
        samples
    }
}

/// The level in dBFS of the one frequency `hertz` in `samples` (Goertzel's algorithm).
///
/// Give it 800 samples or more: neighbours closer than `8,000 / length` Hz count too.
pub fn level_at(samples: &[i16], hertz: f32) -> f32 {
    let length = samples.len() as f64;
    if samples.is_empty() {
        return crate::level::FLOOR_DBFS;
    }
    let turn = f64::from(TAU) * f64::from(hertz) / f64::from(SAMPLE_RATE);
    let factor = 2.0 * turn.cos();
    let (mut last, mut before) = (0.0f64, 0.0f64);
    for sample in samples {
        let now = f64::from(*sample) / 32_768.0 + factor * last - before;
        (before, last) = (last, now);
    }
    let energy = (last * last + before * before - factor * last * before).max(0.0);
    let mean = 2.0 * energy / length / length;
    if mean <= 0.0 { crate::level::FLOOR_DBFS } else { (10.0 * mean.log10()).max(-96.0) as f32 }
}

/// Whether the tone `hertz` is heard: not below -50 dBFS and within 6 dB of everything that is heard.
pub fn is_heard(samples: &[i16], hertz: f32) -> bool {
    let tone = level_at(samples, hertz);
    tone > -50.0 && tone > dbfs(samples) - 6.0
}

/// The loudest of `candidates` (in hertz), when [`is_heard`] holds for it.
pub fn find(samples: &[i16], candidates: &[f32]) -> Option<f32> {
    let loudest = candidates.iter().copied().max_by(|a, b| level_at(samples, *a).total_cmp(&level_at(samples, *b)))?;
    is_heard(samples, loudest).then_some(loudest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::Law;

    #[test]
    fn a_tone_is_found_at_its_level_and_nowhere_else() {
        let samples = Tone::new(440.0, -20.0).samples(1_600);

        assert!((level_at(&samples, 440.0) + 20.0).abs() < 0.2);
        assert!((dbfs(&samples) + 20.0).abs() < 0.2);
        assert!(level_at(&samples, 700.0) < -50.0);
        assert_eq!(Some(440.0), find(&samples, &[350.0, 440.0, 700.0]));
    }

    #[test]
    fn a_tone_survives_both_laws() {
        for law in [Law::A, Law::Mu] {
            let mut samples = Tone::new(1_000.0, -30.0).samples(1_600);
            for sample in &mut samples {
                *sample = law.decode(law.encode(*sample));
            }
            assert!(is_heard(&samples, 1_000.0), "{law:?}");
        }
    }

    #[test]
    fn silence_holds_no_tone() {
        assert_eq!(None, find(&[0; 1_600], &[440.0, 1_000.0]));
    }
}
