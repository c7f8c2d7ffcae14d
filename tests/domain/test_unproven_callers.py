"""The open door: until his ACK has come nothing plays to a caller and nobody rings for him."""

import pytest

from hotline.domain import commands, facts, inputs
from hotline.domain import settings as s
from hotline.domain.phrases import OwnText
from tests.domain.kit import HotlineKit, flow

HELLO = OwnText(text="Hello")


@pytest.mark.parametrize("number", ["200", "300"])
def test_nothing_but_the_answer_before_the_proof(hotline: HotlineKit, number: str) -> None:
    call = hotline.arrives(to=number, proven=False)
    assert [commands.Note, commands.Answer] == [type(command) for command in hotline.commands]
    assert "proving" == hotline.call(call).state

    hotline.acknowledges(call)

    assert hotline.has(facts.CallProven)
    assert hotline.has(commands.Play)
    assert (number == "200") == bool(hotline.ringing())


def test_a_proof_comes_once(hotline: HotlineKit) -> None:
    call = hotline.arrives(proven=False)
    hotline.acknowledges(call)
    hotline.acknowledges(call)

    assert not hotline.has(facts.CallProven)
    assert () == hotline.commands


def test_a_trunks_caller_is_served_with_the_answer_in_one_decision(hotline: HotlineKit) -> None:
    hotline.arrives()
    kinds = [type(command) for command in hotline.commands]

    assert [commands.Note, commands.Answer, commands.Dial, commands.Play] == kinds


def test_a_200_that_is_never_acknowledged_is_nobodys_miss(hotline: HotlineKit) -> None:
    call = hotline.arrives(proven=False)
    hotline.after(32).hangs_up(call, "never_acked")

    assert "lost_before_answer" == hotline.outcome(call)


def test_early_media_is_not_for_the_unproven(hotline: HotlineKit) -> None:
    """His flow speaks before it answers; he is answered first."""
    hotline.flows(flow("sales", say=s.Say(phrases=(HELLO,), next="end"), end=s.Hangup()))
    call = hotline.arrives(proven=False)
    assert hotline.has(commands.Answer)
    assert not hotline.has(commands.Progress)
    hotline.acknowledges(call)

    assert [HELLO] == hotline.said()


def test_last_words_are_not_for_the_unproven(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", end=s.Hangup(phrases=(HELLO,))))
    hotline.arrives(proven=False)

    assert hotline.has(commands.Reject)
    assert not hotline.has(commands.Play)


def test_an_unproven_caller_can_be_ended(hotline: HotlineKit) -> None:
    call = hotline.arrives(proven=False)
    hotline.handle(inputs.HangUpCall, call=call, by="olga")

    assert hotline.has(commands.Hangup)


@pytest.mark.parametrize(("number", "command"), [("200", "Answer"), ("early", "Progress")])
def test_a_caller_for_whom_no_sound_is_to_be_had_is_let_go(hotline: HotlineKit, number: str, command: str) -> None:
    """The switch had no port left: he is not kept in a silence that costs him."""
    if number == "early":
        hotline.flows(flow("sales", say=s.Say(phrases=(HELLO,), next="end"), end=s.Hangup()))
    call = hotline.arrives()
    hotline.handle(inputs.CommandRefused, leg=hotline.call(call).leg, command=command, reason="no port")
    assert hotline.has(commands.Hangup if command == "Answer" else commands.Reject)
    hotline.hangs_up(call, "us")

    assert ("queue_system_failure" if command == "Answer" else "system_failure") == hotline.outcome(call)


def test_an_answer_that_the_switch_gave_first_is_no_failure(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", say=s.Say(phrases=(HELLO,), next="a"), a=s.Answer(next="b"), b=s.Echo()))
    call = hotline.arrives()
    hotline.hears_out(call)
    hotline.handle(inputs.CommandRefused, leg=hotline.call(call).leg, command="Answer", reason="answered already")

    assert () == hotline.facts
