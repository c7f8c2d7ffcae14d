"""Taking over: the state from the journal, and what to do where journal and switch differ.

Law: recovery is snapshot + `apply`; nothing is decided again. Reconciliation is pure: it is handed the state
after the backlog and the switch's Welcome, and hands back inputs and commands (ARCHITECTURE.md, section 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.domain.commands import Command, Dial, Hangup
from hotline.domain.commands import Record as RecordCommand
from hotline.domain.hotline import Hotline
from hotline.domain.inputs import Input, LegEnded, RecordingClosed
from hotline.domain.records import Numbered, Position, Record, Snapshot, Welcomed
from hotline.domain.state import State
from hotline.engine.ports import Journal

__all__ = ["Reconciled", "Recovered", "reconcile", "recover"]

Q850_TEMPORARY_FAILURE = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The hotline as the journal's last record left it."""

    hotline: Hotline
    seq: int
    at: int
    utc: int
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What makes journal and switch agree."""

    inputs: tuple[Input, ...]
    commands: tuple[Command, ...]


def recover(journal: Journal) -> Recovered:
    """Rebuilds the state. Raises what reading the journal raises."""
    taken = journal.newest_snapshot()
    if taken is None:
        taken = Snapshot(seq=0, at=0, utc=0, position=Position(), state=State())
    assert isinstance(taken.state, State)
    hotline = Hotline(taken.state)
    last: Snapshot | Record = taken
    for last in journal.read(taken.seq):
        for fact in last.facts:
            hotline.apply(fact)
    return Recovered(hotline=hotline, seq=last.seq, at=last.at, utc=last.utc, position=last.position)


def reconcile(state: State, welcomed: Welcomed, resent: Sequence[Numbered], *, at: int, utc: int) -> Reconciled:
    """Compares the state after the backlog with what the switch has.

    `resent` are the commands that the switch had not executed when it spoke: what they begin is not missing
    but on its way. A leg that the journal does not know is hung up; one that the switch lacks has ended as
    `lost`; so has a recording, whose `path` then is the name it was to have.
    """
    commands = [numbered.command for numbered in resent]
    legs = {*welcomed.legs, *(command.leg for command in commands if isinstance(command, Dial))}
    recordings = {
        *welcomed.recordings,
        *(command.recording for command in commands if isinstance(command, RecordCommand)),
    }
    ended = tuple(LegEnded(at=at, utc=utc, leg=leg, cause="lost") for leg in state.legs if leg not in legs)
    closed = tuple(
        RecordingClosed(at=at, utc=utc, recording=kept.id, path=kept.name, duration_ms=0, size=0, reason="failed")
        for kept in state.recordings.values()
        if kept.id not in recordings
    )
    unknown = tuple(Hangup(leg=leg, q850=Q850_TEMPORARY_FAILURE) for leg in welcomed.legs if leg not in state.legs)
    return Reconciled(inputs=ended + closed, commands=unknown)
