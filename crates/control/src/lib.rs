//! The control protocol between switch and engine (docs/reference/control-protocol.md).
//!
//! The law of this crate: plain values only, no sockets, no clock. `frames` are what crosses the link,
//! `framing` is how, `window` keeps events until they are acknowledged, `mark` tells a duplicate command.
//! `contract/` holds golden frames that this crate and `src/hotline/voice/frames.py` read and write identically.

pub mod frames;
pub mod framing;
pub mod mark;
pub mod window;
