"""Drain, handle in order, write once, then release."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from hotline.domain import facts, inputs
from hotline.domain.commands import Answer, Dial, Play
from hotline.domain.hotline import Decision, Hotline
from hotline.domain.ids import LegId, OperatorId, PlayId
from hotline.domain.records import Arrival, Position, Record
from hotline.engine.inbox import ASKS, TooBusy
from hotline.engine.loop import UNMARKED
from tests.domain.kit import company
from tests.engine.kit import Desk, Killed, PretendSwitch, VirtualClock


def test_a_call_goes_from_arrival_to_an_operators_phone(desk: Desk) -> None:
    """Through journal and switch, with one fact each."""
    caller = desk.calls()
    desk.after(3).answers(desk.ringing())
    desk.after(60).ends(caller)

    assert ["answered"] == [ended.outcome for ended in desk.facts(facts.CallEnded)]
    assert [3000] == [talk.waited_ms for talk in desk.facts(facts.TalkStarted)]
    assert [] == desk.switch.unacknowledged


def test_nothing_leaves_before_it_is_written(desk: Desk) -> None:
    """Neither command nor acknowledgement nor live update."""
    seen: list[Record] = []
    desk.engine.watch(seen.extend)
    desk.journal.dies = "before"
    desk.calls()

    with pytest.raises(Killed):
        desk.run()

    assert [] == desk.executed(Answer)
    assert 1 == len(desk.switch.unacknowledged)
    assert [] == seen


def test_a_batch_is_one_transaction_of_at_most_64_inputs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is drained, and no more than the law says."""
    batches: list[int] = []
    append = desk.journal.append

    def counted(records: Sequence[Record]) -> None:
        batches.append(len(records))
        append(records)

    monkeypatch.setattr(desk.journal, "append", counted)
    for number in range(150):
        desk.switch.happens(inputs.TrunkChanged(**desk._when(), trunk=f"trunk{number}", up=True))
    desk.run()

    assert [64, 64, 22] == batches


def test_a_timer_that_is_due_comes_before_an_event_that_happened_after_it(desk: Desk) -> None:
    """Though both are found in the same step: the menu's time was over when the key was pressed."""
    caller = desk.calls(called="300")
    desk.switch.happens(inputs.PlaybackEnded(**desk._when(), leg=caller, play=_last_play(desk), reason="finished"))
    desk.run()
    desk.after(6.5)
    desk.switch.happens(inputs.DigitPressed(**desk._when(), leg=caller, digit="1"))
    desk.after(1).run()

    missed, taken = desk.facts(facts.MenuMissed), desk.facts(facts.DigitTaken)

    assert 1 == len(missed)
    assert missed[0].at < taken[0].at


def test_the_axis_never_runs_backwards(desk: Desk) -> None:
    """An event stamped a little before the last record is taken at that record's time."""
    desk.calls("s7-1")
    late = desk.clock.now() - 500
    desk.switch.happens(inputs.LegArrived(at=late, utc=0, leg=LegId("s7-2"), called="200", caller=""))
    desk.run()

    ats = [record.at for record in desk.journal.read(0)]

    assert sorted(ats) == ats


def test_events_that_the_domain_does_not_know_are_acknowledged_once_marked(desk: Desk) -> None:
    """When there are many, the mark carries their number; a few cost no transaction of their own."""
    before = desk.engine.position
    records = len(list(desk.journal.read(0)))
    for place in range(1, UNMARKED):
        desk.engine.inbox.post(Arrival(boot=7, n=before.n + place, given=None))
    desk.run()
    assert (before, records) == (desk.engine.position, len(list(desk.journal.read(0))))

    desk.engine.inbox.post(Arrival(boot=7, n=before.n + UNMARKED, given=None))
    desk.run()

    assert Position(boot=7, n=before.n + UNMARKED) == desk.engine.position
    assert desk.engine.position == list(desk.journal.read(0))[-1].position


def test_the_next_record_marks_events_that_the_domain_does_not_know(desk: Desk) -> None:
    """So that they do not come again after a restart."""
    before = desk.engine.position
    desk.engine.inbox.post(Arrival(boot=7, n=before.n + 1, given=None))
    desk.switch.n += 1
    desk.run()
    desk.calls()

    assert desk.engine.position.n >= before.n + 2
    assert desk.engine.position == list(desk.journal.read(0))[-1].position


def test_a_watcher_that_fails_does_not_end_the_hotline(desk: Desk) -> None:
    """Whoever merely looks on is told in the log; the others still see everything."""
    seen: list[Record] = []

    def broken(records: Sequence[Record]) -> None:
        raise ZeroDivisionError

    end = desk.engine.watch(broken)
    desk.engine.watch(seen.extend)
    desk.calls()
    end()

    assert seen
    assert desk.executed(Dial)


async def test_an_ask_is_answered_when_it_is_written(desk: Desk) -> None:
    """And its facts stand in the answer."""
    answer = desk.engine.ask(
        lambda at, utc: inputs.PresenceChosen(
            at=at, utc=utc, operator=OperatorId("anna"), presence="paused", reason="lunch"
        )
    )
    desk.run()

    decision = await answer

    assert isinstance(decision, Decision)
    assert [("anna", "lunch")] == [
        (fact.operator, fact.reason) for fact in decision.facts if isinstance(fact, facts.PresenceChanged)
    ]
    assert desk.facts(facts.PresenceChanged)[-1] in decision.facts


async def test_an_ask_that_cannot_be_written_fails(desk: Desk) -> None:
    """The person is told, never left waiting."""
    answer = desk.engine.ask(lambda at, utc: inputs.WrapUpFinished(at=at, utc=utc, operator=OperatorId("anna")))
    desk.journal.dies = "before"
    with pytest.raises(Killed):
        desk.run()

    with pytest.raises(RuntimeError, match="not written"):
        await answer


async def test_more_asks_than_people_can_mean_are_refused(desk: Desk) -> None:
    """The inbox is bounded."""
    kept = [desk.engine.ask(lambda at, utc: inputs.TimeCame(at=at, utc=utc)) for _ in range(ASKS)]

    with pytest.raises(TooBusy):
        desk.engine.ask(lambda at, utc: inputs.TimeCame(at=at, utc=utc))

    desk.run()
    assert all(answer.done() for answer in kept)


def test_a_bug_of_the_domain_costs_one_call_and_not_the_hotline(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is as if the input had not come; the caller is let go; others go on."""
    waiting = desk.calls("s7-1")
    handle = Hotline.handle

    def broken(self: Hotline, given: inputs.Input) -> Decision:
        decision = handle(self, given)
        if isinstance(given, inputs.LegArrived) and given.leg == "s7-2":
            raise ZeroDivisionError
        return decision

    monkeypatch.setattr(Hotline, "handle", broken)
    desk.calls("s7-2")
    desk.calls("s7-3")

    assert [waiting, "s7-3"] == [call.leg for call in desk.engine.state.calls.values()]
    assert 1 == desk.engine.figures.failed
    assert "s7-2" not in desk.switch.legs


async def test_the_loop_sleeps_until_the_next_timer(desk: Desk) -> None:
    """It wakes for news at once, and ends when it is told to, keeping a snapshot."""
    running = asyncio.ensure_future(desk.engine.run())
    await asyncio.sleep(0)
    desk.switch.happens(inputs.LegArrived(**desk._when(), leg=LegId("s7-1"), called="200", caller="", proven=True))
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.executed(Dial)

    desk.engine.stop()
    await asyncio.wait_for(running, 2)

    taken = desk.journal.newest_snapshot()
    assert taken is not None
    assert desk.engine.state == taken.state


def _last_play(desk: Desk) -> PlayId:
    return desk.executed(Play)[-1].play


async def test_the_first_settings_come_before_the_switch(tmp_path: Path) -> None:
    """An engine without any has nothing to hold its asks for; later ones wait for the backlog."""
    desk = Desk.__new__(Desk)
    desk.clock, desk.folder, desk.seed = VirtualClock(), tmp_path, "t"
    desk.switch = PretendSwitch(desk.clock)
    desk.begin()
    first = desk.engine.ask(lambda at, utc: inputs.SettingsChanged(at=at, utc=utc, settings=company()))
    desk.run()
    later = desk.engine.ask(lambda at, utc: inputs.TimeCame(at=at, utc=utc))
    desk.run()

    assert (True, False) == (first.done(), later.done())

    desk.switch.connect(desk.engine)
    desk.run()

    assert later.done()
    desk.journal.close()
