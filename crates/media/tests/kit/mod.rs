//! A house under test: one machine, phones around it, and a clock that only this file moves.
#![allow(dead_code, reason = "each scenario uses its part of the kit")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hotline_media::{
    Clip, Direction, Event, Frame, Law, LegKey, LegSetup, Machine, Outputs, Play, RecordingKey, StereoFrame, TICK_US,
    Target,
};
use hotline_sound::tone::{self, Tone};

/// Tones that nobody's harmonics or laws confuse.
pub const ALISA: f32 = 440.0;
pub const ANNA: f32 = 700.0;
pub const OLGA: f32 = 1_150.0;
pub const MUSIC: f32 = 1_850.0;
pub const ALL: [f32; 4] = [ALISA, ANNA, OLGA, MUSIC];

pub const DIGITS_TYPE: u8 = 101;

/// Everything that a machine gave, in order.
#[derive(Default)]
pub struct Outbox {
    pub packets: Vec<(LegKey, SocketAddr, Vec<u8>)>,
    pub reports: Vec<(LegKey, SocketAddr, Vec<u8>)>,
    pub recorded: BTreeMap<RecordingKey, Vec<StereoFrame>>,
    pub tapped: Vec<i16>,
    pub events: Vec<Event>,
}

impl Outputs for Outbox {
    fn rtp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]) {
        self.packets.push((leg, to, packet.to_vec()));
    }

    fn rtcp(&mut self, leg: LegKey, to: SocketAddr, packet: &[u8]) {
        self.reports.push((leg, to, packet.to_vec()));
    }

    fn recorded(&mut self, recording: RecordingKey, frame: &StereoFrame) {
        self.recorded.entry(recording).or_default().push(*frame);
    }

    fn tapped(&mut self, _leg: LegKey, frame: &Frame) {
        self.tapped.extend(frame);
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// One RTP packet as a phone saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub at_us: u64,
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub octets: usize,
}

/// A phone far away: sends a tone every 20 ms and keeps what it hears.
pub struct Phone {
    pub leg: LegKey,
    pub address: SocketAddr,
    pub law: Law,
    pub tone: Option<Tone>,
    pub seen: Vec<Seen>,
    pub heard: Vec<i16>,
    sequence: u16,
    timestamp: u32,
}

impl Phone {
    /// The packet of the next 20 ms.
    pub fn speak(&mut self) -> Vec<u8> {
        let mut samples = [0; 160];
        if let Some(tone) = &mut self.tone {
            tone.fill(&mut samples);
        }
        let mut payload = [0; 160];
        self.law.encode_into(&samples, &mut payload);
        let packet = packet(self.law.payload_type(), self.sequence, self.timestamp, 0xFACE, &payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        packet
    }

    /// One packet of a key press that began `samples` ago.
    pub fn press(&mut self, event: u8, samples: u16, is_end: bool) -> Vec<u8> {
        let [high, low] = samples.to_be_bytes();
        let payload = [event, u8::from(is_end) << 7 | 10, high, low];
        let packet = packet(DIGITS_TYPE, self.sequence, self.timestamp, 0xFACE, &payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    /// Lets its clock run on, as after a key press.
    pub fn pause(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    pub fn hear(&mut self, at_us: u64, packet: &[u8]) {
        let seen = Seen {
            at_us,
            marker: packet[1] & 0x80 != 0,
            payload_type: packet[1] & 0x7F,
            sequence: u16::from_be_bytes([packet[2], packet[3]]),
            timestamp: u32::from_be_bytes(packet[4..8].try_into().unwrap()),
            ssrc: u32::from_be_bytes(packet[8..12].try_into().unwrap()),
            octets: packet.len() - 12,
        };
        self.seen.push(seen);
        if seen.payload_type == self.law.payload_type() {
            self.heard.extend(packet[12..].iter().map(|octet| self.law.decode(*octet)));
        }
    }

    /// The tone that it heard lately.
    pub fn hears(&self) -> Option<f32> {
        tone::find(&self.heard[self.heard.len().saturating_sub(1_600)..], &ALL)
    }

    /// Whether this tone is among those that it heard lately.
    pub fn hears_also(&self, hertz: f32) -> bool {
        tone::level_at(&self.heard[self.heard.len().saturating_sub(1_600)..], hertz) > -30.0
    }
}

/// A machine with its phones.
pub struct House {
    pub machine: Machine,
    pub out: Outbox,
    pub phones: Vec<Phone>,
    pub now_us: u64,
    opened: u32,
}

impl House {
    pub fn new() -> House {
        House { machine: Machine::new(0), out: Outbox::default(), phones: Vec::new(), now_us: 0, opened: 0 }
    }

    /// Opens a leg with a phone behind it; returns the phone's place.
    pub fn phone(&mut self, name: &str, hertz: f32, law: Law) -> usize {
        self.opened += 1;
        let address = SocketAddr::new("10.0.0.1".parse().unwrap(), 4_000 + 2 * self.opened as u16);
        let setup = LegSetup {
            id: name.into(),
            target: Some(target(address, law)),
            ssrc: 0x1000 + self.opened,
            sequence: u16::MAX - 20,
            timestamp: u32::MAX - 3_000,
        };
        let leg = self.machine.open_leg(setup, self.now_us).unwrap();
        let tone = Some(Tone::new(hertz, -15.0));
        let sequence = 1_000 * self.opened as u16;
        let timestamp = 77_777 * self.opened;
        self.phones.push(Phone { leg, address, law, tone, seen: vec![], heard: vec![], sequence, timestamp });
        self.phones.len() - 1
    }

    pub fn leg(&self, phone: usize) -> LegKey {
        self.phones[phone].leg
    }

    /// `(listener, [speakers])` by the phones' places.
    pub fn connect(&mut self, room: &str, hears: &[(usize, &[usize])], release: &[usize]) {
        let key = |phone: &usize| self.phones[*phone].leg;
        let hears: Vec<_> = hears.iter().map(|(leg, from)| (key(leg), from.iter().map(key).collect())).collect();
        let release: Vec<_> = release.iter().map(key).collect();
        self.machine.connect(room, &hears, &release, &mut self.out).unwrap();
    }

    pub fn play(&mut self, phone: usize, id: &str, clips: Vec<Clip>, repeat: bool) {
        let play = Play { id: id.into(), clips, repeat, gap_ms: 0 };
        self.machine.play(self.phones[phone].leg, play, &mut self.out).unwrap();
    }

    /// Lets all phones speak and hear for so long.
    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            for phone in 0..self.phones.len() {
                let packet = self.phones[phone].speak();
                let (leg, address) = (self.phones[phone].leg, self.phones[phone].address);
                let at_us = self.now_us + 1_000 * (1 + phone as u64);
                self.machine.rtp(leg, address, &packet, at_us, &mut self.out);
                self.deliver(at_us);
            }
            self.now_us += TICK_US;
            self.machine.tick(self.now_us, &mut self.out);
            self.deliver(self.now_us);
        }
    }

    /// Lets time pass while all phones are silent.
    pub fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.now_us += TICK_US;
            self.machine.tick(self.now_us, &mut self.out);
            self.deliver(self.now_us);
        }
    }

    /// A packet from anywhere to a phone's leg.
    pub fn receive(&mut self, phone: usize, from: SocketAddr, packet: &[u8]) {
        self.machine.rtp(self.phones[phone].leg, from, packet, self.now_us, &mut self.out);
        self.deliver(self.now_us);
    }

    pub fn deliver(&mut self, at_us: u64) {
        for (_, to, packet) in self.out.packets.drain(..) {
            if let Some(phone) = self.phones.iter_mut().find(|phone| phone.address == to) {
                phone.hear(at_us, &packet);
            }
        }
    }

    pub fn digits(&self) -> String {
        let digit = |event: &Event| if let Event::Digit { digit, .. } = event { Some(*digit) } else { None };
        self.out.events.iter().filter_map(digit).collect()
    }
}

pub fn target(address: SocketAddr, law: Law) -> Target {
    Target {
        rtp: address,
        rtcp: None,
        expected_ip: address.ip(),
        law,
        payload_type: law.payload_type(),
        digits_type: Some(DIGITS_TYPE),
        direction: Direction::Both,
    }
}

pub fn packet(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

pub fn music(ms: usize) -> Clip {
    Clip::from_samples(&Tone::new(MUSIC, -15.0).samples(ms * 8))
}

/// Asserts that numbers and times of a stream run on without a step.
pub fn assert_seamless(seen: &[Seen]) {
    for pair in seen.windows(2) {
        assert_eq!(pair[0].ssrc, pair[1].ssrc, "one SSRC");
        assert_eq!(1, pair[1].sequence.wrapping_sub(pair[0].sequence), "{pair:?}");
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((160..=480).contains(&step), "time steps by {step}: {pair:?}");
    }
}
