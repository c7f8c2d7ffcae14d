"""Every other node of a flow, each with its ways out."""

from dataclasses import replace

import pytest

from hotline.domain import commands, facts, inputs
from hotline.domain import settings as s
from hotline.domain.ids import CallId, QueueId, RecordingId
from hotline.domain.phrases import Beep, OwnText
from tests.domain.kit import HotlineKit, flow, pack

HELLO = OwnText(text="Hello")


def test_say_before_the_answer_is_early_media(hotline: HotlineKit) -> None:
    """The owner is not billed for it; the switch answers by itself at the trunk's cut-off."""
    hotline.flows(
        flow("sales", say=s.Say(phrases=(HELLO,), next="answer"), answer=s.Answer(next="end"), end=s.Hangup())
    )
    numbers = {"200": replace(hotline.settings.numbers["200"], answer_by_ms=100_000)}
    hotline.takes(replace(hotline.settings, revision=7, numbers=numbers))
    call = hotline.arrives()
    assert 100_000 == hotline.only(commands.Progress).answer_by_ms
    assert not hotline.has(commands.Answer)
    hotline.after(5).hears_out(call)

    assert [commands.Answer, commands.Hangup] == [type(command) for command in hotline.commands]


def test_the_switchs_own_answer_begins_the_bill(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", say=s.Say(phrases=(HELLO,), next="end"), end=s.Hangup()))
    call = hotline.arrives()
    hotline.after(60).acknowledges(call)
    assert hotline.has(facts.CallAnswered)
    hotline.after(10).hangs_up(call)

    assert 10_000 == hotline.only(facts.CallEnded).billed_ms


def test_say_without_words_goes_on(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", say=s.Say(phrases=(), next="end"), end=s.Hangup(phrases=(HELLO,))))
    call = hotline.arrives()
    assert [HELLO] == hotline.said()
    hotline.hears_out(call)

    assert hotline.has(commands.Reject)


def test_a_play_that_failed_does_not_hold_up_the_flow(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", say=s.Say(phrases=(HELLO,), next="end"), end=s.Hangup()))
    call = hotline.arrives()
    hotline.hears_out(call, "failed")

    assert hotline.has(commands.Reject)


def notice(key: str = "7") -> s.Flow:
    return flow(
        "sales",
        answer=s.Answer(next="notice"),
        notice=s.RecordingNotice(phrases=(), next="wait", refuse_key=key),
        wait=s.Enqueue(queue=QueueId("sales")),
    )


def test_after_the_notice_the_talk_is_recorded_on_two_channels(hotline: HotlineKit) -> None:
    hotline.flows(notice())
    hotline.changes(record=True)
    call = hotline.arrives("+70000000001")
    assert pack("recording-notice-refusable") == hotline.said()
    hotline.hears_out(call)
    hotline.answers("anna")

    record = hotline.only(commands.Record)
    assert ((hotline.call(call).leg,), (hotline.phone("anna"),)) == (record.left, record.right)
    assert "2027/01/15/20270115-075901-in-sales-k-1-r1" == record.name
    assert "70000000001" not in record.name


@pytest.mark.parametrize("moment", ["during", "after"])
def test_a_key_keeps_the_talk_unrecorded(hotline: HotlineKit, moment: str) -> None:
    """Pressed while the notice plays, or just after it, until he is connected."""
    hotline.flows(notice())
    hotline.changes(record=True)
    call = hotline.arrives()
    if moment == "after":
        hotline.hears_out(call)
    hotline.presses(call, "87")
    assert hotline.has(facts.RecordingRefused)
    hotline.presses(call, "7")
    assert not hotline.has(facts.RecordingRefused)
    hotline.answers("anna")

    assert not hotline.has(commands.Record)


def test_a_notice_that_could_not_be_played_keeps_the_talk_unrecorded(hotline: HotlineKit) -> None:
    """Nobody is recorded who was not told."""
    hotline.flows(notice())
    hotline.changes(record=True)
    call = hotline.arrives()
    hotline.hears_out(call, "failed")
    assert "notice_failed" == hotline.only(facts.RecordingRefused).because
    hotline.answers("anna")

    assert not hotline.has(commands.Record)


def test_a_recording_closes_after_its_call_has_ended(hotline: HotlineKit) -> None:
    hotline.changes(record=True)
    call = hotline.arrives()
    hotline.answers("anna")
    running = hotline.only(commands.Record).recording
    hotline.hangs_up(call)
    hotline.closes(running, 30_000)

    ended = hotline.only(facts.RecordingEnded)
    assert (call, 30_000, "legs_ended") == (ended.call, ended.duration_ms, ended.reason)
    hotline.closes(running)
    assert () == hotline.facts


def test_a_refused_recording_is_over_at_once(hotline: HotlineKit) -> None:
    hotline.changes(record=True)
    call = hotline.arrives()
    hotline.answers("anna")
    hotline.handle(inputs.CommandRefused, leg=hotline.call(call).leg, command="Record", reason="disk full")
    assert "failed" == hotline.only(facts.RecordingEnded).reason
    hotline.handle(inputs.CommandRefused, leg=hotline.call(call).leg, command="Record", reason="disk full")

    assert () == hotline.facts
    assert "talking" == hotline.call(call).state


@pytest.mark.parametrize(("seconds", "node"), [(0, "closed"), (60, "open"), (3660, "closed")])
def test_hours_branch_at_the_minute(hotline: HotlineKit, seconds: int, node: str) -> None:
    """The table is half-open: open from its first second, closed from its last."""
    hotline.flows(
        flow(
            "sales",
            hours=s.Hours(table="office", open="open", closed="closed"),
            open=s.Say(phrases=(HELLO,), next="closed"),
            closed=s.Say(phrases=(OwnText(text="We are closed"),), next="end"),
            end=s.Hangup(),
        )
    )
    hotline.at = seconds * 1_000_000
    call = hotline.arrives()
    assert node == hotline.call(call).node
    hotline.acknowledges(call)
    hotline.hangs_up(call)

    assert ("closed_hours" if node == "closed" else "menu_abandon") == hotline.outcome(call)


def test_unknown_hours_are_our_failure(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", hours=s.Hours(table="gone", open="end", closed="end"), end=s.Hangup()))
    hotline.hangs_up(hotline.arrives(), "us")

    assert "system_failure" == hotline.only(facts.CallEnded).outcome


def voicemail(hotline: HotlineKit) -> CallId:
    """A caller who has heard the beep; his recording's name."""
    call = hotline.arrives(to="300")
    hotline.presses(call, "2")
    assert [*pack("voicemail"), Beep()] == hotline.said()
    hotline.hears_out(call)
    record = hotline.only(commands.Record)
    assert (120_000, ()) == (record.max_ms, record.right)
    return call


def recording(hotline: HotlineKit, call: CallId) -> RecordingId:
    """The recording that runs."""
    name = hotline.call(call).recording
    assert name is not None
    return name


@pytest.mark.parametrize(("seconds", "outcome"), [(1, "voicemail"), (0.9, "menu_abandon")])
def test_a_message_ends_with_the_call_and_may_be_too_short(hotline: HotlineKit, seconds: float, outcome: str) -> None:
    call = voicemail(hotline)
    hotline.after(seconds).hangs_up(call)

    assert outcome == hotline.outcome(call)
    assert (outcome == "voicemail") == hotline.has(facts.VoicemailLeft)


def test_hash_ends_a_message_with_thanks(hotline: HotlineKit) -> None:
    call = voicemail(hotline)
    hotline.after(10).presses(call, "3#")

    assert 10_000 == hotline.only(facts.VoicemailLeft).duration_ms
    assert hotline.has(commands.StopRecording)
    assert pack("voicemail-saved") == hotline.said()
    hotline.hears_out(call)
    hotline.hangs_up(call, "us")
    assert "voicemail" == hotline.outcome(call)


def test_the_longest_message_ends_by_itself(hotline: HotlineKit) -> None:
    call = voicemail(hotline)
    hotline.after(120).closes(recording(hotline, call), 120_000, "max_length")

    assert 120_000 == hotline.only(facts.VoicemailLeft).duration_ms
    assert pack("voicemail-saved") == hotline.said()


def test_a_message_that_could_not_be_recorded_is_none(hotline: HotlineKit) -> None:
    call = voicemail(hotline)
    hotline.handle(
        inputs.CommandRefused,
        leg=None,
        command="Record",
        reason="disk full",
        recording=hotline.call(call).recording,
    )

    assert not hotline.has(facts.VoicemailLeft)
    assert pack("goodbye") == hotline.said()


def test_a_closed_recording_leaves_no_message_when_the_caller_goes(hotline: HotlineKit) -> None:
    call = voicemail(hotline)
    hotline.after(10).presses(call, "#")
    hotline.closes(recording(hotline, call))
    hotline.presses(call, "#")

    assert () == hotline.facts


def test_after_a_message_the_flow_goes_on(hotline: HotlineKit) -> None:
    hotline.flows(
        flow(
            "menu",
            message=s.Voicemail(phrases=(HELLO,), mailbox="m", next="thanks"),
            thanks=s.Say(phrases=(HELLO,), next="end"),
            end=s.Hangup(),
        )
    )
    call = hotline.arrives(to="300")
    assert hotline.has(commands.Answer)
    hotline.hears_out(call)
    hotline.after(5).presses(call, "#")

    assert "thanks" == hotline.call(call).node


def test_echo_lets_the_caller_hear_himself_for_a_while(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="300")
    hotline.presses(call, "32")
    leg = hotline.call(call).leg
    assert {leg: (leg,)} == hotline.only(commands.Connect).hears

    hotline.after(60)

    assert (leg,) == hotline.only(commands.Connect).release
    assert pack("goodbye") == hotline.said()
    hotline.hears_out(call)
    hotline.hangs_up(call, "us")
    assert "self_served" == hotline.outcome(call)


def test_echo_ends_by_hash_and_goes_on(hotline: HotlineKit) -> None:
    nodes: dict[str, s.Node] = {"echo": s.Echo(phrases=(HELLO,), next="end"), "end": s.Hangup(phrases=(HELLO,))}
    hotline.flows(flow("menu", **nodes))
    call = hotline.arrives(to="300")
    assert [HELLO] == hotline.said()
    hotline.hears_out(call)
    hotline.presses(call, "5")
    assert () == hotline.commands
    hotline.presses(call, "#")

    assert "parting" == hotline.call(call).state


def test_hash_skips_the_words_before_an_echo(hotline: HotlineKit) -> None:
    hotline.flows(flow("menu", echo=s.Echo(phrases=(HELLO,))))
    call = hotline.arrives(to="300")
    hotline.presses(call, "#")

    assert not hotline.has(commands.Connect)
    assert pack("goodbye") == hotline.said()


def test_hangup_says_its_words_and_its_cause(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", answer=s.Answer(next="end"), end=s.Hangup(q850=31)))
    hotline.arrives()

    assert 31 == hotline.only(commands.Hangup).q850


def test_a_leg_that_does_not_end_is_asked_again(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", answer=s.Answer(next="end"), end=s.Hangup()))
    hotline.arrives()
    hotline.after(5)

    assert hotline.has(commands.Hangup)


def test_a_node_that_does_not_exist_is_our_failure(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", answer=s.Answer(next="gone")))
    call = hotline.arrives()
    assert 41 == hotline.only(commands.Hangup).q850
    hotline.hangs_up(call, "us")

    assert "system_failure" == hotline.outcome(call)


def test_a_flow_that_runs_in_a_circle_is_our_failure(hotline: HotlineKit) -> None:
    hotline.flows(flow("sales", answer=s.Answer(next="answer")))
    call = hotline.arrives()
    hotline.hangs_up(call, "us")

    assert "system_failure" == hotline.outcome(call)


def test_an_unknown_number_is_refused(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="999")
    assert 404 == hotline.only(commands.Reject).code
    hotline.hangs_up(call, "us")

    assert "lost_before_answer" == hotline.outcome(call)
    assert "system" == hotline.only(facts.CallEnded).ended_by


def test_a_number_is_found_with_and_without_plus_and_by_the_star(hotline: HotlineKit) -> None:
    entry = hotline.settings.numbers["200"]
    numbers = {"+78000000000": replace(entry, number="+78000000000"), "7": replace(entry, number="7")}
    hotline.takes(replace(hotline.settings, revision=2, numbers=numbers))
    for called, number in {"78000000000": "+78000000000", "+7": "7", "+78000000000": "+78000000000"}.items():
        hotline.arrives(to=called)
        assert number == hotline.only(facts.CallArrived).number
    numbers["*"] = replace(entry, number="*")
    hotline.takes(replace(hotline.settings, revision=3, numbers=numbers))
    hotline.arrives(to="whatever")

    assert "*" == hotline.only(facts.CallArrived).number


@pytest.mark.parametrize("held", ["operator", "caller"])
def test_held_time_is_counted_and_a_held_caller_hears_music(hotline: HotlineKit, held: str) -> None:
    call = hotline.arrives()
    hotline.answers("anna")
    by = hotline.phone("anna") if held == "operator" else hotline.call(call).leg
    hotline.after(10).handle(inputs.HoldRequested, leg=by, held=True)
    assert (held == "operator") == hotline.has(commands.Play)
    hotline.handle(inputs.HoldRequested, leg=by, held=True)
    assert () == hotline.facts
    hotline.after(20).handle(inputs.HoldRequested, leg=by, held=False)
    assert (held == "operator") == hotline.has(commands.Stop)
    hotline.after(5).handle(inputs.HoldRequested, leg=by, held=True)
    hotline.after(1).hangs_up(call)

    ended = hotline.only(facts.TalkEnded)
    assert (36_000, 21_000) == (ended.talked_ms, ended.held_ms)
