//! `hotline-switch sound FILE`: the words about a sound file that `hotline check` repeats.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use hotline_sound::{file, level, loudness, ogg, tone};

use crate::cli::Sound;

/// Prints length and loudness as the file will be heard.
///
/// Errors: a sentence about why it cannot be played.
pub fn describe(args: &Sound) -> Result<(), String> {
    if !args.tones.is_empty() {
        return tones(&args.file, &args.tones).map(|line| println!("{line}"));
    }
    let clip = file::load(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
    let samples = clip.samples();
    let duration_ms = clip.duration().as_millis();
    let lufs = loudness::loudness(&samples);
    let peak = peak_dbfs(&samples);
    if args.json {
        let lufs = lufs.map_or("null".to_owned(), |lufs| format!("{lufs:.1}"));
        println!(r#"{{"duration_ms":{duration_ms},"lufs":{lufs},"peak_db":{peak:.1}}}"#);
    } else {
        let loud = lufs.map_or("too quiet or short to measure".to_owned(), |lufs| format!("{lufs:.1} LUFS"));
        println!("{}: {:.1} s, {loud}, peak {peak:.1} dBFS", args.file.display(), duration_ms as f64 / 1_000.0);
    }
    Ok(())
}

/// The tone that each channel of a recording says most of its time, null where there is none of `candidates`.
fn tones(path: &Path, candidates: &[f32]) -> Result<String, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let input = File::open(path).map_err(|error| wrong(&error))?;
    let (samples, channels) = ogg::read(BufReader::new(input), RATE).map_err(|error| wrong(&error))?;
    let duration_ms = samples.len() / channels.max(1) * 1_000 / RATE as usize;
    let heard: Vec<String> = (0..channels)
        .map(|channel| {
            let one: Vec<i16> = samples.iter().skip(channel).step_by(channels).copied().collect();
            let hz = prevailing(&one, candidates).map_or("null".to_owned(), |hz| format!("{hz:.0}"));
            format!(r#"{{"hz":{hz},"level_db":{:.1}}}"#, level::dbfs(&one))
        })
        .collect();
    Ok(format!(r#"{{"duration_ms":{duration_ms},"channels":[{}]}}"#, heard.join(",")))
}

/// The candidate that is heard in most of the pieces that are not silent.
fn prevailing(samples: &[i16], candidates: &[f32]) -> Option<f32> {
    let loud: Vec<&[i16]> = samples.chunks_exact(PIECE).filter(|piece| level::dbfs(piece) > SILENCE_DBFS).collect();
    let count = |hz: f32| loud.iter().filter(|piece| tone::find(piece, candidates) == Some(hz)).count();
    candidates.iter().copied().find(|hz| count(*hz) * 2 > loud.len())
}

/// The loudest sample against full scale, -96 for silence.
fn peak_dbfs(samples: &[i16]) -> f32 {
    let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    if loudest == 0 { -96.0 } else { 20.0 * (f32::from(loudest) / 32_768.0).log10() }
}

const RATE: u32 = 8_000;
/// Samples that are judged at once: 200 ms tell tones 10 Hz apart.
const PIECE: usize = 1_600;
const SILENCE_DBFS: f32 = -45.0;
