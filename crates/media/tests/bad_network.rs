//! Two houses with a bad network between them: sound, keys and reports get through.

mod kit;

use std::net::SocketAddr;

use hotline_media::{Law, LegKey, LegSetup, Machine, TICK_US};
use hotline_netem::{Conditions, Netem};
use hotline_sound::tone::{self, Tone};
use kit::{ANNA, Outbox, music, target};

/// A trunk between two machines: a leg on each side, packets through a network that errs.
struct Trunk {
    sides: [Side; 2],
    /// From side 0 to 1, and back. True: RTCP.
    wires: [Netem<(bool, Vec<u8>)>; 2],
    now_us: u64,
}

struct Side {
    machine: Machine,
    out: Outbox,
    leg: LegKey,
    address: SocketAddr,
}

impl Trunk {
    fn new(conditions: Conditions) -> Trunk {
        let addresses: [SocketAddr; 2] = ["10.0.0.1:4000".parse().unwrap(), "10.0.0.2:4000".parse().unwrap()];
        let side = |mine: usize| {
            let mut machine = Machine::new(0);
            let setup = LegSetup {
                id: "trunk".into(),
                target: Some(target(addresses[1 - mine], Law::A)),
                ssrc: mine as u32 + 1,
                sequence: 65_000,
                timestamp: 4_294_960_000,
            };
            let leg = machine.open_leg(setup, 0).unwrap();
            Side { machine, out: Outbox::default(), leg, address: addresses[mine] }
        };
        let wires = [Netem::new(conditions, 1), Netem::new(conditions, 2)];
        Trunk { sides: [side(0), side(1)], wires, now_us: 0 }
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now_us += 1_000;
            for side in 0..2 {
                let from = self.sides[side].address;
                while let Some((at_us, (is_rtcp, packet))) = self.wires[side].receive(self.now_us) {
                    let there = &mut self.sides[1 - side];
                    match is_rtcp {
                        true => there.machine.rtcp(there.leg, SocketAddr::new(from.ip(), 4_001), &packet, at_us),
                        false => there.machine.rtp(there.leg, from, &packet, at_us, &mut there.out),
                    }
                }
                let here = &mut self.sides[side];
                if self.now_us.is_multiple_of(TICK_US) {
                    here.machine.tick(self.now_us, &mut here.out);
                }
                for (_, to, packet) in here.out.packets.drain(..) {
                    assert_eq!("10.0.0", &to.to_string()[..6]);
                    self.wires[side].send(self.now_us, (false, packet));
                }
                for (_, to, packet) in here.out.reports.drain(..) {
                    assert_eq!(4_001, to.port());
                    self.wires[side].send(self.now_us, (true, packet));
                }
            }
        }
    }
}

fn bad() -> Conditions {
    Conditions { loss: 0.05, delay_us: 30_000, jitter_us: 40_000, duplicate: 0.02, reorder: 0.02, reorder_us: 30_000 }
}

#[test]
fn every_key_arrives_once_through_loss_jitter_and_reordering() {
    let mut trunk = Trunk::new(bad());
    for _ in 0..10 {
        let [here, _] = &mut trunk.sides;
        here.machine.send_digits(here.leg, "0123456789*#", &mut here.out).unwrap();
        trunk.run(3_000);
    }

    let digit = |event: &hotline_media::Event| match event {
        hotline_media::Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    };
    let heard: String = trunk.sides[1].out.events.iter().filter_map(digit).collect();
    assert_eq!("0123456789*#".repeat(10), heard);
    assert!(trunk.wires[0].lost() > 50, "the network was bad");
}

#[test]
fn speech_is_heard_in_order_through_jitter() {
    let mut trunk = Trunk::new(Conditions { loss: 0.0, duplicate: 0.0, ..bad() });
    let [here, there] = &mut trunk.sides;
    here.machine.open_feed(here.leg, &mut here.out).unwrap();
    there.machine.tap(there.leg, true).unwrap();
    let mut voice = Tone::new(ANNA, -15.0);
    for _ in 0..500 {
        let here = &mut trunk.sides[0];
        here.machine.feed(here.leg, &voice.samples(160)).unwrap();
        trunk.run(20);
    }

    let tapped = &trunk.sides[1].out.tapped;
    assert_eq!(80_000, tapped.len());
    let clean = tapped[8_000..].chunks_exact(800).filter(|part| tone::is_heard(part, ANNA)).count();
    assert!(clean >= 85, "{clean} of 90 tenths of a second are clean");
}

#[test]
fn reports_tell_round_trip_loss_and_jitter() {
    let mut trunk = Trunk::new(Conditions { loss: 0.05, ..Conditions::default() });
    trunk.wires[0].set(Conditions { delay_us: 30_000, loss: 0.05, ..Conditions::default() });
    trunk.wires[1].set(Conditions { delay_us: 50_000, jitter_us: 20_000, ..Conditions::default() });
    let [here, _] = &mut trunk.sides;
    let play = hotline_media::Play { id: "m".into(), clips: vec![music(1_000)], repeat: true, gap_ms: 0 };
    here.machine.play(here.leg, play, &mut here.out).unwrap();
    trunk.run(60_000);

    let [here, there] = &trunk.sides;
    let (sent, heard) = (here.machine.quality(here.leg).unwrap(), there.machine.quality(there.leg).unwrap());
    assert!((79_000..101_000).contains(&sent.rtt_us), "{sent:?}");
    assert!((79_000..101_000).contains(&heard.rtt_us), "{heard:?}");
    assert!((100..200).contains(&heard.lost), "{heard:?}");
    assert!(sent.lost_by_peer.abs_diff(heard.lost as u32) < 20, "{sent:?} {heard:?}");
    assert_eq!((0, 0), (sent.lost, heard.jitter_us));
    assert!((2_000..15_000).contains(&sent.jitter_us), "{sent:?}");
    assert!((40_000..140_000).contains(&heard.max_gap_us), "{heard:?}");
    assert!((2_999..=3_000).contains(&sent.packets_out), "{sent:?}");
}
