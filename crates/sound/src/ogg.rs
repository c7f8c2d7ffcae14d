//! Two-channel recordings as Ogg/Opus (RFC 3533, RFC 6716, RFC 7845): the writer, and a reader that forgives cuts.
//!
//! A page holds at most [`FRAMES_PER_PAGE`] frames, so that a file cut anywhere plays to within a second of the cut.
//! The two channels are two uncoupled Opus streams (channel mapping family 1): nothing of one side leaks into the
//! other, and a side that is silent costs next to nothing.

use std::fmt;
use std::io::{self, Cursor, Read, Seek, Write};
use std::time::Duration;

use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};
use opus::{Application, Bitrate, MSDecoder, MSEncoder, Signal};

use crate::{FRAME_SAMPLES, SAMPLE_RATE, StereoFrame};

/// Frames of 20 ms in a page: 0.8 s, so that page and look-ahead together stay below one second.
pub const FRAMES_PER_PAGE: u32 = 40;

/// Writes one recording. Everything that a page needs is in memory until it is full; then it is written at once.
///
/// Not for a media thread: encoding one frame costs tens of microseconds and `W` may block.
pub struct Writer<W: Write> {
    pages: PacketWriter<'static, W>,
    encoder: MSEncoder,
    serial: u32,
    pre_skip: u64,
    frames: u64,
    encoded: u64,
    /// The last packet is held back: only the end of the recording knows that it is the last.
    held: Option<Vec<u8>>,
}

impl<W: Write> Writer<W> {
    /// Writes the headers. `serial` names the stream (RFC 3533 section 6) and should differ from file to file;
    /// `comments` are `NAME=value` tags (RFC 7845 section 5.2).
    pub fn new(output: W, serial: u32, comments: &[String]) -> Result<Writer<W>, WriteError> {
        let mut encoder = MSEncoder::new(SAMPLE_RATE, 2, 0, &[0, 1], Application::Voip)?;
        encoder.set_bitrate(Bitrate::Bits(BITS_PER_SECOND))?;
        encoder.set_signal(Signal::Voice)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_dtx(true)?;
        let pre_skip = encoder.get_lookahead()? as u64 * GRANULES_PER_SAMPLE;
        let mut pages = PacketWriter::new(output);
        pages.write_packet(head(pre_skip as u16), serial, PacketWriteEndInfo::EndPage, 0)?;
        pages.write_packet(tags(comments), serial, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Writer { pages, encoder, serial, pre_skip, frames: 0, encoded: 0, held: None })
    }

    /// Appends 20 ms.
    pub fn push(&mut self, frame: &StereoFrame) -> Result<(), WriteError> {
        self.frames += 1;
        self.encode(frame)
    }

    /// How much has been pushed.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(20 * self.frames)
    }

    /// What the pages are written to, for a flush to disk.
    pub fn output(&mut self) -> &mut W {
        self.pages.inner_mut()
    }

    /// Writes what is left and the mark of the end.
    pub fn finish(mut self) -> Result<W, WriteError> {
        // The encoder lags by its look-ahead: one frame of silence pushes the last sound out.
        self.encode(&[0; 2 * FRAME_SAMPLES])?;
        let end = self.pre_skip + self.frames * GRANULES_PER_FRAME;
        let last = self.held.take().unwrap_or_default();
        self.pages.write_packet(last, self.serial, PacketWriteEndInfo::EndStream, end)?;
        let mut output = self.pages.into_inner();
        output.flush()?;
        Ok(output)
    }

    fn encode(&mut self, frame: &StereoFrame) -> Result<(), WriteError> {
        let mut packet = vec![0; MAX_PACKET];
        let length = self.encoder.encode(frame, &mut packet)?;
        packet.truncate(length);
        if let Some(previous) = self.held.replace(packet) {
            self.encoded += 1;
            let end = match self.encoded % u64::from(FRAMES_PER_PAGE) {
                0 => PacketWriteEndInfo::EndPage,
                _ => PacketWriteEndInfo::NormalPacket,
            };
            self.pages.write_packet(previous, self.serial, end, self.encoded * GRANULES_PER_FRAME)?;
        }
        Ok(())
    }
}

/// Decodes an Ogg/Opus file of any number of channels to interleaved samples at `rate` (8, 12, 16, 24 or 48 kHz).
///
/// A file that ends in the middle of a page gives what stands before; damage inside is skipped.
/// Returns the samples and the number of channels.
pub fn read<R: Read + Seek>(input: R, rate: u32) -> Result<(Vec<i16>, usize), ReadError> {
    read_at_most(input, rate, Duration::MAX)
}

/// As [`read`], but refuses a file that is longer than `most` before it has filled the memory.
pub(crate) fn read_at_most<R: Read + Seek>(
    input: R,
    rate: u32,
    most: Duration,
) -> Result<(Vec<i16>, usize), ReadError> {
    let mut packets = PacketReader::new(input);
    let head = packets.read_packet()?.ok_or(ReadError::NotOpus)?;
    let head = Head::parse(&head.data).ok_or(ReadError::NotOpus)?;
    let mut decoder = MSDecoder::new(rate, head.streams, head.coupled, &head.mapping)?;
    let channels = head.mapping.len();
    let mut samples = Vec::new();
    let mut buffer = vec![0; MAX_FRAME_MS * rate as usize / 1_000 * channels];
    let mut end = None;
    let mut is_tags = true;
    while let Some(packet) = next_packet(&mut packets) {
        if std::mem::take(&mut is_tags) {
            continue;
        }
        if let Ok(length) = decoder.decode(&packet.data, &mut buffer, false) {
            samples.extend_from_slice(&buffer[..length * channels]);
        }
        if (samples.len() / channels) as u64 / u64::from(rate) > most.as_secs() {
            return Err(ReadError::TooLong);
        }
        if packet.last_in_stream() {
            end = Some(packet.absgp_page());
        }
    }
    let frames = |granules: u64| (granules * u64::from(rate) / 48_000) as usize;
    if let Some(end) = end {
        samples.truncate(frames(end) * channels);
    }
    samples.drain(..(frames(u64::from(head.pre_skip)) * channels).min(samples.len()));
    Ok((samples, channels))
}

/// The next packet that is whole. A damaged page is passed over; the end of the input, however it comes, is the end.
fn next_packet<R: Read + Seek>(packets: &mut PacketReader<R>) -> Option<ogg::Packet> {
    for _ in 0..MOST_DAMAGE {
        match packets.read_packet() {
            Ok(packet) => return packet,
            Err(ogg::OggReadError::ReadError(_)) => return None,
            Err(_) => continue,
        }
    }
    None
}

/// As [`read`], from bytes and at 8 kHz.
pub fn read_bytes(bytes: &[u8]) -> Result<(Vec<i16>, usize), ReadError> {
    read(Cursor::new(bytes), SAMPLE_RATE)
}

/// A recording that could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The output failed: a full disk, a vanished folder.
    Output(io::Error),
    /// The encoder refused; a fault of ours.
    Encoder(opus::Error),
}

/// A file that could not be read at all.
#[derive(Debug)]
pub enum ReadError {
    /// Not an Ogg file, or one that holds something else than Opus.
    NotOpus,
    /// Longer than the reader was asked to take.
    TooLong,
    /// The container is damaged before the first sound.
    Container(ogg::OggReadError),
    /// The decoder refused the header's channels.
    Decoder(opus::Error),
}

struct Head {
    pre_skip: u16,
    streams: u8,
    coupled: u8,
    mapping: Vec<u8>,
}

impl Head {
    /// RFC 7845 section 5.1.
    fn parse(data: &[u8]) -> Option<Head> {
        let channels = *data.get(9)?;
        let is_supported = data.starts_with(b"OpusHead") && data[8] >> 4 == 0 && (1..=8).contains(&channels);
        let pre_skip = u16::from_le_bytes([*data.get(10)?, *data.get(11)?]);
        let family = *data.get(18)?;
        match family {
            _ if !is_supported => None,
            0 if channels <= 2 => {
                let mapping = (0..channels).collect();
                Some(Head { pre_skip, streams: 1, coupled: channels - 1, mapping })
            }
            1 => {
                let mapping = data.get(21..21 + usize::from(channels))?.to_vec();
                Some(Head { pre_skip, streams: data[19], coupled: data[20], mapping })
            }
            _ => None,
        }
    }
}

/// The identification header (RFC 7845 section 5.1): two streams, none coupled, left then right.
fn head(pre_skip: u16) -> Vec<u8> {
    let mut head = b"OpusHead".to_vec();
    head.extend([1, 2]);
    head.extend(pre_skip.to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend([0, 0]);
    head.extend([1, 2, 0, 0, 1]);
    head
}

/// The comment header (RFC 7845 section 5.2).
fn tags(comments: &[String]) -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    let mut text = |text: &str| {
        tags.extend((text.len() as u32).to_le_bytes());
        tags.extend(text.as_bytes());
    };
    text(opus::version());
    let count = comments.len() as u32;
    let mut body = Vec::new();
    for comment in comments {
        body.extend((comment.len() as u32).to_le_bytes());
        body.extend(comment.as_bytes());
    }
    tags.extend(count.to_le_bytes());
    tags.extend(body);
    tags
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Output(error) => write!(formatter, "the recording cannot be written: {error}"),
            WriteError::Encoder(error) => write!(formatter, "the recording cannot be encoded: {error}"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::NotOpus => formatter.write_str("not an Ogg/Opus file"),
            ReadError::TooLong => formatter.write_str("the file is too long"),
            ReadError::Container(error) => write!(formatter, "damaged Ogg file: {error}"),
            ReadError::Decoder(error) => write!(formatter, "the Opus header is refused: {error}"),
        }
    }
}

impl std::error::Error for WriteError {}
impl std::error::Error for ReadError {}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        WriteError::Output(error)
    }
}

impl From<opus::Error> for WriteError {
    fn from(error: opus::Error) -> WriteError {
        WriteError::Encoder(error)
    }
}

impl From<ogg::OggReadError> for ReadError {
    fn from(error: ogg::OggReadError) -> ReadError {
        ReadError::Container(error)
    }
}

impl From<opus::Error> for ReadError {
    fn from(error: opus::Error) -> ReadError {
        ReadError::Decoder(error)
    }
}

/// Granule positions count at 48 kHz whatever the input's rate (RFC 7845 section 4).
const GRANULES_PER_SAMPLE: u64 = 48_000 / SAMPLE_RATE as u64;
const GRANULES_PER_FRAME: u64 = GRANULES_PER_SAMPLE * FRAME_SAMPLES as u64;

/// For both channels together; a silent one leaves its share unused.
const BITS_PER_SECOND: i32 = 32_000;

/// Of 10. Above 1 the pitch search costs twice as much (`examples/recording_cost.rs`: 1.7 ms of CPU for a second of
/// call at 1, 3.1 at 3) for sound that has been through G.711 already.
const COMPLEXITY: i32 = 1;

/// Two streams of at most 1,275 octets and their lengths.
const MAX_PACKET: usize = 2 * 1_278;

/// Damaged pages in a row until a file is given up.
const MOST_DAMAGE: usize = 1_000;

/// The longest Opus packet (RFC 6716 section 2.1.4).
const MAX_FRAME_MS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_longer_than_asked_for_is_refused() {
        let mut writer = Writer::new(Vec::new(), 1, &[]).unwrap();
        for _ in 0..150 {
            writer.push(&[0; 2 * FRAME_SAMPLES]).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let read = |seconds| read_at_most(Cursor::new(&bytes), SAMPLE_RATE, Duration::from_secs(seconds));

        assert!(matches!(read(2), Err(ReadError::TooLong)));
        assert_eq!(2 * 24_000, read(3).unwrap().0.len());
    }
}
