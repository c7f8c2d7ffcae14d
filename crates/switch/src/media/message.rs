//! What the signalling thread and a media thread say to each other. Legs, rooms and plays go by their names.

use std::sync::Arc;

use hotline_control::frames::RecordingEnd;
use hotline_media::{Clip, Company, Event, Frame, LegSetup, Quality, Target};

use crate::disk::recordings::Tag;
use crate::media::sockets::Pair;
use crate::pipe::Sender;

/// A leg's name, as on the control link.
pub type MediaLeg = Arc<str>;

/// Who hears whom: each member with those that it hears.
pub type Hears = Vec<(MediaLeg, Vec<MediaLeg>)>;

/// Commands, executed in order. One that names a leg that is not there is answered with `FromMedia::Refused`.
#[derive(Debug)]
pub enum ToMedia {
    Open {
        setup: LegSetup,
        pair: Pair,
    },
    Retarget {
        leg: MediaLeg,
        target: Target,
    },
    /// Answered with `Closed`.
    Close {
        leg: MediaLeg,
    },
    Play {
        leg: MediaLeg,
        play: Arc<str>,
        clips: Vec<Clip>,
        repeat: bool,
        gap_ms: u32,
    },
    /// An empty `play` stops whichever runs.
    Stop {
        leg: MediaLeg,
        play: Arc<str>,
    },
    Connect {
        room: Arc<str>,
        hears: Hears,
        release: Vec<MediaLeg>,
    },
    Record {
        tag: Tag,
        left: Vec<MediaLeg>,
        right: Vec<MediaLeg>,
    },
    PauseRecording {
        tag: Tag,
        is_paused: bool,
    },
    /// The tape gets its `End` after the last frame.
    StopRecording {
        tag: Tag,
        reason: RecordingEnd,
    },
    SendDigits {
        leg: MediaLeg,
        digits: String,
    },
    /// What the leg says goes into the ring, every 20 ms, until the leg closes or another tap comes.
    Tap {
        leg: MediaLeg,
        tap: Box<Sender<Frame>>,
    },
    OpenFeed {
        leg: MediaLeg,
    },
    /// Speech for the leg; what is more than 200 ms ahead is dropped.
    Feed {
        leg: MediaLeg,
        samples: Vec<i16>,
    },
    FlushFeed {
        leg: MediaLeg,
    },
    /// At the next tick: these legs with their rooms and recordings leave. Answered with `Left`.
    MoveOut {
        legs: Vec<MediaLeg>,
        to: usize,
    },
    MoveIn(Box<Luggage>),
    /// Answered with a `Sample` for each leg.
    Sample,
    Shutdown,
}

impl ToMedia {
    /// It shows at the next tick and no sooner, and no answer to it is waited for: waking the thread would be in vain.
    pub const fn can_wait(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Play { .. } | Self::OpenFeed { .. } | Self::Feed { .. } | Self::Sample)
    }
}

/// What a media thread tells.
#[derive(Debug)]
pub enum FromMedia {
    /// A leg is closed and so are its sockets.
    Closed {
        leg: MediaLeg,
        quality: Quality,
    },
    Left(Box<Luggage>),
    Told(Event),
    Sample {
        leg: MediaLeg,
        quality: Quality,
    },
    /// A command could not be carried out, in words.
    Refused {
        leg: Option<MediaLeg>,
        play: Option<Arc<str>>,
        reason: String,
    },
}

/// Legs on their way from one thread to another.
#[derive(Debug)]
pub struct Luggage {
    /// The thread that expects them.
    pub to: usize,
    pub companies: Vec<Company>,
    pub pairs: Vec<(MediaLeg, Pair, Option<Sender<Frame>>)>,
    /// Frames that their recordings' tapes have missed so far.
    pub missed: Vec<(Tag, u32)>,
}
