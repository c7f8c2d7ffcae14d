"""The switch dies: every call is closed with its cause. The engine was away: nobody is blamed for it."""

from dataclasses import replace

from hotline.domain import commands, facts, inputs
from hotline.domain.hotline import Hotline
from hotline.domain.ids import OperatorId
from tests.domain.kit import CHOICES, HotlineKit, company


def test_a_new_switch_closes_every_call_of_the_old_one(hotline: HotlineKit) -> None:
    hotline.changes(record=True, wrap_up_ms=0)
    menu, waiting = hotline.arrives(to="300"), hotline.arrives(to="100")
    talking, ringing = hotline.arrives(), hotline.arrives()
    hotline.answers("anna")
    hotline.after(10).handle(inputs.SwitchLost, boot=7)

    outcomes = {
        menu: "system_failure",
        waiting: "queue_system_failure",
        talking: "answered",
        ringing: "queue_system_failure",
    }
    assert outcomes == {call: hotline.outcome(call) for call in outcomes}
    assert {"lost"} == {fact.cause for fact in hotline.facts if isinstance(fact, facts.CallEnded)}
    assert "lost" == hotline.only(facts.RecordingEnded).reason
    assert {"idle"} == {operator.state for operator in hotline.state.operators.values()}
    assert () == hotline.commands
    assert 7 == hotline.state.boot
    call = hotline.arrives()
    assert {"viktor": call} == hotline.ringing()


def test_registered_phones_must_register_with_the_new_switch() -> None:
    settings = company()
    anna = replace(settings.operators[OperatorId("anna")], devices=("account:anna",))
    hotline = HotlineKit(replace(settings, operators={**settings.operators, anna.id: anna}))
    hotline.handle(inputs.RegistrationChanged, account="anna", reachable=True)
    hotline.handle(inputs.SwitchLost, boot=2)

    assert not hotline.operator("anna").reachable


def test_open_menus_say_again_what_can_be_chosen(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="300")
    hotline.presses(call, "3")
    since = hotline.at
    hotline.at += 2_000_000
    hotline.handle(inputs.Resumed, since=since)

    assert [CHOICES] == hotline.said()
    hotline.presses(call, "1")
    assert {"anna": call} == hotline.ringing()


def test_a_miss_in_the_gap_is_nobodys(hotline: HotlineKit) -> None:
    """His phone rang while we were away; who was paused for it is ready again."""
    hotline.arrives(to="500")
    hotline.misses("anna")
    since = hotline.at
    hotline.misses("anna")
    assert "paused" == hotline.operator("anna").presence
    hotline.handle(inputs.Resumed, since=since + 1)

    assert ("ready", "we were away") == (hotline.operator("anna").presence, hotline.operator("anna").reason)
    assert {"anna"} == set(hotline.ringing())


def test_a_pause_of_his_own_stays(hotline: HotlineKit) -> None:
    since = hotline.at
    hotline.chooses("anna", "paused", "lunch")
    hotline.handle(inputs.Resumed, since=since)

    assert "paused" == hotline.operator("anna").presence


def test_wait_clocks_run_on_and_overdue_timers_fire_once(hotline: HotlineKit) -> None:
    hotline.changes("nobody", max_wait_ms=20_000)
    call = hotline.arrives(to="100")
    hotline.at += 30_000_000
    hotline.handle(inputs.TimeCame)

    left = hotline.only(facts.QueueLeft)
    assert ("timeout", 30_000, call) == (left.reason, left.waited_ms, left.call)
    hotline.handle(inputs.TimeCame)
    assert () == hotline.facts


def test_time_never_runs_backwards(hotline: HotlineKit) -> None:
    """A stamp from a switch whose clock is mapped a little low does not upset the order."""
    call = hotline.after(5).arrives()
    hotline.at -= 1_000_000
    hotline.hangs_up(call)

    assert 6_000_000 == hotline.only(facts.CallEnded).at


def test_a_snapshot_is_the_whole_hotline(hotline: HotlineKit) -> None:
    """What is built from the state decides as the living one does."""
    hotline.changes(max_wait_ms=9_000)
    waiting = [hotline.arrives() for _ in range(3)]
    hotline.declines("anna")
    twin = Hotline(hotline.state)

    assert hotline.hotline.next_due() == twin.next_due()
    assert 3 == len(waiting)


def test_a_refusal_of_a_leg_that_is_gone_is_nothing(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="100")
    for leg, command in ((None, "Play"), ("s1-99", "Play"), (hotline.call(call).leg, "Stop")):
        hotline.handle(inputs.CommandRefused, leg=leg, command=command, reason="gone")
        assert () == hotline.facts
    hotline.arrives()
    hotline.handle(inputs.CommandRefused, leg=hotline.phone("anna"), command="Hangup", reason="gone")
    assert () == hotline.facts


def test_a_trunk_comes_and_goes(hotline: HotlineKit) -> None:
    hotline.handle(inputs.TrunkChanged, trunk="north", up=False, reason="no answer to OPTIONS")

    assert {"north": False} == hotline.state.trunks
    assert not hotline.has(commands.Hangup)
