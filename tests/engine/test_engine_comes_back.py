"""Death and return of the engine: every scenario of ARCHITECTURE.md, sections 5 and 6."""

from pathlib import Path

import pytest

from hotline.domain import facts, inputs
from hotline.domain.commands import Connect, Dial, Hangup, Play
from hotline.domain.ids import LegId
from hotline.domain.memory import Memory
from hotline.domain.queue.fairness import violations
from tests.engine.kit import Desk, PretendSwitch


@pytest.mark.parametrize("when", ["before", "after"])
def test_death_around_the_write_loses_and_doubles_nothing(desk: Desk, when: str) -> None:
    """Before it the switch tells the event again; after it the journal has the commands."""
    desk.journal.dies = when
    caller = desk.calls()
    desk.kill(when)
    desk.after(1).begin_again()

    assert [caller] == [arrived.leg for arrived in desk.facts(facts.CallArrived)]
    assert 1 == len(desk.executed(Dial))
    assert 0 == desk.switch.duplicates
    assert [] == desk.switch.unacknowledged
    assert caller in desk.switch.legs


def test_a_call_that_was_answered_while_the_engine_was_away_is_talking(desk: Desk) -> None:
    """The switch joined the two by itself; the journal learns it from the backlog."""
    desk.calls()
    ringing = desk.ringing()
    desk.kill()
    desk.after(2).answers(ringing)
    desk.after(5).begin_again()

    assert [2000] == [talk.waited_ms for talk in desk.facts(facts.TalkStarted)]
    assert [] == desk.facts(facts.OfferExpired)
    assert [] == violations(Memory(desk.engine.state))


def test_death_after_a_connect_whose_event_was_not_acknowledged(desk: Desk) -> None:
    """The answer is in the journal, its acknowledgement never left: nobody is joined a second time."""
    caller = desk.calls()
    desk.journal.dies = "after"
    desk.answers(desk.ringing())
    desk.kill("after")
    told_again = list(desk.switch.unacknowledged)
    desk.after(1).begin_again()

    assert told_again
    assert 1 == len(desk.facts(facts.TalkStarted))
    assert [] == desk.executed(Connect)
    assert [] == desk.switch.unacknowledged
    desk.after(9).ends(caller)
    assert [10_000] == [talk.talked_ms for talk in desk.facts(facts.TalkEnded)]


def test_cancel_crosses_the_operators_answer_while_the_engine_is_away(desk: Desk) -> None:
    """The caller left first and the operator answered: nobody is stuck, and nobody talks to nobody."""
    caller = desk.calls()
    ringing = desk.ringing()
    desk.kill()
    desk.after(2).ends(caller)
    desk.answers(ringing)
    desk.ends(ringing, "us")
    desk.after(1).begin_again()

    assert ["abandoned_ringing"] == [_long(ended.outcome) for ended in desk.facts(facts.CallEnded)]
    assert "idle" == desk.engine.state.operators["anna"].state  # type: ignore[index]
    assert [] == desk.facts(facts.OfferExpired)
    assert {} == desk.engine.state.legs


def test_timers_overdue_after_30_seconds_come_at_their_own_time(desk: Desk) -> None:
    """Those before an event of the backlog before it, the rest after; open menus speak again at the end."""
    waiting, choosing = desk.calls("s7-1", "100"), desk.calls("s7-2", "300")
    desk.switch.happens(
        inputs.PlaybackEnded(**desk._when(), leg=choosing, play=desk.executed(Play)[-1].play, reason="finished")
    )
    desk.run()
    began = desk.clock.now()
    desk.kill()
    desk.after(10).presses(choosing, "9")
    desk.after(20).begin_again()

    ats = [record.at for record in desk.journal.read(0)]
    missed = [fact.at for fact in desk.facts(facts.MenuMissed)]
    assert sorted(ats) == ats
    assert began + 6_000_000 == missed[0]
    assert {waiting, choosing} == {call.leg for call in desk.engine.state.calls.values()}
    assert [] == desk.facts(facts.OfferExpired)
    away = desk.facts(facts.WasAway)[-1]
    assert (began, desk.clock.now()) == (away.since, away.at)


def test_waiting_callers_keep_their_order(desk: Desk) -> None:
    """Place and clock are those from before."""
    desk.all_paused()
    legs = [desk.after(1).calls(f"s7-{number}") for number in range(1, 21)]
    desk.kill()
    desk.after(4).begin_again()

    tickets = sorted(desk.engine.state.tickets.values(), key=lambda ticket: (ticket.since, ticket.n))
    assert legs == [desk.engine.state.calls[ticket.call].leg for ticket in tickets]
    assert legs == desk.switch.legs
    assert [] == violations(Memory(desk.engine.state))


def test_a_leg_unknown_to_the_journal_is_hung_up(desk: Desk) -> None:
    """It belongs to nobody, so nobody would ever end it."""
    desk.kill()
    desk.switch.legs.append(LegId("e999-0"))
    desk.begin_again()

    assert [Hangup(leg=LegId("e999-0"), q850=41)] == desk.executed(Hangup)
    assert [] == desk.switch.legs


def test_a_leg_that_the_switch_lacks_has_ended_as_lost(desk: Desk) -> None:
    """Though its end never came; the call is closed and the operator is free."""
    caller = desk.calls()
    desk.kill()
    desk.switch.legs.remove(caller)
    desk.begin_again()

    assert [(caller, "lost")] == [(gone.leg, gone.cause) for gone in desk.facts(facts.LegGone) if gone.leg == caller]
    assert 1 == len(desk.facts(facts.CallEnded))


def test_a_dial_that_was_not_executed_yet_is_on_its_way_and_not_lost(desk: Desk) -> None:
    """The Welcome was spoken before the Dial was sent again."""
    desk.journal.dies = "after"
    desk.calls()
    desk.kill("after")
    assert [] == desk.executed(Dial)
    desk.begin_again()

    assert desk.ringing() in desk.switch.legs
    assert [] == desk.facts(facts.LegGone)


def test_a_new_boot_closes_every_call_and_gets_no_stale_command(desk: Desk) -> None:
    """A Dial for a dead caller would ring an operator for nobody."""
    desk.calls("s7-1")
    desk.lose_link()
    desk.all_paused()
    desk.run()
    desk.switch = reborn = PretendSwitch(desk.clock, boot=8)
    desk.engine._switch = reborn
    desk.after(1.5)
    reborn.happens(inputs.LegArrived(**desk._when(), leg=LegId("s8-1"), called="200", caller="", proven=True))
    reborn.connect(desk.engine)
    desk.run()

    ended = desk.facts(facts.CallEnded)
    assert [("lost", "system")] == [(fact.cause, fact.ended_by) for fact in ended]
    assert [] == desk.executed(Dial)
    assert ["s8-1"] == [call.leg for call in desk.engine.state.calls.values()]
    assert [8] == [fact.boot for fact in desk.facts(facts.SwitchBegan)][-1:]


def test_timers_wait_for_the_backlog_but_not_for_ever(desk: Desk) -> None:
    """Three seconds without a switch, then time goes on."""
    choosing = desk.calls(called="300")
    desk.switch.happens(
        inputs.PlaybackEnded(**desk._when(), leg=choosing, play=desk.executed(Play)[-1].play, reason="finished")
    )
    desk.run()
    desk.after(5).kill()
    desk.after(2).begin()
    desk.run()
    assert [] == desk.facts(facts.MenuMissed)

    desk.after(3.1).run()

    assert 1 == len(desk.facts(facts.MenuMissed))


def test_recovered_state_equals_the_lost_one(desk: Desk) -> None:
    """With and without a snapshot."""
    desk.calls("s7-1")
    desk.after(1).calls("s7-2")
    desk.after(1).answers(desk.ringing())
    before = desk.engine.state
    desk.kill()
    desk.begin()

    assert before == desk.engine.state


def test_a_lost_journal_does_not_silence_a_living_switch(desk: Desk, tmp_path: Path) -> None:
    """The new journal's commands are numbered above those the switch has seen; old legs are hung up."""
    for number in range(5):
        desk.calls(f"s7-{number}")
    desk.kill()
    desk.folder = tmp_path / "fresh"
    desk.seed = "u"
    desk.begin()
    desk.take_settings()
    desk.switch.connect(desk.engine)
    desk.run()
    desk.after(3).run()
    assert [] == desk.switch.legs

    caller = desk.calls("s7-9")

    assert 0 == desk.switch.duplicates
    assert {caller, desk.ringing()} == set(desk.switch.legs)


def test_a_full_window_empties_when_the_engine_is_back(desk: Desk) -> None:
    """Thousands of events in one backlog: each is handled once, in order."""
    desk.kill()
    for number in range(3000):
        desk.switch.happens(inputs.LegArrived(**desk._when(), leg=LegId(f"s7-{number}"), called="999", caller=""))
    desk.begin_again()

    arrived = desk.facts(facts.CallArrived)
    assert [f"s7-{number}" for number in range(3000)] == [fact.leg for fact in arrived]
    assert [] == desk.switch.unacknowledged


def _long(outcome: str) -> str:
    """A short abandon is one too."""
    return "abandoned_ringing" if outcome == "short_abandon" else outcome
