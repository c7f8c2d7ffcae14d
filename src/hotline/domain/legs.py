"""What the switch says of legs, plays and recordings, brought to the calls they belong to.

Law: an event about a leg that is no more is nobody's and changes nothing.
"""

from collections.abc import Callable
from typing import Any, Final

from hotline.domain import caller, commands, ending, facts, inputs, presence, recording, talk
from hotline.domain.carry import happen
from hotline.domain.ids import CallId, LegId, OperatorId
from hotline.domain.queue import offer as offers
from hotline.domain.queue import wait
from hotline.domain.routing import numbers
from hotline.domain.settings import NumberSettings
from hotline.domain.state import Call, Presence
from hotline.domain.step import Step

__all__ = ["HANDLERS"]


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
            number=_named(given, code, number),
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
        caller.move(step, call, "leaving", step.at + caller.LEAVING_US)
    else:
        step.go_on(call, flow.start)


def _named(given: inputs.LegArrived, code: str | None, number: NumberSettings | None) -> str:
    if code is not None:
        return given.called
    return "" if number is None else number.number


def _owner(step: Step, account: str | None) -> OperatorId | None:
    """The operator whose phone calls from this account."""
    people = step.memory.by_account.get(account, ()) if account is not None else ()
    return people[0] if people else None


def _dial_code(step: Step, call: Call, person: OperatorId, code: str) -> None:
    """An operator's phone has dialled a code: he chooses his presence and hears it confirmed."""
    chosen: Presence = "ready" if code == "ready" else "paused" if code == "paused" else "signed_out"
    presence.choose(step, person, chosen, "", f"phone {call.account}")
    caller.answer(step, call)
    caller.part(step, call, f"operator-{chosen.replace('_', '-')}")


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
            happen(step, call, "accepted", given)
        return
    call = step.state.calls[leg.call]
    if call.answered_at is None:
        step.true(facts.CallAnswered(at=step.at, call=call.id))
    if not call.proven:
        step.true(facts.CallProven(at=step.at, call=call.id))
        happen(step, call, "proven", given)


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
            happen(step, call, "gone", given)
        return
    if leg.offer is not None:
        offers.refuse(step, step.state.offers[leg.offer], given)
    ending.gone(step, given)
    if call is not None and call.operator == leg.operator:
        happen(step, call, "party_gone", given)


def _digit_pressed(step: Step, given: inputs.DigitPressed) -> None:
    if call := _caller_of(step, given.leg):
        happen(step, call, "digit", given)


def _playback_ended(step: Step, given: inputs.PlaybackEnded) -> None:
    call = _caller_of(step, given.leg)
    if call is None or call.play != given.play:
        return
    purpose = call.purpose
    step.true(facts.PlayEnded(at=step.at, call=call.id, play=given.play, reason=given.reason))
    # Music that ends by itself cannot be played: it is not tried again before the next announcement.
    if purpose != "music":
        happen(step, call, "played", given)


def _recording_closed(step: Step, given: inputs.RecordingClosed) -> None:
    entry = step.state.recordings.get(given.recording)
    if entry is None:
        return
    call = step.state.calls.get(entry.call)
    is_present = call is not None and call.recording == entry.id
    recording.closed(step, entry, given.reason, given.path, given.duration_ms, given.size)
    if call is not None and is_present:
        happen(step, call, "recorded", given)


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
    call = step.state.calls[leg.call]
    if given.command == "Play" and call.play is not None:
        failed = inputs.PlaybackEnded(at=given.at, utc=given.utc, leg=call.leg, play=call.play, reason="failed")
        _playback_ended(step, failed)
    elif given.command == "Progress" or (given.command == "Answer" and not call.progressed):
        # No sound is to be had for him. After early media an Answer is refused when the switch was faster.
        wait.give_up(step, call, "failure")
        caller.fail(step, call, f"{given.command} was refused: {given.reason}")


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
        happen(step, call, "hung_up", given)


def _caller_of(step: Step, id_: LegId) -> Call | None:
    """The call whose caller's leg this is."""
    leg = step.state.legs.get(id_)
    return None if leg is None or leg.operator is not None else step.state.calls.get(leg.call)


HANDLERS: Final[dict[type, Callable[[Step, Any], None]]] = {
    inputs.LegArrived: _leg_arrived,
    inputs.LegProgress: _leg_progress,
    inputs.LegAnswered: _leg_answered,
    inputs.LegEnded: _leg_ended,
    inputs.DigitPressed: _digit_pressed,
    inputs.PlaybackEnded: _playback_ended,
    inputs.RecordingClosed: _recording_closed,
    inputs.HoldRequested: _hold_requested,
    inputs.CommandRefused: _command_refused,
    inputs.HangUpCall: _hang_up_call,
}
