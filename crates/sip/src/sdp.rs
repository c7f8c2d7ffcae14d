//! SDP, as far as one audio stream needs it (RFC 4566, RFC 3264, RFC 4733): strict, small, own.
//!
//! Read: `c=`, `m=audio`, `rtpmap`, `fmtp` of telephone-event, `ptime`, `rtcp`, direction. Everything else is passed
//! over. The first audio line with RTP/AVP is ours; every other `m=` line is answered with port 0.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// One session description with one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`: id and version; the version grows when we change the session.
    pub id: u64,
    pub version: u64,
    /// Where the stream is to be sent. Unspecified (0.0.0.0) is the old way to say "hold".
    pub address: IpAddr,
    /// 0: the stream is refused.
    pub port: u16,
    /// Where RTCP goes; `None`: port + 1.
    pub rtcp_port: Option<u16>,
    /// In order of preference, without telephone-event.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event/8000 (RFC 4733).
    pub digits: Option<u8>,
    pub direction: Direction,
    /// Milliseconds of sound a packet; 20 when not said.
    pub ptime_ms: u16,
    /// Other `m=` lines before and after ours, as `media proto formats`; written back with port 0.
    pub refused_before: Vec<String>,
    pub refused_after: Vec<String>,
}

/// One payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    pub payload: u8,
    pub encoding: Encoding,
}

/// The codecs of this product's telephone side, and everything else by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// G.711 A-law, 8 kHz.
    Alaw,
    /// G.711 mu-law, 8 kHz.
    Ulaw,
    /// `name/clock`, lower case.
    Other(String),
}

/// Seen from the one who wrote it (RFC 3264, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// What is wrong with a description; all of it is the peer's fault (488).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSdp {
    #[error("no v=0 line")]
    NoVersion,
    #[error("no audio stream over RTP/AVP")]
    NoAudio,
    #[error("no connection address, or one that is no address")]
    NoAddress,
    #[error("a line that cannot be read")]
    BadLine,
    #[error("longer than 16 KB or more than 256 lines")]
    TooLong,
}

impl Session {
    /// An offer of A-law, mu-law and telephone-event at this address.
    pub fn offer(id: u64, address: IpAddr, port: u16) -> Self {
        Self {
            id,
            version: 1,
            address,
            port,
            rtcp_port: None,
            codecs: vec![
                Codec { payload: 8, encoding: Encoding::Alaw },
                Codec { payload: 0, encoding: Encoding::Ulaw },
            ],
            digits: Some(101),
            direction: Direction::SendRecv,
            ptime_ms: 20,
            refused_before: Vec::new(),
            refused_after: Vec::new(),
        }
    }

    /// The answer to this offer from our side: the first codec of the offer that `accept` names, the offer's payload
    /// types, the mirrored direction (RFC 3264, 6.1). `None`: no codec in common (488).
    pub fn answer(&self, id: u64, address: IpAddr, port: u16, accept: &[Encoding]) -> Option<Session> {
        let codec = self.codecs.iter().find(|codec| accept.contains(&codec.encoding))?;
        Some(Session {
            id,
            version: 1,
            address,
            port,
            rtcp_port: None,
            codecs: vec![codec.clone()],
            digits: self.digits,
            direction: self.effective_direction().mirrored(),
            ptime_ms: 20,
            refused_before: self.refused_before.clone(),
            refused_after: self.refused_after.clone(),
        })
    }

    /// The direction, with the old ways to say "hold" (address 0.0.0.0, RFC 2543) counted in.
    pub fn effective_direction(&self) -> Direction {
        match self.direction {
            Direction::SendRecv if self.address.is_unspecified() => Direction::SendOnly,
            Direction::RecvOnly if self.address.is_unspecified() => Direction::Inactive,
            other => other,
        }
    }

    /// Does the writer no longer want to hear us?
    pub fn is_held(&self) -> bool {
        matches!(self.effective_direction(), Direction::SendOnly | Direction::Inactive)
    }

    /// Reads a description.
    ///
    /// # Errors
    /// [`BadSdp`], whichever is met first.
    pub fn parse(text: &str) -> Result<Self, BadSdp> {
        Reader::default().read(text)
    }
}

impl Direction {
    /// What the other side may say to it.
    pub fn mirrored(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "sendrecv" => Self::SendRecv,
            "sendonly" => Self::SendOnly,
            "recvonly" => Self::RecvOnly,
            "inactive" => Self::Inactive,
            _ => return None,
        })
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.address.is_ipv4() { "IP4" } else { "IP6" };
        write!(f, "v=0\r\no=- {} {} IN {family} {}\r\n", self.id, self.version, self.address)?;
        write!(f, "s=-\r\nc=IN {family} {}\r\nt=0 0\r\n", self.address)?;
        refuse(f, &self.refused_before)?;
        write!(f, "m=audio {} RTP/AVP", self.port)?;
        for codec in &self.codecs {
            write!(f, " {}", codec.payload)?;
        }
        if let Some(payload) = self.digits {
            write!(f, " {payload}")?;
        }
        f.write_str("\r\n")?;
        for codec in &self.codecs {
            write!(f, "a=rtpmap:{} {}\r\n", codec.payload, codec.encoding)?;
        }
        if let Some(payload) = self.digits {
            write!(f, "a=rtpmap:{payload} telephone-event/8000\r\na=fmtp:{payload} 0-15\r\n")?;
        }
        if let Some(port) = self.rtcp_port {
            write!(f, "a=rtcp:{port}\r\n")?;
        }
        write!(f, "a=ptime:{}\r\na={}\r\n", self.ptime_ms, self.direction.word())?;
        refuse(f, &self.refused_after)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alaw => f.write_str("PCMA/8000"),
            Self::Ulaw => f.write_str("PCMU/8000"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

fn refuse(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    for line in lines {
        let (media, rest) = line.split_once(' ').unwrap_or((line, ""));
        write!(f, "m={media} 0 {rest}\r\n")?;
    }
    Ok(())
}

/// The state while reading: which `m=` section we are in.
#[derive(Default)]
struct Reader {
    seen_version: bool,
    id: u64,
    version: u64,
    session_address: Option<IpAddr>,
    session_direction: Option<Direction>,
    audio: Option<Audio>,
    section: Section,
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Default, PartialEq)]
enum Section {
    #[default]
    Head,
    Audio,
    Other,
}

#[derive(Default)]
struct Audio {
    port: u16,
    payloads: Vec<u8>,
    maps: Vec<(u8, String)>,
    address: Option<IpAddr>,
    direction: Option<Direction>,
    ptime_ms: Option<u16>,
    rtcp_port: Option<u16>,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Session, BadSdp> {
        if text.len() > 16_384 {
            return Err(BadSdp::TooLong);
        }
        for (at, line) in text.lines().enumerate() {
            if at >= 256 {
                return Err(BadSdp::TooLong);
            }
            let line = line.trim_end();
            if let Some((kind, value)) = line.split_once('=') {
                self.line(kind, value)?;
            } else if !line.is_empty() {
                return Err(BadSdp::BadLine);
            }
        }
        self.finish()
    }

    fn line(&mut self, kind: &str, value: &str) -> Result<(), BadSdp> {
        match kind {
            "v" => self.seen_version = value == "0",
            "o" => {
                let mut words = value.split(' ').skip(1);
                self.id = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
                self.version = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            }
            "c" => self.connection(value)?,
            "m" => self.media(value)?,
            "a" => self.attribute(value)?,
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, value: &str) -> Result<(), BadSdp> {
        let address = value.split(' ').nth(2).and_then(|word| word.split('/').next()?.parse().ok());
        match (&self.section, address) {
            (Section::Other, _) => {}
            (_, None) => return Err(BadSdp::NoAddress),
            (Section::Head, found) => self.session_address = found,
            (Section::Audio, found) => {
                if let Some(audio) = &mut self.audio {
                    audio.address = found;
                }
            }
        }
        Ok(())
    }

    fn media(&mut self, value: &str) -> Result<(), BadSdp> {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let (Some(kind), Some(port), Some(proto)) = (words.next(), words.next(), words.next()) else {
            return Err(BadSdp::BadLine);
        };
        let port: u16 = port.split('/').next().unwrap_or("").parse().map_err(|_| BadSdp::BadLine)?;
        if kind == "audio" && self.audio.is_none() && matches!(proto, "RTP/AVP" | "RTP/AVPF") {
            let payloads = words.map(|word| word.parse().ok().filter(|payload| *payload < 128));
            let payloads = payloads.collect::<Option<Vec<u8>>>().ok_or(BadSdp::BadLine)?;
            self.audio = Some(Audio { port, payloads, ..Audio::default() });
            self.section = Section::Audio;
            return Ok(());
        }
        let formats = words.collect::<Vec<_>>().join(" ");
        let refused = format!("{kind} {proto} {}", if formats.is_empty() { "0" } else { &formats });
        let list = if self.audio.is_some() { &mut self.after } else { &mut self.before };
        list.push(refused);
        self.section = Section::Other;
        Ok(())
    }

    fn attribute(&mut self, value: &str) -> Result<(), BadSdp> {
        let direction = Direction::from_word(value);
        if self.section == Section::Head {
            self.session_direction = direction.or(self.session_direction);
            return Ok(());
        }
        let (Section::Audio, Some(audio)) = (&self.section, &mut self.audio) else {
            return Ok(());
        };
        if direction.is_some() {
            audio.direction = direction;
        } else if let Some((name, rest)) = value.split_once(':') {
            match name {
                "rtpmap" => {
                    let (payload, encoding) = rest.split_once(' ').ok_or(BadSdp::BadLine)?;
                    let payload = payload.parse().map_err(|_| BadSdp::BadLine)?;
                    audio.maps.push((payload, encoding.trim().to_ascii_lowercase()));
                }
                "ptime" => audio.ptime_ms = rest.trim().parse().ok().filter(|ms| (10..=200).contains(ms)),
                "rtcp" => audio.rtcp_port = rest.split(' ').next().and_then(|word| word.parse().ok()),
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Session, BadSdp> {
        if !self.seen_version {
            return Err(BadSdp::NoVersion);
        }
        let audio = self.audio.ok_or(BadSdp::NoAudio)?;
        let address = audio.address.or(self.session_address).ok_or(BadSdp::NoAddress)?;
        let mut codecs = Vec::new();
        let mut digits = None;
        for payload in audio.payloads {
            let named = audio.maps.iter().find(|(mapped, _)| *mapped == payload).map(|(_, name)| name.as_str());
            match named.or_else(|| static_name(payload)) {
                Some("telephone-event/8000") => digits = digits.or(Some(payload)),
                Some(name) => codecs.push(Codec { payload, encoding: encoding(name) }),
                None => {}
            }
        }
        Ok(Session {
            id: self.id,
            version: self.version,
            address,
            port: audio.port,
            rtcp_port: audio.rtcp_port,
            codecs,
            digits,
            direction: audio.direction.or(self.session_direction).unwrap_or(Direction::SendRecv),
            ptime_ms: audio.ptime_ms.unwrap_or(20),
            refused_before: self.before,
            refused_after: self.after,
        })
    }
}

fn encoding(name: &str) -> Encoding {
    match name {
        "pcma/8000" | "pcma/8000/1" => Encoding::Alaw,
        "pcmu/8000" | "pcmu/8000/1" => Encoding::Ulaw,
        other => Encoding::Other(other.to_string()),
    }
}

/// RFC 3551, table 4.
fn static_name(payload: u8) -> Option<&'static str> {
    match payload {
        0 => Some("pcmu/8000"),
        3 => Some("gsm/8000"),
        8 => Some("pcma/8000"),
        9 => Some("g722/8000"),
        18 => Some("g729/8000"),
        _ => None,
    }
}

/// Where nobody listens: the address of a held stream.
pub const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
