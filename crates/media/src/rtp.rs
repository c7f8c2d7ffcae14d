//! The RTP header (RFC 3550 section 5.1), read and written.

/// The largest packet that is taken or made: what an Ethernet frame carries.
pub const MAX_PACKET: usize = 1_500;

/// Octets of the header that we write: no contributing sources, no extension.
pub(crate) const HEADER: usize = 12;

/// A packet that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// Reads a packet from the wire; nothing when it is no RTP of version 2 or its lengths contradict each other.
pub(crate) fn parse(packet: &[u8]) -> Option<Packet<'_>> {
    if packet.len() < HEADER || packet.len() > MAX_PACKET || packet[0] >> 6 != 2 {
        return None;
    }
    let mut start = HEADER + 4 * usize::from(packet[0] & 0x0F);
    if packet[0] & 0x10 != 0 {
        let words = packet.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let padding = if packet[0] & 0x20 != 0 { usize::from(packet[packet.len() - 1]) } else { 0 };
    let end = packet.len().checked_sub(padding)?;
    Some(Packet {
        marker: packet[1] & 0x80 != 0,
        payload_type: packet[1] & 0x7F,
        sequence: u16::from_be_bytes([packet[2], packet[3]]),
        timestamp: word(packet, 4),
        ssrc: word(packet, 8),
        payload: packet.get(start..end)?,
    })
}

/// Whether a packet on the RTP port is RTCP (RFC 5761 section 4).
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.len() >= 8 && packet[0] >> 6 == 2 && (192..=223).contains(&packet[1])
}

/// Writes a header into the first 12 octets.
pub(crate) fn write_header(packet: &mut [u8], first: u8, sequence: u16, timestamp: u32, ssrc: u32) {
    packet[0] = 0x80;
    packet[1] = first;
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

/// Whether `a` comes after `b` on a counter of 32 bits that wraps.
pub(crate) fn is_after_32(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

pub(crate) fn word(packet: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_written_is_read() {
        let mut packet = [7; 20];
        write_header(&mut packet, 0x80 | 8, 65_535, 0xFFFF_FF60, 0xDEAD_BEEF);

        let read = parse(&packet).unwrap();
        assert_eq!((true, 8, 65_535), (read.marker, read.payload_type, read.sequence));
        assert_eq!((0xFFFF_FF60, 0xDEAD_BEEF, &[7; 8][..]), (read.timestamp, read.ssrc, read.payload));
    }

    #[test]
    fn sources_extension_and_padding_are_left_out() {
        let mut packet = vec![0x80 | 0x20 | 0x10 | 1, 8];
        packet.extend([0; 10]);
        packet.extend([1; 4]);
        packet.extend([0xBE, 0xDE, 0, 1, 2, 2, 2, 2]);
        packet.extend([9, 9, 9, 0, 2]);

        assert_eq!([9, 9, 9], parse(&packet).unwrap().payload);
    }

    proptest! {
        #[test]
        fn garbage_is_read_or_refused_without_a_panic(packet in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut packet = packet;
            if let Some(first) = packet.first_mut() {
                *first = *first & 0x3F | 0x80;
            }
            if let Some(read) = parse(&packet) {
                prop_assert!(read.payload.len() + HEADER <= packet.len());
            }
        }
    }
}
