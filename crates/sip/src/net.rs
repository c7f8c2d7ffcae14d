//! Address ranges: `192.0.2.0/24`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    base: IpAddr,
    bits: u8,
}

/// The text is no address range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or a range like 192.0.2.0/24: {0}")]
pub struct BadNet(String);

impl Net {
    /// The range of one address.
    pub fn one(address: IpAddr) -> Self {
        Self { base: address, bits: width(address) }
    }

    /// Is the address inside? IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                shift == 32 || u32::from(base) >> shift == u32::from(other) >> shift
            }
            (IpAddr::V6(base), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                shift == 128 || u128::from(base) >> shift == u128::from(other) >> shift
            }
            _ => false,
        }
    }
}

impl FromStr for Net {
    type Err = BadNet;

    fn from_str(text: &str) -> Result<Self, BadNet> {
        let bad = || BadNet(text.to_string());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = address.trim().parse().map_err(|_| bad())?;
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| bad())?,
            None => width(base),
        };
        if bits > width(base) {
            return Err(bad());
        }
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        let net: Net = "127.77.0.0/16".parse().expect("a range");
        assert!(net.contains("127.77.3.4".parse().expect("an address")));
        assert!(!net.contains("127.78.0.1".parse().expect("an address")));
        assert!(!net.contains("::1".parse().expect("an address")));
        let all: Net = "0.0.0.0/0".parse().expect("a range");
        assert!(all.contains("203.0.113.9".parse().expect("an address")));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "1.2.3", "1.2.3.4/33", "::/129", "a/8", "1.2.3.4/-1"] {
            assert!(text.parse::<Net>().is_err(), "{text} was taken");
        }
    }
}
