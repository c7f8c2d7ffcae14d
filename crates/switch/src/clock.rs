//! The only clock: the machine's boot time, which goes on through suspend and never jumps.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since the machine booted; the time axis of everything that leaves the switch.
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    // Both parts are never negative on this clock.
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}
