//! What a leg's media was like, in sums since the leg was opened.

/// A leg's counts. They only grow, but for `jitter_us` and `rtt_us`, which are the latest estimates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quality {
    /// RTP packets accepted from the locked source.
    pub packets_in: u64,
    /// Octets of sound and digits in them.
    pub octets_in: u64,
    /// RTP packets sent to the leg.
    pub packets_out: u64,
    /// Octets of sound and digits in them.
    pub octets_out: u64,
    /// Packets that never came, by sequence numbers (RFC 3550 appendix A.3).
    pub lost: u64,
    /// Packets that came twice or after their turn.
    pub late: u64,
    /// Packets dropped because they came from somebody else.
    pub foreign: u64,
    /// Packets dropped because they came faster than twice the codec's rate.
    pub over_rate: u64,
    /// Packets dropped because they are no RTP or of no agreed payload type.
    pub malformed: u64,
    /// Digits dropped because keys cannot be pressed that fast.
    pub digits_dropped: u64,
    /// The interarrival jitter in microseconds (RFC 3550 section 6.4.1).
    pub jitter_us: u32,
    /// The largest jitter seen.
    pub max_jitter_us: u32,
    /// The round trip in microseconds by RTCP, 0 until one is known (RFC 3550 section 6.4.1).
    pub rtt_us: u32,
    /// The longest time without a packet, in microseconds.
    pub max_gap_us: u32,
    /// What the peer says it lost of ours, 0 until it says so.
    pub lost_by_peer: u32,
}
