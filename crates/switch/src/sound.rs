//! `hotline-switch sound FILE`: the words about a sound file that `hotline check` repeats.

use hotline_sound::{file, loudness};

use crate::cli::Sound;

/// Prints length and loudness as the file will be heard.
///
/// Errors: a sentence about why it cannot be played.
pub fn describe(args: &Sound) -> Result<(), String> {
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

/// The loudest sample against full scale, -96 for silence.
fn peak_dbfs(samples: &[i16]) -> f32 {
    let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    if loudest == 0 { -96.0 } else { 20.0 * (f32::from(loudest) / 32_768.0).log10() }
}
