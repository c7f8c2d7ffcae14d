//! How loud a sound is.

/// The level of `samples` in dB below full scale, where a full-scale square wave is 0 and a full-scale sine is -3.
///
/// Digital silence, and nothing at all, is -96 (the floor of 16 bits).
pub fn dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DBFS;
    }
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    let mean = energy / samples.len() as f64 / FULL_SCALE / FULL_SCALE;
    if mean <= 0.0 { FLOOR_DBFS } else { (10.0 * mean.log10()).max(f64::from(FLOOR_DBFS)) as f32 }
}

/// What [`dbfs`] says of silence.
pub const FLOOR_DBFS: f32 = -96.0;

const FULL_SCALE: f64 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_floor_and_full_scale_is_zero() {
        assert_eq!(FLOOR_DBFS, dbfs(&[0; 160]));
        assert_eq!(FLOOR_DBFS, dbfs(&[]));
        assert!(dbfs(&[i16::MIN; 160]).abs() < 0.01);
    }
}
