//! Recording what legs say: sources are tapped, not what is sent, so that a whisper is in nobody's recording.

use hotline_sound::mix::Sum;
use hotline_sound::{FRAME_SAMPLES, StereoFrame};

use crate::setup::LegKey;
use crate::slab::Slab;

/// Names a recording. The caller chooses it, unique among all machines that exchange legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingKey(pub u64);

#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub key: RecordingKey,
    pub left: Vec<LegKey>,
    pub right: Vec<LegKey>,
    /// A paused recording goes on with silence, so that its time stays the call's time.
    pub is_paused: bool,
}

impl Recording {
    pub fn legs(&self) -> impl Iterator<Item = LegKey> + '_ {
        self.left.iter().chain(&self.right).copied()
    }

    pub fn forget(&mut self, leg: LegKey) {
        self.left.retain(|key| *key != leg);
        self.right.retain(|key| *key != leg);
    }

    /// The 20 ms of this tick.
    pub fn frame(&self, legs: &Slab) -> StereoFrame {
        let mut frame = [0; 2 * FRAME_SAMPLES];
        if !self.is_paused {
            fill(&mut frame, 0, &self.left, legs);
            fill(&mut frame, 1, &self.right, legs);
        }
        frame
    }
}

fn fill(frame: &mut StereoFrame, channel: usize, sources: &[LegKey], legs: &Slab) {
    let mut said = sources.iter().filter_map(|key| legs.get(*key)?.jitter.as_deref());
    let (Some(first), second) = (said.next(), said.next()) else { return };
    let Some(second) = second else {
        for (index, sample) in first.frame().iter().enumerate() {
            frame[2 * index + channel] = *sample;
        }
        return;
    };
    let mut sum = Sum::new();
    sum.add(first.frame());
    sum.add(second.frame());
    for more in said {
        sum.add(more.frame());
    }
    for index in 0..FRAME_SAMPLES {
        frame[2 * index + channel] = sum.sample(index);
    }
}
