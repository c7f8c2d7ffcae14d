"""The one door of the domain: `handle(input)` decides, `apply(fact)` changes.

Law: nothing else changes state. Recovery is a snapshot and `apply`; it never decides again.
Within one input, calls go on through their flows until each waits for something; then free operators
and waiting callers are matched; then those who have just joined a queue hear something.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hotline.domain import caller, commands, ending, facts, inputs, operator, recording, talk
from hotline.domain import memory as timers
from hotline.domain.apply import apply
from hotline.domain.call import CALL, CallEvent
from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.flow import run
from hotline.domain.ids import CallId, LegId, OperatorId, TicketId
from hotline.domain.inputs import Input
from hotline.domain.memory import Memory, Timer
from hotline.domain.queue import offer as offers
from hotline.domain.queue import wait
from hotline.domain.queue.pick import match
from hotline.domain.routing import numbers
from hotline.domain.state import Call, Presence, State
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


def _happen(step: Step, call: Call, event: CallEvent, given: Input) -> None:
    """One cell of the call's table."""
    action = CALL[call.state][event]
    if action != "ignore":
        _ACTIONS[action](step, call, given)


# --- calls ----------------------------------------------------------------------------------------


def _leg_arrived(step: Step, given: inputs.LegArrived) -> None:
    settings = step.memory.settings
    person = _owner(step, given.account)
    code = settings.dial_codes.get(given.called) if person is not None else None
    number = None if code is not None else numbers.entry(settings, given.called)
    id_ = CallId(f"{step.state.seed or 'c'}-{step.state.calls_seen + 1}")
    step.true(
        facts.CallArrived(
            at=step.at,
            utc=step.utc,
            call=id_,
            leg=given.leg,
            number="" if number is None else number.number,
            called=given.called,
            caller=given.caller,
            caller_name=given.caller_name,
            trunk=given.trunk,
            account=given.account,
            proven=given.proven,
            flow="" if number is None else number.flow,
            language=settings.language if number is None else number.language,
            revision=settings.revision,
        )
    )
    call = step.state.calls[id_]
    step.do(commands.Note(leg=given.leg, call=id_))
    if person is not None and code is not None:
        _dial_code(step, call, person, code)
        return
    flow = settings.flows.get(call.flow)
    if flow is None:
        step.do(commands.Reject(leg=call.leg, code=404, reason="Not Found"))
        caller.move(step, call, "leaving")
    else:
        step.go_on(call, flow.start)


def _owner(step: Step, account: str | None) -> OperatorId | None:
    """The operator whose phone calls from this account."""
    people = step.memory.by_account.get(account, ()) if account is not None else ()
    return people[0] if people else None


def _dial_code(step: Step, call: Call, person: OperatorId, code: str) -> None:
    """An operator's phone has dialled a code: he chooses his presence and hears it confirmed."""
    presence: Presence = "ready" if code == "ready" else "paused" if code == "paused" else "signed_out"
    _choose(step, person, presence, "", f"phone {call.account}")
    caller.answer(step, call)
    caller.part(step, call, f"operator-{presence.replace('_', '-')}")


def _leg_answered(step: Step, given: inputs.LegAnswered) -> None:
    leg = step.state.legs.get(given.leg)
    if leg is None:
        return
    step.true(facts.LegWasAnswered(at=step.at, leg=given.leg, call=leg.call))
    if leg.operator is not None:
        call = step.state.calls.get(leg.call)
        if leg.offer is None or call is None:
            # Too late: the caller has gone, or the operator has; the switch may not know yet.
            step.do(commands.Hangup(leg=given.leg))
        else:
            _happen(step, call, "accepted", given)
        return
    call = step.state.calls[leg.call]
    if call.answered_at is None:
        step.true(facts.CallAnswered(at=step.at, call=call.id))
    if not call.proven:
        step.true(facts.CallProven(at=step.at, call=call.id))
        _happen(step, call, "proven", given)


def _leg_progress(step: Step, given: inputs.LegProgress) -> None:
    leg = step.state.legs.get(given.leg)
    offer = step.state.offers.get(leg.offer) if leg is not None and leg.offer is not None else None
    if offer is not None and not offer.ringing and given.code >= 180:
        step.true(facts.OfferRinging(at=step.at, offer=offer.id))


def _leg_ended(step: Step, given: inputs.LegEnded) -> None:
    leg = step.state.legs.get(given.leg)
    if leg is None:
        return
    call = step.state.calls.get(leg.call)
    if leg.operator is None:
        if call is not None:
            _happen(step, call, "gone", given)
        return
    if leg.offer is not None:
        offers.refuse(step, step.state.offers[leg.offer], given)
    ending.gone(step, given)
    if call is not None and call.operator == leg.operator:
        _happen(step, call, "party_gone", given)


def _digit_pressed(step: Step, given: inputs.DigitPressed) -> None:
    if call := _caller_of(step, given.leg):
        _happen(step, call, "digit", given)


def _playback_ended(step: Step, given: inputs.PlaybackEnded) -> None:
    call = _caller_of(step, given.leg)
    if call is None or call.play != given.play:
        return
    purpose = call.purpose
    step.true(facts.PlayEnded(at=step.at, call=call.id, play=given.play, reason=given.reason))
    # Music that ends by itself cannot be played: it is not tried again before the next announcement.
    if purpose != "music":
        _happen(step, call, "played", given)


def _recording_closed(step: Step, given: inputs.RecordingClosed) -> None:
    entry = step.state.recordings.get(given.recording)
    if entry is None:
        return
    call = step.state.calls.get(entry.call)
    is_present = call is not None and call.recording == entry.id
    recording.closed(step, entry, given.reason, given.path, given.duration_ms, given.size)
    if call is not None and is_present:
        _happen(step, call, "recorded", given)


def _hold_requested(step: Step, given: inputs.HoldRequested) -> None:
    leg = step.state.legs.get(given.leg)
    call = step.state.calls.get(leg.call) if leg is not None else None
    if call is not None:
        talk.hold(step, call, given.leg, given.held)


def _command_refused(step: Step, given: inputs.CommandRefused) -> None:
    """The switch could not do it. A leg that is gone tells its own end; the rest is made good here."""
    if given.command == "Record":
        _record_refused(step, given)
        return
    leg = step.state.legs.get(given.leg) if given.leg is not None else None
    if leg is None or given.leg is None:
        return
    if leg.operator is not None:
        if given.command == "Dial":
            _leg_ended(step, inputs.LegEnded(at=given.at, utc=given.utc, leg=given.leg, cause="unreachable"))
        return
    call = step.state.calls.get(leg.call)
    if given.command == "Play" and call is not None and call.play is not None:
        _playback_ended(
            step,
            inputs.PlaybackEnded(at=given.at, utc=given.utc, leg=call.leg, play=call.play, reason="failed"),
        )


def _record_refused(step: Step, given: inputs.CommandRefused) -> None:
    """The recording never began."""
    for entry in reversed(list(step.state.recordings.values())):
        if entry.id == given.recording or (given.recording is None and given.leg in entry.legs):
            _recording_closed(
                step,
                inputs.RecordingClosed(
                    at=given.at, utc=given.utc, recording=entry.id, path="", duration_ms=0, size=0, reason="failed"
                ),
            )
            return


def _hang_up_call(step: Step, given: inputs.HangUpCall) -> None:
    if call := step.state.calls.get(given.call):
        _happen(step, call, "hung_up", given)


def _caller_of(step: Step, id_: LegId) -> Call | None:
    """The call whose caller's leg this is."""
    leg = step.state.legs.get(id_)
    return None if leg is None or leg.operator is not None else step.state.calls.get(leg.call)


# --- actions of the call's table that are no matter of its flow -----------------------------------


def _music(step: Step, call: Call, given: Input) -> None:
    if call.ticket is not None:
        wait.music(step, call, step.state.tickets[call.ticket])


def _talk(step: Step, call: Call, given: Input) -> None:
    ticket = step.state.tickets[call.ticket] if call.ticket is not None else None
    if ticket is not None and ticket.offer is not None:
        offers.accept(step, step.state.offers[ticket.offer])


def _release(step: Step, call: Call, given: Input) -> None:
    """The operator's leg has ended; the switch is releasing the caller's."""
    by_him = isinstance(given, inputs.LegEnded) and given.cause in ("peer", "silent")
    talk.end(step, call, "operator" if by_him else "system")
    caller.hush(step, call, told=False)
    caller.move(step, call, "leaving", step.at + caller.LEAVING_US)


def _hang_up(step: Step, call: Call, given: Input) -> None:
    caller.hang_up(step, call)


def _drop(step: Step, call: Call, given: Input) -> None:
    wait.give_up(step, call, "closed")
    talk.end(step, call, "system")
    caller.drop(step, call)


def _close(step: Step, call: Call, given: Input) -> None:
    if isinstance(given, inputs.LegEnded):
        ending.close(step, call, given)


_ACTIONS: Final[dict[str, Callable[[Step, Call, Input], None]]] = {
    **run.ACTIONS,
    "music": _music,
    "talk": _talk,
    "release": _release,
    "hang_up": _hang_up,
    "drop": _drop,
    "close": _close,
}


# --- operators ------------------------------------------------------------------------------------


def _presence_chosen(step: Step, given: inputs.PresenceChosen) -> None:
    _choose(step, given.operator, given.presence, given.reason, given.by)


def _choose(step: Step, id_: OperatorId, presence: Presence, reason: str, by: str) -> None:
    person = step.state.operators.get(id_)
    if person is None:
        return
    fact = facts.PresenceChanged(at=step.at, operator=id_, presence=presence, reason=reason, by=by or id_)
    operator.choose(step, person, fact)
    step.staff_moved = True
    if presence != "ready":
        offers.take_back(step, person)


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
        _happen(step, state.calls[CallId(owner)], "due", given)
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
    inputs.LegArrived: _leg_arrived,
    inputs.LegProgress: _leg_progress,
    inputs.LegAnswered: _leg_answered,
    inputs.LegEnded: _leg_ended,
    inputs.DigitPressed: _digit_pressed,
    inputs.PlaybackEnded: _playback_ended,
    inputs.RecordingClosed: _recording_closed,
    inputs.HoldRequested: _hold_requested,
    inputs.RegistrationChanged: _registration_changed,
    inputs.TrunkChanged: _trunk_changed,
    inputs.CommandRefused: _command_refused,
    inputs.SwitchLost: _switch_lost,
    inputs.Opened: _opened,
    inputs.SettingsChanged: _settings_changed,
    inputs.PresenceChosen: _presence_chosen,
    inputs.WrapUpFinished: _wrap_up_finished,
    inputs.HangUpCall: _hang_up_call,
    inputs.TimeCame: _time_came,
    inputs.Resumed: _resumed,
}
