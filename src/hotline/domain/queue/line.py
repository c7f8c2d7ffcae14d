"""The line of each queue: tickets in order of (since, number), with or without a leg.

Law: a ticket keeps its place from joining to leaving, whoever is rung for it in between. `line` holds
everybody, `open` those who are not on offer; both are sorted, and the ticket's number settles ties.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any, Final

from hotline.domain import facts
from hotline.domain.ids import OfferId
from hotline.domain.memory import Memory
from hotline.domain.operator import over
from hotline.domain.state import Offer, Place, Queue, Ticket

__all__ = ["APPLY", "place"]


def place(ticket: Ticket) -> Place:
    """Where a ticket stands."""
    return ticket.since, ticket.n, ticket.id


def _take_out(line: list[Place], entry: Place) -> None:
    index = bisect_left(line, entry)
    if index < len(line) and line[index] == entry:
        del line[index]


# --- what facts change ----------------------------------------------------------------------------


def _queue_joined(memory: Memory, fact: facts.QueueJoined) -> None:
    state = memory.state
    state.tickets_seen += 1
    ticket = state.tickets[fact.ticket] = Ticket(
        id=fact.ticket,
        n=state.tickets_seen,
        call=fact.call,
        queue=fact.queue,
        since=fact.since,
        joined_at=fact.at,
        wait_until=fact.wait_until,
    )
    queue = state.queues.get(fact.queue)
    if queue is None:
        queue = state.queues[fact.queue] = Queue(id=fact.queue)
    insort(queue.line, place(ticket))
    insort(queue.open, place(ticket))
    memory.stirred[fact.queue] = None
    memory.arm_wait(ticket)
    if call := state.calls.get(fact.call):
        call.state, call.until = "waiting", None
        call.ticket = ticket.id
        call.tickets += 1
        call.since.setdefault(fact.queue, fact.since)


def _queue_left(memory: Memory, fact: facts.QueueLeft) -> None:
    state = memory.state
    if ticket := state.tickets.pop(fact.ticket, None):
        queue = state.queues[ticket.queue]
        _take_out(queue.line, place(ticket))
        _take_out(queue.open, place(ticket))
        if not queue.line and queue.id not in memory.settings.queues:
            del state.queues[queue.id]
    if call := state.calls.get(fact.call):
        call.ticket = None
        call.exit, call.short, call.rang = fact.reason, fact.short, fact.ringing


def _position_announced(memory: Memory, fact: facts.PositionAnnounced) -> None:
    if ticket := memory.state.tickets.get(fact.ticket):
        if ticket.announced is None or fact.position < ticket.announced:
            ticket.announced = fact.position
        ticket.announce_at = fact.next_at
        memory.arm_announcement(ticket)


def _position_kept(memory: Memory, fact: facts.PositionKept) -> None:
    if ticket := memory.state.tickets.get(fact.ticket):
        ticket.announce_at = fact.next_at
        memory.arm_announcement(ticket)


def _offer_made(memory: Memory, fact: facts.OfferMade) -> None:
    state = memory.state
    state.offers[fact.offer] = Offer(
        id=fact.offer,
        call=fact.call,
        ticket=fact.ticket,
        queue=fact.queue,
        operator=fact.operator,
        leg=fact.leg,
        made_at=fact.at,
        expires_at=fact.expires_at,
    )
    if leg := state.legs.get(fact.leg):
        leg.offer = fact.offer
    if call := state.calls.get(fact.call):
        call.offers += 1
    if ticket := state.tickets.get(fact.ticket):
        ticket.offer = fact.offer
        if queue := state.queues.get(ticket.queue):
            _take_out(queue.open, place(ticket))


def _offer_ringing(memory: Memory, fact: facts.OfferRinging) -> None:
    if offer := memory.state.offers.get(fact.offer):
        offer.ringing = True


def _offer_accepted(memory: Memory, fact: facts.OfferAccepted) -> None:
    _settle(memory, fact.offer)


def _offer_declined(memory: Memory, fact: facts.OfferDeclined) -> None:
    offer, ticket = _settle(memory, fact.offer)
    if offer is None:
        return
    if ticket is not None:
        ticket.declined[offer.operator] = fact.until
        memory.arm_decline(ticket, offer.operator)
        _reopen(memory, ticket)
    _free(memory, offer, fact.at, tired=True)


def _decline_forgotten(memory: Memory, fact: facts.DeclineForgotten) -> None:
    if ticket := memory.state.tickets.get(fact.ticket):
        ticket.declined.pop(fact.operator, None)
        memory.stirred[ticket.queue] = None


def _offer_expired(memory: Memory, fact: facts.OfferExpired) -> None:
    offer, ticket = _settle(memory, fact.offer)
    if offer is None:
        return
    if ticket is not None:
        _reopen(memory, ticket)
    if operator := memory.state.operators.get(offer.operator):
        operator.missed_at.append(fact.at)
    _free(memory, offer, fact.at, tired=True)


def _offer_unreachable(memory: Memory, fact: facts.OfferUnreachable) -> None:
    offer, ticket = _settle(memory, fact.offer)
    if offer is None:
        return
    if ticket is not None:
        _reopen(memory, ticket)
    if operator := memory.state.operators.get(offer.operator):
        operator.back_at = fact.until
        memory.arm_operator(operator)
    _free(memory, offer, fact.at, tired=True)


def _offer_withdrawn(memory: Memory, fact: facts.OfferWithdrawn) -> None:
    offer, ticket = _settle(memory, fact.offer)
    if offer is None:
        return
    if ticket is not None:
        if fact.reason == "caller_left":
            ticket.leaving = True
        else:
            _reopen(memory, ticket)
    _free(memory, offer, fact.at, tired=False)


def _settle(memory: Memory, id_: OfferId) -> tuple[Offer | None, Ticket | None]:
    """The offer is no more."""
    offer = memory.state.offers.pop(id_, None)
    if offer is None:
        return None, None
    if leg := memory.state.legs.get(offer.leg):
        leg.offer = None
    ticket = memory.state.tickets.get(offer.ticket)
    if ticket is not None and ticket.offer == id_:
        ticket.offer = None
    return offer, ticket


def _reopen(memory: Memory, ticket: Ticket) -> None:
    """Back in his place, for the next operator."""
    queue = memory.state.queues[ticket.queue]
    insort(queue.open, place(ticket))
    memory.stirred[ticket.queue] = None
    memory.arm_wait(ticket)


def _free(memory: Memory, offer: Offer, at: int, *, tired: bool) -> None:
    if operator := memory.state.operators.get(offer.operator):
        over(memory, operator, at, tired=tired)


APPLY: Final[dict[type, Callable[[Memory, Any], None]]] = {
    facts.QueueJoined: _queue_joined,
    facts.QueueLeft: _queue_left,
    facts.PositionAnnounced: _position_announced,
    facts.PositionKept: _position_kept,
    facts.OfferMade: _offer_made,
    facts.OfferRinging: _offer_ringing,
    facts.OfferAccepted: _offer_accepted,
    facts.OfferDeclined: _offer_declined,
    facts.DeclineForgotten: _decline_forgotten,
    facts.OfferExpired: _offer_expired,
    facts.OfferUnreachable: _offer_unreachable,
    facts.OfferWithdrawn: _offer_withdrawn,
}
