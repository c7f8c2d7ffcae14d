//! The leg table: one record a leg, from its INVITE to its LegEnded.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use hotline_control::frames::{Command, EndCause, LegState, OnAnswer, OnPeerEnd};
use hotline_media::{Clip, Quality};
use hotline_sip::DialogKey;
use hotline_sip::sdp::Session;
use slab::Slab;

use crate::disk::sounds::SoundKey;
use crate::media::sockets::Pair;
use crate::signalling::timers::TimerKey;

/// A leg's place in the table. Used again after the leg's end: ask `Legs::is` where a leg may have ended since.
pub type Index = usize;

/// All legs of the switch.
#[derive(Debug, Default)]
pub struct Legs {
    slab: Slab<Leg>,
    by_id: HashMap<Arc<str>, Index>,
    by_dialog: HashMap<DialogKey, Index>,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    pub id: Arc<str>,
    pub note: String,
    pub arrived: bool,
    pub state: LegState,
    /// The dialog; none once it is over.
    pub dialog: Option<DialogKey>,
    /// True for trunks and accounts, and for everyone after the ACK: sound may be spent on it.
    pub is_proven: bool,
    pub answered_us: Option<u64>,
    pub media: Option<Media>,
    /// The peer's session description, once it is known.
    pub remote: Option<Session>,
    /// Where its signalling came from.
    pub source: Option<SocketAddr>,
    /// Sound comes from where signalling comes from, whatever SDP says.
    pub behind_nat: bool,
    /// Only for dialled legs.
    pub dial: Option<DialPlan>,
    /// Legs that were dialled for this one.
    pub dialled: Vec<Arc<str>>,
    pub room: Option<Arc<str>>,
    /// Commands for sound that came before the caller was proven, in order.
    pub held: VecDeque<Held>,
    /// A play whose sounds are being read.
    pub coming: Option<ComingPlay>,
    /// Fires when an arriving leg has waited too long for an engine, or a `Progress` must become an answer.
    pub timer: Option<TimerKey>,
    pub is_held_by_peer: bool,
    /// Packets heard by the last sample, and when their number last grew.
    pub packets_in: u64,
    pub heard_us: u64,
    /// The trunk that it came or goes through.
    pub trunk: Option<String>,
    /// Set at its end; LegEnded follows when its media is closed.
    pub end: Option<End>,
}

/// The leg's sound: reserved with the port that stands in our SDP, open when a media thread has it.
#[derive(Debug)]
pub struct Media {
    /// Where it opens; later `MediaThreads` knows where it lives.
    pub thread: usize,
    pub port: u16,
    pub local: Session,
    /// Its sockets, until a media thread has them.
    pub pair: Option<Pair>,
    pub is_open: bool,
}

/// What its Dial said about the time after.
#[derive(Debug, Clone)]
pub struct DialPlan {
    pub for_leg: Option<Arc<str>>,
    pub group: Option<String>,
    pub on_answer: OnAnswer,
    pub room: String,
    pub on_peer_end: OnPeerEnd,
}

/// A command that waits for the ACK, with its place in the journal.
#[derive(Debug)]
pub struct Held {
    pub seq: u64,
    pub i: u32,
    pub command: Command,
}

/// A Play that waits for its files.
#[derive(Debug)]
pub struct ComingPlay {
    pub play: Arc<str>,
    /// Each sound with its clip, once it has been read.
    pub sounds: Vec<(SoundKey, Option<Clip>)>,
    pub repeat: bool,
    pub gap_ms: u32,
}

/// How a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub cause: EndCause,
    pub code: u16,
    pub q850: u8,
}

impl Leg {
    /// A leg that nothing is known of but its name.
    pub fn new(id: Arc<str>, arrived: bool) -> Self {
        Self {
            id,
            note: String::new(),
            arrived,
            state: if arrived { LegState::Arriving } else { LegState::Dialling },
            dialog: None,
            is_proven: !arrived,
            answered_us: None,
            media: None,
            remote: None,
            source: None,
            behind_nat: false,
            dial: None,
            dialled: Vec::new(),
            room: None,
            held: VecDeque::new(),
            coming: None,
            timer: None,
            is_held_by_peer: false,
            packets_in: 0,
            heard_us: 0,
            trunk: None,
            end: None,
        }
    }

    /// Its media, when a media thread has it.
    pub fn open_media(&self) -> Option<&Media> {
        self.media.as_ref().filter(|media| media.is_open)
    }

    /// Nothing more is to be done with it but to end.
    pub fn is_ending(&self) -> bool {
        self.end.is_some()
    }
}

impl Legs {
    pub fn insert(&mut self, leg: Leg) -> Index {
        let (id, dialog) = (Arc::clone(&leg.id), leg.dialog);
        let index = self.slab.insert(leg);
        self.by_id.insert(id, index);
        if let Some(dialog) = dialog {
            self.by_dialog.insert(dialog, index);
        }
        index
    }

    pub fn remove(&mut self, index: Index) -> Option<Leg> {
        let leg = self.slab.try_remove(index)?;
        self.by_id.remove(&leg.id);
        if let Some(dialog) = leg.dialog {
            self.by_dialog.remove(&dialog);
        }
        Some(leg)
    }

    /// The leg got its dialog after it was entered.
    pub fn set_dialog(&mut self, index: Index, dialog: DialogKey) {
        if let Some(leg) = self.slab.get_mut(index) {
            leg.dialog = Some(dialog);
            self.by_dialog.insert(dialog, index);
        }
    }

    /// The leg lost its dialog; returns which.
    pub fn take_dialog(&mut self, index: Index) -> Option<DialogKey> {
        let dialog = self.slab.get_mut(index)?.dialog.take()?;
        self.by_dialog.remove(&dialog);
        Some(dialog)
    }

    /// A living leg by its name: one that is ending is gone for every command.
    pub fn find(&self, id: &str) -> Option<Index> {
        let index = *self.by_id.get(id)?;
        (!self.slab.get(index)?.is_ending()).then_some(index)
    }

    /// A leg whose LegEnded waits for its media.
    pub fn ending(&self, id: &str) -> Option<Index> {
        let index = *self.by_id.get(id)?;
        self.slab.get(index)?.is_ending().then_some(index)
    }

    /// Any leg by its name, ending or not: no name is used twice at once.
    pub fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub fn by_dialog(&self, dialog: DialogKey) -> Option<Index> {
        self.by_dialog.get(&dialog).copied()
    }

    pub fn get(&self, index: Index) -> Option<&Leg> {
        self.slab.get(index)
    }

    pub fn get_mut(&mut self, index: Index) -> Option<&mut Leg> {
        self.slab.get_mut(index)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Index, &Leg)> {
        self.slab.iter()
    }

    /// Legs that live on a trunk.
    pub fn on_trunk(&self, trunk: &str) -> usize {
        self.slab.iter().filter(|(_, leg)| leg.trunk.as_deref() == Some(trunk) && !leg.is_ending()).count()
    }

    pub fn len(&self) -> usize {
        self.slab.len()
    }
}

/// The sums of a leg's media in the protocol's words.
pub fn quality(quality: &Quality) -> hotline_control::frames::Quality {
    hotline_control::frames::Quality {
        packets_in: quality.packets_in,
        packets_out: quality.packets_out,
        lost: quality.lost,
        jitter_us: quality.jitter_us,
        rtt_us: quality.rtt_us,
        max_gap_ms: quality.max_gap_us / 1_000,
        foreign: quality.foreign,
    }
}
