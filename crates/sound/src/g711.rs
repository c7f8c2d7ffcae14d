//! A-law and mu-law (ITU-T G.711): 8 bits for a sample, 8,000 samples a second.
//!
//! All tables are computed at compile time from the standard's segments, so that decoding, encoding and going
//! from one law to the other each cost one look-up a sample.

/// Which of the two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// PCMA, static RTP payload type 8 (RFC 3551 section 6).
    A,
    /// PCMU, static RTP payload type 0 (RFC 3551 section 6).
    Mu,
}

impl Law {
    /// The octet of digital silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::A => 0xD5,
            Law::Mu => 0xFF,
        }
    }

    /// The static RTP payload type (RFC 3551 section 6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Law::A => 8,
            Law::Mu => 0,
        }
    }

    /// The law of a static RTP payload type.
    pub const fn of_payload_type(payload_type: u8) -> Option<Law> {
        match payload_type {
            8 => Some(Law::A),
            0 => Some(Law::Mu),
            _ => None,
        }
    }

    /// The name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Law::A => "PCMA",
            Law::Mu => "PCMU",
        }
    }

    /// One octet for a 16-bit sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::A => A_FROM_LINEAR[(sample as u16 >> 3) as usize],
            Law::Mu => MU_FROM_LINEAR[(sample as u16 >> 2) as usize],
        }
    }

    /// The 16-bit sample of an octet.
    pub fn decode(self, octet: u8) -> i16 {
        self.linear()[octet as usize]
    }

    /// The 256 samples of this law's octets.
    pub fn linear(self) -> &'static [i16; 256] {
        match self {
            Law::A => &LINEAR_FROM_A,
            Law::Mu => &LINEAR_FROM_MU,
        }
    }

    /// Encodes as many samples as both slices hold.
    pub fn encode_into(self, samples: &[i16], octets: &mut [u8]) {
        for (octet, sample) in octets.iter_mut().zip(samples) {
            *octet = self.encode(*sample);
        }
    }

    /// Decodes as many octets as both slices hold.
    pub fn decode_into(self, octets: &[u8], samples: &mut [i16]) {
        let linear = self.linear();
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = linear[*octet as usize];
        }
    }

    /// Turns octets of this law into octets of `to`, in place; nothing when they are the same.
    pub fn translate(self, to: Law, octets: &mut [u8]) {
        let table = match (self, to) {
            (Law::A, Law::Mu) => &MU_FROM_A,
            (Law::Mu, Law::A) => &A_FROM_MU,
            _ => return,
        };
        for octet in octets {
            *octet = table[*octet as usize];
        }
    }
}

/// G.711 table 1: a sign, three bits of segment, four bits of step; every even bit inverted.
const fn a_to_linear(octet: u8) -> i16 {
    let bits = octet ^ 0x55;
    let step = ((bits & 0x0F) as i16) << 4;
    let segment = (bits & 0x70) >> 4;
    let magnitude = match segment {
        0 => step + 8,
        _ => (step + 0x108) << (segment - 1),
    };
    if bits & 0x80 != 0 { magnitude } else { -magnitude }
}

/// G.711 table 2: as above with a bias of 33 (132 in 16 bits), all bits inverted.
const fn mu_to_linear(octet: u8) -> i16 {
    let bits = !octet;
    let magnitude = ((((bits & 0x0F) as i16) << 3) + 0x84) << ((bits & 0x70) >> 4);
    if bits & 0x80 != 0 { 0x84 - magnitude } else { magnitude - 0x84 }
}

const fn linear_to_a(sample: i16) -> u8 {
    // One's complement of a negative sample, so that -1 and 0 lie in the two innermost steps.
    let (magnitude, sign) = if sample >= 0 { (sample, 0xD5) } else { (!sample, 0x55) };
    let magnitude = magnitude >> 4;
    let segment = if magnitude < 16 { 0 } else { 12 - (magnitude as u16).leading_zeros() as i16 };
    let step = if segment == 0 { magnitude } else { (magnitude >> (segment - 1)) & 0x0F };
    sign ^ ((segment << 4) | step) as u8
}

const fn linear_to_mu(sample: i16) -> u8 {
    let (magnitude, sign) = if sample >= 0 { (sample as i32, 0xFF) } else { (-(sample as i32), 0x7F) };
    let biased = (if magnitude > 32_635 { 32_635 } else { magnitude }) + 0x84;
    let segment = 24 - biased.leading_zeros() as i32;
    sign ^ ((segment << 4) | ((biased >> (segment + 3)) & 0x0F)) as u8
}

static LINEAR_FROM_A: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = a_to_linear(octet as u8);
        octet += 1;
    }
    table
};

static LINEAR_FROM_MU: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = mu_to_linear(octet as u8);
        octet += 1;
    }
    table
};

/// By the upper 13 bits: A-law has 13-bit precision.
static A_FROM_LINEAR: [u8; 8_192] = {
    let mut table = [0; 8_192];
    let mut upper = 0;
    while upper < 8_192 {
        table[upper] = linear_to_a(((upper << 3) as u16) as i16);
        upper += 1;
    }
    table
};

/// By the upper 14 bits: mu-law has 14-bit precision.
static MU_FROM_LINEAR: [u8; 16_384] = {
    let mut table = [0; 16_384];
    let mut upper = 0;
    while upper < 16_384 {
        table[upper] = linear_to_mu(((upper << 2) as u16) as i16);
        upper += 1;
    }
    table
};

static MU_FROM_A: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = linear_to_mu(a_to_linear(octet as u8));
        octet += 1;
    }
    table
};

static A_FROM_MU: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = linear_to_a(mu_to_linear(octet as u8));
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octet_decoded_and_encoded_is_the_same_octet() {
        for octet in 0..=255u8 {
            assert_eq!(octet, Law::A.encode(Law::A.decode(octet)), "A-law {octet:#x}");
            // mu-law has two zeros; the negative one comes back as the positive one.
            if octet != 0x7F {
                assert_eq!(octet, Law::Mu.encode(Law::Mu.decode(octet)), "mu-law {octet:#x}");
            }
        }
    }

    #[test]
    fn known_values_of_the_standard_are_met() {
        assert_eq!([8, -8, 32_256, -32_256], [0xD5, 0x55, 0xAA, 0x2A].map(|octet| Law::A.decode(octet)));
        assert_eq!([0, 0, 32_124, -32_124], [0xFF, 0x7F, 0x80, 0x00].map(|octet| Law::Mu.decode(octet)));
    }

    #[test]
    fn every_sample_comes_back_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            for law in [Law::A, Law::Mu] {
                let back = law.decode(law.encode(sample)) as i32;
                let error = (back - sample as i32).abs();
                let allowed = (sample as i32).abs() / 16 + 16;
                assert!(error <= allowed.min(1_024), "{law:?} {sample} came back as {back}");
            }
        }
    }

    #[test]
    fn translation_goes_through_the_nearest_sample() {
        for octet in 0..=255u8 {
            let mut octets = [octet];
            Law::A.translate(Law::Mu, &mut octets);
            assert_eq!(Law::Mu.encode(Law::A.decode(octet)), octets[0]);
            let mut octets = [octet];
            Law::Mu.translate(Law::A, &mut octets);
            assert_eq!(Law::A.encode(Law::Mu.decode(octet)), octets[0]);
        }
    }
}
