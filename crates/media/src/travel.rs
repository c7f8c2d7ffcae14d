//! Moving from one machine to another, at a tick boundary: legs that are tied by rooms, ears or recordings move
//! together, with their plays, their numbers and their counts. Nobody who listens notices.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::leg::Leg;
use crate::machine::Machine;
use crate::recorder::Recording;
use crate::setup::{LegKey, Refused};

/// Legs on their way between two machines, with everything that ties them. Can be sent to another thread.
pub struct Company {
    #[expect(clippy::vec_box, reason = "legs live in boxes at both ends; moving one is moving a pointer")]
    legs: Vec<Box<Leg>>,
    recordings: Vec<Recording>,
}

impl Company {
    /// How many legs travel.
    pub fn len(&self) -> usize {
        self.legs.len()
    }

    /// Whether nobody travels.
    pub fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }

    /// The travellers' names and the keys that they had.
    pub fn legs(&self) -> impl Iterator<Item = (&Arc<str>, LegKey)> {
        self.legs.iter().map(|leg| (&leg.id, leg.key))
    }

    /// The recordings that travel with them.
    pub fn recordings(&self) -> impl Iterator<Item = crate::recorder::RecordingKey> {
        self.recordings.iter().map(|recording| recording.key)
    }
}

impl std::fmt::Debug for Company {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.legs.iter().map(|leg| &leg.id)).finish()
    }
}

impl Machine {
    /// The legs that must live where this one lives: those of its room, those it hears or is heard by, those of the
    /// same recording, and so on.
    pub fn company(&self, leg: LegKey) -> Vec<LegKey> {
        let mut found = vec![leg];
        let mut seen = HashSet::from([leg]);
        let mut next = 0;
        while let Some(key) = found.get(next).copied() {
            next += 1;
            for other in self.tied(key) {
                if seen.insert(other) {
                    found.push(other);
                }
            }
        }
        found.retain(|key| self.legs.get(*key).is_some());
        found
    }

    /// Takes a leg and its company out of this machine. Its keys become stale.
    pub fn move_out(&mut self, leg: LegKey) -> Result<Company, Refused> {
        self.legs.get(leg).ok_or(Refused::NoSuchLeg)?;
        let keys = self.company(leg);
        let (travelling, staying) = std::mem::take(&mut self.recordings)
            .into_iter()
            .partition(|recording| recording.legs().any(|leg| keys.contains(&leg)));
        self.recordings = staying;
        let mut legs = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(room) = self.legs.get(key).and_then(|leg| leg.room.as_ref()) {
                self.rooms.remove(room);
            }
            if let Some(leg) = self.legs.remove(key) {
                self.ordered -= usize::from(leg.jitter.is_some());
                self.names.remove(&leg.id);
                legs.push(leg);
            }
        }
        Ok(Company { legs, recordings: travelling })
    }

    /// Takes travellers in; returns their names and new keys. Ask [`Machine::is_urgent`] and
    /// [`Machine::locked_source`] how to treat their sockets. When there is no room for all, all are handed back.
    pub fn move_in(&mut self, company: Company) -> Result<Vec<(Arc<str>, LegKey)>, Company> {
        if self.legs.len() + company.legs.len() > crate::setup::MAX_LEGS {
            return Err(company);
        }
        let mut renamed = HashMap::new();
        let mut arrived = Vec::with_capacity(company.legs.len());
        for mut leg in company.legs {
            let (old, id) = (leg.key, leg.id.clone());
            self.ordered += usize::from(leg.jitter.is_some());
            let seat = self.legs.insert(|key| {
                leg.key = key;
                leg
            });
            // Cannot fail: there is room for all, as looked at above.
            let Ok(key) = seat else { continue };
            renamed.insert(old, key);
            self.names.insert(id.clone(), key);
            arrived.push((id, key));
        }
        for (_, key) in &arrived {
            self.rename(*key, &renamed);
        }
        for mut recording in company.recordings {
            replace(&mut recording.left, &renamed);
            replace(&mut recording.right, &renamed);
            self.recordings.push(recording);
        }
        Ok(arrived)
    }

    fn tied(&self, key: LegKey) -> Vec<LegKey> {
        let Some(leg) = self.legs.get(key) else { return Vec::new() };
        let mut tied: Vec<LegKey> = leg.hears.iter().chain(&leg.heard_by).copied().collect();
        if let Some(room) = &leg.room {
            tied.extend(self.members(room));
        }
        let recordings = self.recordings.iter().filter(|recording| leg.recorded_by.contains(&recording.key));
        tied.extend(recordings.flat_map(Recording::legs));
        tied
    }

    fn rename(&mut self, key: LegKey, renamed: &HashMap<LegKey, LegKey>) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        for keys in [&mut leg.hears, &mut leg.heard_by, &mut leg.relays] {
            replace(keys, renamed);
        }
        // Its numbers go on from where they are: relayed ones are anchored anew, under the source's new key.
        leg.sender.let_go();
        if let Some(room) = leg.room.clone() {
            self.rooms.entry(room).or_default().push(key);
        }
    }
}

fn replace(keys: &mut [LegKey], renamed: &HashMap<LegKey, LegKey>) {
    for key in keys {
        if let Some(new) = renamed.get(key) {
            *key = *new;
        }
    }
}
