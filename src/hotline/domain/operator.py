"""The operator: what he chose (presence) times what the machine knows (state), and what each fact changes.

Law: an operator's state changes by this table only. `releasing` lasts until his phone's leg has ended,
so that a phone that is still hanging up is not rung again; without a leg it is idle at once.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from hotline.domain import facts
from hotline.domain.ids import OperatorId
from hotline.domain.memory import Memory
from hotline.domain.state import Operator, OperatorState
from hotline.domain.step import Step

__all__ = ["APPLY", "OPERATOR", "OperatorEvent", "choose", "finish_wrap_up", "renew", "time_back", "time_wrap_up"]

OperatorEvent = Literal["offered", "accepted", "offer_over", "talk_over", "wrap_up_began", "wrap_up_over", "leg_gone"]
"""His phone is rung · he answered · declined, missed, unreachable or withdrawn · the talk is over ·
wrap-up begins · wrap-up is over · his phone's leg has ended."""

OPERATOR: Final[dict[OperatorState, dict[OperatorEvent, OperatorState]]] = {
    "idle": {
        "offered": "ringing", "accepted": "idle", "offer_over": "idle", "talk_over": "idle",
        "wrap_up_began": "wrap_up", "wrap_up_over": "idle", "leg_gone": "idle",
    },
    "ringing": {
        "offered": "ringing", "accepted": "talking", "offer_over": "releasing", "talk_over": "ringing",
        "wrap_up_began": "ringing", "wrap_up_over": "ringing", "leg_gone": "ringing",
    },
    "talking": {
        "offered": "talking", "accepted": "talking", "offer_over": "talking", "talk_over": "releasing",
        "wrap_up_began": "wrap_up", "wrap_up_over": "talking", "leg_gone": "talking",
    },
    "releasing": {
        "offered": "ringing", "accepted": "releasing", "offer_over": "releasing", "talk_over": "releasing",
        "wrap_up_began": "wrap_up", "wrap_up_over": "releasing", "leg_gone": "idle",
    },
    "wrap_up": {
        "offered": "ringing", "accepted": "wrap_up", "offer_over": "wrap_up", "talk_over": "wrap_up",
        "wrap_up_began": "wrap_up", "wrap_up_over": "releasing", "leg_gone": "wrap_up",
    },
}  # fmt: skip
"""Facts of the journal are always taken, so also those that a right decision never makes have a place."""


def choose(step: Step, operator: Operator, fact: facts.PresenceChanged) -> None:
    """He chose; being ready again also ends his wrap-up."""
    if (operator.presence, operator.reason) != (fact.presence, fact.reason) or operator.missed_at:
        step.true(fact)
    if fact.presence == "ready":
        finish_wrap_up(step, operator)


def finish_wrap_up(step: Step, operator: Operator) -> None:
    """He says that he is done."""
    if operator.state == "wrap_up":
        step.true(facts.WrapUpEnded(at=step.at, operator=operator.id, by="operator"))


def time_wrap_up(step: Step, operator: Operator) -> None:
    """His wrap-up has lasted as long as it may."""
    step.true(facts.WrapUpEnded(at=step.at, operator=operator.id, by="timer"))


def time_back(step: Step, operator: Operator) -> None:
    """His device is tried again."""
    step.true(facts.OperatorBack(at=step.at, operator=operator.id))


def renew(memory: Memory, at: int) -> None:
    """Brings the operators in line with the settings; one who is no longer named stays until he is free."""
    state, named = memory.state, memory.settings.operators
    for id_ in named:
        if id_ not in state.operators:
            state.operators_seen += 1
            state.operators[id_] = Operator(id=id_, n=state.operators_seen, presence_at=at, state_at=at, idle_since=at)
    gone = [o.id for o in state.operators.values() if o.id not in named and o.state in ("idle", "wrap_up")]
    for id_ in gone:
        del state.operators[id_]
    for operator in state.operators.values():
        operator.reachable = _reachable(memory, operator.id)


def _reachable(memory: Memory, id_: OperatorId) -> bool:
    """Whether a device of his can be rung: a fixed address always can."""
    person = memory.settings.operators.get(id_)
    if person is None:
        return False
    return any(
        memory.state.accounts.get(account, False) if scheme == "account" else True
        for scheme, _, account in (device.partition(":") for device in person.devices)
    )


# --- what facts change ----------------------------------------------------------------------------


def _move(memory: Memory, operator: Operator, event: OperatorEvent, at: int, *, tired: bool = True) -> None:
    """One step of the table. `tired`: his idle time begins anew, so that he is the last to be picked."""
    before = operator.state
    operator.state = OPERATOR[before][event]
    if operator.state == "releasing" and operator.leg is None:
        operator.state = "idle"
    if operator.state == before:
        return
    operator.state_at = at
    if tired:
        operator.idle_since = at
    if operator.state == "idle":
        if operator.id not in memory.settings.operators:
            del memory.state.operators[operator.id]
        memory.offer_up(operator)


def _offer_made(memory: Memory, fact: facts.OfferMade) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.leg, operator.offer, operator.call = fact.leg, fact.offer, fact.call
        _move(memory, operator, "offered", fact.at, tired=False)


def _talk_started(memory: Memory, fact: facts.TalkStarted) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.offer = None
        operator.missed_at.clear()
        _move(memory, operator, "accepted", fact.at)


def _talk_ended(memory: Memory, fact: facts.TalkEnded) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.call = None
        _move(memory, operator, "talk_over", fact.at)


def _leg_gone(memory: Memory, fact: facts.LegGone) -> None:
    if fact.operator is None:
        return
    operator = memory.state.operators.get(fact.operator)
    if operator is not None and operator.leg == fact.leg:
        operator.leg = None
        _move(memory, operator, "leg_gone", fact.at, tired=False)


def over(memory: Memory, operator: Operator, at: int, *, tired: bool) -> None:
    """His offer is over; called by the facts that end one."""
    operator.offer, operator.call = None, None
    _move(memory, operator, "offer_over", at, tired=tired)


def _wrap_up_started(memory: Memory, fact: facts.WrapUpStarted) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.wrap_until = fact.until
        memory.arm_operator(operator)
        _move(memory, operator, "wrap_up_began", fact.at)


def _wrap_up_ended(memory: Memory, fact: facts.WrapUpEnded) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.wrap_until = None
        _move(memory, operator, "wrap_up_over", fact.at)


def _operator_back(memory: Memory, fact: facts.OperatorBack) -> None:
    if operator := memory.state.operators.get(fact.operator):
        operator.back_at = None
        memory.offer_up(operator)


def _presence_changed(memory: Memory, fact: facts.PresenceChanged) -> None:
    operator = memory.state.operators.get(fact.operator)
    if operator is None:
        return
    was = operator.presence
    operator.presence, operator.reason, operator.by = fact.presence, fact.reason, fact.by
    operator.presence_at = fact.at
    if fact.presence == "ready":
        operator.missed_at.clear()
        if was != "ready":
            # Who comes back from a break is the last in turn, not the first.
            operator.idle_since = fact.at
            memory.offer_up(operator)


def _account_changed(memory: Memory, fact: facts.AccountChanged) -> None:
    if fact.reachable:
        memory.state.accounts[fact.account] = True
    else:
        memory.state.accounts.pop(fact.account, None)
    for id_ in memory.by_account.get(fact.account, ()):
        if operator := memory.state.operators.get(id_):
            was, operator.reachable = operator.reachable, _reachable(memory, id_)
            if fact.reachable:
                operator.back_at = None
            if operator.reachable and not was:
                operator.idle_since = fact.at
            memory.offer_up(operator)


def _was_away(memory: Memory, fact: facts.WasAway) -> None:
    for operator in memory.state.operators.values():
        operator.missed_at = [at for at in operator.missed_at if at < fact.since]


APPLY: Final[dict[type, Callable[[Memory, Any], None]]] = {
    facts.OfferMade: _offer_made,
    facts.TalkStarted: _talk_started,
    facts.TalkEnded: _talk_ended,
    facts.LegGone: _leg_gone,
    facts.WrapUpStarted: _wrap_up_started,
    facts.WrapUpEnded: _wrap_up_ended,
    facts.OperatorBack: _operator_back,
    facts.PresenceChanged: _presence_changed,
    facts.AccountChanged: _account_changed,
    facts.WasAway: _was_away,
}
