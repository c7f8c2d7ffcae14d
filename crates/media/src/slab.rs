//! All legs of a machine.

use crate::leg::Leg;
use crate::setup::{LegKey, MAX_LEGS, Refused};

/// All legs of a machine, by key.
#[derive(Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<usize>,
    count: usize,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    leg: Option<Box<Leg>>,
}

impl Slab {
    /// Takes a place; `make` is told its key.
    pub fn insert(&mut self, make: impl FnOnce(LegKey) -> Box<Leg>) -> Result<LegKey, Refused> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() == MAX_LEGS => return Err(Refused::Full),
            None => {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            }
        };
        let key = LegKey::new(slot, self.slots[slot].generation);
        self.slots[slot].leg = Some(make(key));
        self.count += 1;
        Ok(key)
    }

    pub fn remove(&mut self, key: LegKey) -> Option<Box<Leg>> {
        self.get(key)?;
        let slot = &mut self.slots[key.slot()];
        slot.generation = (slot.generation + 1) & GENERATIONS;
        self.free.push(key.slot());
        self.count -= 1;
        slot.leg.take()
    }

    pub fn get(&self, key: LegKey) -> Option<&Leg> {
        self.slots.get(key.slot())?.leg.as_deref().filter(|leg| leg.key == key)
    }

    pub fn get_mut(&mut self, key: LegKey) -> Option<&mut Leg> {
        self.slots.get_mut(key.slot())?.leg.as_deref_mut().filter(|leg| leg.key == key)
    }

    /// The leg at a place, whatever its key.
    pub fn at_mut(&mut self, slot: usize) -> Option<&mut Leg> {
        self.slots.get_mut(slot)?.leg.as_deref_mut()
    }

    /// One past the highest place.
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    pub fn len(&self) -> usize {
        self.count
    }
}

const GENERATIONS: u32 = (1 << 12) - 1;
