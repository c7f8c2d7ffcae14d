//! What a phone says: tones, a file, silence; and the keys it presses.

use std::collections::VecDeque;

use hotline_sound::FRAME_SAMPLES;
use hotline_sound::tone::Tone;

/// What is said while no key is pressed.
pub enum Voice {
    Silence,
    Tones(Vec<Tone>),
    Samples { samples: Vec<i16>, at: usize, is_loop: bool },
}

impl Voice {
    /// One tone or two mixed, at this level together.
    pub fn tones(hertz: &[f32], level_db: f32) -> Self {
        let each = level_db - 3.0 * (hertz.len().max(1) as f32).log2();
        Self::Tones(hertz.iter().map(|one| Tone::new(*one, each)).collect())
    }

    /// The next 20 ms.
    pub fn frame(&mut self) -> [i16; FRAME_SAMPLES] {
        let mut frame = [0_i16; FRAME_SAMPLES];
        match self {
            Self::Silence => {}
            Self::Tones(tones) => {
                for tone in tones {
                    let samples = tone.samples(FRAME_SAMPLES);
                    frame.iter_mut().zip(samples).for_each(|(sum, sample)| *sum = sum.saturating_add(sample));
                }
            }
            Self::Samples { samples, at, is_loop } => {
                for sample in &mut frame {
                    if *at >= samples.len() && *is_loop {
                        *at = 0;
                    }
                    *sample = samples.get(*at).copied().unwrap_or(0);
                    *at += 1;
                }
            }
        }
        frame
    }
}

/// A key that is being pressed as RFC 4733 events, or as tones.
pub struct Press {
    pub code: u8,
    pub is_inband: bool,
    /// 20 ms steps that it lasts, and those that are over.
    pub steps: u32,
    pub step: u32,
    /// Steps of quiet after it.
    pub gap: u32,
    pub timestamp: u32,
}

/// Keys in order; `,` is a pause of 500 ms.
#[derive(Default)]
pub struct Keys(pub VecDeque<Press>);

impl Keys {
    /// Appends keys. Errors name the first letter that is no key.
    pub fn press(&mut self, digits: &str, is_inband: bool, ms: u32, gap_ms: u32) -> Result<(), char> {
        let mut presses = Vec::new();
        for digit in digits.chars() {
            let (code, steps, gap) = match digit {
                ',' => (PAUSE, 0, 25),
                digit => (code(digit).ok_or(digit)?, (ms / 20).max(2), (gap_ms / 20).max(1)),
            };
            presses.push(Press { code, is_inband, steps, step: 0, gap, timestamp: 0 });
        }
        self.0.extend(presses);
        Ok(())
    }
}

/// A pause in the place of a key.
pub const PAUSE: u8 = 255;

const KEYS: &str = "0123456789*#ABCD";

/// The event code of a key (RFC 4733, table 3).
pub fn code(digit: char) -> Option<u8> {
    KEYS.find(digit.to_ascii_uppercase()).map(|at| at as u8)
}

/// The key of an event code.
pub fn key(code: u8) -> Option<char> {
    KEYS.chars().nth(usize::from(code))
}

/// The two frequencies of a key (ITU-T Q.23).
pub fn frequencies(code: u8) -> [f32; 2] {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    let (row, column) = match code {
        0 => (3, 1),
        digit @ 1..=9 => (usize::from(digit - 1) / 3, usize::from(digit - 1) % 3),
        10 => (3, 0),
        11 => (3, 2),
        letter => (usize::from(letter.saturating_sub(12)).min(3), 3),
    };
    [ROWS[row], COLUMNS[column]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_codes_and_frequencies() {
        assert_eq!((code('0'), code('#'), code('d'), code('x')), (Some(0), Some(11), Some(15), None));
        assert_eq!(
            (frequencies(1), frequencies(0), frequencies(11)),
            ([697.0, 1209.0], [941.0, 1336.0], [941.0, 1477.0])
        );
        assert_eq!((key(10), key(16)), (Some('*'), None));
    }
}
