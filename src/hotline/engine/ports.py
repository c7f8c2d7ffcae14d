"""What the engine needs from its neighbours, and the values they exchange with it.

Law: siblings meet here and nowhere else; `app` joins them. Times are microseconds: `at` on the journal's
non-decreasing axis, `utc` since 1970.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.ids import LegId, RecordingId
from hotline.domain.inputs import Input

__all__ = [
    "Arrival",
    "Clock",
    "EventSink",
    "Journal",
    "JournalStart",
    "LinkLost",
    "News",
    "Numbered",
    "Position",
    "Projection",
    "Record",
    "Snapshot",
    "Switch",
    "Welcomed",
]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """A place in the switch's events: the `n`th of the switch that began as `boot`; (0, 0) is none yet."""

    boot: int = 0
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the journal: what came in, what became true, what is to be done.

    `position` is the last event of the switch that stands in the journal, this record's included.
    A record without an input marks a position (or an engine's beginning) and nothing else.
    """

    seq: int
    at: int
    utc: int
    position: Position
    given: Input | None = None
    facts: tuple[Fact, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state right after record `seq`. `state` is the domain's own tree."""

    seq: int
    at: int
    state: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A command with its identity `(seq, i)`: the record that caused it and its place there."""

    seq: int
    i: int
    command: Command


# --- the switch -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One numbered event of the switch. `given` is None for events that the domain does not know."""

    boot: int
    n: int
    given: Input | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcomed:
    """The switch took our Hello. Events above what we had written, up to `n`, follow; then live ones.

    `(seq, i)` is the last command it has executed; `legs` and `recordings` are what it has after event `n`.
    """

    boot: int
    n: int
    seq: int
    i: int
    legs: tuple[LegId, ...]
    recordings: tuple[RecordingId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost:
    """The connection to the switch ended. Commands wait in the journal until the next Welcomed."""

    reason: str


News = Arrival | Welcomed | LinkLost


class EventSink(Protocol):
    """Where the link puts what it hears; the engine's inbox."""

    def post(self, news: News) -> None:
        """Takes one item in order, at once, on the engine's own event loop.

        Bounded by the switch's window of unacknowledged events; `is_full` asks the link to stop reading.
        """

    @property
    def is_full(self) -> bool: ...


class Switch(Protocol):
    """The way out to the switch. None of these blocks; none is called before the record is written."""

    def resume(self, commands: Sequence[Numbered]) -> None:
        """Sends what the switch had not executed and opens the gate for `send`. The answer to Welcomed."""

    def send(self, commands: Sequence[Numbered]) -> None:
        """Sends commands in order. Dropped while no connection has been resumed: the journal has them."""

    def acknowledge(self, position: Position) -> None:
        """Events up to `position` are written. Dropped when no connection of that boot is up."""


# --- the journal ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStart:
    """What a journal says of itself when it is opened; all zero when it is empty."""

    epoch: int
    """Higher than that of every engine before."""
    seq: int = 0
    at: int = 0
    utc: int = 0
    position: Position = Position()


class Journal(Protocol):
    """The truth on disk. One owner at a time; opening it took the lock and raised the epoch."""

    @property
    def start(self) -> JournalStart: ...

    def append(self, records: Sequence[Record]) -> None:
        """Writes all of them in one transaction; when it returns they survive this process.

        Raises OSError when the disk is full even after the reserve was given up, and RuntimeError when
        another engine has written in the meantime.
        """

    async def durable(self, seq: int) -> None:
        """Waits until record `seq` would survive a power cut (at most some 20 ms)."""

    def read(self, after: int) -> Iterator[Record]:
        """All records with a higher `seq`, in order."""

    def snapshot(self, taken: Snapshot) -> None:
        """Keeps a snapshot; recovery begins at the newest."""

    def newest_snapshot(self) -> Snapshot | None: ...

    def commands_after(self, seq: int, i: int) -> list[Numbered]:
        """The journalled commands above the switch's high-water mark, in order."""

    def close(self) -> None: ...


class Projection(Protocol):
    """Whoever reads the journal behind the engine's back. It may be slow or away; it delays nobody."""

    def wake(self, seq: int) -> None:
        """Records up to `seq` are written."""


class Clock(Protocol):
    """The one source of time outside the switch."""

    def now(self) -> int:
        """The journal's axis."""

    def utc(self) -> int:
        """Wall clock."""

    def to_axis(self, boot_us: int) -> int:
        """A stamp of this machine's boot-time clock (the switch's own) on the journal's axis."""
