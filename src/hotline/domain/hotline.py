"""The one door of the domain: `handle(input)` decides, `apply(fact)` changes.

Law: nothing else changes state. Recovery is a snapshot and `apply`; it never decides again.
Within one input, calls go on through their flows until each waits for something; then free operators
and waiting callers are matched; then those who have just joined a queue hear something.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hotline.domain import caller, ending, facts, inputs, legs, operator, presence, recording
from hotline.domain import memory as timers
from hotline.domain.apply import apply
from hotline.domain.carry import happen
from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.flow import run
from hotline.domain.ids import CallId, OperatorId, TicketId
from hotline.domain.inputs import Input
from hotline.domain.memory import Memory, Timer
from hotline.domain.queue import wait
from hotline.domain.queue.pick import match
from hotline.domain.state import State
from hotline.domain.step import Step

__all__ = ["Decision", "Hotline"]

MOST_NODES = 50
"""A call that passes more nodes in one step runs in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one input led to, in order."""

    facts: tuple[Fact, ...]
    commands: tuple[Command, ...]


class Hotline:
    """The state of one hotline and its decisions. One task owns it."""

    __slots__ = ("_memory",)

    def __init__(self, state: State | None = None) -> None:
        self._memory = Memory(State() if state is None else state)

    @property
    def state(self) -> State:
        """The whole state, to be read and to be kept as a snapshot; it lives on."""
        return self._memory.state

    def handle(self, given: Input) -> Decision:
        """Decides. The facts it returns are already applied."""
        memory = self._memory
        step = Step(memory, apply, max(given.at, memory.state.at), given.utc)
        _HANDLERS[type(given)](step, given)
        _settle(step)
        return Decision(facts=tuple(step.facts), commands=tuple(step.commands))

    def apply(self, fact: Fact) -> None:
        """Makes a fact true. Total: a fact of the journal is never refused."""
        apply(self._memory, fact)

    def next_due(self) -> int | None:
        """When the next timer of the state is due, on the journal's axis."""
        return self._memory.next_due()


def _settle(step: Step) -> None:
    """Lets everything go on that can."""
    passed: dict[CallId, int] = {}
    while True:
        while step.agenda:
            id_, node = step.agenda.popleft()
            call = step.state.calls[id_]
            passed[id_] = passed.get(id_, 0) + 1
            if passed[id_] > MOST_NODES:
                caller.fail(step, call, f"a circle at node {node}")
            else:
                run.enter(step, call, node)
        if step.staff_moved:
            step.staff_moved = False
            wait.serve_out(step)
        match(step)
        if not step.agenda:
            break
    for ticket_id in step.joined:
        if ticket := step.state.tickets.get(ticket_id):
            wait.greet(step, ticket)
    step.joined.clear()


# --- operators ------------------------------------------------------------------------------------


def _presence_chosen(step: Step, given: inputs.PresenceChosen) -> None:
    presence.choose(step, given.operator, given.presence, given.reason, given.by)


def _wrap_up_finished(step: Step, given: inputs.WrapUpFinished) -> None:
    if person := step.state.operators.get(given.operator):
        operator.finish_wrap_up(step, person)


def _registration_changed(step: Step, given: inputs.RegistrationChanged) -> None:
    if given.reachable != step.state.accounts.get(given.account, False) or given.reachable:
        step.true(facts.AccountChanged(at=step.at, account=given.account, reachable=given.reachable))
        step.staff_moved = True


# --- the hotline as a whole -----------------------------------------------------------------------


def _trunk_changed(step: Step, given: inputs.TrunkChanged) -> None:
    step.true(facts.TrunkHealthChanged(at=step.at, trunk=given.trunk, up=given.up, reason=given.reason))


def _opened(step: Step, given: inputs.Opened) -> None:
    step.true(facts.JournalOpened(at=step.at, seed=given.seed))


def _settings_changed(step: Step, given: inputs.SettingsChanged) -> None:
    if given.settings != step.state.settings:
        step.true(facts.SettingsTaken(at=step.at, settings=given.settings))
        step.staff_moved = True


def _switch_lost(step: Step, given: inputs.SwitchLost) -> None:
    """Every leg is gone, every call is closed with that cause; phones will register anew."""
    state = step.state
    step.true(facts.SwitchBegan(at=step.at, boot=given.boot))
    for call in list(state.calls.values()):
        ended = inputs.LegEnded(at=given.at, utc=given.utc, leg=call.leg, cause="lost", q850=41)
        ending.close(step, call, ended)
    for leg in list(state.legs):
        ending.gone(step, inputs.LegEnded(at=given.at, utc=given.utc, leg=leg, cause="lost", q850=41))
    for entry in list(state.recordings.values()):
        recording.closed(step, entry, "lost")
    for account in list(state.accounts):
        step.true(facts.AccountChanged(at=step.at, account=account, reachable=False))


def _resumed(step: Step, given: inputs.Resumed) -> None:
    """Nobody is blamed for the time we were away; open menus say again what can be chosen."""
    paused = [
        person.id
        for person in step.state.operators.values()
        if person.presence == "paused" and person.by == "system" and person.presence_at >= given.since
    ]
    step.true(facts.WasAway(at=step.at, since=given.since))
    for id_ in paused:
        step.true(facts.PresenceChanged(at=step.at, operator=id_, presence="ready", reason="we were away", by="system"))
    for call in list(step.state.calls.values()):
        if call.state == "choosing":
            run.repeat(step, call)


# --- time -----------------------------------------------------------------------------------------


def _time_came(step: Step, given: inputs.TimeCame) -> None:
    while (timer := step.memory.take_due(step.at)) is not None:
        _due(step, timer, given)
        _settle(step)


def _due(step: Step, timer: Timer, given: Input) -> None:
    _, kind, _, owner, about = timer
    state = step.state
    if kind == timers.CALL:
        happen(step, state.calls[CallId(owner)], "due", given)
    elif kind == timers.WAIT:
        wait.time_out(step, state.tickets[TicketId(owner)])
    elif kind == timers.ANNOUNCE:
        wait.announce(step, state.tickets[TicketId(owner)])
    elif kind == timers.DECLINE:
        wait.forget_decline(step, state.tickets[TicketId(owner)], OperatorId(about))
    elif kind == timers.WRAP_UP:
        operator.time_wrap_up(step, state.operators[OperatorId(owner)])
    else:
        operator.time_back(step, state.operators[OperatorId(owner)])


_HANDLERS: Final[dict[type, Callable[[Step, Any], None]]] = {
    **legs.HANDLERS,
    inputs.RegistrationChanged: _registration_changed,
    inputs.TrunkChanged: _trunk_changed,
    inputs.SwitchLost: _switch_lost,
    inputs.Opened: _opened,
    inputs.SettingsChanged: _settings_changed,
    inputs.PresenceChosen: _presence_chosen,
    inputs.WrapUpFinished: _wrap_up_finished,
    inputs.TimeCame: _time_came,
    inputs.Resumed: _resumed,
}
