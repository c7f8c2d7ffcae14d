//! Everything that may wait for a disk: two threads, one that writes recordings and one that reads sounds.

pub mod recordings;
pub mod sounds;
