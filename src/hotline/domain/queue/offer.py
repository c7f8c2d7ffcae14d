"""An offer: one operator's phone rings for one caller, and how it can end.

Law: whatever ends it but an answer, the caller is in his place already; only a miss counts against the
operator, and only misses in a row pause him.
"""

from typing import Final

from hotline.domain import commands, facts, talk
from hotline.domain.ids import LegId, OfferId
from hotline.domain.inputs import LegEnded
from hotline.domain.queue.wait import is_overdue, time_out, waited_ms
from hotline.domain.settings import QueueSettings
from hotline.domain.state import Offer, Operator, Ticket
from hotline.domain.step import Step

__all__ = ["NOT_REACHED", "accept", "make", "refuse", "take_back", "unreachable"]

NOT_REACHED: Final = frozenset({404, 408, 410, 430})
"""Final answers that say that nobody was there to decline (and every 5xx); all others are a person's."""


def make(step: Step, ticket: Ticket, operator: Operator, rules: QueueSettings) -> None:
    """Rings the operator. If he answers, the switch joins the two at once."""
    call = step.state.calls[ticket.call]
    devices = step.memory.settings.operators[operator.id].devices
    count = call.offers + 1
    leg = LegId(f"e{call.id}-{count}")
    step.true(facts.LegDialled(at=step.at, leg=leg, call=call.id, target=devices[0], operator=operator.id))
    step.true(
        facts.OfferMade(
            at=step.at,
            offer=OfferId(f"{call.id}-o{count}"),
            call=call.id,
            ticket=ticket.id,
            queue=ticket.queue,
            operator=operator.id,
            leg=leg,
            expires_at=step.at + rules.ring_ms * 1000,
        )
    )
    step.do(
        commands.Dial(
            leg=leg,
            call=call.id,
            for_leg=call.leg,
            targets=devices,
            from_number=call.caller,
            from_name=call.caller_name,
            ring_ms=rules.ring_ms,
            room=call.id,
        )
    )


def accept(step: Step, offer: Offer) -> None:
    """He answered: the wait is over and the talk begins."""
    call = step.state.calls[offer.call]
    ticket = step.state.tickets[offer.ticket]
    waited = waited_ms(step, ticket)
    step.true(facts.OfferAccepted(at=step.at, offer=offer.id))
    step.true(
        facts.QueueLeft(
            at=step.at,
            call=call.id,
            ticket=ticket.id,
            queue=ticket.queue,
            reason="answered",
            waited_ms=waited,
        )
    )
    talk.start(step, call, offer, waited)


def refuse(step: Step, offer: Offer, given: LegEnded) -> None:
    """His leg ended without an answer."""
    if given.cause == "ring_timeout":
        _miss(step, offer)
    elif given.cause in ("refused", "peer") and not is_not_reached(given.code):
        _decline(step, offer, given.code)
    elif given.cause == "withdrawn":
        step.true(facts.OfferWithdrawn(at=step.at, offer=offer.id, reason="caller_left"))
        return
    elif given.cause in ("lost", "orphaned", "us"):
        step.true(facts.OfferWithdrawn(at=step.at, offer=offer.id, reason="switch_lost"))
    else:
        unreachable(step, offer, given.code)
        return
    _settle(step, offer)


def is_not_reached(code: int) -> bool:
    return code in NOT_REACHED or 500 <= code < 600


def unreachable(step: Step, offer: Offer, code: int) -> None:
    """His device could not be reached: nobody's miss; he is left alone for a moment."""
    rules = step.memory.settings.queues.get(offer.queue)
    until = step.at + _pause_us(5000 if rules is None else rules.unreachable_pause_ms)
    step.true(facts.OfferUnreachable(at=step.at, offer=offer.id, code=code, until=until))
    _settle(step, offer)


def take_back(step: Step, operator: Operator) -> None:
    """The operator goes while his phone rings: the caller is offered to the next."""
    if operator.offer is None:
        return
    offer = step.state.offers[operator.offer]
    step.true(facts.OfferWithdrawn(at=step.at, offer=offer.id, reason="operator_left"))
    step.do(commands.Hangup(leg=offer.leg))
    _settle(step, offer)


def _decline(step: Step, offer: Offer, code: int) -> None:
    rules = step.memory.settings.queues.get(offer.queue)
    until = step.at + _pause_us(10_000 if rules is None else rules.decline_pause_ms)
    step.true(facts.OfferDeclined(at=step.at, offer=offer.id, code=code, until=until))


def _pause_us(pause_ms: int) -> int:
    """Never so short that a phone which refuses at once is rung in a circle."""
    return max(pause_ms, 1000) * 1000


def _miss(step: Step, offer: Offer) -> None:
    operator = step.state.operators.get(offer.operator)
    misses = 1 if operator is None else len(operator.missed_at) + 1
    step.true(facts.OfferExpired(at=step.at, offer=offer.id, misses=misses))
    person = step.memory.settings.operators.get(offer.operator)
    if person is not None and 0 < person.misses_to_pause <= misses:
        step.true(
            facts.PresenceChanged(
                at=step.at,
                operator=offer.operator,
                presence="paused",
                reason=f"missed {misses} calls" if misses > 1 else "missed a call",
                by="system",
            )
        )


def _settle(step: Step, offer: Offer) -> None:
    """A caller whose wait ran out while a phone was ringing for him is not offered again."""
    step.staff_moved = True
    ticket = step.state.tickets.get(offer.ticket)
    if ticket is None:
        return
    if is_overdue(step, ticket):
        time_out(step, ticket)
    elif ticket.announce_at is None:
        # He was to be served at once and was not: now he is told where he stands.
        step.joined.append(ticket.id)
