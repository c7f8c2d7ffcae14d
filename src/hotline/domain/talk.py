"""Operator and caller talk: from the operator's answer to the end of either leg.

The switch joins them by itself the moment the operator answers, and releases the other when one hangs up.
"""

from typing import Literal

from hotline.domain import caller, facts
from hotline.domain.ids import LegId
from hotline.domain.phrases import Music
from hotline.domain.recording import record
from hotline.domain.state import Call, Offer
from hotline.domain.step import Step

__all__ = ["end", "hold", "start"]

HOLD_MUSIC = Music()


def start(step: Step, call: Call, offer: Offer, waited_ms: int) -> None:
    """The two hear each other."""
    caller.answer(step, call)
    step.true(
        facts.TalkStarted(
            at=step.at,
            call=call.id,
            operator=offer.operator,
            leg=offer.leg,
            queue=offer.queue,
            room=call.id,
            waited_ms=waited_ms,
        )
    )
    rules = step.memory.queue_settings(offer.queue, call)
    if rules is not None and rules.record and not call.refused:
        record(step, call, "talk", offer.queue, operator_leg=offer.leg)


def end(step: Step, call: Call, ended_by: Literal["caller", "operator", "system"]) -> None:
    """One of the two legs has ended, so the talk is over; his wrap-up begins."""
    operator, talk_at, queue = call.operator, call.talk_at, call.talk_queue
    if operator is None or talk_at is None or queue is None:
        return
    held = call.held_us + (0 if call.held_since is None else step.at - call.held_since)
    step.true(
        facts.TalkEnded(
            at=step.at,
            call=call.id,
            operator=operator,
            talked_ms=(step.at - talk_at) // 1000,
            held_ms=held // 1000,
            ended_by=ended_by,
        )
    )
    rules = step.memory.queue_settings(queue, call)
    if rules is not None and rules.wrap_up_ms > 0:
        until = step.at + rules.wrap_up_ms * 1000
        step.true(facts.WrapUpStarted(at=step.at, operator=operator, call=call.id, until=until))


def hold(step: Step, call: Call, leg: LegId, held: bool) -> None:
    """One of the two holds the other; a caller on hold hears music."""
    if call.state != "talking" or held == (call.held_since is not None):
        return
    by: Literal["caller", "operator"] = "caller" if leg == call.leg else "operator"
    step.true(facts.HoldChanged(at=step.at, call=call.id, by=by, held=held))
    if by == "operator" and held:
        caller.play(step, call, (HOLD_MUSIC,), "music", repeat=True)
    elif by == "operator":
        caller.hush(step, call)
