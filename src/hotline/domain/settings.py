"""Settings as the domain sees them: plain tables, compiled by `config` from the owner's file.

Settings enter as revisioned inputs; a call keeps the revision it began with for its flow.
Durations are in milliseconds.
"""

from dataclasses import dataclass, field
from typing import Literal

from hotline.domain.ids import OperatorId, QueueId
from hotline.domain.phrases import Phrase

__all__ = [
    "Answer",
    "Echo",
    "Enqueue",
    "Finding",
    "Flow",
    "Hangup",
    "Hours",
    "HoursTable",
    "Menu",
    "Node",
    "NumberSettings",
    "OperatorSettings",
    "QueueSettings",
    "RecordingNotice",
    "Say",
    "Settings",
    "Voicemail",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake or remark about a configuration, with the line it stands in."""

    severity: Literal["error", "warning", "waived"]
    where: str
    """`file:line`, or the thing's name where there is no line."""
    sentence: str


# --- nodes of a flow ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answers the caller: from here on the call is billed."""

    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Plays phrases to the end. Before an Answer node they go as early media."""

    phrases: tuple[Phrase, ...]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingNotice:
    """Says that the call will be recorded; `refuse_key` pressed while it plays (or just after) keeps it unrecorded."""

    phrases: tuple[Phrase, ...]
    next: str
    refuse_key: str = "7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A voice menu. Keys may have several digits; a pressed key ends the prompt (barge-in)."""

    phrases: tuple[Phrase, ...]
    choices: dict[str, str]
    """Pressed keys -> next node. `0` is added by `config` when the owner gives none."""
    failed: str
    """The next node when the retries are used up: a human, by default."""
    barge_in: bool = True
    first_digit_ms: int = 6000
    inter_digit_ms: int = 3000
    retries: int = 2
    wrong_key: tuple[Phrase, ...] = ()
    no_input: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Branches by the hours table at the moment the call gets here."""

    table: str
    open: str
    closed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue:
    """Puts the caller into a queue until an operator answers or an exit is taken."""

    queue: QueueId
    on_timeout: str | None = None
    on_full: str | None = None
    on_no_operator: str | None = None
    keys: dict[str, str] = field(default_factory=dict)
    """Keys that leave the queue -> next node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail:
    """Invites, beeps and records a message; `#` or hanging up ends it."""

    phrases: tuple[Phrase, ...]
    mailbox: str
    next: str | None = None
    max_ms: int = 120_000
    min_ms: int = 1000
    """A shorter message does not count as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """The caller hears himself."""

    phrases: tuple[Phrase, ...] = ()
    max_ms: int = 60_000
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup:
    """Says the phrases, if any, and ends the call."""

    phrases: tuple[Phrase, ...] = ()
    q850: int = 16


Node = Answer | Say | RecordingNotice | Menu | Hours | Enqueue | Voicemail | Echo | Hangup


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A call scenario: nodes by name."""

    name: str
    start: str
    nodes: dict[str, Node]


# --- the company ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursTable:
    """When a place is open: half-open intervals `[open, close)` in UTC seconds, sorted, for the coming year.

    `config` compiles zones, holidays, moved days and exceptions into it.
    """

    name: str
    zone: str
    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSettings:
    """One of our numbers, as dialled (E.164, or a short number as the trunk sends it)."""

    number: str
    flow: str
    language: str = "ru"
    answer_by_ms: int | None = None
    """Early media is answered after this long, before the trunk cuts it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """A queue and the rules of waiting in it."""

    name: QueueId
    operators: tuple[OperatorId, ...]
    strategy: Literal["longest_idle"] = "longest_idle"
    music: Phrase | None = None
    ring_ms: int = 20_000
    wrap_up_ms: int = 0
    max_wait_ms: int | None = None
    max_length: int | None = None
    no_operator: Literal["wait", "leave"] = "wait"
    """What happens to a caller when nobody is signed in: he waits, or takes `on_no_operator` at once."""
    greeting: tuple[Phrase, ...] = ()
    announce_position: bool = True
    announce_gap_ms: int = 30_000
    """The least time between two announcements."""
    announce_up_to: int = 30
    """Beyond it "more than N" is said."""
    record: bool = False
    recording_days: int = 90
    """Retention."""
    service_level_ms: int = 20_000
    short_abandon_ms: int = 5000
    decline_pause_ms: int = 10_000
    """How long an operator who declined a caller is not offered the same one again."""
    unreachable_pause_ms: int = 5000
    """How long an operator whose device could not be reached is left alone."""
    waiver: str | None = None
    """Why no human needs to be reachable from here; listed by `hotline check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """A person who answers, and his devices in the order they are tried."""

    id: OperatorId
    name: str
    devices: tuple[str, ...]
    """`account:NAME` for a phone that registers, `sip:user@host:port` for a fixed one."""
    misses_to_pause: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the domain knows of the company, as one immutable value."""

    revision: int
    company: str
    language: str = "ru"
    numbers: dict[str, NumberSettings]
    flows: dict[str, Flow]
    queues: dict[QueueId, QueueSettings]
    operators: dict[OperatorId, OperatorSettings]
    hours: dict[str, HoursTable] = field(default_factory=dict)
    dial_codes: dict[str, str] = field(default_factory=lambda: {"*11": "ready", "*12": "paused", "*10": "signed_out"})
    """What an operator's phone may dial to choose his presence."""
