//! Adding voices.

use crate::FRAME_SAMPLES;
use crate::g711::Law;

/// Voices being added up for one listener. 32 bits hold 65,536 full-scale voices.
#[derive(Debug, Clone)]
pub struct Sum([i32; FRAME_SAMPLES]);

impl Sum {
    /// Silence.
    pub const fn new() -> Sum {
        Sum([0; FRAME_SAMPLES])
    }

    /// Adds one frame of linear sound.
    pub fn add(&mut self, samples: &[i16]) {
        for (sum, sample) in self.0.iter_mut().zip(samples) {
            *sum += i32::from(*sample);
        }
    }

    /// Adds one encoded frame.
    pub fn add_octets(&mut self, law: Law, octets: &[u8]) {
        let linear = law.linear();
        for (sum, octet) in self.0.iter_mut().zip(octets) {
            *sum += i32::from(linear[*octet as usize]);
        }
    }

    /// The sample at `index`, saturated to 16 bits.
    pub fn sample(&self, index: usize) -> i16 {
        self.0[index].clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    /// Encodes the saturated sum.
    pub fn encode_into(&self, law: Law, octets: &mut [u8]) {
        for (index, octet) in octets.iter_mut().enumerate().take(FRAME_SAMPLES) {
            *octet = law.encode(self.sample(index));
        }
    }
}

impl Default for Sum {
    fn default() -> Sum {
        Sum::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loud_voices_saturate_instead_of_wrapping() {
        let mut sum = Sum::new();
        sum.add(&[30_000; FRAME_SAMPLES]);
        sum.add(&[30_000; FRAME_SAMPLES]);

        assert_eq!(i16::MAX, sum.sample(0));
    }

    #[test]
    fn opposite_voices_cancel() {
        let mut sum = Sum::new();
        sum.add_octets(Law::A, &[Law::A.encode(5_000); FRAME_SAMPLES]);
        sum.add_octets(Law::A, &[Law::A.encode(-5_000); FRAME_SAMPLES]);

        assert!(sum.sample(7).abs() <= 1);
    }
}
