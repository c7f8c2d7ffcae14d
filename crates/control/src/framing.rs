//! Length-prefixed MessagePack: a u32 (big endian) that counts the bytes of one map, then the map.
//!
//! A peer that sends anything else gets a `FrameError` and loses its connection; nothing here panics on bytes.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

/// The longest body that either side may send.
pub const MAX_FRAME: usize = 1 << 20;

/// One frame, length included, ready for the wire.
///
/// Errors: the body is longer than `MAX_FRAME` (our fault: the caller built it).
pub fn encode<T: Serialize>(frame: &T) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; PREFIX];
    rmp_serde::encode::write_named(&mut bytes, frame).map_err(|error| FrameError::Bad(error.to_string()))?;
    let length = bytes.len() - PREFIX;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    // MAX_FRAME fits a u32, so the cast is exact.
    bytes[..PREFIX].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(bytes)
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Where the unread part of `bytes` begins.
    start: usize,
}

impl Decoder {
    /// Takes what the socket gave. Call `pop` until it has no frame left.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` while its end has not come.
    ///
    /// Errors are final: after one the stream has no known frame boundary and must be closed.
    pub fn pop<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let unread = &self.bytes[self.start..];
        let Some((prefix, rest)) = unread.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*prefix) as usize;
        if length > MAX_FRAME {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = decode(body)?;
        self.start += PREFIX + length;
        Ok(Some(frame))
    }
}

/// One body without its length.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    let mut reader = rmp_serde::Deserializer::new(body);
    let frame = T::deserialize(&mut reader).map_err(|error| FrameError::Bad(error.to_string()))?;
    match reader.into_inner() {
        [] => Ok(frame),
        _ => Err(FrameError::Bad("bytes after the end of the frame".to_owned())),
    }
}

/// What was wrong with a frame. Always the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// The announced length, in bytes, is beyond `MAX_FRAME`.
    TooLong(usize),
    /// Not a frame of this protocol, in words.
    Bad(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => write!(f, "a frame of {length} bytes is longer than {MAX_FRAME}"),
            Self::Bad(what) => write!(f, "not a control frame: {what}"),
        }
    }
}

impl std::error::Error for FrameError {}

const PREFIX: usize = 4;
