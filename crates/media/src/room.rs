//! Rooms: who hears whom, absolutely and in one step.

use std::sync::Arc;

use crate::machine::Machine;
use crate::outputs::{Outputs, PlayEnd};
use crate::setup::{LegKey, Refused};

impl Machine {
    /// Says who hears whom in a room (ARCHITECTURE.md section 5). The legs of `hears` are its members from now on
    /// and hear exactly those named; members that are not named any more, and those of `release`, are in no room
    /// and hear nobody. A play on a member ends. Refused whole when one of the legs is not here.
    pub fn connect(
        &mut self,
        room: &str,
        hears: &[(LegKey, Vec<LegKey>)],
        release: &[LegKey],
        out: &mut impl Outputs,
    ) -> Result<(), Refused> {
        let named = hears.iter().flat_map(|(leg, sources)| sources.iter().chain([leg])).chain(release);
        if named.clone().any(|leg| self.legs.get(*leg).is_none()) {
            return Err(Refused::NoSuchLeg);
        }
        let before = self.rooms.get(room).cloned().unwrap_or_default();
        let left = before.iter().filter(|leg| !hears.iter().any(|(member, _)| member == *leg));
        for leg in left.chain(release).copied().collect::<Vec<_>>() {
            self.leave_room(leg);
            self.set_hears(leg, Vec::new(), out);
        }
        let room: Arc<str> = room.into();
        for (leg, _) in hears {
            self.enter_room(*leg, &room);
            self.end_play(*leg, None, PlayEnd::Stopped, out);
        }
        for (leg, sources) in hears {
            let mut sources = sources.clone();
            sources.sort_unstable();
            sources.dedup();
            self.set_hears(*leg, sources, out);
        }
        Ok(())
    }

    /// The legs of a room; empty when there is none.
    pub fn members(&self, room: &str) -> &[LegKey] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn leave_room(&mut self, leg: LegKey) {
        let Some(room) = self.legs.get_mut(leg).and_then(|leg| leg.room.take()) else { return };
        let Some(members) = self.rooms.get_mut(&room) else { return };
        members.retain(|member| *member != leg);
        if members.is_empty() {
            self.rooms.remove(&room);
        }
    }

    fn enter_room(&mut self, leg: LegKey, room: &Arc<str>) {
        if self.legs.get(leg).is_some_and(|leg| leg.room.as_ref() == Some(room)) {
            return;
        }
        self.leave_room(leg);
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.room = Some(room.clone());
        }
        self.rooms.entry(room.clone()).or_default().push(leg);
    }
}
