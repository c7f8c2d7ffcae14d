//! Every frame of the control protocol. `src/hotline/voice/frames.py` is its twin: same names, same field order.
//!
//! A frame on the wire is a length (u32, big endian) and a MessagePack map whose first key `t` names the variant.
//! Times: `_us` microseconds on the switch's boot-time clock, `_ms` durations in milliseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Protocol versions this build speaks, newest first.
pub const PROTOCOLS: [u16; 1] = [1];

/// A leg's name: `s<boot>-<n>` for those that arrived, `e<seq>-<i>` for those that the engine dialled.
pub type LegId = String;

/// Frames from the engine to the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum ToSwitch {
    /// First frame of a connection. The switch drops every connection of a lower epoch.
    Hello {
        epoch: u64,
        protocols: Vec<u16>,
        version: String,
        /// The last event that stands in the journal, as `(boot, n)`; (0, 0) when none does.
        boot: u64,
        n: u64,
    },
    /// One command. `(seq, i)` is the journal record that caused it and its place there; at or below the
    /// switch's high-water mark it is a duplicate and is dropped.
    Do {
        seq: u64,
        i: u32,
        command: Command,
    },
    /// Events up to and including `n` are written; the switch forgets them.
    Ack {
        n: u64,
    },
    /// Full state, never a delta; sent after every Hello and at every change.
    SetTrunks {
        trunks: Vec<Trunk>,
    },
    SetAccounts {
        accounts: Vec<Account>,
    },
    SetAdmission {
        admission: Admission,
    },
    SetOrphanPolicy {
        policy: OrphanPolicy,
    },
    /// Keeps the link alive; answered with `Pong`. Also measures the clock offset.
    Ping {
        id: u64,
    },
    /// Stop taking calls and end when the last leg has gone, at the latest after `within_ms`.
    Drain {
        within_ms: u64,
    },
}

/// Frames from the switch to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum ToEngine {
    /// The answer to Hello. Backlog events above the engine's `n` follow, up to `n`; then live ones.
    Welcome {
        boot: u64,
        protocol: u16,
        version: String,
        /// High-water mark of executed commands.
        seq: u64,
        i: u32,
        /// The last event of this boot; `legs` is the state right after it.
        n: u64,
        now_us: u64,
        legs: Vec<LegSnapshot>,
        recordings: Vec<String>,
    },
    /// Hello refused; the switch closes the connection after it.
    Refused {
        reason: String,
    },
    /// One numbered event. `at_us` is when it happened.
    Event {
        n: u64,
        at_us: u64,
        event: Event,
    },
    Pong {
        id: u64,
        now_us: u64,
    },
}

/// What the switch is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum Command {
    /// 180 Ringing to an arriving leg.
    Ring {
        leg: LegId,
    },
    /// 183 with SDP: sound before the answer, unbilled. After `answer_by_ms` the switch answers by itself.
    Progress {
        leg: LegId,
        answer_by_ms: Option<u64>,
    },
    /// 200 OK.
    Answer {
        leg: LegId,
    },
    /// A final refusal of an arriving leg.
    Reject {
        leg: LegId,
        code: u16,
        reason: String,
        retry_after_s: Option<u32>,
    },
    /// Ends a leg in any state: CANCEL, BYE or a final answer, with a `Reason: Q.850;cause=`.
    Hangup {
        leg: LegId,
        q850: u8,
    },
    /// Dials a new leg. Ends by itself after `ring_for_ms`, when `for_leg` ends, or when another leg of
    /// `group` has won. `on_answer` join: the switch connects it with `for_leg` in `room` at once.
    Dial {
        leg: LegId,
        note: String,
        for_leg: Option<LegId>,
        /// Tried in order on failure to reach: `sip:` URIs, or `account:NAME` for a registered phone.
        targets: Vec<String>,
        trunk: Option<String>,
        from_number: String,
        from_name: String,
        headers: BTreeMap<String, String>,
        ring_for_ms: u64,
        group: Option<String>,
        on_answer: OnAnswer,
        room: String,
        on_peer_end: OnPeerEnd,
    },
    /// Plays sound files one after the other, over whatever the leg hears; `repeat` loops the whole list.
    Play {
        leg: LegId,
        play: String,
        sounds: Vec<String>,
        repeat: bool,
        gap_ms: u32,
        volume_db: i8,
    },
    /// Ends a play (all plays of the leg when `play` is empty).
    Stop {
        leg: LegId,
        play: String,
    },
    /// Who hears whom, absolutely and in one step: legs of `hears` are the room's members and hear exactly
    /// those named; `release` are let go (they stay up, in no room). A player on a member ends.
    Connect {
        room: String,
        hears: BTreeMap<LegId, Vec<LegId>>,
        release: Vec<LegId>,
        on_peer_end: OnPeerEnd,
    },
    /// Two-channel Ogg/Opus of what the legs of each side say.
    Record {
        recording: String,
        left: Vec<LegId>,
        right: Vec<LegId>,
        path: String,
        max_ms: Option<u64>,
    },
    PauseRecording {
        recording: String,
    },
    ResumeRecording {
        recording: String,
    },
    StopRecording {
        recording: String,
    },
    /// RFC 4733 digits to a leg.
    SendDigits {
        leg: LegId,
        digits: String,
    },
    /// Sends what the leg says as 16-bit PCM to a socket of its own; `token` opens it once.
    Tap {
        leg: LegId,
        tap: String,
        token: String,
    },
    /// Lets a speech worker be heard by the leg; `generation` is flushed by Stop.
    Feed {
        leg: LegId,
        feed: String,
        token: String,
        generation: u32,
    },
    /// REFER towards the leg's peer.
    Transfer {
        leg: LegId,
        to: String,
    },
    /// The immutable call id that a leg belongs to.
    Note {
        leg: LegId,
        note: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAnswer {
    Join,
    Park,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPeerEnd {
    /// The remaining leg of a pair is hung up.
    Release,
    /// It stays up and hears silence until the engine says more.
    Park,
}

/// What has happened, in the past tense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum Event {
    /// An INVITE was admitted. `trunk` or `account` is set when it came from one; `proven` then is true.
    LegArrived {
        leg: LegId,
        trunk: Option<String>,
        account: Option<String>,
        proven: bool,
        source: String,
        caller: String,
        caller_name: String,
        called: String,
        sip_call_id: String,
        headers: BTreeMap<String, String>,
    },
    /// A provisional answer of a dialled leg; `early_media` when it carried SDP.
    LegProgress {
        leg: LegId,
        code: u16,
        early_media: bool,
    },
    /// Answered: `answered_us` is the 200, `acked_us` the ACK (an arriving leg's event is sent at its ACK).
    LegAnswered {
        leg: LegId,
        answered_us: u64,
        acked_us: u64,
        codec: String,
    },
    /// The leg is gone. Exactly one for each leg that arrived or was dialled.
    LegEnded {
        leg: LegId,
        cause: EndCause,
        code: u16,
        q850: u8,
        answered_us: Option<u64>,
        quality: Quality,
    },
    DigitPressed {
        leg: LegId,
        digit: String,
        via: DigitVia,
        duration_ms: u32,
    },
    PlaybackEnded {
        leg: LegId,
        play: String,
        reason: PlaybackEnd,
        detail: String,
    },
    RecordingClosed {
        recording: String,
        path: String,
        duration_ms: u64,
        bytes: u64,
        reason: RecordingEnd,
    },
    /// A Connect, a join or a peer's end was carried out; `hears` is the room now (empty: it is gone).
    RoomChanged {
        room: String,
        hears: BTreeMap<LegId, Vec<LegId>>,
    },
    HoldRequested {
        leg: LegId,
        held: bool,
    },
    TransferRequested {
        leg: LegId,
        to: String,
        replaces: Option<LegId>,
    },
    QualityChanged {
        leg: LegId,
        quality: Quality,
    },
    /// An account's contact came, moved or went (`contact` none).
    RegistrationChanged {
        account: String,
        contact: Option<String>,
        expires_s: u32,
        source: String,
    },
    TrunkChanged {
        trunk: String,
        up: bool,
        reason: String,
    },
    TapOpened {
        leg: LegId,
        tap: String,
        address: String,
    },
    /// Counts since the last report, by reason; sent at most once a second while they move.
    AdmissionReport {
        counts: BTreeMap<String, u64>,
    },
    CommandRefused {
        seq: u64,
        i: u32,
        leg: Option<LegId>,
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The far end hung up (BYE) or gave up (CANCEL).
    Peer,
    /// We ended it: Hangup, Reject, the end of ring time, a peer's end.
    Us,
    /// The far end refused: `code` says how.
    Refused,
    /// Nobody answered within `ring_for_ms`.
    RingTimeout,
    /// Another leg of its group won, or `for_leg` ended first.
    Withdrawn,
    /// No address of the target could be reached.
    Unreachable,
    /// A 200 was never acknowledged.
    NeverAcked,
    /// The far end vanished: no media and no signalling.
    Silent,
    /// The orphan policy ended it while no engine was connected.
    Orphaned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigitVia {
    Rtp,
    Info,
    Inband,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaybackEnd {
    Finished,
    Stopped,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingEnd {
    Stopped,
    LegsEnded,
    MaxLength,
    DiskFull,
    Failed,
}

/// Sums of a leg's media since it began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    pub packets_in: u64,
    pub packets_out: u64,
    pub lost: u64,
    pub jitter_us: u32,
    pub rtt_us: u32,
    pub max_gap_ms: u32,
    /// Packets dropped because their source was not the locked one.
    pub foreign: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegSnapshot {
    pub leg: LegId,
    pub note: String,
    pub state: LegState,
    pub room: Option<String>,
    pub arrived: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    Arriving,
    Progressing,
    Dialling,
    Answered,
}

/// A carrier connection. `mode` trusted: calls from `addresses` are admitted and proven.
/// `mode` registered: we REGISTER as `user` with `password` at `server` and trust its addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trunk {
    pub name: String,
    pub mode: TrunkMode,
    /// Networks, `127.0.0.0/24` or a single address.
    pub addresses: Vec<String>,
    /// Where calls through it are sent, `host:port[;transport=tcp]`, tried in order.
    pub servers: Vec<String>,
    pub user: String,
    pub password: String,
    pub realm: String,
    pub expires_s: u32,
    pub options_every_s: u32,
    pub max_channels: u32,
    pub behind_nat: bool,
    pub allow_refer: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkMode {
    Trusted,
    Registered,
}

/// Credentials of a phone that registers with us and calls through us.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub password: String,
}

/// Who may send us anything at all; trunks' addresses are admitted by their own entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// Networks from which unknown callers are accepted, unproven until they ACK.
    pub open: Vec<String>,
    /// Networks from which accounts may register and call (always challenged).
    pub accounts: Vec<String>,
    /// Networks refused before anything else.
    pub blocked: Vec<String>,
    pub max_unproven: u32,
    pub max_legs: u32,
    /// Requests a second from one source that is no trunk.
    pub per_source_rate: u32,
    pub retry_after_s: u32,
}

/// What the switch does while no engine is connected. Connected legs are never ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrphanPolicy {
    /// New calls are held this long, then refused with 503 and Retry-After.
    pub hold_new_ms: u64,
    /// Legs that are connected to nobody are ended after this long without an engine.
    pub end_waiting_after_ms: u64,
}
