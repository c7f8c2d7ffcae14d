"""The only loop. One task runs it and owns the `Hotline`; nobody else touches the state.

Law: drain what waits (at most 64 inputs), handle them in order, write one journal transaction at once, then
release. Nothing (command, acknowledgement, answer, live update) leaves before it is written. There is no
flush timer. Timers are inputs: one that is due comes before an event that happened after it.

After a gap (a start, a lost link) timers are held until the switch's backlog is in, so that both are merged by
time; then journal and switch are reconciled, and `Resumed` ends the gap (ARCHITECTURE.md, sections 3, 5, 6).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from hotline.domain.commands import Command, Hangup
from hotline.domain.hotline import Decision
from hotline.domain.inputs import (
    Input,
    LegArrived,
    Opened,
    Resumed,
    SwitchLost,
    TimeCame,
)
from hotline.domain.records import (
    Arrival,
    LinkLost,
    News,
    Numbered,
    Position,
    Record,
    Snapshot,
    Welcomed,
)
from hotline.domain.state import State
from hotline.engine.inbox import Ask, Inbox
from hotline.engine.ports import Clock, Journal, Projection, Switch
from hotline.engine.recover import reconcile, recover

__all__ = ["Engine", "Figures"]

BATCH = 64
HOLD_US = 3_000_000
"""How long timers wait for a switch that does not come."""
STUCK_US = 1_000_000
UNMARKED = 64
"""Events that the domain does not know are marked as written with the next record, or when there are so many."""

_BEYOND = 1 << 31
"""Higher than the place of any command in its record."""
_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Figures:
    """What the engine counts of itself."""

    inputs: int = 0
    batches: int = 0
    failed: int = 0
    """Inputs that the domain could not handle: bugs."""
    skipped: int = 0
    """Events that came a second time."""


class Engine:
    """Handles what the inbox brings until it is stopped."""

    def __init__(self, *, journal: Journal, switch: Switch, clock: Clock, projection: Projection, seed: str) -> None:
        """Recovers from the journal. An empty one begins with `seed`, which makes its names unique."""
        self.inbox = Inbox()
        self.figures = Figures()
        self._journal = journal
        self._switch = switch
        self._clock = clock
        self._projection = projection
        self._watchers: list[Callable[[Sequence[Record]], None]] = []
        recovered = recover(journal)
        self.hotline = recovered.hotline
        self._seq, self._at = recovered.seq, recovered.at
        self._position = self._written = recovered.position
        self._batch: list[Record] = []
        self._answers: list[tuple[Ask, Decision]] = []
        self._away_since = recovered.at
        self._held_until: int | None = clock.now() + HOLD_US
        self._welcomed: Welcomed | None = None
        self._resent_from = (0, 0)
        self._stopping = False
        self._claim(seed)

    @property
    def position(self) -> Position:
        """The last event that is written: what Hello says."""
        return self._written

    @property
    def state(self) -> State:
        """To be read between two steps only, that is from the engine's own event loop; never changed."""
        return self.hotline.state

    @property
    def now(self) -> int:
        return self._clock.now()

    def ask(self, make: Callable[[int, int], Input]) -> "asyncio.Future[Decision]":
        """One more input, made with `at` and `utc` when its turn comes; answered when it is written.

        Raises TooBusy.
        """
        return self.inbox.ask(make)

    def watch(self, watcher: Callable[[Sequence[Record]], None]) -> Callable[[], None]:
        """Calls `watcher` with records once they are written; the result ends that. It must not block."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def run(self) -> None:
        """Until `stop`. Raises what the journal raises: an engine that cannot write must not go on."""
        try:
            while not self._stopping:
                if self.step():
                    await asyncio.sleep(0)
                else:
                    await self.inbox.wait(self._pause_s())
        finally:
            self._give_up_asks()
        self._keep(self._clock.utc())

    def stop(self) -> None:
        """Ends `run` after the present step; the state is kept, so that the next start is quick."""
        self._stopping = True
        self.inbox.wake()

    def step(self) -> bool:
        """One turn of the law. True when more waits already."""
        utc = self._clock.utc()
        if self._journal.wants_snapshot(utc):
            self._keep(utc)
        for _ in range(BATCH):
            news = self.inbox.take_news()
            if news is None:
                break
            self._hear(news)
        now = self._clock.now()
        if self._held_until is not None and now >= self._held_until and not self.inbox.has_news:
            self._held_until = None
            if self._welcomed is not None:
                # The end of the backlog was acknowledged to a journal that is no more.
                self._agree(self._welcomed)
        if self._held_until is None:
            self._come_due(now)
        if self._takes_asks:
            self._take_asks()
        self._release()
        return self.inbox.has_news or (self.inbox.has_asks and self._takes_asks)

    def _keep(self, utc: int) -> None:
        taken = Snapshot(seq=self._seq, at=self._at, utc=utc, position=self._position, state=self.state)
        self._journal.snapshot(taken, utc)

    @property
    def _takes_asks(self) -> bool:
        """Not in a gap, whose backlog comes first; but the very first settings come before any call."""
        return self._held_until is None or self.state.settings is None

    # --- news of the switch -----------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        match news:
            case Arrival():
                self._arrive(news)
            case Welcomed():
                self._welcome(news)
            case LinkLost():
                _log.warning("link_lost", reason=news.reason)
                self._away_since = self._clock.now()
                self._welcomed = None
                self._held_until = self._away_since + HOLD_US

    def _arrive(self, arrival: Arrival) -> None:
        position = Position(boot=arrival.boot, n=arrival.n)
        if arrival.boot != self._position.boot or arrival.n <= self._position.n:
            self.figures.skipped += 1
            return
        if self._welcomed is not None and arrival.n > self._welcomed.n:
            self._agree(self._welcomed)
        if arrival.given is not None:
            self._come_due(arrival.given.at)
        self._position = position
        if arrival.given is not None:
            self._decide(arrival.given)
        if self._welcomed is not None and arrival.n >= self._welcomed.n:
            self._agree(self._welcomed)

    def _welcome(self, welcomed: Welcomed) -> None:
        """Brings the switch up to date; what it tells is compared when its backlog is in."""
        self._release()
        # A journal that was lost, or its tail: numbers that the switch has seen would be duplicates to it.
        self._seq = max(self._seq, welcomed.seq)
        if welcomed.boot == self._position.boot:
            self._resent_from = (welcomed.seq, welcomed.i)
            self._switch.resume(self._journal.commands_after(welcomed.seq, welcomed.i))
            self._switch.acknowledge(self._written)
        else:
            # Nothing decided for the old switch means anything to the new one.
            first = self._position.boot == 0
            self._resent_from = (self._seq, _BEYOND)
            self._switch.resume(())
            self._position = Position(boot=welcomed.boot)
            now = self._clock.now()
            self._decide(SwitchLost(at=now, utc=self._clock.utc(), boot=welcomed.boot))
            if first:
                self._away_since = now
        self._welcomed = welcomed
        self._held_until = self._clock.now() + HOLD_US
        if self._position.n >= welcomed.n:
            self._agree(welcomed)

    def _agree(self, welcomed: Welcomed) -> None:
        """The backlog is in: what is missing on either side ends, what was overdue comes, the gap is over."""
        self._release()
        self._welcomed = None
        self._held_until = None
        resent = self._journal.commands_after(self._resent_from[0], self._resent_from[1])
        now, utc = self._clock.now(), self._clock.utc()
        plan = reconcile(self.state, welcomed, resent, at=now, utc=utc)
        for given in plan.inputs:
            self._decide(given)
        self._come_due(now)
        self._decide(Resumed(at=now, utc=utc, since=min(self._away_since, now)), also=plan.commands)
        _log.info(
            "switch_agreed",
            boot=welcomed.boot,
            resent=len(resent),
            lost=len(plan.inputs),
            unknown=len(plan.commands),
        )

    # --- time and people ----------------------------------------------------------------------------

    def _come_due(self, upto: int) -> None:
        """Timers due until then, each at its own time."""
        while (due := self.hotline.next_due()) is not None and due <= upto:
            utc = self._clock.utc() - max(0, self._clock.now() - due)
            self._decide(TimeCame(at=due, utc=utc))
            if self.hotline.next_due() == due:
                # A bug of the domain must not turn into a spinning loop.
                self._held_until = self._clock.now() + STUCK_US
                _log.error("timer_stuck", due=due)
                return

    def _take_asks(self) -> None:
        for _ in range(BATCH):
            ask = self.inbox.take_ask()
            if ask is None:
                return
            try:
                given = ask.make(max(self._clock.now(), self._at), self._clock.utc())
            except Exception as error:
                ask.answer.set_exception(error)
                continue
            self._answers.append((ask, self._decide(given)))

    def _pause_s(self) -> float | None:
        due = self.hotline.next_due() if self._held_until is None else self._held_until
        return None if due is None else max(0.0, (due - self._clock.now()) / 1e6)

    # --- one input, one record ------------------------------------------------------------------------

    def _decide(self, given: Input, also: tuple[Command, ...] = ()) -> Decision:
        if given.at < self._at:
            given = replace(given, at=self._at)
        try:
            decision = self.hotline.handle(given)
        except Exception:
            decision = self._survive(given)
        self.figures.inputs += 1
        self._seq += 1
        self._at = given.at
        self._batch.append(
            Record(
                seq=self._seq,
                at=given.at,
                utc=given.utc,
                position=self._position,
                given=given,
                facts=decision.facts,
                commands=decision.commands + also,
            )
        )
        return decision

    def _survive(self, given: Input) -> Decision:
        """A bug of the domain: the state is built again without this input, and the call ends, not the hotline."""
        _log.exception("input_failed", kind=type(given).__name__, given=repr(given))
        self.figures.failed += 1
        position, self._position = self._position, self._batch_position()
        self._release()
        self._position = position
        self.hotline = recover(self._journal).hotline
        commands = (Hangup(leg=given.leg, q850=41),) if isinstance(given, LegArrived) else ()
        return Decision(facts=(), commands=commands)

    @property
    def _unmarked(self) -> int:
        """Events since the last record, all such as the domain does not know; they may come again after a death."""
        return self._position.n - self._batch_position().n

    def _batch_position(self) -> Position:
        return self._batch[-1].position if self._batch else self._written

    def _claim(self, seed: str) -> None:
        """The first record of an engine: a deposed one that wakes up finds its next number taken."""
        if self._seq == 0:
            self._decide(Opened(at=self._clock.now(), utc=self._clock.utc(), seed=seed))
        else:
            # At the last record's time: the switch's backlog from the gap is still to come.
            self._mark(self._at, self._clock.utc())
        self._release()

    def _mark(self, at: int, utc: int) -> None:
        self._seq += 1
        self._at = at
        self._batch.append(Record(seq=self._seq, at=self._at, utc=utc, position=self._position))

    # --- release --------------------------------------------------------------------------------------

    def _release(self) -> None:
        """Writes what was decided; only then lets it out."""
        if self._unmarked >= UNMARKED:
            # The switch keeps what is not acknowledged.
            self._mark(self._at, self._clock.utc())
        records, self._batch = self._batch, []
        answers, self._answers = self._answers, []
        if not records:
            return
        try:
            self._journal.append(records)
        except BaseException as error:
            _fail(answers, error)
            raise
        self.figures.batches += 1
        if self._written != records[-1].position:
            self._written = records[-1].position
            self._switch.acknowledge(self._written)
        self._switch.send(_numbered(records))
        for ask, decision in answers:
            if not ask.answer.done():
                ask.answer.set_result(decision)
        for watcher in tuple(self._watchers):
            try:
                watcher(records)
            except Exception:
                # Whoever merely looks on must not end the hotline.
                _log.exception("watcher_failed")
        self._projection.wake(self._seq)

    def _give_up_asks(self) -> None:
        while (ask := self.inbox.take_ask()) is not None:
            ask.answer.cancel()


def _numbered(records: Sequence[Record]) -> list[Numbered]:
    return [
        Numbered(seq=record.seq, i=place, command=command)
        for record in records
        for place, command in enumerate(record.commands)
    ]


def _fail(answers: Sequence[tuple[Ask, Decision]], error: BaseException) -> None:
    for ask, _ in answers:
        if not ask.answer.done():
            ask.answer.set_exception(RuntimeError(f"not written: {error}"))
