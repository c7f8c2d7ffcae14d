//! Playing shared, pre-encoded sounds.

use std::sync::Arc;

use hotline_sound::{Clip, FRAME_SAMPLES, Law};

use crate::setup::Refused;

/// A list of sounds to be played to one leg.
#[derive(Debug, Clone)]
pub struct Play {
    /// The play's name on the control link.
    pub id: Arc<str>,
    /// One after the other. A play at another volume takes [`Clip::scaled`] copies, made off the media thread.
    pub clips: Vec<Clip>,
    /// From the first again after the last, until stopped.
    pub repeat: bool,
    /// Silence between two sounds (and before a repetition), in milliseconds, rounded up to frames.
    pub gap_ms: u32,
}

/// What a player has for a tick.
pub(crate) enum Next<'a> {
    Frame(&'a [u8]),
    Gap,
    Finished,
}

pub(crate) struct Player {
    pub id: Arc<str>,
    clips: Vec<Clip>,
    repeat: bool,
    gap: u32,
    law: Law,
    current: Arc<[u8]>,
    index: usize,
    at: usize,
    gap_left: u32,
}

impl Player {
    pub fn new(play: Play, law: Law) -> Result<Box<Player>, Refused> {
        let Play { id, mut clips, repeat, gap_ms } = play;
        clips.retain(|clip| clip.frames() > 0);
        let current = clips.first().ok_or(Refused::NothingToPlay)?.octets(law).clone();
        let gap = gap_ms.div_ceil(20);
        Ok(Box::new(Player { id, clips, repeat, gap, law, current, index: 0, at: 0, gap_left: 0 }))
    }

    /// The frame of this tick.
    pub fn next(&mut self) -> Next<'_> {
        if self.gap_left > 0 {
            self.gap_left -= 1;
            return Next::Gap;
        }
        if self.at == self.current.len() {
            if !self.turn() {
                return Next::Finished;
            }
            if self.gap > 0 {
                self.gap_left = self.gap - 1;
                return Next::Gap;
            }
        }
        let start = self.at;
        self.at += FRAME_SAMPLES;
        Next::Frame(&self.current[start..self.at])
    }

    /// Goes on in another law after a new offer and answer.
    pub fn set_law(&mut self, law: Law) {
        self.law = law;
        self.current = self.clips[self.index].octets(law).clone();
    }

    fn turn(&mut self) -> bool {
        self.index += 1;
        if self.index == self.clips.len() {
            if !self.repeat {
                self.index -= 1;
                return false;
            }
            self.index = 0;
        }
        self.current = self.clips[self.index].octets(self.law).clone();
        self.at = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(lengths: &[usize], repeat: bool, gap_ms: u32) -> Result<Box<Player>, Refused> {
        let clips = lengths.iter().map(|frames| Clip::from_samples(&vec![1_000; frames * FRAME_SAMPLES])).collect();
        Player::new(Play { id: "p".into(), clips, repeat, gap_ms }, Law::A)
    }

    fn pattern(player: &mut Player, ticks: usize) -> String {
        let one = |_| match player.next() {
            Next::Frame(_) => 'x',
            Next::Gap => '.',
            Next::Finished => '!',
        };
        (0..ticks).map(one).collect()
    }

    #[test]
    fn sounds_follow_each_other_with_gaps_and_end() {
        assert_eq!("xx..x!!", pattern(&mut play(&[2, 1], false, 40).unwrap(), 7));
    }

    #[test]
    fn a_loop_never_ends() {
        assert_eq!("xxx.xxx.xxx", pattern(&mut play(&[3], true, 1).unwrap(), 11));
    }

    #[test]
    fn a_new_law_goes_on_where_the_old_one_was() {
        let clips = vec![Clip::from_samples(&(0..480).map(|sample| sample * 50).collect::<Vec<_>>())];
        let mut player = Player::new(Play { id: "p".into(), clips, repeat: false, gap_ms: 0 }, Law::A).unwrap();
        player.next();
        player.set_law(Law::Mu);

        let Next::Frame(frame) = player.next() else { panic!("the second frame follows") };
        assert!((Law::Mu.decode(frame[0]) - 8_000).abs() < 300);
    }

    #[test]
    fn sounds_of_no_length_are_left_out_and_a_list_of_them_is_refused() {
        assert_eq!("x!", pattern(&mut play(&[0, 1], false, 0).unwrap(), 2));
        assert_eq!(Some(Refused::NothingToPlay), play(&[0, 0], true, 0).err());
    }
}
