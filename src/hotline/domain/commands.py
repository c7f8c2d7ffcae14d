"""What the switch is to do, in the imperative. `voice/gateway.py` turns each into a frame.

Phrases are turned into sound files on the way out, so that the domain never sees a path it did not get from settings.
"""

from dataclasses import dataclass, field
from typing import Literal

from hotline.domain.ids import CallId, LegId, PlayId, RecordingId
from hotline.domain.phrases import Phrase

__all__ = [
    "Answer",
    "Command",
    "Connect",
    "Dial",
    "Hangup",
    "Note",
    "Play",
    "Progress",
    "Record",
    "Reject",
    "Ring",
    "Stop",
    "StopRecording",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """180 to an arriving leg: the caller hears his own network's ringing."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Early media; the switch answers by itself after `answer_by_ms`."""

    leg: LegId
    answer_by_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """200 to an arriving leg: from here on the caller is billed."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A final refusal of an arriving leg, by SIP status code."""

    leg: LegId
    code: int
    reason: str
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup:
    """Ends a leg in any state, with a cause of Q.850."""

    leg: LegId
    q850: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Rings a party for `for_leg`; when it answers the switch joins the two in `room` at once (or parks it)."""

    leg: LegId
    call: CallId
    for_leg: LegId | None
    targets: tuple[str, ...]
    from_number: str
    from_name: str = ""
    ring_ms: int
    on_answer: Literal["join", "park"] = "join"
    room: str = ""
    on_peer_end: Literal["release", "park"] = "release"
    trunk: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Says phrases one after the other; `repeat` loops them all. It takes the place of the play before."""

    leg: LegId
    play: PlayId
    phrases: tuple[Phrase, ...]
    language: str
    repeat: bool = False
    gap_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Ends a play."""

    leg: LegId
    play: PlayId


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Who hears whom, absolutely: members are the keys of `hears`."""

    room: str
    hears: dict[LegId, tuple[LegId, ...]]
    release: tuple[LegId, ...] = ()
    on_peer_end: Literal["release", "park"] = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Starts a two-channel recording; `folder` and `name` become the file's place."""

    recording: RecordingId
    call: CallId
    left: tuple[LegId, ...]
    right: tuple[LegId, ...]
    name: str
    """Relative path without extension, no telephone number in it."""
    max_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording:
    """Closes a recording while its legs go on."""

    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Marks an arriving leg with its call."""

    leg: LegId
    call: CallId


Command = Ring | Progress | Answer | Reject | Hangup | Dial | Play | Stop | Connect | Record | StopRecording | Note
