//! One call's RTP: a socket, a clock of 20 ms from outside, an ear and a voice.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use hotline_sip::sdp::{Direction, Encoding, Session};
use hotline_sound::{FRAME_SAMPLES, Law};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use crate::ear::Ear;
use crate::record::Recording;
use crate::voice::{Keys, PAUSE, Voice, frequencies, key};

/// The sound of one call.
pub struct Media {
    pub socket: Rc<UdpSocket>,
    pub ear: Ear,
    pub voice: Voice,
    pub keys: Keys,
    pub is_muted: bool,
    pub recording: Option<Recording>,
    /// Where to send, and how; `None` until an SDP of the peer is known.
    pub peer: Option<Peer>,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    last_event: Option<u32>,
    is_first: bool,
}

/// What the two sides agreed on.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub law: Law,
    pub payload: u8,
    pub digits: Option<u8>,
    pub sends: bool,
}

impl Peer {
    /// From the peer's description. `None`: no codec of ours in it.
    pub fn of(session: &Session) -> Option<Self> {
        let (codec, law) = session.codecs.iter().find_map(|codec| match codec.encoding {
            Encoding::Alaw => Some((codec, Law::A)),
            Encoding::Ulaw => Some((codec, Law::Mu)),
            Encoding::Other(_) => None,
        })?;
        let wants_sound = matches!(session.effective_direction(), Direction::SendRecv | Direction::RecvOnly);
        Some(Self {
            address: SocketAddr::new(session.address, session.port),
            law,
            payload: codec.payload,
            digits: session.digits,
            sends: wants_sound && session.port != 0 && !session.address.is_unspecified(),
        })
    }

    pub fn codec(&self) -> &'static str {
        match self.law {
            Law::A => "alaw",
            Law::Mu => "ulaw",
        }
    }
}

impl Media {
    /// Takes a port on this address.
    ///
    /// # Errors
    /// No socket to be had.
    pub async fn open(address: IpAddr, seed: u32) -> io::Result<Self> {
        let socket = Rc::new(UdpSocket::bind((address, 0)).await?);
        Ok(Self {
            socket,
            ear: Ear::new(),
            voice: Voice::Silence,
            keys: Keys::default(),
            is_muted: false,
            recording: None,
            peer: None,
            sequence: seed as u16,
            timestamp: seed.wrapping_mul(160),
            ssrc: seed.wrapping_mul(2_654_435_761),
            last_event: None,
            is_first: true,
        })
    }

    /// The 20 ms tick: says the next frame.
    pub fn tick(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.tick();
        }
        let Some(peer) = self.peer.clone().filter(|peer| peer.sends && !self.is_muted) else { return };
        if !self.press(&peer) {
            let frame = self.voice.frame();
            self.say(&peer, &frame);
        }
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
    }

    /// A datagram came in; gives the key that was pressed on the other side.
    pub fn take(&mut self, data: &[u8], at: Instant) -> Option<char> {
        let packet = parse(data)?;
        let peer = self.peer.as_ref();
        if peer.is_some_and(|peer| peer.digits == Some(packet.payload_type)) && packet.payload.len() >= 4 {
            self.ear.hear(packet.sequence, Vec::new(), at);
            if self.last_event == Some(packet.timestamp) {
                return None;
            }
            self.last_event = Some(packet.timestamp);
            return key(packet.payload[0]);
        }
        let law = Law::of_payload_type(packet.payload_type)?;
        let samples: Vec<i16> = packet.payload.iter().map(|octet| law.decode(*octet)).collect();
        if let Some(recording) = &mut self.recording {
            recording.hear(&samples);
        }
        self.ear.hear(packet.sequence, samples, at);
        None
    }

    fn say(&mut self, peer: &Peer, frame: &[i16; FRAME_SAMPLES]) {
        let mut octets = [0; FRAME_SAMPLES];
        peer.law.encode_into(frame, &mut octets);
        let is_first = std::mem::take(&mut self.is_first);
        self.send(peer, peer.payload, is_first, self.timestamp, &octets);
    }

    /// One step of the key that is pressed. False: none is, or it is in its quiet.
    fn press(&mut self, peer: &Peer) -> bool {
        let Some(mut press) = self.keys.0.pop_front() else { return false };
        if press.step >= press.steps {
            press.step += 1;
            if press.step < press.steps + press.gap {
                self.keys.0.push_front(press);
            }
            return false;
        }
        debug_assert_ne!(press.code, PAUSE, "a pause has no steps");
        if press.step == 0 {
            press.timestamp = self.timestamp;
        }
        press.step += 1;
        let is_end = press.step == press.steps;
        match peer.digits.filter(|_| !press.is_inband) {
            Some(payload) => {
                let duration = (press.step * FRAME_SAMPLES as u32).min(0xFFFF) as u16;
                let [high, low] = duration.to_be_bytes();
                let body = [press.code, if is_end { 0x80 | 10 } else { 10 }, high, low];
                // The end is said three times (RFC 4733, 2.5.1.4).
                for _ in 0..if is_end { 3 } else { 1 } {
                    self.send(peer, payload, press.step == 1, press.timestamp, &body);
                }
            }
            None => {
                let mut frame = [0_i16; FRAME_SAMPLES];
                for hertz in frequencies(press.code) {
                    for (at, sample) in frame.iter_mut().enumerate() {
                        let time = ((press.step - 1) * FRAME_SAMPLES as u32 + at as u32) as f32 / 8000.0;
                        *sample += (5000.0 * (2.0 * std::f32::consts::PI * hertz * time).sin()) as i16;
                    }
                }
                self.say(peer, &frame);
            }
        }
        self.keys.0.push_front(press);
        true
    }

    fn send(&mut self, peer: &Peer, payload_type: u8, is_marked: bool, timestamp: u32, payload: &[u8]) {
        let mut packet = Vec::with_capacity(12 + payload.len());
        packet.extend_from_slice(&[0x80, payload_type | if is_marked { 0x80 } else { 0 }]);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        // A full kernel buffer loses this packet, as a real network would.
        let _ = self.socket.try_send_to(&packet, peer.address);
    }
}

struct Packet<'a> {
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    payload: &'a [u8],
}

/// RFC 3550, 5.1: version 2, CSRCs and extension passed over, padding taken off.
fn parse(data: &[u8]) -> Option<Packet<'_>> {
    let first = *data.first()?;
    if data.len() < 12 || first >> 6 != 2 {
        return None;
    }
    let mut at = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let words = u16::from_be_bytes([*data.get(at + 2)?, *data.get(at + 3)?]);
        at += 4 + 4 * usize::from(words);
    }
    let padding = if first & 0x20 != 0 { usize::from(*data.last()?) } else { 0 };
    let payload = data.get(at..data.len().checked_sub(padding)?)?;
    Some(Packet {
        payload_type: data[1] & 0x7F,
        sequence: u16::from_be_bytes([data[2], data[3]]),
        timestamp: u32::from_be_bytes([data[4], data[5], data[6], data[7]]),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_packets_are_no_packets() {
        for data in [&[][..], &[0x80; 11], &[0x40; 20], &[0x8F; 20], &[0x90; 13], &[0xA0; 12]] {
            assert!(parse(data).is_none_or(|packet| packet.payload.len() < 20), "{data:?}");
        }
    }
}
