//! A sound made ready to be sent: encoded once, shared by every leg that hears it.

use std::sync::Arc;
use std::time::Duration;

use crate::g711::Law;
use crate::{FRAME_SAMPLES, SAMPLE_RATE};

/// A sound in both laws of G.711, cut into whole frames of 160 octets (the last one filled with silence).
///
/// Cloning shares the octets. A thousand legs that play the same clip cost no encoding and no memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Clip {
    alaw: Arc<[u8]>,
    ulaw: Arc<[u8]>,
    duration: Duration,
}

impl Clip {
    /// Encodes linear sound at 8 kHz.
    pub fn from_samples(samples: &[i16]) -> Clip {
        Clip { alaw: encode(Law::A, samples), ulaw: encode(Law::Mu, samples), duration: duration_of(samples.len()) }
    }

    /// The octets of `law`, a multiple of 160.
    pub fn octets(&self, law: Law) -> &Arc<[u8]> {
        match law {
            Law::A => &self.alaw,
            Law::Mu => &self.ulaw,
        }
    }

    /// How many frames of 20 ms it has.
    pub fn frames(&self) -> usize {
        self.alaw.len() / FRAME_SAMPLES
    }

    /// The sound's own length, without the filling of its last frame.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// A louder or softer copy, encoded anew: do it off the media threads. Peaks are clipped.
    pub fn scaled(&self, decibels: f32) -> Clip {
        let factor = 10f32.powf(decibels / 20.0);
        let mut samples = self.samples();
        for sample in &mut samples {
            // A cast from float saturates.
            *sample = (f32::from(*sample) * factor).round() as i16;
        }
        Clip::from_samples(&samples)
    }

    /// The linear sound again, as A-law kept it, without the filling.
    pub fn samples(&self) -> Vec<i16> {
        let length = (self.duration.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000) as usize;
        self.alaw.iter().take(length).map(|octet| Law::A.decode(*octet)).collect()
    }
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Clip").field("duration", &self.duration).finish()
    }
}

fn encode(law: Law, samples: &[i16]) -> Arc<[u8]> {
    let length = samples.len().div_ceil(FRAME_SAMPLES) * FRAME_SAMPLES;
    let mut octets = vec![law.silence(); length];
    law.encode_into(samples, &mut octets);
    octets.into()
}

fn duration_of(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / u64::from(SAMPLE_RATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frame_is_filled_with_silence() {
        let clip = Clip::from_samples(&[1_000; 200]);

        assert_eq!(2, clip.frames());
        assert_eq!(Duration::from_millis(25), clip.duration());
        assert_eq!([0xD5; 120], clip.octets(Law::A)[200..]);
        assert_eq!([0xFF; 120], clip.octets(Law::Mu)[200..]);
        assert_eq!(200, clip.samples().len());
    }

    #[test]
    fn scaling_halves_and_clips() {
        let clip = Clip::from_samples(&[16_000; 160]);

        assert!((7_500..8_500).contains(&clip.scaled(-6.02).samples()[0]));
        assert_eq!(32_256, clip.scaled(20.0).samples()[0]);
    }

    #[test]
    fn nothing_is_a_clip_of_no_frames() {
        assert_eq!(0, Clip::from_samples(&[]).frames());
    }
}
