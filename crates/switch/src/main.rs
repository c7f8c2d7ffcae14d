//! The switch: the only sockets, threads and clock of the voice (ARCHITECTURE.md section 2).
mod clock;
mod disk;
mod media;
mod metrics;
mod pipe;
mod random;
mod stun;
mod wake;
fn main() {}
