"""What the hotline knows: one tree of plain values, which is also the snapshot.

Law: only `apply` changes it. Times (`_at`, `_until`, `since`) are microseconds on the journal's axis.
What can be found out from here again (timers' order, who is free) lives in `memory.py` instead.
"""

from dataclasses import dataclass, field
from typing import Literal

from hotline.domain.ids import CallId, LegId, OfferId, OperatorId, PlayId, QueueId, RecordingId, TicketId
from hotline.domain.settings import Settings

__all__ = [
    "Call",
    "CallState",
    "ExitReason",
    "Leg",
    "Offer",
    "Operator",
    "OperatorState",
    "Place",
    "Presence",
    "Purpose",
    "Queue",
    "Recording",
    "State",
    "Ticket",
]

CallState = Literal[
    "arriving",
    "proving",
    "saying",
    "noticing",
    "choosing",
    "inviting",
    "recording",
    "echoing",
    "waiting",
    "talking",
    "parting",
    "leaving",
]
"""What the caller is doing; the table of `call.py` says what each means."""

OperatorState = Literal["idle", "ringing", "talking", "releasing", "wrap_up"]
Presence = Literal["ready", "paused", "signed_out"]
Purpose = Literal["prompt", "music", "announcement", "notice", "beep", "goodbye"]
ExitReason = Literal["answered", "abandoned", "timeout", "key", "no_operator", "full", "closed", "failure"]

Place = tuple[int, int, TicketId]
"""A ticket's place in line: since when it counts, and its number, which settles ties."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One person's contact, until his leg has ended."""

    id: CallId
    n: int
    leg: LegId
    number: str
    called: str
    caller: str
    caller_name: str
    trunk: str | None
    account: str | None
    proven: bool
    flow: str
    language: str
    revision: int
    arrived_at: int
    arrived_utc: int
    state: CallState = "arriving"
    node: str = ""
    until: int | None = None
    """When the present step runs out of time."""
    answered_at: int | None = None
    progressed: bool = False
    """Early media is open."""
    ended_by: Literal["caller", "operator", "system"] | None = None

    digits: str = ""
    misses: int = 0
    """Menu misses in a row."""
    chosen: bool = False
    """A menu key was taken, so what is heard afterwards was asked for."""
    served: bool = False
    closed: bool = False
    failed: bool = False

    play: PlayId | None = None
    purpose: Purpose | None = None
    plays: int = 0

    ticket: TicketId | None = None
    tickets: int = 0
    since: dict[QueueId, int] = field(default_factory=dict)
    """The clock of each queue he has been in; it is kept when he comes back."""
    exit: ExitReason | None = None
    short: bool = False
    """He gave up within the queue's short-abandon time."""
    rang: bool = False
    """A phone was ringing for him when he left the queue."""

    offers: int = 0
    operator: OperatorId | None = None
    talk_queue: QueueId | None = None
    talk_at: int | None = None
    talked: bool = False
    held_since: int | None = None
    held_us: int = 0

    recordings: int = 0
    recording: RecordingId | None = None
    refuse_key: str = ""
    refused: bool = False
    """He does not want to be recorded."""
    voicemail: bool = False


@dataclass(slots=True, kw_only=True)
class Leg:
    """One connection that the switch holds for us; `operator` is set on those we dialled."""

    call: CallId
    operator: OperatorId | None = None
    offer: OfferId | None = None


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A place in a queue."""

    id: TicketId
    n: int
    call: CallId
    queue: QueueId
    since: int
    joined_at: int
    wait_until: int | None
    offer: OfferId | None = None
    declined: dict[OperatorId, int] = field(default_factory=dict)
    """Operators who do not get this ticket again before the time given."""
    announced: int | None = None
    """The best position he has been told."""
    announce_at: int | None = None
    leaving: bool = False
    """The switch has given up his offer because he is hanging up; his own end is on its way."""


@dataclass(slots=True, kw_only=True)
class Offer:
    """One operator's phone rings for one ticket."""

    id: OfferId
    call: CallId
    ticket: TicketId
    queue: QueueId
    operator: OperatorId
    leg: LegId
    made_at: int
    expires_at: int
    ringing: bool = False


@dataclass(slots=True, kw_only=True)
class Queue:
    """Who waits, in order: everybody, and those who are not on offer to an operator right now."""

    id: QueueId
    line: list[Place] = field(default_factory=list)
    open: list[Place] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Operator:
    """A person who answers: what he chose (`presence`) and what the machine knows (`state`)."""

    id: OperatorId
    n: int
    presence: Presence = "ready"
    reason: str = ""
    by: str = ""
    presence_at: int = 0
    reachable: bool = False
    state: OperatorState = "idle"
    state_at: int = 0
    idle_since: int = 0
    leg: LegId | None = None
    offer: OfferId | None = None
    call: CallId | None = None
    wrap_until: int | None = None
    back_at: int | None = None
    """His device could not be reached; he is tried again then."""
    missed_at: list[int] = field(default_factory=list)
    """Misses in a row."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """A recording that the switch has not closed yet."""

    id: RecordingId
    call: CallId
    name: str
    kind: Literal["talk", "voicemail"]
    legs: tuple[LegId, ...]
    began_at: int


@dataclass(slots=True, kw_only=True)
class State:
    """Everything."""

    seed: str = ""
    boot: int = 0
    at: int = 0
    calls_seen: int = 0
    tickets_seen: int = 0
    operators_seen: int = 0
    settings: Settings | None = None
    revisions: dict[int, Settings] = field(default_factory=dict)
    """The present settings and those that calls in progress began with."""
    calls: dict[CallId, Call] = field(default_factory=dict)
    legs: dict[LegId, Leg] = field(default_factory=dict)
    tickets: dict[TicketId, Ticket] = field(default_factory=dict)
    offers: dict[OfferId, Offer] = field(default_factory=dict)
    queues: dict[QueueId, Queue] = field(default_factory=dict)
    operators: dict[OperatorId, Operator] = field(default_factory=dict)
    recordings: dict[RecordingId, Recording] = field(default_factory=dict)
    accounts: dict[str, bool] = field(default_factory=dict)
    """Registered phones that can be reached."""
    trunks: dict[str, bool] = field(default_factory=dict)
