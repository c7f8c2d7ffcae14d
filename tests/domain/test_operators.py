"""Presence, wrap-up, phones that come and go."""

from dataclasses import replace

import pytest

from hotline.domain import commands, facts, inputs
from hotline.domain.ids import OperatorId
from tests.domain.kit import HotlineKit, company, pack

ANNA = OperatorId("anna")


@pytest.fixture
def registered() -> HotlineKit:
    """Anna has a phone that registers; it has not yet."""
    settings = company()
    anna = replace(settings.operators[ANNA], devices=("account:anna",))
    return HotlineKit(replace(settings, operators={**settings.operators, ANNA: anna}))


def test_a_fixed_phone_makes_its_operator_ready_from_the_start(hotline: HotlineKit) -> None:
    assert "ready" == hotline.operator("anna").presence
    assert hotline.operator("anna").reachable


def test_a_registered_phone_makes_its_operator_ready(registered: HotlineKit) -> None:
    """The moment it registers, who waits is offered."""
    call = registered.arrives(to="500")
    assert {} == registered.ringing()
    registered.handle(inputs.RegistrationChanged, account="anna", reachable=True)

    assert {"anna": call} == registered.ringing()
    assert ("account:anna",) == registered.only(commands.Dial).targets


def test_a_phone_that_registers_anew_ends_the_pause_after_it_was_out_of_reach(registered: HotlineKit) -> None:
    registered.handle(inputs.RegistrationChanged, account="anna", reachable=True)
    call = registered.arrives(to="500")
    registered.phone_ends("anna", "unreachable")
    assert {} == registered.ringing()
    registered.after(1).handle(inputs.RegistrationChanged, account="anna", reachable=True)

    assert {"anna": call} == registered.ringing()


def test_a_phone_that_is_gone_is_not_rung(registered: HotlineKit) -> None:
    for reachable in (True, False, False):
        registered.handle(inputs.RegistrationChanged, account="anna", reachable=reachable)
    assert () == registered.facts
    registered.arrives(to="500")

    assert {} == registered.ringing()


def test_an_unknown_account_is_nobodys_phone(registered: HotlineKit) -> None:
    registered.handle(inputs.RegistrationChanged, account="stranger", reachable=True)

    assert not registered.operator("anna").reachable


def test_a_paused_operator_is_not_offered(hotline: HotlineKit) -> None:
    hotline.chooses("anna", "paused", "lunch")
    changed = hotline.only(facts.PresenceChanged)
    assert ("paused", "lunch", "anna") == (changed.presence, changed.reason, changed.by)
    call = hotline.arrives()

    assert {"viktor": call} == hotline.ringing()


def test_the_same_choice_twice_is_one_fact(hotline: HotlineKit) -> None:
    hotline.chooses("anna", "paused", "lunch")
    hotline.chooses("anna", "paused", "lunch")

    assert () == hotline.facts


def test_a_choice_of_an_unknown_operator_is_nothing(hotline: HotlineKit) -> None:
    hotline.chooses("olga", "ready")
    hotline.handle(inputs.WrapUpFinished, operator=OperatorId("olga"))

    assert () == hotline.facts


def test_going_away_while_the_phone_rings_offers_the_caller_to_the_next(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    phone = hotline.phone("anna")
    hotline.chooses("anna", "paused", "lunch")

    assert "operator_left" == hotline.only(facts.OfferWithdrawn).reason
    assert phone == hotline.only(commands.Hangup).leg
    assert {"viktor": call} == hotline.ringing()


def test_going_away_while_talking_lets_the_talk_go_on(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.answers("anna")
    hotline.chooses("anna", "signed_out")
    assert "talking" == hotline.operator("anna").state
    hotline.hangs_up(call)
    other = hotline.arrives()

    assert {"viktor": other} == hotline.ringing()


def wrapping_up(hotline: HotlineKit) -> None:
    hotline.changes("alone", wrap_up_ms=30_000)
    call = hotline.arrives(to="500")
    hotline.answers("anna")
    hotline.hangs_up(call)
    assert "wrap_up" == hotline.operator("anna").state


def test_wrap_up_ends_by_its_timer(hotline: HotlineKit) -> None:
    wrapping_up(hotline)
    call = hotline.arrives(to="500")
    hotline.after(29.9)
    assert {} == hotline.ringing()
    hotline.after(0.1)

    assert "timer" == hotline.only(facts.WrapUpEnded).by
    assert {"anna": call} == hotline.ringing()


@pytest.mark.parametrize("way", ["button", "ready"])
def test_wrap_up_ends_when_he_says_so(hotline: HotlineKit, way: str) -> None:
    wrapping_up(hotline)
    if way == "button":
        hotline.handle(inputs.WrapUpFinished, operator=ANNA)
    else:
        hotline.chooses("anna", "ready")
    assert "operator" == hotline.only(facts.WrapUpEnded).by
    hotline.arrives(to="500")
    assert {"anna"} == set(hotline.ringing())

    hotline.handle(inputs.WrapUpFinished, operator=ANNA)
    assert () == hotline.facts


def test_wrap_up_waits_for_the_phone_to_hang_up(hotline: HotlineKit) -> None:
    """Wrap-up is over, but the switch has not yet told the end of his leg."""
    hotline.changes("alone", wrap_up_ms=1000)
    call = hotline.arrives(to="500")
    hotline.answers("anna")
    hotline.handle(inputs.LegEnded, leg=hotline.call(call).leg, cause="peer")
    hotline.after(1)
    assert "releasing" == hotline.operator("anna").state
    hotline.phone_ends("anna", "us")

    assert "idle" == hotline.operator("anna").state


@pytest.mark.parametrize(("code", "presence"), [("*11", "ready"), ("*12", "paused"), ("*10", "signed_out")])
def test_dial_codes_choose_presence_and_confirm_it(registered: HotlineKit, code: str, presence: str) -> None:
    before = "paused" if presence == "ready" else "ready"
    registered.chooses("anna", before)  # type: ignore[arg-type]
    call = registered.arrives(to=code, account="anna")

    assert code == registered.only(facts.CallArrived).number
    assert presence == registered.operator("anna").presence
    assert "phone anna" == registered.only(facts.PresenceChanged).by
    assert pack(f"operator-{presence.replace('_', '-')}") == registered.said()
    assert registered.has(commands.Answer)
    registered.hears_out(call)
    assert registered.has(commands.Hangup)
    registered.hangs_up(call, "us")
    assert "self_served" == registered.outcome(call)


@pytest.mark.parametrize("account", [None, "stranger"])
def test_dial_codes_are_for_operators_phones_only(registered: HotlineKit, account: str | None) -> None:
    registered.arrives(to="*11", account=account)

    assert 404 == registered.only(commands.Reject).code


def test_an_operators_phone_that_calls_a_number_is_an_ordinary_caller(registered: HotlineKit) -> None:
    call = registered.arrives(to="200", account="anna")

    assert {"viktor": call} == registered.ringing()
