"""A caller hangs up wherever he is: nobody is left ringing, talking or counted wrongly."""

import pytest

from hotline.domain import commands, facts, inputs
from tests.domain.kit import HotlineKit


def test_in_the_menu(hotline: HotlineKit) -> None:
    """He gave up before he was offered to a queue."""
    call = hotline.arrives(to="300")
    hotline.after(2).hangs_up(call)

    assert "menu_abandon" == hotline.outcome(call)
    assert "caller" == hotline.only(facts.CallEnded).ended_by
    assert 2000 == hotline.only(facts.CallEnded).billed_ms


def test_in_the_queue(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="100")
    hotline.after(7).hangs_up(call)

    assert "abandoned_waiting" == hotline.outcome(call)
    assert 7000 == hotline.only(facts.QueueLeft).waited_ms


def test_soon_after_he_joined_the_queue(hotline: HotlineKit) -> None:
    """Within the short-abandon time it is no failure of the operators."""
    call = hotline.arrives(to="100")
    hotline.after(4.999).hangs_up(call)

    assert "short_abandon" == hotline.outcome(call)


def test_while_an_operator_is_ringing(hotline: HotlineKit) -> None:
    """The offer is withdrawn, the operator stays ready, the call counts as abandoned."""
    call = hotline.arrives()
    hotline.rings("anna")
    hotline.after(7).hangs_up(call)

    assert "caller_left" == hotline.only(facts.OfferWithdrawn).reason
    assert "abandoned_ringing" == hotline.outcome(call)
    assert "ready" == hotline.operator("anna").presence
    assert "idle" == hotline.operator("anna").state
    assert not hotline.has(commands.Dial)


def test_an_operator_whose_offer_was_withdrawn_keeps_his_turn(hotline: HotlineKit) -> None:
    """He did not work, so he is still the one who has been free the longest."""
    hotline.hangs_up(hotline.arrives())
    hotline.after(1)
    again = hotline.arrives()

    assert {"anna": again} == hotline.ringing()


def test_his_phone_is_not_rung_again_before_it_has_hung_up(hotline: HotlineKit) -> None:
    """A phone that still rings for somebody who left would answer busy."""
    call = hotline.arrives(to="500")
    hotline.handle(inputs.LegEnded, leg=hotline.call(call).leg, cause="peer")
    assert "releasing" == hotline.operator("anna").state
    waiting = hotline.arrives(to="500")
    assert {} == hotline.ringing()

    hotline.phone_ends("anna", "withdrawn")

    assert {"anna": waiting} == hotline.ringing()


@pytest.mark.parametrize("order", ["caller first", "answer first"])
def test_at_the_moment_the_operator_answers(hotline: HotlineKit, order: str) -> None:
    """Whichever the switch saw first: no ghost call, and the operator is free again."""
    call = hotline.arrives()
    leg, phone = hotline.call(call).leg, hotline.phone("anna")
    if order == "caller first":
        hotline.handle(inputs.LegEnded, leg=leg, cause="peer")
        hotline.handle(inputs.LegAnswered, leg=phone, answered_at=hotline.at)
        assert phone == hotline.only(commands.Hangup).leg
        hotline.handle(inputs.LegEnded, leg=phone, cause="us")
    else:
        hotline.handle(inputs.LegAnswered, leg=phone, answered_at=hotline.at)
        hotline.handle(inputs.LegEnded, leg=leg, cause="peer")
        hotline.handle(inputs.LegEnded, leg=phone, cause="us")

    expected = "short_abandon" if order == "caller first" else "answered"
    assert expected == hotline.outcome(call)
    assert "idle" == hotline.operator("anna").state
    assert {} == hotline.state.legs


def test_the_operators_leg_is_withdrawn_before_the_callers_end_is_heard(hotline: HotlineKit) -> None:
    """The switch cancels by itself: the caller is not offered once more while he is going."""
    call = hotline.arrives()
    hotline.after(6)
    hotline.phone_ends("anna", "withdrawn")
    assert not hotline.has(commands.Dial)

    hotline.hangs_up(call)

    assert "abandoned_ringing" == hotline.outcome(call)


def test_while_talking(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.after(3).answers("anna")
    hotline.after(60).hangs_up(call)

    assert 60_000 == hotline.only(facts.TalkEnded).talked_ms
    assert "caller" == hotline.only(facts.TalkEnded).ended_by
    assert "answered" == hotline.outcome(call)
    assert "idle" == hotline.operator("anna").state


def test_the_operator_hangs_up(hotline: HotlineKit) -> None:
    """The switch releases the caller; should it not, he is hung up after a while."""
    call = hotline.arrives()
    hotline.answers("anna")
    hotline.handle(inputs.LegEnded, leg=hotline.phone("anna"), cause="peer")
    assert "operator" == hotline.only(facts.TalkEnded).ended_by
    assert "idle" == hotline.operator("anna").state

    hotline.after(5)
    assert hotline.call(call).leg == hotline.only(commands.Hangup).leg
    hotline.hangs_up(call, "us")

    assert "operator" == hotline.only(facts.CallEnded).ended_by


def test_an_end_of_an_unknown_leg_is_nobodys(hotline: HotlineKit) -> None:
    hotline.handle(inputs.LegEnded, leg="s1-99", cause="peer")
    hotline.handle(inputs.LegAnswered, leg="s1-99", answered_at=1)
    hotline.handle(inputs.LegProgress, leg="s1-99", code=180)
    hotline.handle(inputs.DigitPressed, leg="s1-99", digit="1")
    hotline.handle(inputs.HoldRequested, leg="s1-99", held=True)
    hotline.handle(inputs.PlaybackEnded, leg="s1-99", play="p1", reason="finished")

    assert () == hotline.facts
