"""An operator is offered a caller: he misses, declines, cannot be reached; the caller keeps his place."""

from dataclasses import replace

import pytest

from hotline.domain import commands, facts, inputs
from hotline.domain.ids import OperatorId
from tests.domain.kit import HotlineKit, company


def test_the_dial_says_how_it_ends(hotline: HotlineKit) -> None:
    """Nothing waits for an engine that is away: ring time, join and release travel with the command."""
    call = hotline.arrives("+70000000001")
    dial = hotline.only(commands.Dial)

    assert hotline.call(call).leg == dial.for_leg
    assert ("join", call, "release") == (dial.on_answer, dial.room, dial.on_peer_end)
    assert 20_000 == dial.ring_ms
    assert ("sip:anna@127.0.0.1:5290",) == dial.targets
    assert "+70000000001" == dial.from_number


def test_a_miss_brings_the_next_operator_at_once_and_keeps_the_place(hotline: HotlineKit) -> None:
    first, second = hotline.arrives(), hotline.arrives()
    third = hotline.arrives()
    hotline.misses("anna")

    assert 1 == hotline.only(facts.OfferExpired).misses
    assert {"anna": first, "viktor": second} == hotline.ringing()
    assert [first, second, third] == hotline.line()


def test_the_one_who_missed_is_the_last_in_turn(hotline: HotlineKit) -> None:
    first = hotline.arrives()
    hotline.misses("anna")

    assert {"viktor": first} == hotline.ringing()


def test_two_misses_in_a_row_pause_with_the_reason(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="500")
    hotline.misses("anna")
    assert {"anna": call} == hotline.ringing()
    hotline.misses("anna")

    paused = hotline.only(facts.PresenceChanged)
    assert ("paused", "missed 2 calls", "system") == (paused.presence, paused.reason, paused.by)
    assert {} == hotline.ringing()
    assert [call] == hotline.line("alone")


def test_one_miss_pauses_where_the_settings_say_so() -> None:
    settings = company()
    anna = replace(settings.operators[OperatorId("anna")], misses_to_pause=1)
    hotline = HotlineKit(replace(settings, operators={**settings.operators, anna.id: anna}))
    hotline.arrives(to="500")
    hotline.misses("anna")

    assert "missed a call" == hotline.only(facts.PresenceChanged).reason


def test_no_number_of_misses_pauses_where_the_settings_say_never() -> None:
    settings = company()
    anna = replace(settings.operators[OperatorId("anna")], misses_to_pause=0)
    hotline = HotlineKit(replace(settings, operators={**settings.operators, anna.id: anna}))
    hotline.arrives(to="500")
    for _ in range(5):
        hotline.misses("anna")

    assert "ready" == hotline.operator("anna").presence


def test_an_answer_forgives_earlier_misses(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="500")
    hotline.misses("anna")
    hotline.answers("anna")
    hotline.hangs_up(call)
    hotline.arrives(to="500")
    hotline.misses("anna")

    assert 1 == hotline.only(facts.OfferExpired).misses
    assert "ready" == hotline.operator("anna").presence


def test_choosing_ready_forgives_earlier_misses(hotline: HotlineKit) -> None:
    hotline.arrives(to="500")
    hotline.misses("anna")
    hotline.chooses("anna", "ready")
    hotline.misses("anna")

    assert "ready" == hotline.operator("anna").presence


@pytest.mark.parametrize("code", [486, 600, 603, 480])
def test_who_declines_is_not_offered_the_same_caller_for_a_while(hotline: HotlineKit, code: int) -> None:
    call = hotline.arrives(to="500")
    hotline.declines("anna", code)
    assert code == hotline.only(facts.OfferDeclined).code
    assert {} == hotline.ringing()

    hotline.after(9.9)
    assert {} == hotline.ringing()
    hotline.after(0.1)

    assert {"anna": call} == hotline.ringing()
    assert [] == hotline.operator("anna").missed_at


def test_who_declines_one_caller_is_offered_the_next(hotline: HotlineKit) -> None:
    declined, other = hotline.arrives(to="500"), hotline.arrives(to="500")
    hotline.declines("anna")

    assert {"anna": other} == hotline.ringing()
    assert [declined, other] == hotline.line("alone")


def test_a_decline_is_forgotten_when_the_caller_has_left(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="500")
    hotline.declines("anna")
    hotline.hangs_up(call)

    assert hotline.hotline.next_due() is None


@pytest.mark.parametrize(("cause", "code"), [("unreachable", 0), ("refused", 408), ("refused", 503), ("refused", 404)])
def test_an_unreachable_phone_is_nobodys_miss(hotline: HotlineKit, cause: str, code: int) -> None:
    call = hotline.arrives(to="500")
    hotline.phone_ends("anna", cause, code)  # type: ignore[arg-type]
    assert code == hotline.only(facts.OfferUnreachable).code
    assert [] == hotline.operator("anna").missed_at
    assert {} == hotline.ringing()

    hotline.after(5)

    assert {"anna": call} == hotline.ringing()


def test_a_dial_that_the_switch_refuses_counts_as_unreachable(hotline: HotlineKit) -> None:
    hotline.arrives(to="500")
    hotline.handle(inputs.CommandRefused, leg=hotline.phone("anna"), command="Dial", reason="no room")

    assert hotline.has(facts.OfferUnreachable)
    assert "idle" == hotline.operator("anna").state


def test_a_leg_that_the_switch_lost_is_offered_anew(hotline: HotlineKit) -> None:
    """The caller is still there: somebody else is rung, nobody is blamed."""
    call = hotline.arrives()
    hotline.phone_ends("anna", "lost")

    assert "switch_lost" == hotline.only(facts.OfferWithdrawn).reason
    assert {"anna": call} == hotline.ringing()


def test_the_longest_idle_operator_is_picked(hotline: HotlineKit) -> None:
    """Free since the end of his last call, or since he came back from a break."""
    for name in ("anna", "viktor"):
        hotline.after(1)
        call = hotline.arrives()
        hotline.answers(name)
        hotline.after(1).hangs_up(call)
    hotline.after(1).chooses("anna", "paused", "lunch")
    hotline.after(1).chooses("anna", "ready")
    first, second = hotline.arrives(), hotline.arrives()

    assert {"viktor": first, "anna": second} == hotline.ringing()


def test_180_of_the_phone_is_told_once(hotline: HotlineKit) -> None:
    hotline.arrives()
    hotline.handle(inputs.LegProgress, leg=hotline.phone("anna"), code=100)
    assert not hotline.has(facts.OfferRinging)
    hotline.rings("anna")
    assert hotline.has(facts.OfferRinging)
    hotline.rings("anna")
    assert not hotline.has(facts.OfferRinging)


def test_one_matcher_serves_queues_with_shared_operators(hotline: HotlineKit) -> None:
    """Anna is free for two queues: who has waited longer in either gets her."""
    hotline.chooses("viktor", "signed_out")
    busy = hotline.arrives()
    hotline.answers("anna")
    older = hotline.after(1).arrives(to="500")
    younger = hotline.after(1).arrives(to="200")
    hotline.hangs_up(busy)

    assert {"anna": older} == hotline.ringing()
    hotline.hangs_up(older)

    assert {"anna": younger} == hotline.ringing()


def test_a_late_answer_after_the_offer_was_taken_back_is_hung_up(hotline: HotlineKit) -> None:
    hotline.arrives()
    phone = hotline.phone("anna")
    hotline.chooses("anna", "paused")
    hotline.handle(inputs.LegAnswered, leg=phone, answered_at=hotline.at)

    assert phone == hotline.only(commands.Hangup).leg


def test_a_phone_that_refuses_at_once_is_not_rung_in_a_circle(hotline: HotlineKit) -> None:
    """A pause is a second at least, whatever the settings say."""
    hotline.changes("alone", decline_pause_ms=0, unreachable_pause_ms=0)
    hotline.arrives(to="500")
    hotline.declines("anna")
    assert {} == hotline.after(0.9).ringing()
    hotline.after(0.1)
    hotline.phone_ends("anna", "unreachable")

    assert {} == hotline.after(0.9).ringing()
