"""What must hold after every step, as functions over the state: each yields sentences about what does not.

Law: first come, first offered; one offer an operator and one a ticket; nobody waits for an operator who is
free for him; every call, leg and ticket belongs together; no operator is busy without a living cause.
"""

from collections.abc import Iterator

from hotline.domain.memory import Memory
from hotline.domain.state import Operator, State

__all__ = ["belonging", "causes", "idle_while_waiting", "offers", "order", "violations"]


def violations(memory: Memory) -> list[str]:
    """Everything that is wrong; empty in a right state."""
    state = memory.state
    return [
        *order(state),
        *offers(state),
        *idle_while_waiting(memory),
        *belonging(state),
        *causes(state),
    ]


def order(state: State) -> Iterator[str]:
    """Each ticket stands in its queue's line once, in order; those not on offer stand among the open, too."""
    standing = 0
    for queue in state.queues.values():
        standing += len(queue.line)
        if queue.line != sorted(queue.line) or queue.open != sorted(queue.open):
            yield f"queue {queue.id} is out of order"
        for entry in queue.line:
            ticket = state.tickets.get(entry[2])
            if ticket is None or (ticket.since, ticket.n, ticket.queue) != (*entry[:2], queue.id):
                yield f"{entry[2]} stands in queue {queue.id} wrongly"
                continue
            is_open = ticket.offer is None and not ticket.leaving
            if queue.open.count(entry) != int(is_open):
                yield f"{ticket.id} is {'not ' if is_open else ''}among the open of {queue.id}"
        if not set(queue.open) <= set(queue.line):
            yield f"queue {queue.id} offers who does not stand in it"
    if standing != len(state.tickets):
        yield f"{len(state.tickets)} tickets, but {standing} places in line"


def offers(state: State) -> Iterator[str]:
    """An offer names one ticket, one operator and one leg, and each of them names it."""
    for offer in state.offers.values():
        ticket = state.tickets.get(offer.ticket)
        operator = state.operators.get(offer.operator)
        leg = state.legs.get(offer.leg)
        if ticket is None or ticket.offer != offer.id:
            yield f"offer {offer.id} is for a ticket that does not know it"
        if operator is None or operator.offer != offer.id or operator.state != "ringing":
            yield f"offer {offer.id} rings an operator who does not know it"
        if leg is None or leg.offer != offer.id:
            yield f"offer {offer.id} has a leg that does not know it"
    for ticket in state.tickets.values():
        if ticket.offer is not None and ticket.offer not in state.offers:
            yield f"{ticket.id} is on an offer that is no more"


def idle_while_waiting(memory: Memory) -> Iterator[str]:
    """No operator is free for a caller who waits."""
    state = memory.state
    for queue in state.queues.values():
        rules = memory.settings.queues.get(queue.id)
        if rules is None or not queue.open:
            continue
        free = [
            operator
            for operator in (state.operators.get(id_) for id_ in rules.operators)
            if operator is not None and memory.is_available(operator)
        ]
        for _, _, ticket_id in queue.open:
            for operator in free:
                if operator.id not in state.tickets[ticket_id].declined:
                    yield f"{operator.id} is free while {ticket_id} waits in {queue.id}"


def belonging(state: State) -> Iterator[str]:
    """Every call has its leg; its ticket is there exactly while it waits; operators' legs name operators."""
    for call in state.calls.values():
        leg = state.legs.get(call.leg)
        if leg is None or leg.call != call.id or leg.operator is not None:
            yield f"call {call.id} has no leg of its own"
        if (call.ticket is not None) != (call.state == "waiting"):
            yield f"call {call.id} is {call.state} with ticket {call.ticket}"
        if call.ticket is not None and call.ticket not in state.tickets:
            yield f"call {call.id} has a ticket that is no more"
        if (call.operator is not None) != (call.state == "talking"):
            yield f"call {call.id} is {call.state} with operator {call.operator}"
        if call.revision not in state.revisions:
            yield f"call {call.id} began with settings that are no more"
    for ticket in state.tickets.values():
        if ticket.call not in state.calls or state.calls[ticket.call].ticket != ticket.id:
            yield f"{ticket.id} waits for nobody"
    for id_, leg in state.legs.items():
        if leg.operator is None and leg.call not in state.calls:
            yield f"leg {id_} belongs to no call"


def causes(state: State) -> Iterator[str]:
    """What an operator does has a living cause."""
    for operator in state.operators.values():
        if not _has_cause(state, operator):
            yield f"operator {operator.id} is {operator.state} without a cause"
        if operator.leg is not None and operator.leg not in state.legs:
            yield f"operator {operator.id} has a leg that is no more"


def _has_cause(state: State, operator: Operator) -> bool:
    match operator.state:
        case "ringing":
            return operator.offer in state.offers
        case "talking":
            call = state.calls.get(operator.call) if operator.call is not None else None
            return call is not None and call.operator == operator.id
        case "releasing":
            return operator.leg in state.legs
        case "wrap_up":
            return operator.wrap_until is not None
        case "idle":
            return operator.leg is None and operator.offer is None and operator.call is None
