//! Sans-IO audio for telephony: everything here is a function of its input.
//!
//! The house's sound is mono, 8,000 samples a second, in frames of 160 samples (20 ms), as [`g711`] carries it.
//! A [`Clip`] is a sound made ready to be sent: encoded once in both laws and shared by all who hear it.
//! [`mod@file`] makes clips from what people upload, [`ogg`] writes recordings, [`tone`] and [`level`] let tests and
//! phones say what they hear.

pub mod clip;
pub mod file;
pub mod g711;
pub mod level;
pub mod loudness;
pub mod mix;
pub mod ogg;
pub mod tone;

pub use clip::Clip;
pub use g711::Law;

/// Samples a second of all sound inside the house.
pub const SAMPLE_RATE: u32 = 8_000;

/// Samples in a frame of 20 ms.
pub const FRAME_SAMPLES: usize = 160;

/// One frame of linear sound.
pub type Frame = [i16; FRAME_SAMPLES];

/// One frame of a recording: left and right interleaved, left first.
pub type StereoFrame = [i16; 2 * FRAME_SAMPLES];
