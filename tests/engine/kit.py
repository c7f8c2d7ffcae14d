"""An engine on a desk: a real journal, the real domain, virtual time, and a switch that can lose its engine.

`PretendSwitch` keeps the control protocol's promises (ARCHITECTURE.md, section 5): events until they are
acknowledged, one high-water mark for commands, a Welcome with its legs. It knows nothing of queues.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hotline.domain import commands, inputs
from hotline.domain.facts import Fact
from hotline.domain.ids import LegId, OperatorId, RecordingId
from hotline.domain.records import Arrival, LinkLost, Numbered, Position, Record, Welcomed
from hotline.domain.settings import Settings
from hotline.domain.state import State
from hotline.engine.loop import Engine
from hotline.store.journal import FileJournal
from tests.domain.kit import company

__all__ = ["Desk", "Killed", "PretendSwitch", "VirtualClock"]

F = TypeVar("F", bound=Fact)
C = TypeVar("C", bound=commands.Command)
START_UTC = 1_790_000_000_000_000


class Killed(BaseException):
    """The engine's process dies here."""


class VirtualClock:
    """Time moves when a test says so."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def now(self) -> int:
        return self.at

    def utc(self) -> int:
        return START_UTC + self.at

    def to_axis(self, boot_us: int) -> int:
        return boot_us


class NoProjection:
    def wake(self, seq: int) -> None:
        pass


class DyingJournal(FileJournal):
    """Dies before or after its next write, as told."""

    dies: str | None = None

    def append(self, records: Sequence[Record]) -> None:
        if self.dies == "before":
            raise Killed
        super().append(records)
        if self.dies == "after":
            raise Killed


class PretendSwitch:
    """The other end of the link, with a power of recall but no sound."""

    def __init__(self, clock: VirtualClock, boot: int = 7) -> None:
        self.boot = boot
        self.clock = clock
        self.n = 0
        self.unacknowledged: list[tuple[int, inputs.Input]] = []
        self.mark = (0, 0)
        self.legs: list[LegId] = []
        self.recordings: list[RecordingId] = []
        self.executed: list[commands.Command] = []
        self.duplicates = 0
        self.engine: Engine | None = None
        self.gate_open = False

    # what the engine calls

    def resume(self, resent: Sequence[Numbered]) -> None:
        self.gate_open = True
        self.send(resent)

    def send(self, sent: Sequence[Numbered]) -> None:
        if not self.gate_open:
            return
        for numbered in sent:
            if (numbered.seq, numbered.i) <= self.mark and self.mark != (0, 0):
                self.duplicates += 1
                continue
            self.mark = (numbered.seq, numbered.i)
            self.executed.append(numbered.command)
            self._execute(numbered.command)

    def acknowledge(self, position: Position) -> None:
        if self.gate_open and position.boot == self.boot:
            self.unacknowledged = [kept for kept in self.unacknowledged if kept[0] > position.n]

    # what a test calls

    def connect(self, engine: Engine) -> None:
        """Hello and Welcome: then the backlog above what the engine has written."""
        self.engine = engine
        self.gate_open = False
        written = engine.position
        n = written.n if written.boot == self.boot else 0
        engine.inbox.post(
            Welcomed(
                boot=self.boot,
                n=self.n,
                seq=self.mark[0],
                i=self.mark[1],
                legs=tuple(self.legs),
                recordings=tuple(self.recordings),
            )
        )
        for kept, given in self.unacknowledged:
            if kept > n:
                engine.inbox.post(Arrival(boot=self.boot, n=kept, given=given))

    def disconnect(self) -> None:
        """The engine is gone, or does not know yet that the link is."""
        self.engine = None
        self.gate_open = False

    def happens(self, given: inputs.Input) -> None:
        self.n += 1
        self.unacknowledged.append((self.n, given))
        if isinstance(given, inputs.LegArrived):
            self.legs.append(given.leg)
        if isinstance(given, inputs.LegEnded) and given.leg in self.legs:
            self.legs.remove(given.leg)
        if self.engine is not None:
            self.engine.inbox.post(Arrival(boot=self.boot, n=self.n, given=given))
        if isinstance(given, inputs.LegEnded):
            self._release_parties(given)

    def _release_parties(self, ended: inputs.LegEnded) -> None:
        """A leg that was dialled for another ends with it, engine or no engine."""
        for dial in [one for one in self.executed if isinstance(one, commands.Dial)]:
            if dial.for_leg == ended.leg and dial.leg in self.legs:
                self.happens(replace(ended, leg=dial.leg, cause="withdrawn"))

    def _execute(self, command: commands.Command) -> None:
        at, utc = self.clock.now(), self.clock.utc()
        match command:
            case commands.Dial():
                self.legs.append(command.leg)
            case commands.Record():
                self.recordings.append(command.recording)
            case commands.Hangup() | commands.Reject() if command.leg in self.legs:
                self.happens(inputs.LegEnded(at=at, utc=utc, leg=command.leg, cause="us"))
            case _:
                pass


class Desk:
    """One company's journal, and the engines that come and go over it."""

    def __init__(self, folder: Path, settings: Settings | None = None, seed: str = "t") -> None:
        self.seed = seed
        self.folder = folder
        self.clock = VirtualClock()
        self.switch = PretendSwitch(self.clock)
        self.settings = company() if settings is None else settings
        self.journal: DyingJournal
        self.engine: Engine
        self.begin()
        self.take_settings()
        self.switch.connect(self.engine)
        self.run()

    def begin(self) -> None:
        """A new engine over the same journal."""
        self.journal = DyingJournal.open(self.folder, utc=self.clock.utc(), state_type=State, alarm=print, reserve=0)
        self.engine = Engine(
            journal=self.journal,
            switch=self.switch,
            clock=self.clock,
            projection=NoProjection(),
            seed=self.seed,
        )

    def take_settings(self) -> None:
        self.engine._decide(inputs.SettingsChanged(**self._when(), settings=self.settings))
        self.engine._release()

    def run(self) -> None:
        while self.engine.step():
            pass

    def kill(self, when: str | None = None) -> None:
        """`kill -9`: at once, or in the middle of the next step, `before` or `after` its write."""
        if when is not None:
            self.journal.dies = when
            with suppress(Killed):
                self.run()
        self.switch.disconnect()
        self.journal.close()

    def begin_again(self) -> None:
        self.begin()
        self.switch.connect(self.engine)
        self.run()

    def after(self, seconds: float) -> "Desk":
        self.clock.at += round(seconds * 1_000_000)
        return self

    # people

    def calls(self, leg: str = "s7-1", called: str = "200") -> LegId:
        """Somebody calls through a trunk."""
        self._happens(
            inputs.LegArrived(**self._when(), leg=LegId(leg), called=called, caller="", trunk="north", proven=True)
        )
        return LegId(leg)

    def answers(self, leg: LegId) -> None:
        self._happens(inputs.LegAnswered(**self._when(), leg=leg, answered_at=self.clock.now()))

    def ends(self, leg: LegId, cause: inputs.EndCause = "peer") -> None:
        self._happens(inputs.LegEnded(**self._when(), leg=leg, cause=cause))

    def presses(self, leg: LegId, digit: str) -> None:
        self._happens(inputs.DigitPressed(**self._when(), leg=leg, digit=digit))

    def ringing(self) -> LegId:
        """The leg of the last Dial that the switch has executed."""
        dials = [command for command in self.switch.executed if isinstance(command, commands.Dial)]
        return dials[-1].leg

    def all_paused(self) -> None:
        for operator in ("anna", "viktor"):
            given = inputs.PresenceChosen(**self._when(), operator=OperatorId(operator), presence="paused")
            self.engine._decide(given)
        self.engine._release()

    # what can be asked

    def facts(self, kind: type[F]) -> list[F]:
        """All facts of a kind, as the journal has them."""
        return [fact for record in self.journal.read(0) for fact in record.facts if isinstance(fact, kind)]

    def executed(self, kind: type[C]) -> list[C]:
        return [command for command in self.switch.executed if isinstance(command, kind)]

    def lose_link(self) -> None:
        engine = self.engine
        self.switch.disconnect()
        engine.inbox.post(LinkLost(reason="test"))

    def _happens(self, given: inputs.Input) -> None:
        self.switch.happens(given)
        if self.switch.engine is not None:
            self.run() if self.journal.dies is None else None

    def _when(self) -> dict[str, Any]:
        return {"at": self.clock.now(), "utc": self.clock.utc()}
