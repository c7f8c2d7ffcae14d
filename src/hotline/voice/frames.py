"""Every frame of the control protocol. `crates/control/src/frames.rs` is its twin: same names, same field order.

A frame on the wire is a length (u32, big endian) and a MessagePack map whose first key `t` names the variant.
Times: `_us` microseconds on the switch's boot-time clock, `_ms` durations in milliseconds.
What a field means stands in the twin; both read and write the golden frames of `contract/` identically.
"""

from typing import Final, Literal

import msgspec

__all__ = ["MAX_FRAME", "PROTOCOLS", "AnyEvent", "Command", "ToEngine", "ToSwitch", "decode", "encode"]

PROTOCOLS: Final = (1,)
"""Protocol versions this build speaks, newest first."""
MAX_FRAME: Final = 1 << 20
"""A longer frame is a broken peer."""

EndCause = Literal[
    "peer", "us", "refused", "ring_timeout", "withdrawn", "unreachable", "never_acked", "silent", "orphaned"
]
OnAnswer = Literal["join", "park"]
OnPeerEnd = Literal["release", "park"]
LegState = Literal["arriving", "progressing", "dialling", "answered"]


class Frame(msgspec.Struct, frozen=True, tag_field="t", tag=True):
    """Something with a name in `t`."""


class Part(msgspec.Struct, frozen=True):
    """Something inside a frame."""


# parts


class Quality(Part, frozen=True):
    """Sums of a leg's media since it began."""

    packets_in: int
    packets_out: int
    lost: int
    jitter_us: int
    rtt_us: int
    max_gap_ms: int
    foreign: int


class LegSnapshot(Part, frozen=True):
    leg: str
    note: str
    state: LegState
    room: str | None
    arrived: bool


class Trunk(Part, frozen=True):
    name: str
    mode: Literal["trusted", "registered"]
    addresses: tuple[str, ...]
    servers: tuple[str, ...]
    user: str
    password: str
    realm: str
    expires_s: int
    options_every_s: int
    max_channels: int
    behind_nat: bool
    allow_refer: bool

    def __repr__(self) -> str:
        return f"Trunk({self.name!r})"


class Account(Part, frozen=True):
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


class Admission(Part, frozen=True):
    open: tuple[str, ...]
    accounts: tuple[str, ...]
    blocked: tuple[str, ...]
    max_unproven: int
    max_legs: int
    per_source_rate: int
    retry_after_s: int


class OrphanPolicy(Part, frozen=True):
    hold_new_ms: int
    end_waiting_after_ms: int


# what the switch is to do


class Ring(Frame, frozen=True):
    leg: str


class Progress(Frame, frozen=True):
    leg: str
    answer_by_ms: int | None


class Answer(Frame, frozen=True):
    leg: str


class Reject(Frame, frozen=True):
    leg: str
    code: int
    reason: str
    retry_after_s: int | None


class Hangup(Frame, frozen=True):
    leg: str
    q850: int


class Dial(Frame, frozen=True):
    leg: str
    note: str
    for_leg: str | None
    targets: tuple[str, ...]
    trunk: str | None
    from_number: str
    from_name: str
    headers: dict[str, str]
    ring_for_ms: int
    group: str | None
    on_answer: OnAnswer
    room: str
    on_peer_end: OnPeerEnd


class Play(Frame, frozen=True):
    leg: str
    play: str
    sounds: tuple[str, ...]
    repeat: bool
    gap_ms: int
    volume_db: int


class Stop(Frame, frozen=True):
    leg: str
    play: str


class Connect(Frame, frozen=True):
    room: str
    hears: dict[str, tuple[str, ...]]
    release: tuple[str, ...]
    on_peer_end: OnPeerEnd


class Record(Frame, frozen=True):
    recording: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    path: str
    max_ms: int | None


class PauseRecording(Frame, frozen=True):
    recording: str


class ResumeRecording(Frame, frozen=True):
    recording: str


class StopRecording(Frame, frozen=True):
    recording: str


class SendDigits(Frame, frozen=True):
    leg: str
    digits: str


class Tap(Frame, frozen=True):
    leg: str
    tap: str
    token: str


class Feed(Frame, frozen=True):
    leg: str
    feed: str
    token: str
    generation: int


class Transfer(Frame, frozen=True):
    leg: str
    to: str


class Note(Frame, frozen=True):
    leg: str
    note: str


Command = (
    Ring
    | Progress
    | Answer
    | Reject
    | Hangup
    | Dial
    | Play
    | Stop
    | Connect
    | Record
    | PauseRecording
    | ResumeRecording
    | StopRecording
    | SendDigits
    | Tap
    | Feed
    | Transfer
    | Note
)

# frames from the engine to the switch


class Hello(Frame, frozen=True):
    epoch: int
    protocols: tuple[int, ...]
    version: str
    boot: int
    n: int


class Do(Frame, frozen=True):
    seq: int
    i: int
    command: Command


class Ack(Frame, frozen=True):
    n: int


class SetTrunks(Frame, frozen=True):
    trunks: tuple[Trunk, ...]


class SetAccounts(Frame, frozen=True):
    accounts: tuple[Account, ...]


class SetAdmission(Frame, frozen=True):
    admission: Admission


class SetOrphanPolicy(Frame, frozen=True):
    policy: OrphanPolicy


class Ping(Frame, frozen=True):
    id: int


class Drain(Frame, frozen=True):
    within_ms: int


ToSwitch = Hello | Do | Ack | SetTrunks | SetAccounts | SetAdmission | SetOrphanPolicy | Ping | Drain

# what has happened


class LegArrived(Frame, frozen=True):
    leg: str
    trunk: str | None
    account: str | None
    proven: bool
    source: str
    caller: str
    caller_name: str
    called: str
    sip_call_id: str
    headers: dict[str, str]


class LegProgress(Frame, frozen=True):
    leg: str
    code: int
    early_media: bool


class LegAnswered(Frame, frozen=True):
    leg: str
    answered_us: int
    acked_us: int
    codec: str


class LegEnded(Frame, frozen=True):
    leg: str
    cause: EndCause
    code: int
    q850: int
    answered_us: int | None
    quality: Quality


class DigitPressed(Frame, frozen=True):
    leg: str
    digit: str
    via: Literal["rtp", "info", "inband"]
    duration_ms: int


class PlaybackEnded(Frame, frozen=True):
    leg: str
    play: str
    reason: Literal["finished", "stopped", "failed"]
    detail: str


class RecordingClosed(Frame, frozen=True):
    recording: str
    path: str
    duration_ms: int
    bytes: int
    reason: Literal["stopped", "legs_ended", "max_length", "disk_full", "failed"]


class RoomChanged(Frame, frozen=True):
    room: str
    hears: dict[str, tuple[str, ...]]


class HoldRequested(Frame, frozen=True):
    leg: str
    held: bool


class TransferRequested(Frame, frozen=True):
    leg: str
    to: str
    replaces: str | None


class QualityChanged(Frame, frozen=True):
    leg: str
    quality: Quality


class RegistrationChanged(Frame, frozen=True):
    account: str
    contact: str | None
    expires_s: int
    source: str


class TrunkChanged(Frame, frozen=True):
    trunk: str
    up: bool
    reason: str


class TapOpened(Frame, frozen=True):
    leg: str
    tap: str
    address: str


class AdmissionReport(Frame, frozen=True):
    counts: dict[str, int]


class CommandRefused(Frame, frozen=True):
    seq: int
    i: int
    leg: str | None
    reason: str


AnyEvent = (
    LegArrived
    | LegProgress
    | LegAnswered
    | LegEnded
    | DigitPressed
    | PlaybackEnded
    | RecordingClosed
    | RoomChanged
    | HoldRequested
    | TransferRequested
    | QualityChanged
    | RegistrationChanged
    | TrunkChanged
    | TapOpened
    | AdmissionReport
    | CommandRefused
)

# frames from the switch to the engine


class Welcome(Frame, frozen=True):
    boot: int
    protocol: int
    version: str
    seq: int
    i: int
    n: int
    now_us: int
    legs: tuple[LegSnapshot, ...]
    recordings: tuple[str, ...]


class Refused(Frame, frozen=True):
    reason: str


class Event(Frame, frozen=True):
    n: int
    at_us: int
    event: AnyEvent


class Pong(Frame, frozen=True):
    id: int
    now_us: int


ToEngine = Welcome | Refused | Event | Pong

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)


def encode(frame: ToSwitch) -> bytes:
    """The frame as it goes over the wire, length first."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(4, "big") + body


def decode(body: bytes | memoryview) -> ToEngine:
    """One frame of the switch, without its length. Raises `msgspec.DecodeError` on anything else."""
    return _decoder.decode(body)
