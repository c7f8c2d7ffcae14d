//! What the machine itself costs, without system calls. `cargo run --release --example tick_cost`
#![allow(clippy::disallowed_methods, reason = "a measurement owns a clock")]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

use hotline_media::{
    Clip, Direction, Event, Frame, Law, LegKey, LegSetup, Machine, Outputs, Play, RecordingKey, StereoFrame, TICK_US,
    Target,
};
use hotline_sound::tone::Tone;

const LEGS: usize = 600;
const TICKS: u64 = 2_000;

#[derive(Default)]
struct Sink {
    packets: u64,
    octets: u64,
}

impl Outputs for Sink {
    fn rtp(&mut self, _leg: LegKey, to: SocketAddr, packet: &[u8]) {
        self.packets += 1;
        self.octets += packet.len() as u64;
        black_box((to, packet));
    }

    fn rtcp(&mut self, _leg: LegKey, _to: SocketAddr, packet: &[u8]) {
        black_box(packet);
    }

    fn recorded(&mut self, _recording: RecordingKey, frame: &StereoFrame) {
        black_box(frame);
    }

    fn tapped(&mut self, _leg: LegKey, frame: &Frame) {
        black_box(frame);
    }

    fn event(&mut self, event: Event) {
        black_box(event);
    }
}

fn main() {
    println!("{LEGS} legs, {TICKS} ticks");
    let music = Clip::from_samples(&Tone::new(440.0, -20.0).samples(60 * 8_000));
    measure("music to each, packets from each", |machine, legs, sink| {
        for (leg, _) in legs {
            let play = Play { id: "m".into(), clips: vec![music.clone()], repeat: true, gap_ms: 0 };
            machine.play(*leg, play, sink).expect("the leg is open");
        }
    });
    measure("silence to each, packets from each", |_, _, _| {});
    measure("bridges of two", bridge);
    measure("bridges of two, each recorded", |machine, legs, sink| {
        bridge(machine, legs, sink);
        for (number, pair) in legs.chunks_exact(2).enumerate() {
            let [left, right] = [pair[0].0, pair[1].0];
            machine.record(RecordingKey(number as u64), &[left], &[right]).expect("the legs are open");
        }
    });
    measure("rooms of three, all hear all", |machine, legs, sink| {
        for (number, trio) in legs.chunks_exact(3).enumerate() {
            let [a, b, c] = [trio[0].0, trio[1].0, trio[2].0];
            let hears = [(a, vec![b, c]), (b, vec![a, c]), (c, vec![a, b])];
            machine.connect(&number.to_string(), &hears, &[], sink).expect("the legs are open");
        }
    });
}

fn bridge(machine: &mut Machine, legs: &[(LegKey, SocketAddr)], sink: &mut Sink) {
    for (number, pair) in legs.chunks_exact(2).enumerate() {
        let [a, b] = [pair[0].0, pair[1].0];
        machine.connect(&number.to_string(), &[(a, vec![b]), (b, vec![a])], &[], sink).expect("the legs are open");
    }
}

fn measure(name: &str, arrange: impl FnOnce(&mut Machine, &[(LegKey, SocketAddr)], &mut Sink)) {
    let mut machine = Machine::new(0);
    let legs: Vec<_> = (0..LEGS).map(|number| open(&mut machine, number)).collect();
    let mut sink = Sink::default();
    arrange(&mut machine, &legs, &mut sink);
    let mut packet = [0xD5u8; 172];
    packet[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    let (mut in_packets, mut in_ticks) = (0.0, 0.0);
    for tick in 1..=TICKS {
        packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(tick as u32 * 160).to_be_bytes());
        let start = Instant::now();
        for (leg, address) in &legs {
            machine.rtp(*leg, *address, &packet, tick * TICK_US - 5_000, &mut sink);
        }
        let between = Instant::now();
        machine.tick(tick * TICK_US, &mut sink);
        in_packets += (between - start).as_secs_f64();
        in_ticks += between.elapsed().as_secs_f64();
    }
    let per = 1e9 / (LEGS as f64 * TICKS as f64);
    println!(
        "{name}: {:.0} ns per packet received, {:.0} ns per leg and tick, {} packets out",
        in_packets * per,
        in_ticks * per,
        sink.packets
    );
}

fn open(machine: &mut Machine, number: usize) -> (LegKey, SocketAddr) {
    let address = SocketAddr::new("10.0.0.1".parse().expect("an address"), 1_024 + 2 * number as u16);
    let target = Target {
        rtp: address,
        rtcp: None,
        expected_ip: address.ip(),
        law: Law::A,
        payload_type: 8,
        digits_type: Some(101),
        direction: Direction::Both,
    };
    let id = format!("leg-{number}").into();
    let setup = LegSetup { id, target: Some(target), ssrc: number as u32, sequence: 0, timestamp: 0 };
    (machine.open_leg(setup, 0).expect("there is room"), address)
}
