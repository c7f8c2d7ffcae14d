"""What an event costs in the engine: domain, journal and release, whole queue calls, 1,000 operators.

Prints microseconds of CPU for a transaction of 1, 3 and 12 records, for each event through the loop (one event
a batch, and 64), for a snapshot, and for recovery. The bar is 50 an event, all in, at 3,000 events a second.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.domain_step import PER_S, TALK_US, company
from hotline.domain import commands, inputs
from hotline.domain.ids import LegId
from hotline.domain.records import Arrival, Numbered, Position, Record, Welcomed
from hotline.domain.state import State
from hotline.engine.loop import Engine
from hotline.engine.recover import recover
from hotline.store.journal import FileJournal

CALLS = 3000
UTC = 1_790_000_000_000_000
BAR_US = 50


class Clock:
    """Stands where the load puts it."""

    at = 1

    def now(self) -> int:
        return self.at

    def utc(self) -> int:
        return UTC + self.at

    def to_axis(self, boot_us: int) -> int:
        return boot_us


class Floor:
    """The switch: operators answer at once, callers hang up after a while."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.n = 0
        self.dials: list[commands.Dial] = []

    def resume(self, resent: Sequence[Numbered]) -> None: ...

    def acknowledge(self, position: Position) -> None: ...

    def send(self, sent: Sequence[Numbered]) -> None:
        self.dials += [one.command for one in sent if isinstance(one.command, commands.Dial)]

    def wake(self, seq: int) -> None: ...

    def event(self, given: inputs.Input) -> Arrival:
        self.n += 1
        return Arrival(boot=1, n=self.n, given=given)


class Load:
    """A hotline that takes `CALLS` calls, so many events a batch."""

    def __init__(self, folder: Path, batch: int) -> None:
        self.clock = Clock()
        self.floor = Floor(self.clock)
        self.journal = _journal(folder)
        self.engine = Engine(journal=self.journal, switch=self.floor, clock=self.clock, projection=self.floor, seed="b")
        self.batch = batch
        self.waiting: list[Arrival] = []
        self.events = 0
        self.cpu = 0.0
        self.steps: list[float] = []
        self.engine._decide(inputs.SettingsChanged(at=1, utc=UTC, settings=company()))
        self.engine.inbox.post(Welcomed(boot=1, n=0, seq=0, i=0, legs=()))
        while self.engine.step():
            pass

    def run(self) -> None:
        ends: list[tuple[int, LegId]] = []
        for call in range(CALLS):
            self.clock.at += 1_000_000 // PER_S
            while ends and ends[0][0] <= self.clock.at:
                _, leg = ends.pop(0)
                self.give(inputs.LegEnded(**self.when(), leg=leg, cause="peer"))
            caller = LegId(f"s1-{call}")
            self.give(inputs.LegArrived(**self.when(), leg=caller, called="200", caller="", trunk="t", proven=True))
            self.give(inputs.LegAnswered(**self.when(), leg=caller, answered_at=self.clock.at))
            self.flush()
            for dial in self.floor.dials:
                self.give(inputs.LegProgress(**self.when(), leg=dial.leg, code=180))
                self.give(inputs.LegAnswered(**self.when(), leg=dial.leg, answered_at=self.clock.at))
                ends.append((self.clock.at + TALK_US, dial.leg))
                if dial.for_leg is not None:
                    ends.append((self.clock.at + TALK_US, dial.for_leg))
            self.floor.dials = []
        self.flush()

    def when(self) -> dict[str, Any]:
        return {"at": self.clock.at, "utc": UTC + self.clock.at}

    def give(self, given: inputs.Input) -> None:
        self.waiting.append(self.floor.event(given))
        if len(self.waiting) >= self.batch:
            self.flush()

    def flush(self) -> None:
        for arrival in self.waiting:
            self.engine.inbox.post(arrival)
        self.events += len(self.waiting)
        self.waiting.clear()
        begun, wall = time.thread_time(), time.perf_counter()
        while self.engine.step():
            pass
        self.cpu += time.thread_time() - begun
        self.steps.append(time.perf_counter() - wall)


def _journal(folder: Path) -> FileJournal:
    return FileJournal.open(folder, utc=UTC, state_type=State, alarm=print, reserve=0)


def _transactions(folder: Path, sample: Record) -> None:
    journal = _journal(folder)
    seq = 0
    for rows in (1, 3, 12):
        lasted: list[float] = []
        begun = time.thread_time()
        for _ in range(3000):
            wall = time.perf_counter()
            journal.append([_numbered(sample, seq + place) for place in range(1, rows + 1)])
            lasted.append(time.perf_counter() - wall)
            seq += rows
        cpu = (time.thread_time() - begun) / 3000 * 1e6
        print(f"transaction of {rows:2} records   {cpu:6.1f} us CPU   p99 {_p99(lasted):6.0f} us")
    journal.close()


def _numbered(sample: Record, seq: int) -> Record:
    return Record(
        seq=seq,
        at=sample.at,
        utc=sample.utc,
        position=sample.position,
        given=sample.given,
        facts=sample.facts,
        commands=sample.commands,
    )


def _p99(lasted: list[float]) -> float:
    return sorted(lasted)[len(lasted) * 99 // 100] * 1e6


def main() -> int:
    """Prints the figures; 1 when an event costs more than the bar."""
    gc.freeze()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for batch in (1, 64):
            load = Load(Path(folder) / f"{batch}", batch)
            load.run()
            each = load.cpu / load.events * 1e6
            worst = max(worst, each)
            print(
                f"event, {batch:2} a batch          {each:6.1f} us CPU   p99 of a step"
                f" {_p99(load.steps):6.0f} us   ({load.events / CALLS:.1f} events a call,"
                f" {load.cpu / CALLS * 1e6:.0f} us a call)"
            )
        engine = load.engine
        begun = time.thread_time()
        engine._keep(UTC)
        print(f"snapshot, {len(engine.state.calls)} calls       {(time.thread_time() - begun) * 1e3:6.1f} ms CPU")
        records = list(load.journal.read(0))
        load.journal._connection.execute("DELETE FROM snapshots")  # type: ignore[union-attr]
        begun = time.thread_time()
        recover(load.journal)
        print(f"recovery of {len(records)} records {(time.thread_time() - begun) * 1e3:6.0f} ms CPU")
        _transactions(Path(folder) / "rows", max(records[100:2000], key=lambda record: len(record.facts)))
        load.journal.close()
    print(f"an event costs at most {worst:.1f} us; the bar is {BAR_US}")
    return int(worst > BAR_US)


if __name__ == "__main__":
    sys.exit(main())
