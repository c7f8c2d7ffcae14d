//! Whatever commands and packets come in whatever order: the links between legs stay true, streams stay seamless.

use std::collections::HashMap;
use std::net::SocketAddr;

use hotline_sound::{Clip, Frame, Law, StereoFrame};
use proptest::prelude::*;

use crate::leg::{Leg, Linked};
use crate::machine::Machine;
use crate::outputs::{Event, Outputs};
use crate::player::Play;
use crate::recorder::RecordingKey;
use crate::setup::{Direction, LegKey, LegSetup, Target};
use crate::{TICK_US, rtp};

const NAMES: u8 = 6;

#[derive(Debug, Clone)]
enum Act {
    Open(u8),
    Close(u8),
    Connect(u8, Vec<(u8, Vec<u8>)>, Vec<u8>),
    Play(u8, bool),
    Stop(u8),
    Feed(u8, bool),
    Record(u8, Vec<u8>, Vec<u8>),
    StopRecording(u8),
    Tap(u8, bool),
    Digits(u8),
    Retarget(u8, bool),
    Speak(u8, u16),
    Move(u8),
    Wait(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = || 0..NAMES;
    let names = |most| prop::collection::vec(0..NAMES, 0..most);
    let hears = prop::collection::vec((name(), names(4)), 0..4);
    let act = prop_oneof![
        4 => name().prop_map(Act::Open),
        2 => name().prop_map(Act::Close),
        6 => (0u8..2, hears, names(3)).prop_map(|(room, hears, release)| Act::Connect(room, hears, release)),
        3 => (name(), any::<bool>()).prop_map(|(leg, repeat)| Act::Play(leg, repeat)),
        1 => name().prop_map(Act::Stop),
        2 => (name(), any::<bool>()).prop_map(|(leg, open)| Act::Feed(leg, open)),
        3 => (0u8..2, names(3), names(3)).prop_map(|(key, left, right)| Act::Record(key, left, right)),
        1 => (0u8..2).prop_map(Act::StopRecording),
        2 => (name(), any::<bool>()).prop_map(|(leg, on)| Act::Tap(leg, on)),
        2 => name().prop_map(Act::Digits),
        2 => (name(), any::<bool>()).prop_map(|(leg, hold)| Act::Retarget(leg, hold)),
        8 => (name(), 0u16..4).prop_map(|(leg, step)| Act::Speak(leg, step)),
        3 => name().prop_map(Act::Move),
        6 => (1u8..30).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..120)
}

/// Two machines, so that legs can move, and what they sent.
struct World {
    machines: [Machine; 2],
    out: Streams,
    now_us: u64,
    numbers: HashMap<u8, u16>,
}

/// The last packet of each stream, by SSRC.
#[derive(Default)]
struct Streams {
    last: HashMap<u32, (u16, u32)>,
    plays: i32,
}

impl Outputs for Streams {
    fn rtp(&mut self, _leg: LegKey, _to: SocketAddr, packet: &[u8]) {
        let read = rtp::parse(packet).expect("we send what can be read");
        let now = (read.sequence, read.timestamp);
        if let Some(before) = self.last.insert(read.ssrc, now) {
            let (step, time) = (now.0.wrapping_sub(before.0), now.1.wrapping_sub(before.1) as i32);
            assert!((1..=4).contains(&step), "numbers step by {step}: {before:?} {now:?}");
            assert!(time >= 0, "time went back: {before:?} {now:?}");
        }
    }

    fn rtcp(&mut self, _leg: LegKey, _to: SocketAddr, _packet: &[u8]) {}

    fn recorded(&mut self, _recording: RecordingKey, _frame: &StereoFrame) {}

    fn tapped(&mut self, _leg: LegKey, _frame: &Frame) {}

    fn event(&mut self, event: Event) {
        self.plays -= i32::from(matches!(event, Event::PlaybackEnded { .. }));
    }
}

impl World {
    fn home(&self, name: u8) -> Option<(usize, LegKey)> {
        let id = name.to_string();
        (0..2).find_map(|machine| Some((machine, self.machines[machine].leg(&id)?)))
    }

    /// The legs of those names that live in a machine.
    fn keys(&self, machine: usize, names: &[u8]) -> Vec<LegKey> {
        names.iter().filter_map(|name| self.home(*name)).filter(|home| home.0 == machine).map(|home| home.1).collect()
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Open(name) if self.home(*name).is_none() => self.open(*name),
            Act::Connect(room, hears, release) => self.connect(*room, hears, release),
            Act::Record(key, left, right) => self.record(*key, left, right),
            Act::StopRecording(key) => {
                let _ = self.machines[0].stop_recording(RecordingKey(u64::from(*key)));
            }
            Act::Wait(ticks) => {
                self.now_us += u64::from(*ticks) * TICK_US;
                for machine in &mut self.machines {
                    machine.tick(self.now_us, &mut self.out);
                }
            }
            Act::Move(name) => self.travel(*name),
            Act::Close(name)
            | Act::Play(name, _)
            | Act::Stop(name)
            | Act::Feed(name, _)
            | Act::Tap(name, _)
            | Act::Digits(name)
            | Act::Retarget(name, _)
            | Act::Speak(name, _) => self.act_on(*name, act),
            Act::Open(_) => {}
        }
    }

    fn act_on(&mut self, name: u8, act: &Act) {
        let Some((machine, leg)) = self.home(name) else { return };
        let (machine, out) = (&mut self.machines[machine], &mut self.out);
        match *act {
            Act::Close(_) => drop(machine.close_leg(leg, out).expect("it is open")),
            Act::Play(_, repeat) => {
                let clips = vec![Clip::from_samples(&[500; 900])];
                machine.play(leg, Play { id: "p".into(), clips, repeat, gap_ms: 20 }, out).expect("it is open");
                out.plays += 1;
            }
            Act::Stop(_) => machine.stop(leg, "p", out).expect("it is open"),
            Act::Feed(_, true) => {
                machine.open_feed(leg, out).expect("it is open");
                machine.feed(leg, &[700; 1_000]).expect("it is open");
            }
            Act::Feed(_, false) => machine.close_feed(leg, out).expect("it is open"),
            Act::Tap(_, on) => machine.tap(leg, on).expect("it is open"),
            Act::Digits(_) => drop(machine.send_digits(leg, "1#", out)),
            Act::Retarget(_, hold) => machine.retarget(leg, target(name, hold)).expect("it is open"),
            Act::Speak(_, step) => {
                let number = self.numbers.entry(name).or_default();
                *number = number.wrapping_add(1 + step % 3);
                let mut packet = [0xD5; 172];
                rtp::write_header(&mut packet, 8, *number, u32::from(*number) * 160, u32::from(name) + 100);
                machine.rtp(leg, target(name, false).rtp, &packet, self.now_us, out);
            }
            _ => {}
        }
    }

    fn open(&mut self, name: u8) {
        let setup = LegSetup {
            id: name.to_string().into(),
            target: Some(target(name, false)),
            ssrc: self.out.last.len() as u32 * 100 + u32::from(name),
            sequence: 65_500,
            timestamp: 4_294_960_000,
        };
        self.machines[usize::from(name % 2)].open_leg(setup, self.now_us).expect("there is room");
    }

    fn connect(&mut self, room: u8, hears: &[(u8, Vec<u8>)], release: &[u8]) {
        let Some((machine, _)) = hears.first().and_then(|(name, _)| self.home(*name)) else { return };
        let mut named = Vec::new();
        for (name, sources) in hears {
            let leg = self.keys(machine, &[*name]);
            named.extend(leg.into_iter().map(|leg| (leg, self.keys(machine, sources))));
        }
        let release = self.keys(machine, release);
        // Rooms of two machines have different names, as the switch sees to it.
        let room = format!("{room} of {machine} at {}", self.now_us / 1_000_000);
        self.machines[machine].connect(&room, &named, &release, &mut self.out).expect("all are here");
    }

    fn record(&mut self, key: u8, left: &[u8], right: &[u8]) {
        let (left, right) = (self.keys(0, left), self.keys(0, right));
        let other = &mut self.machines[1];
        let _ = other.stop_recording(RecordingKey(u64::from(key)));
        self.machines[0].record(RecordingKey(u64::from(key)), &left, &right).expect("all are here");
    }

    fn travel(&mut self, name: u8) {
        let Some((machine, leg)) = self.home(name) else { return };
        let company = self.machines[machine].move_out(leg).expect("it is here");
        self.machines[1 - machine].move_in(company).expect("there is room");
    }
}

fn target(name: u8, hold: bool) -> Target {
    let rtp = SocketAddr::new("10.0.0.1".parse().expect("an address"), 4_000 + 2 * u16::from(name));
    Target {
        rtp,
        rtcp: None,
        expected_ip: rtp.ip(),
        law: if name.is_multiple_of(3) { Law::Mu } else { Law::A },
        payload_type: if name.is_multiple_of(3) { 0 } else { 8 },
        digits_type: Some(101),
        direction: if hold { Direction::Receive } else { Direction::Both },
    }
}

/// Every link has its counterpart, and every count counts what is there.
fn assert_true(machine: &mut Machine) {
    let keys: Vec<LegKey> =
        (0..machine.legs.places()).filter_map(|slot| machine.legs.at_mut(slot).map(|leg| leg.key)).collect();
    let legs = || keys.iter().map(|key| machine.legs.get(*key).expect("it is there"));
    for leg in legs() {
        let linked = match leg.hears.len() {
            _ if leg.is_covered() => Linked::Nothing,
            0 => Linked::Nothing,
            1 => Linked::Relay,
            _ => Linked::Mix,
        };
        assert_eq!(linked, leg.linked);
        let hearing = |how: Linked| {
            let by = legs().filter(|other| other.linked == how && other.hears.contains(&leg.key));
            sorted(by.map(|other| other.key))
        };
        assert_eq!(hearing(Linked::Relay), sorted(leg.relays.iter().copied()));
        let heard_by = legs().filter(|other| other.hears.contains(&leg.key)).map(|other| other.key);
        assert_eq!(sorted(heard_by), sorted(leg.heard_by.iter().copied()));
        assert_eq!(takers(machine, leg, hearing(Linked::Mix).len()), leg.takers as usize);
        assert_eq!(leg.takers > 0, leg.jitter.is_some());
        assert_eq!(Some(leg.key), machine.leg(&leg.id));
        match &leg.room {
            Some(room) => assert!(machine.members(room).contains(&leg.key)),
            None => assert!(machine.rooms.values().all(|members| !members.contains(&leg.key))),
        }
    }
    assert_eq!(machine.ordered, legs().filter(|leg| leg.jitter.is_some()).count());
    assert_eq!(machine.legs.len(), keys.len());
    assert!(machine.rooms.values().flatten().all(|key| machine.legs.get(*key).is_some()));
    assert!(machine.recordings.iter().flat_map(|recording| recording.legs()).all(|key| keys.contains(&key)));
}

fn takers(machine: &Machine, leg: &Leg, mixes: usize) -> usize {
    let recordings = machine.recordings.iter().flat_map(|recording| recording.legs());
    mixes + usize::from(leg.is_tapped) + recordings.filter(|key| *key == leg.key).count()
}

fn sorted(keys: impl Iterator<Item = LegKey>) -> Vec<LegKey> {
    let mut keys: Vec<LegKey> = keys.collect();
    keys.sort_unstable();
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn links_stay_true_and_streams_stay_seamless(acts in acts()) {
        let machines = [Machine::new(0), Machine::new(0)];
        let mut world = World { machines, out: Streams::default(), now_us: 0, numbers: HashMap::new() };
        for act in &acts {
            world.act(act);
            for machine in &mut world.machines {
                assert_true(machine);
            }
        }
        let playing = |machine: &mut Machine| {
            (0..machine.legs.places()).filter(|slot| machine.legs.at_mut(*slot).is_some_and(|leg| leg.player.is_some())).count()
        };
        let running: usize = world.machines.iter_mut().map(playing).sum();
        prop_assert_eq!(running as i32, world.out.plays, "each play ends exactly once");
    }
}
