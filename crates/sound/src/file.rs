//! From the sound files that people have (WAV, MP3, FLAC, Ogg/Vorbis, Ogg/Opus) to a [`Clip`].
//!
//! Not for a media thread: a minute of music costs tens of milliseconds. Files longer than [`LONGEST`] are refused.

use std::fmt;
use std::io::{self, Cursor};
use std::path::Path;
use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::loudness::normalise;
use crate::{Clip, SAMPLE_RATE, ogg};

/// The longest sound that is taken: an hour of it is 58 MB in both laws.
pub const LONGEST: Duration = Duration::from_secs(3_600);

/// Reads a sound file: mono, 8 kHz, loudness normalised, encoded in both laws.
pub fn load(path: &Path) -> Result<Clip, LoadError> {
    decode(std::fs::read(path)?)
}

/// As [`load`], from the file's bytes.
pub fn decode(bytes: Vec<u8>) -> Result<Clip, LoadError> {
    let mut samples = samples(bytes)?;
    normalise(&mut samples);
    Ok(Clip::from_samples(&samples))
}

/// The sound of a file as mono samples at 8 kHz, as loud as it is.
pub fn samples(bytes: Vec<u8>) -> Result<Vec<i16>, LoadError> {
    let sound = if is_ogg_opus(&bytes) { decode_opus(&bytes)? } else { decode_other(bytes)? };
    if sound.mono.is_empty() {
        return Err(LoadError::Empty);
    }
    resample(sound)
}

/// Why a file is no sound for us. The first line of its `Display` can be shown to the owner of the file.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Read(io::Error),
    /// No format that we know.
    Unknown(String),
    /// A known format, damaged or with a codec that we do not know.
    Damaged(String),
    /// It holds no sound at all.
    Empty,
    /// Longer than [`LONGEST`].
    TooLong,
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read(error) => write!(formatter, "the sound file cannot be read: {error}"),
            LoadError::Unknown(why) => write!(formatter, "not a WAV, MP3, FLAC or Ogg sound: {why}"),
            LoadError::Damaged(why) => write!(formatter, "the sound file is damaged: {why}"),
            LoadError::Empty => formatter.write_str("the sound file holds no sound"),
            LoadError::TooLong => formatter.write_str("the sound is longer than an hour"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> LoadError {
        LoadError::Read(error)
    }
}

/// Sound of one channel at the file's own rate.
struct Sound {
    mono: Vec<f32>,
    rate: u32,
}

/// The first packet's magic lies behind the page header of 27 octets and one segment length (RFC 7845 section 3).
fn is_ogg_opus(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OggS") && bytes.get(28..36) == Some(b"OpusHead")
}

fn decode_opus(bytes: &[u8]) -> Result<Sound, LoadError> {
    let (samples, channels) =
        ogg::read_at_most(Cursor::new(bytes), SAMPLE_RATE, LONGEST).map_err(|error| match error {
            ogg::ReadError::TooLong => LoadError::TooLong,
            other => LoadError::Damaged(other.to_string()),
        })?;
    let scaled: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    let mut mono = Vec::new();
    downmix(&scaled, channels, &mut mono);
    Ok(Sound { mono, rate: SAMPLE_RATE })
}

fn decode_other(bytes: Vec<u8>) -> Result<Sound, LoadError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| LoadError::Unknown(error.to_string()))?;
    let track = format.default_track(TrackType::Audio).ok_or(LoadError::Empty)?;
    let track_id = track.id;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.ok_or_else(|| LoadError::Damaged("its codec is not named".into()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| LoadError::Damaged(error.to_string()))?;
    decode_track(format.as_mut(), decoder.as_mut(), track_id)
}

fn decode_track(
    format: &mut dyn FormatReader,
    decoder: &mut dyn AudioDecoder,
    track_id: u32,
) -> Result<Sound, LoadError> {
    let mut sound = Sound { mono: Vec::new(), rate: 0 };
    let mut interleaved = Vec::new();
    // An error of the container after the first sound is a file cut short: what was read stands.
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(buffer) => append(&buffer, &mut interleaved, &mut sound)?,
            Err(SymphoniaError::DecodeError(_)) => continue,
            Err(_) => break,
        }
    }
    Ok(sound)
}

fn append(buffer: &GenericAudioBufferRef<'_>, interleaved: &mut Vec<f32>, sound: &mut Sound) -> Result<(), LoadError> {
    let rate = buffer.spec().rate();
    if sound.rate != 0 && sound.rate != rate {
        return Err(LoadError::Damaged("its sample rate changes on the way".into()));
    }
    if !RATES.contains(&rate) {
        return Err(LoadError::Damaged(format!("it claims {rate} samples a second")));
    }
    sound.rate = rate;
    buffer.copy_to_vec_interleaved(interleaved);
    downmix(interleaved, buffer.num_planes(), &mut sound.mono);
    match sound.mono.len() as u64 > LONGEST.as_secs() * u64::from(rate) {
        true => Err(LoadError::TooLong),
        false => Ok(()),
    }
}

fn downmix(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    let channels = channels.max(1);
    mono.extend(interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32));
}

fn resample(sound: Sound) -> Result<Vec<i16>, LoadError> {
    let to_samples = |mono: &[f32]| mono.iter().map(|value| (value * 32_767.0).round() as i16).collect();
    if sound.rate == SAMPLE_RATE {
        return Ok(to_samples(&sound.mono));
    }
    let damaged = |error: &dyn fmt::Display| LoadError::Damaged(error.to_string());
    let mut resampler = Fft::<f32>::new(sound.rate as usize, SAMPLE_RATE as usize, CHUNK, 1, FixedSync::Input)
        .map_err(|error| damaged(&error))?;
    let length = sound.mono.len();
    let mut output = vec![0.0; resampler.process_all_needed_output_len(length)];
    let room = output.len();
    let input = InterleavedSlice::new(&sound.mono, 1, length).map_err(|error| damaged(&error))?;
    let mut buffer = InterleavedSlice::new_mut(&mut output, 1, room).map_err(|error| damaged(&error))?;
    let (_, written) =
        resampler.process_all_into_buffer(&input, &mut buffer, length, None).map_err(|error| damaged(&error))?;
    Ok(to_samples(&output[..written]))
}

/// Frames that the resampler takes at once: long enough for a steep filter below 4 kHz.
const CHUNK: usize = 2_048;

/// Rates that sound has. A damaged header with a rate of 1 would ask for memory without end.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
