//! What a phone hears, as a WAV file: one frame a tick, silence where nothing came.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use hotline_sound::{FRAME_SAMPLES, SAMPLE_RATE};
use hound::{SampleFormat, WavSpec, WavWriter};

/// A WAV file that grows with the call. Its header is settled when it is dropped.
pub struct Recording {
    writer: WavWriter<BufWriter<File>>,
    waiting: VecDeque<i16>,
}

impl Recording {
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> Result<Self, hound::Error> {
        let spec =
            WavSpec { channels: 1, sample_rate: SAMPLE_RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        Ok(Self { writer: WavWriter::create(path, spec)?, waiting: VecDeque::new() })
    }

    pub fn hear(&mut self, samples: &[i16]) {
        self.waiting.extend(samples);
        // A burst must not put the record behind for ever.
        while self.waiting.len() > FRAME_SAMPLES * 10 {
            self.waiting.pop_front();
        }
    }

    pub fn tick(&mut self) {
        for _ in 0..FRAME_SAMPLES {
            // A full disk ends the file early; the call goes on.
            let _ = self.writer.write_sample(self.waiting.pop_front().unwrap_or(0));
        }
    }
}
