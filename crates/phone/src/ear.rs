//! What a phone hears: level, tones, gaps, silence; over the last while, and over the whole call.

use std::collections::VecDeque;

use hotline_sound::level::{FLOOR_DBFS, dbfs};
use hotline_sound::tone::level_at;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

/// The tones that every ear looks for, in hertz.
const STANDING: [u32; 28] = [
    300, 350, 400, 425, 440, 450, 480, 500, 523, 600, 620, 660, 700, 800, 880, 900, 1000, 1100, 1200, 1300, 1400, 1500,
    1600, 1700, 1800, 2000, 2200, 2400,
];

/// The ear of one call.
pub struct Ear {
    frames: VecDeque<Frame>,
    hertz: Vec<u32>,
    sequence: Option<u16>,
    last_at: Option<Instant>,
    whole: Whole,
}

struct Frame {
    at: Instant,
    /// Since the packet before it.
    gap: Duration,
    lost: u64,
    samples: Vec<i16>,
}

/// Sums since the call's first packet.
struct Whole {
    began: Option<Instant>,
    packets: u64,
    lost: u64,
    loud_ms: u64,
    gap: Duration,
    energy: f64,
    count: u64,
    /// Power of each tone, summed block by block.
    tones: Vec<f64>,
    blocks: u64,
    block: Vec<i16>,
}

impl Ear {
    pub fn new() -> Self {
        Self {
            frames: VecDeque::new(),
            hertz: STANDING.to_vec(),
            sequence: None,
            last_at: None,
            whole: Whole::new(STANDING.len()),
        }
    }

    /// Looks for these tones too, from now on.
    pub fn listen_for(&mut self, hertz: &[u32]) {
        for one in hertz.iter().filter(|one| (200..=3400).contains(*one)) {
            if !self.hertz.contains(one) && self.hertz.len() < MAX_TONES {
                self.hertz.push(*one);
                self.whole.tones.push(0.0);
            }
        }
    }

    /// A packet came in: sound, or a key (no samples).
    pub fn hear(&mut self, sequence: u16, samples: Vec<i16>, at: Instant) {
        let step = self.sequence.map_or(1, |last| sequence.wrapping_sub(last));
        // Late and doubled packets are heard by nobody, as in a real phone.
        if step == 0 || step > u16::MAX / 2 {
            return;
        }
        let lost = if step < 1000 { u64::from(step) - 1 } else { 0 };
        self.sequence = Some(sequence);
        let gap = self.last_at.map_or(Duration::ZERO, |last| at.duration_since(last));
        self.last_at = Some(at);
        self.whole.add(&samples, &self.hertz, lost, gap, at);
        self.frames.push_back(Frame { at, gap, lost, samples });
        while self.frames.front().is_some_and(|first| at.duration_since(first.at) > REMEMBERED) {
            self.frames.pop_front();
        }
    }

    /// The last `window` up to now, as `heard` says it.
    pub fn window(&self, window: Duration, now: Instant) -> Value {
        let window = window.min(REMEMBERED);
        let inside = || self.frames.iter().filter(|frame| now.duration_since(frame.at) <= window);
        let samples: Vec<i16> = inside().flat_map(|frame| frame.samples.iter().copied()).collect();
        let loud_ms: u128 =
            inside().filter(|frame| dbfs(&frame.samples) > SILENCE_DBFS).map(|frame| length_ms(&frame.samples)).sum();
        let gap = inside().map(|frame| frame.gap).max().unwrap_or_default();
        json!({
            "window_ms": window.as_millis() as u64,
            "packets": inside().count(),
            "lost": inside().map(|frame| frame.lost).sum::<u64>(),
            "level_db": rounded(dbfs(&samples)),
            "silent_ms": window.as_millis().saturating_sub(loud_ms) as u64,
            "gap_ms": gap.as_millis() as u64,
            "tones": tones(&levels(&samples, &self.hertz)),
            "ms_since_packet": self.last_at.map(|last| now.duration_since(last).as_millis() as u64),
        })
    }

    /// The whole call since its first packet.
    pub fn whole(&self, now: Instant) -> Value {
        let whole = &self.whole;
        let level = if whole.count == 0 { FLOOR_DBFS } else { power_db(whole.energy / whole.count as f64) };
        let length = whole.began.map_or(0, |began| now.duration_since(began).as_millis() as u64);
        let powers = whole
            .tones
            .iter()
            .map(|power| if whole.blocks == 0 { FLOOR_DBFS } else { power_db(power / whole.blocks as f64) });
        let levels: Vec<(u32, f32)> = self.hertz.iter().copied().zip(powers).collect();
        json!({
            "packets": whole.packets,
            "lost": whole.lost,
            "level_db": rounded(level),
            "silent_ms": length.saturating_sub(whole.loud_ms),
            "gap_ms": whole.gap.as_millis() as u64,
            "tones": tones(&levels),
        })
    }

    /// Begins the sums anew.
    pub fn reset(&mut self) {
        self.frames.clear();
        self.whole = Whole::new(self.hertz.len());
    }
}

impl Whole {
    fn new(tones: usize) -> Self {
        Self {
            began: None,
            packets: 0,
            lost: 0,
            loud_ms: 0,
            gap: Duration::ZERO,
            energy: 0.0,
            count: 0,
            tones: vec![0.0; tones],
            blocks: 0,
            block: Vec::with_capacity(BLOCK),
        }
    }

    fn add(&mut self, samples: &[i16], hertz: &[u32], lost: u64, gap: Duration, at: Instant) {
        self.began.get_or_insert(at);
        self.packets += 1;
        self.lost += lost;
        self.gap = self.gap.max(gap);
        if dbfs(samples) > SILENCE_DBFS {
            self.loud_ms += length_ms(samples) as u64;
        }
        self.energy += samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / FULL_SCALE;
        self.count += samples.len() as u64;
        self.block.extend_from_slice(samples);
        if self.block.len() >= BLOCK {
            for ((_, level), sum) in levels(&self.block, hertz).into_iter().zip(&mut self.tones) {
                *sum += 10_f64.powf(f64::from(level) / 10.0);
            }
            self.blocks += 1;
            self.block.clear();
        }
    }
}

/// Each tone's level in dBFS. A Hann window keeps a tone from leaking into its neighbours; it halves amplitudes.
fn levels(samples: &[i16], hertz: &[u32]) -> Vec<(u32, f32)> {
    let length = samples.len() as f32;
    let weight = |at: usize| 0.5 - 0.5 * (2.0 * std::f32::consts::PI * at as f32 / length).cos();
    let windowed: Vec<i16> =
        samples.iter().enumerate().map(|(at, sample)| (f32::from(*sample) * weight(at)) as i16).collect();
    hertz.iter().map(|hertz| (*hertz, level_at(&windowed, *hertz as f32) + 6.02)).collect()
}

/// The dominant ones, loudest first: at most 4, over the floor, 12 dB over the middle of all, no neighbour of a louder one.
fn tones(levels: &[(u32, f32)]) -> Vec<Value> {
    let mut sorted = levels.to_vec();
    sorted.sort_by(|left, right| right.1.total_cmp(&left.1));
    let Some((_, loudest)) = sorted.first().copied() else { return Vec::new() };
    let middle = sorted[sorted.len() / 2].1;
    let mut chosen: Vec<(u32, f32)> = Vec::new();
    for (hertz, level) in sorted {
        let is_dominant = level > SILENCE_DBFS && level > middle + 12.0 && level > loudest - 20.0;
        if is_dominant && chosen.len() < 4 && chosen.iter().all(|(other, _)| other.abs_diff(hertz) > 30) {
            chosen.push((hertz, level));
        }
    }
    chosen.iter().map(|(hertz, level)| json!({"hz": hertz, "level_db": rounded(*level)})).collect()
}

fn length_ms(samples: &[i16]) -> u128 {
    samples.len() as u128 / 8
}

fn power_db(power: f64) -> f32 {
    if power <= 0.0 { FLOOR_DBFS } else { ((10.0 * power.log10()) as f32).max(FLOOR_DBFS) }
}

fn rounded(level: f32) -> f64 {
    (f64::from(level) * 10.0).round() / 10.0
}

/// Quieter than this is silence: speech and tones are far over it, comfort noise is not.
const SILENCE_DBFS: f32 = -45.0;
const REMEMBERED: Duration = Duration::from_secs(10);
const BLOCK: usize = 800;
const MAX_TONES: usize = 64;
const FULL_SCALE: f64 = 32768.0 * 32768.0;

#[cfg(test)]
mod tests {
    use super::*;
    use hotline_sound::tone::Tone;

    fn ear_of(hertz: f32, frames: u16) -> (Ear, Instant) {
        let mut ear = Ear::new();
        let mut tone = Tone::new(hertz, -12.0);
        let mut now = Instant::now();
        for sequence in 0..frames {
            now += Duration::from_millis(20);
            ear.hear(sequence, tone.samples(160), now);
        }
        (ear, now)
    }

    #[test]
    fn a_tone_is_heard_at_its_pitch_and_level_and_nothing_beside_it() {
        for hertz in [440_u32, 450, 1000] {
            let (ear, now) = ear_of(hertz as f32, 50);
            for heard in [ear.window(Duration::from_millis(500), now), ear.whole(now)] {
                let tones = heard["tones"].as_array().expect("a list");
                assert_eq!(tones.len(), 1, "{heard}");
                assert_eq!(tones[0]["hz"], hertz);
                assert!((heard["level_db"].as_f64().expect("a level") + 12.0).abs() < 0.3, "{heard}");
                assert!(heard["silent_ms"].as_u64().expect("a time") <= 20, "{heard}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_counted() {
        let (mut ear, now) = ear_of(440.0, 10);
        let later = now + Duration::from_millis(100);
        ear.hear(14, vec![0; 160], later);

        let heard = ear.window(Duration::from_millis(300), later);

        assert_eq!((heard["lost"].as_u64(), heard["gap_ms"].as_u64()), (Some(4), Some(100)));
        assert_eq!(heard["packets"], 11);
    }

    #[test]
    fn an_ear_that_heard_nothing_says_so() {
        let ear = Ear::new();
        let heard = ear.window(Duration::from_millis(500), Instant::now());
        assert_eq!(heard["ms_since_packet"], Value::Null);
        assert_eq!((heard["level_db"].as_f64(), heard["silent_ms"].as_u64()), (Some(-96.0), Some(500)));
    }
}
