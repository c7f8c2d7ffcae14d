"""How a call ends, and as what it is counted.

Law: each call ends in exactly one outcome (FEATURES.md 5.1), decided when the caller's leg has ended.
Whoever was offered to a queue is counted there, whatever he did afterwards.
"""

from typing import Final

from hotline.domain import facts, talk
from hotline.domain.facts import Outcome
from hotline.domain.flow.run import leave_message
from hotline.domain.inputs import EndCause, LegEnded
from hotline.domain.queue import wait
from hotline.domain.state import Call, ExitReason
from hotline.domain.step import Step

__all__ = ["OURS", "close", "gone", "outcome"]

OURS: Final[frozenset[EndCause]] = frozenset({"lost", "orphaned"})
"""A leg that ended so ended by our failure."""


def close(step: Step, call: Call, given: LegEnded) -> None:
    """The caller's leg has ended, and with it everything that was for him."""
    gone(step, given)
    ended_by = call.ended_by or "system"
    talk.end(step, call, ended_by)
    if call.ticket is not None:
        reason: ExitReason = "failure" if given.cause in OURS else "abandoned"
        wait.give_up(step, call, reason)
    if call.state == "recording":
        leave_message(step, call, given)
    if given.cause in OURS and not call.failed:
        step.true(facts.CallFailed(at=step.at, call=call.id, reason=f"leg {given.cause}"))
    answered = call.answered_at
    step.true(
        facts.CallEnded(
            at=step.at,
            call=call.id,
            outcome=outcome(call),
            ended_by=ended_by,
            billed_ms=0 if answered is None else (step.at - answered) // 1000,
            cause=given.cause,
            q850=given.q850,
        )
    )


def gone(step: Step, given: LegEnded) -> None:
    """The leg is no more."""
    leg = step.state.legs[given.leg]
    step.true(
        facts.LegGone(
            at=step.at,
            leg=given.leg,
            call=leg.call,
            cause=given.cause,
            code=given.code,
            q850=given.q850,
            quality=given.quality,
            operator=leg.operator,
        )
    )


def outcome(call: Call) -> Outcome:
    """What happened to the caller."""
    if call.talked:
        return "answered"
    if call.exit == "abandoned":
        if call.short:
            return "short_abandon"
        return "abandoned_ringing" if call.rang else "abandoned_waiting"
    if call.exit is not None:
        return _EXITS[call.exit]
    if call.voicemail:
        return "voicemail"
    if call.failed:
        return "system_failure"
    if call.closed:
        return "closed_hours"
    if call.answered_at is None or not call.proven:
        return "lost_before_answer"
    # A call without a flow that was answered is an operator's dial code.
    return "self_served" if call.served or call.flow == "" else "menu_abandon"


_EXITS: Final[dict[ExitReason, Outcome]] = {
    "timeout": "timeout_exit",
    "key": "key_exit",
    "no_operator": "no_operator_exit",
    "full": "full_exit",
    "closed": "closed_exit",
    "failure": "queue_system_failure",
}
