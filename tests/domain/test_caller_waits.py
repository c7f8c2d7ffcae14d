"""A caller waits: order, what he hears, and every way out of the queue."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.domain import commands, facts, inputs
from hotline.domain import settings as s
from hotline.domain.ids import QueueId
from hotline.domain.phrases import MoreThan, Music, OwnText, PackPhrase, Position
from tests.domain.kit import HotlineKit, flow, pack, positions

SORRY = s.Say(phrases=(OwnText(text="Sorry"),), next="end")


def exits(**changes: Any) -> s.Flow:
    """Queue `sales` with a way out for everything."""
    rules: dict[str, Any] = {
        "on_timeout": "message", "on_full": "sorry", "on_no_operator": "message", "keys": {"1": "message", "5": "wait"},
    } | changes  # fmt: skip
    return flow(
        "sales",
        answer=s.Answer(next="wait"),
        wait=s.Enqueue(queue=QueueId("sales"), **rules),
        message=s.Voicemail(phrases=(), mailbox="sales"),
        sorry=SORRY,
        end=s.Hangup(),
    )


def busy(hotline: HotlineKit) -> None:
    """Both operators talk."""
    for operator in ("anna", "viktor"):
        hotline.arrives()
        hotline.answers(operator)


def test_callers_are_served_in_the_order_in_which_they_came(hotline: HotlineKit) -> None:
    busy(hotline)
    waiting = [hotline.after(1).arrives() for _ in range(3)]
    assert waiting == hotline.line()

    hotline.phone_ends("viktor")
    assert {"viktor": waiting[0]} == hotline.ringing()
    hotline.phone_ends("anna")
    assert {"viktor": waiting[0], "anna": waiting[1]} == hotline.ringing()


def test_he_hears_music_until_he_is_connected(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    play = hotline.only(commands.Play)
    assert ((Music(path=None),), True) == (play.phrases, play.repeat)

    hotline.answers("anna")

    assert not hotline.has(commands.Stop)
    assert hotline.call(call).play is None


def test_the_queues_own_music_and_greeting_are_heard(hotline: HotlineKit) -> None:
    hello, tune = OwnText(text="Hello"), Music(path="/tune.ogg")
    hotline.changes(greeting=(hello,), music=tune)
    call = hotline.arrives()
    assert [hello] == hotline.said()

    hotline.hears_out(call)

    assert [tune] == hotline.said()


def test_music_that_cannot_be_played_is_not_tried_for_ever(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.hears_out(call, "failed")

    assert not hotline.has(commands.Play)


def test_a_refused_play_counts_as_heard(hotline: HotlineKit) -> None:
    hotline.changes(greeting=(OwnText(text="Hello"),))
    call = hotline.arrives()
    hotline.handle(inputs.CommandRefused, leg=hotline.call(call).leg, command="Play", reason="no such file")

    assert [Music(path=None)] == hotline.said()


def test_the_first_in_line_hears_no_number(hotline: HotlineKit) -> None:
    busy(hotline)
    hotline.arrives()

    assert [] == positions(hotline.said())


def test_who_is_served_at_once_hears_no_number(hotline: HotlineKit) -> None:
    hotline.arrives()
    hotline.arrives()

    assert [Music(path=None)] == hotline.said()


def test_who_was_to_be_served_at_once_and_was_not_hears_his_number(hotline: HotlineKit) -> None:
    hotline.chooses("viktor", "signed_out")
    first = hotline.arrives()
    hotline.declines("anna")
    second = hotline.arrives()
    assert {"anna": second} == hotline.ringing()
    hotline.declines("anna")

    assert [Position(number=2)] == hotline.said()
    assert [first, second] == hotline.line()


def test_a_position_is_announced_on_entry_and_only_when_it_has_improved(hotline: HotlineKit) -> None:
    busy(hotline)
    waiting = [hotline.arrives() for _ in range(3)]
    assert [3] == positions(hotline.said())
    hotline.hears_out(waiting[2])
    assert [Music(path=None)] == hotline.said()

    assert [] == positions(hotline.after(30).said())
    hotline.hangs_up(waiting[0])
    hotline.after(29.9)
    assert [] == positions(hotline.said())
    hotline.after(0.1)

    assert [2] == positions(hotline.said())


def test_a_long_greeting_is_heard_out_before_any_news(hotline: HotlineKit) -> None:
    hotline.changes(greeting=(OwnText(text="A long story"),), announce_gap_ms=10_000)
    busy(hotline)
    waiting = [hotline.arrives() for _ in range(3)]
    hotline.hangs_up(waiting[0])
    assert [] == hotline.after(10).said()
    hotline.hears_out(waiting[2])

    assert [2] == positions(hotline.after(10).said())


def test_far_back_more_than_is_said(hotline: HotlineKit) -> None:
    busy(hotline)
    hotline.changes(announce_up_to=2)
    for _ in range(4):
        hotline.arrives()
    assert [MoreThan(number=2)] == hotline.said()

    assert [] == hotline.after(30).said()


def test_no_position_is_announced_where_the_owner_does_not_want_it(hotline: HotlineKit) -> None:
    busy(hotline)
    hotline.changes(announce_position=False)
    for _ in range(3):
        hotline.arrives()

    assert [Music(path=None)] == hotline.said()
    assert hotline.hotline.next_due() is None


def test_no_announcement_comes_while_a_phone_rings_for_him(hotline: HotlineKit) -> None:
    hotline.changes(ring_ms=60_000)
    busy(hotline)
    waiting = [hotline.arrives() for _ in range(3)]
    hotline.phone_ends("anna")
    hotline.declines("anna")
    hotline.declines("anna")
    assert {"anna": waiting[2]} == hotline.ringing()
    hotline.hangs_up(waiting[0])

    assert [] == positions(hotline.after(30).said())


def test_announcements_end_with_the_queue_that_is_removed(hotline: HotlineKit) -> None:
    busy(hotline)
    waiting = [hotline.arrives() for _ in range(2)]
    settings = hotline.settings
    rest = {name: queue for name, queue in settings.queues.items() if name != "sales"}
    hotline.takes(replace(settings, revision=9, queues=rest))

    assert [] == hotline.line()
    for call in waiting:
        hotline.hears_out(call)
        assert hotline.call(call).leg == hotline.only(commands.Hangup).leg
        hotline.hangs_up(call, "us")
        assert "closed_exit" == hotline.outcome(call)


def test_after_the_longest_wait_he_goes_where_the_flow_says(hotline: HotlineKit) -> None:
    hotline.flows(exits())
    hotline.changes(max_wait_ms=60_000)
    busy(hotline)
    call = hotline.arrives()
    hotline.after(59.9)
    assert [call] == hotline.line()
    hotline.after(0.1)

    assert "timeout" == hotline.only(facts.QueueLeft).reason
    assert PackPhrase(key="voicemail") in hotline.said()
    hotline.hangs_up(call)
    assert "timeout_exit" == hotline.outcome(call)


def test_the_longest_wait_does_not_end_while_a_phone_rings(hotline: HotlineKit) -> None:
    """Who is about to be connected is not sent away; if nobody answers he goes at once."""
    hotline.changes(max_wait_ms=10_000)
    answered, missed = hotline.arrives(), hotline.arrives()
    hotline.after(15)
    hotline.answers("anna")
    hotline.after(5)
    assert missed in hotline.line()
    hotline.handle(inputs.LegEnded, leg=hotline.phone("viktor"), cause="ring_timeout")

    assert "timeout" == hotline.only(facts.QueueLeft).reason
    assert pack("waited-too-long") == hotline.said()
    assert "talking" == hotline.call(answered).state


def test_a_full_queue_sends_him_on(hotline: HotlineKit) -> None:
    hotline.flows(exits())
    hotline.changes(max_length=1)
    busy(hotline)
    hotline.arrives()
    call = hotline.arrives()
    assert [OwnText(text="Sorry")] == hotline.said()

    hotline.hears_out(call)
    hotline.hangs_up(call, "us")

    assert "full_exit" == hotline.outcome(call)
    assert "system" == hotline.only(facts.CallEnded).ended_by


def test_a_full_queue_without_an_exit_says_so_and_hangs_up(hotline: HotlineKit) -> None:
    hotline.changes(max_length=0)
    call = hotline.arrives()
    assert pack("queue-full") == hotline.said()
    hotline.hears_out(call)

    assert hotline.call(call).leg == hotline.only(commands.Hangup).leg


def test_an_unanswered_caller_of_a_full_queue_is_refused_unbilled(hotline: HotlineKit) -> None:
    """Before an Answer node what is heard is early media, and the end is a refusal."""
    hotline.flows(flow("sales", wait=s.Enqueue(queue=QueueId("sales"))))
    hotline.changes(max_length=0)
    call = hotline.arrives()
    assert hotline.has(commands.Progress)
    hotline.hears_out(call)
    assert 480 == hotline.only(commands.Reject).code
    hotline.hangs_up(call, "us")

    assert 0 == hotline.only(facts.CallEnded).billed_ms
    assert "full_exit" == hotline.outcome(call)


def test_a_caller_waiting_unanswered_is_answered_when_the_operator_is(hotline: HotlineKit) -> None:
    """Queueing before the answer signal: he is billed from the operator's answer on."""
    hotline.flows(flow("sales", wait=s.Enqueue(queue=QueueId("sales"))))
    call = hotline.arrives()
    hotline.after(10).answers("anna")
    assert hotline.call(call).leg == hotline.only(commands.Answer).leg
    hotline.after(30).hangs_up(call)

    assert 30_000 == hotline.only(facts.CallEnded).billed_ms


def test_with_nobody_signed_in_he_goes_at_once_where_the_owner_says_so(hotline: HotlineKit) -> None:
    hotline.changes(no_operator="leave")
    for operator in ("anna", "viktor"):
        hotline.chooses(operator, "signed_out")
    call = hotline.arrives()
    assert pack("no-operators") == hotline.said()
    hotline.hears_out(call)
    hotline.hangs_up(call, "us")

    assert "no_operator_exit" == hotline.outcome(call)


def test_when_the_last_operator_signs_out_the_waiting_are_sent_on(hotline: HotlineKit) -> None:
    hotline.flows(exits())
    hotline.changes(no_operator="leave")
    busy(hotline)
    call = hotline.arrives()
    hotline.chooses("anna", "signed_out")
    assert [call] == hotline.line()
    hotline.chooses("viktor", "signed_out")

    assert [] == hotline.line()
    assert "no_operator" == hotline.only(facts.QueueLeft).reason
    assert "inviting" == hotline.call(call).state


def test_paused_operators_are_still_there(hotline: HotlineKit) -> None:
    hotline.changes(no_operator="leave")
    for operator in ("anna", "viktor"):
        hotline.chooses(operator, "paused", "lunch")
    call = hotline.arrives()

    assert [call] == hotline.line()


def test_a_key_leaves_the_queue(hotline: HotlineKit) -> None:
    hotline.flows(exits())
    busy(hotline)
    call = hotline.arrives()
    hotline.presses(call, "9")
    assert () == hotline.facts
    hotline.presses(call, "1")

    assert "key" == hotline.only(facts.QueueLeft).reason
    hotline.hangs_up(call)
    assert "key_exit" == hotline.outcome(call)


def test_a_key_while_a_phone_rings_lets_the_caller_go_before_the_operators_leg_ends(hotline: HotlineKit) -> None:
    """Had the operator answered that moment, his end would take the caller with him."""
    hotline.flows(exits())
    call = hotline.arrives()
    phone = hotline.phone("anna")
    hotline.presses(call, "1")

    kinds = [type(command) for command in hotline.commands]
    assert [commands.Connect, commands.Hangup, commands.Stop, commands.Play] == kinds
    assert (hotline.call(call).leg,) == hotline.only(commands.Connect).release
    assert phone == hotline.only(commands.Hangup).leg
    hotline.phone_ends("anna", "us")
    assert "idle" == hotline.operator("anna").state


def test_who_comes_back_to_the_queue_has_kept_his_place(hotline: HotlineKit) -> None:
    hotline.flows(exits())
    busy(hotline)
    first = hotline.arrives()
    second = hotline.after(5).arrives()
    hotline.after(5).presses(first, "5")

    assert [first, second] == hotline.line()
    hotline.after(10).hangs_up(first)
    assert 20_000 == hotline.only(facts.QueueLeft).waited_ms


@pytest.mark.parametrize("state", ["waiting", "ringing", "talking", "menu"])
def test_somebody_in_charge_ends_the_call(hotline: HotlineKit, state: str) -> None:
    call = hotline.arrives(to={"waiting": "100", "menu": "300"}.get(state, "200"))
    if state == "talking":
        hotline.answers("anna")
    hotline.handle(inputs.HangUpCall, call=call, by="olga")
    assert hotline.call(call).leg == hotline.only(commands.Hangup).leg
    hotline.handle(inputs.HangUpCall, call=call, by="olga")
    assert () == hotline.commands
    hotline.hangs_up(call, "us")

    expected = {"waiting": "closed_exit", "ringing": "closed_exit", "talking": "answered", "menu": "menu_abandon"}
    assert expected[state] == hotline.outcome(call)
    assert "system" == hotline.only(facts.CallEnded).ended_by
    assert "idle" == hotline.operator("anna").state


def test_ending_an_unknown_call_does_nothing(hotline: HotlineKit) -> None:
    hotline.handle(inputs.HangUpCall, call="k-99", by="olga")

    assert () == hotline.facts


def test_a_queue_that_does_not_exist_is_our_failure(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", wait=s.Enqueue(queue=QueueId("gone"))))
    call = hotline.arrives()
    assert 503 == hotline.only(commands.Reject).code
    hotline.hangs_up(call, "us")

    assert "system_failure" == hotline.outcome(call)
