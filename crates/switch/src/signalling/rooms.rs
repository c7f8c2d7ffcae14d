//! Who hears whom: the rooms as the engine was told, and what is left of one when a leg ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hotline_control::frames::{EndCause, Event, LegId, OnPeerEnd};

use super::Switch;
use super::commands::Refusal;
use super::legs::{End, Index};
use crate::media::message::{MediaLeg, ToMedia};

/// Each member with those that it hears.
pub(super) type Hears = BTreeMap<LegId, Vec<LegId>>;

/// All rooms by name.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<Arc<str>, Room>);

#[derive(Debug)]
struct Room {
    hears: Hears,
    on_peer_end: OnPeerEnd,
}

impl Rooms {
    /// Nobody is there to talk to.
    pub fn is_alone(&self, room: &str) -> bool {
        self.0.get(room).is_none_or(|room| room.hears.len() < 2)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn members(&self, room: &str) -> impl Iterator<Item = &LegId> {
        self.0.get(room).into_iter().flat_map(|room| room.hears.keys())
    }
}

impl Switch {
    /// Carries out a Connect whole, or refuses it whole.
    pub(super) fn connect(
        &mut self,
        room: &str,
        hears: Hears,
        release: &[LegId],
        on_peer_end: OnPeerEnd,
    ) -> Result<(), Refusal> {
        for leg in hears.keys() {
            self.leg_with_sound(leg)?;
        }
        if let Some(stranger) = hears.values().flatten().find(|leg| !hears.contains_key(*leg)) {
            return Err(Refusal::leg(stranger, "it is to be heard, but is no member of the room"));
        }
        // Those that are gone are released already.
        let mut released: BTreeSet<LegId> =
            release.iter().filter(|leg| self.legs.find(leg).is_some()).cloned().collect();
        released.extend(self.rooms.members(room).filter(|leg| !hears.contains_key(*leg)).cloned());
        let room: Arc<str> = room.into();
        for leg in hears.keys().chain(&released) {
            self.stop_coming(leg);
            self.move_room(leg, hears.contains_key(leg).then_some(&room));
        }
        self.connect_media(&room, &hears, &released);
        if hears.is_empty() {
            self.rooms.0.remove(&room);
        } else {
            self.rooms.0.insert(Arc::clone(&room), Room { hears: hears.clone(), on_peer_end });
        }
        self.tell(Event::RoomChanged { room: room.to_string(), hears });
        Ok(())
    }

    fn connect_media(&mut self, room: &Arc<str>, hears: &Hears, released: &BTreeSet<LegId>) {
        let name = |leg: &LegId| MediaLeg::from(leg.as_str());
        let members: Vec<MediaLeg> = hears.keys().map(name).collect();
        // A room that only lets go is where its released legs are.
        let thread = self.gather(&members).or_else(|| released.iter().find_map(|leg| self.media.home(leg)));
        let Some(thread) = thread else { return };
        let here: Vec<MediaLeg> =
            released.iter().filter(|leg| self.media.home(leg) == Some(thread)).map(name).collect();
        let elsewhere: Vec<MediaLeg> =
            released.iter().filter(|leg| self.media.home(leg) != Some(thread)).map(name).collect();
        let hears = hears.iter().map(|(leg, sources)| (name(leg), sources.iter().map(name).collect())).collect();
        self.media.send_to(thread, ToMedia::Connect { room: Arc::clone(room), hears, release: here });
        for leg in elsewhere {
            // A room of no members under the leg's own name lets it go wherever it is.
            let release =
                ToMedia::Connect { room: Arc::clone(&leg), hears: Vec::new(), release: vec![Arc::clone(&leg)] };
            self.media.send(&leg, release);
        }
    }

    /// Brings legs and all that they are tied to onto one media thread.
    pub(super) fn gather(&mut self, legs: &[MediaLeg]) -> Option<usize> {
        let first = self.media.home(legs.first()?)?;
        if legs.iter().all(|leg| self.media.home(leg) == Some(first)) {
            return Some(first);
        }
        let mut company: BTreeSet<MediaLeg> = BTreeSet::new();
        let mut unseen: Vec<MediaLeg> = legs.to_vec();
        while let Some(leg) = unseen.pop() {
            if !company.insert(Arc::clone(&leg)) {
                continue;
            }
            let room = self.legs.find(&leg).and_then(|index| self.legs.get(index)?.room.clone());
            unseen.extend(room.iter().flat_map(|room| self.rooms.members(room)).map(|leg| leg.as_str().into()));
            unseen.extend(self.recordings.companions(&leg));
        }
        let company: Vec<MediaLeg> = company.into_iter().collect();
        Some(self.media.bring_together(&company))
    }

    /// The leg is in that room now (or in none); the one that it leaves is told.
    fn move_room(&mut self, id: &str, room: Option<&Arc<str>>) {
        let Some(leg) = self.legs.find(id).and_then(|index| self.legs.get_mut(index)) else { return };
        let before = std::mem::replace(&mut leg.room, room.cloned());
        if let Some(before) = before.filter(|before| Some(before) != room) {
            self.strike(&before, id);
        }
    }

    /// Takes a leg out of a room's plan; those who now hear nobody, and heard it, are returned.
    fn strike(&mut self, room: &Arc<str>, id: &str) -> Vec<LegId> {
        let Some(plan) = self.rooms.0.get_mut(room) else { return Vec::new() };
        if plan.hears.remove(id).is_none() {
            return Vec::new();
        }
        let mut lonely = Vec::new();
        for (leg, sources) in &mut plan.hears {
            let heard = sources.len();
            sources.retain(|source| source != id);
            if sources.is_empty() && heard > 0 {
                lonely.push(leg.clone());
            }
        }
        let hears = plan.hears.clone();
        if hears.is_empty() {
            self.rooms.0.remove(room);
        }
        self.tell(Event::RoomChanged { room: room.to_string(), hears });
        lonely
    }

    /// A leg has ended: who is left hearing nobody is hung up or stays, as its Connect said.
    pub(super) fn leave_room(&mut self, id: &str, index: Index) {
        let Some(room) = self.legs.get_mut(index).and_then(|leg| leg.room.take()) else { return };
        let on_peer_end = self.rooms.0.get(&room).map(|room| room.on_peer_end);
        for lonely in self.strike(&room, id) {
            if on_peer_end == Some(OnPeerEnd::Release)
                && let Some(index) = self.legs.find(&lonely)
            {
                self.end(index, End { cause: EndCause::Us, code: 200, q850: 16 });
            }
        }
    }
}
