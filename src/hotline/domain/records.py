"""The values in which the engine, the journal and the link to the switch talk to each other.

They stand in the domain because siblings never import each other (ARCHITECTURE.md, section 4).
Times are microseconds: `at` on the journal's non-decreasing axis, `utc` since 1970.
"""

from dataclasses import dataclass

from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.ids import LegId, RecordingId
from hotline.domain.inputs import Input

__all__ = ["Arrival", "JournalStart", "LinkLost", "News", "Numbered", "Position", "Record", "Snapshot", "Welcomed"]


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
    """The state right after record `seq`, and that record's place. `state` is the domain's own tree."""

    seq: int
    at: int
    utc: int
    position: Position
    state: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A command with its identity `(seq, i)`: the record that caused it and its place there."""

    seq: int
    i: int
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStart:
    """What a journal says of itself when it is opened; all zero when it is empty."""

    epoch: int
    """Higher than that of every engine before."""
    seq: int = 0
    at: int = 0
    utc: int = 0
    position: Position = Position()


# --- what the link brings -------------------------------------------------------------------------


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
