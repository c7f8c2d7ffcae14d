//! The media threads: their sockets, their ports, their loop, and what is said to and by them.

pub mod message;
pub mod outputs;
pub mod ports;
pub mod sockets;
pub mod thread;
