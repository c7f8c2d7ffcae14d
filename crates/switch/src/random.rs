//! The only dice: the kernel's.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Bytes that nobody can foretell.
///
/// Errors: a kernel without getrandom(2).
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // Up to 256 bytes come whole (getrandom(2)).
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes)
}
