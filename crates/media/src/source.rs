//! Where a leg's packets may come from: everything that settles it lives here.
//!
//! RELIABILITY.md section 2, "RTP bleed": only the expected host is listened to; within its first five packets the
//! port is learned; from then on exactly one address counts, until a new offer and answer (`retarget`) starts anew.

use std::net::SocketAddr;

/// How many packets are looked at before the source is settled.
const LEARNING_PACKETS: u8 = 5;

/// What is to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It comes from the source, or from one that may become it.
    Accepted,
    /// As before, and from now on only this address counts.
    Locked,
    /// It comes from somebody else.
    Foreign,
}

/// The source of one leg.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// The expected host with the port from SDP; none until SDP is known.
    expected: Option<SocketAddr>,
    locked: Option<SocketAddr>,
    /// What was locked before the same place was agreed on anew.
    before: Option<SocketAddr>,
    candidate: Option<SocketAddr>,
    votes: u8,
    seen: u8,
}

impl Source {
    /// Begins to learn, after an offer and answer. Where the place stays the same (a hold), the source that was
    /// known goes on at once and is sent to meanwhile.
    pub fn relearn(&mut self, expected: SocketAddr) {
        let before = if self.expected == Some(expected) { self.locked.or(self.before) } else { None };
        *self = Source { expected: Some(expected), before, ..Source::default() };
    }

    /// The address that counts, once it is settled.
    pub fn locked(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// Where the leg's own sound goes: where its packets come from (RFC 4961), before that where SDP says.
    pub fn reply_to(&self) -> Option<SocketAddr> {
        self.locked.or(self.before).or(self.expected)
    }

    /// Judges one packet.
    pub fn judge(&mut self, from: SocketAddr) -> Verdict {
        match self.locked {
            Some(locked) if locked == from => Verdict::Accepted,
            Some(_) => Verdict::Foreign,
            None => self.learn(from),
        }
    }

    fn learn(&mut self, from: SocketAddr) -> Verdict {
        let Some(expected) = self.expected else { return Verdict::Foreign };
        if from.ip().to_canonical() != expected.ip().to_canonical() {
            return Verdict::Foreign;
        }
        if from.port() == expected.port() || self.before == Some(from) {
            return self.lock(from);
        }
        self.vote(from);
        self.seen += 1;
        match self.candidate {
            Some(candidate) if self.seen >= LEARNING_PACKETS => {
                self.lock(candidate);
                if candidate == from { Verdict::Locked } else { Verdict::Foreign }
            }
            _ => Verdict::Accepted,
        }
    }

    /// The majority of the first five wins (Boyer and Moore 1981), so that one stray packet decides nothing.
    fn vote(&mut self, from: SocketAddr) {
        if self.candidate == Some(from) {
            self.votes += 1;
        } else if self.votes == 0 {
            self.candidate = Some(from);
            self.votes = 1;
        } else {
            self.votes -= 1;
        }
    }

    fn lock(&mut self, from: SocketAddr) -> Verdict {
        self.locked = Some(from);
        Verdict::Locked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expecting(address: &str) -> Source {
        let mut source = Source::default();
        source.relearn(at(address));
        source
    }

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn the_address_of_the_sdp_is_locked_at_once() {
        let mut source = expecting("10.0.0.1:4000");

        assert_eq!(Verdict::Locked, source.judge(at("10.0.0.1:4000")));
        assert_eq!(Verdict::Foreign, source.judge(at("10.0.0.1:4002")));
        assert_eq!(Verdict::Foreign, source.judge(at("10.0.0.2:4000")));
    }

    #[test]
    fn another_port_of_the_host_is_learned_within_five_packets() {
        let mut source = expecting("10.0.0.1:4000");

        for _ in 0..4 {
            assert_eq!(Verdict::Accepted, source.judge(at("10.0.0.1:9000")));
            assert_eq!(None, source.locked());
        }
        assert_eq!(Verdict::Locked, source.judge(at("10.0.0.1:9000")));
        assert_eq!(Some(at("10.0.0.1:9000")), source.reply_to());
    }

    #[test]
    fn strangers_neither_get_in_nor_use_up_the_five() {
        let mut source = expecting("10.0.0.1:4000");

        for port in 1..5_000 {
            assert_eq!(Verdict::Foreign, source.judge(SocketAddr::new("10.0.0.66".parse().unwrap(), port)));
        }
        assert_eq!(Verdict::Locked, source.judge(at("10.0.0.1:4000")));
    }

    #[test]
    fn one_stray_packet_of_the_same_host_decides_nothing() {
        let mut source = expecting("10.0.0.1:4000");

        source.judge(at("10.0.0.1:666"));
        for _ in 0..4 {
            source.judge(at("10.0.0.1:9000"));
        }
        assert_eq!(Some(at("10.0.0.1:9000")), source.locked());
    }

    #[test]
    fn a_hold_keeps_the_source_and_a_new_place_forgets_it() {
        let mut source = expecting("10.0.0.1:4000");
        for _ in 0..5 {
            source.judge(at("10.0.0.1:9000"));
        }
        for _ in 0..3 {
            source.relearn(at("10.0.0.1:4000"));
            assert_eq!(Some(at("10.0.0.1:9000")), source.reply_to());
        }
        assert_eq!(Verdict::Locked, source.judge(at("10.0.0.1:9000")));

        source.relearn(at("10.0.0.2:4000"));
        assert_eq!(Some(at("10.0.0.2:4000")), source.reply_to());
        assert_eq!(Verdict::Foreign, source.judge(at("10.0.0.1:9000")));
    }

    #[test]
    fn nobody_is_accepted_before_the_sdp_is_known() {
        let mut source = Source::default();

        assert_eq!(Verdict::Foreign, source.judge(at("10.0.0.1:4000")));
        assert_eq!(None, source.reply_to());
    }
}
