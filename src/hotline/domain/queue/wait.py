"""A caller waits: he joins, hears greeting, music and his position, and leaves by one of the exits.

Law: announcements never delay a connection (the join ends whatever plays); leaving says why.
"""

from hotline.domain import caller, commands, facts
from hotline.domain.ids import OperatorId, TicketId
from hotline.domain.phrases import Music, Phrase
from hotline.domain.queue.estimate import news
from hotline.domain.settings import Enqueue, QueueSettings
from hotline.domain.state import Call, ExitReason, Ticket
from hotline.domain.step import Step

__all__ = [
    "announce",
    "forget_decline",
    "give_up",
    "greet",
    "is_overdue",
    "join",
    "leave",
    "music",
    "press",
    "serve_out",
    "time_out",
    "waited_ms",
]

_PACK: dict[ExitReason, str] = {
    "timeout": "waited-too-long", "no_operator": "no-operators", "full": "queue-full", "closed": "closed",
    "key": "goodbye", "failure": "goodbye",
}  # fmt: skip
"""What is said when the exit leads to no node."""


def join(step: Step, call: Call, node: Enqueue) -> None:
    """Puts the caller in line, or sends him on at once when the queue is full or has no operators."""
    rules = step.memory.queue_settings(node.queue, call)
    if rules is None:
        caller.fail(step, call, f"no queue {node.queue}")
        return
    since = call.since.get(node.queue, step.at)
    max_wait = rules.max_wait_ms
    queue = step.state.queues.get(node.queue)
    length = 0 if queue is None else len(queue.line)
    ticket_id = TicketId(f"{call.id}-t{call.tickets + 1}")
    step.true(
        facts.QueueJoined(
            at=step.at,
            call=call.id,
            ticket=ticket_id,
            queue=node.queue,
            since=since,
            wait_until=None if max_wait is None else step.at + max_wait * 1000,
        )
    )
    if rules.max_length is not None and length >= rules.max_length:
        leave(step, call, "full")
    elif rules.no_operator == "leave" and unstaffed(step, rules):
        leave(step, call, "no_operator")
    else:
        step.joined.append(ticket_id)


def greet(step: Step, ticket: Ticket) -> None:
    """First sounds, once it is known whether a phone rings for him; later, news after a failed offer."""
    call = step.state.calls[ticket.call]
    rules = step.memory.queue_settings(ticket.queue, call)
    if rules is None:
        return
    is_new = call.play is None and ticket.joined_at == step.at
    phrases = rules.greeting if is_new else ()
    if rules.announce_position and ticket.offer is None:
        phrases += _tidings(step, call, ticket, rules)
    if phrases:
        caller.play(step, call, phrases, "announcement")
    elif is_new:
        music(step, call, ticket)


def announce(step: Step, ticket: Ticket) -> None:
    """The time has come to look whether there is better news."""
    call = step.state.calls[ticket.call]
    rules = step.memory.queue_settings(ticket.queue, call)
    if rules is not None and (phrases := _tidings(step, call, ticket, rules)):
        caller.play(step, call, phrases, "announcement")


def _tidings(step: Step, call: Call, ticket: Ticket, rules: QueueSettings) -> tuple[Phrase, ...]:
    """What there is to tell now, noted as told. What is being said to him is heard out first."""
    is_listening = call.purpose == "announcement"
    found = None if is_listening else news(rules, step.state.queues[ticket.queue], ticket)
    next_at = step.at + max(rules.announce_gap_ms, 1000) * 1000
    if found is None:
        step.true(facts.PositionKept(at=step.at, ticket=ticket.id, next_at=next_at))
        return ()
    place, phrase = found
    step.true(facts.PositionAnnounced(at=step.at, call=ticket.call, ticket=ticket.id, position=place, next_at=next_at))
    return (phrase,)


def music(step: Step, call: Call, ticket: Ticket) -> None:
    """Plays the queue's music until something else is heard."""
    rules = step.memory.queue_settings(ticket.queue, call)
    piece: Phrase = Music() if rules is None or rules.music is None else rules.music
    caller.play(step, call, (piece,), "music", repeat=True)


def press(step: Step, call: Call, node: Enqueue, digit: str) -> None:
    """A key leaves the queue where the flow says so; just after the notice it may refuse recording."""
    if digit in node.keys:
        leave(step, call, "key", node.keys[digit])
    elif digit == call.refuse_key and not call.refused:
        step.true(facts.RecordingRefused(at=step.at, call=call.id))


def time_out(step: Step, ticket: Ticket) -> None:
    """He has waited as long as the owner wants anybody to."""
    leave(step, step.state.calls[ticket.call], "timeout")


def forget_decline(step: Step, ticket: Ticket, operator: OperatorId) -> None:
    """The operator may be offered the ticket again."""
    step.true(facts.DeclineForgotten(at=step.at, ticket=ticket.id, operator=operator))


def serve_out(step: Step) -> None:
    """Nobody is left in some queue, or a queue is no more: who waits there is sent on."""
    for queue in list(step.state.queues.values()):
        if not queue.open:
            continue
        rules = step.memory.settings.queues.get(queue.id)
        if rules is not None and not (rules.no_operator == "leave" and unstaffed(step, rules)):
            continue
        for _, _, ticket_id in list(queue.open):
            call = step.state.calls[step.state.tickets[ticket_id].call]
            leave(step, call, "closed" if rules is None else "no_operator")


def unstaffed(step: Step, rules: QueueSettings) -> bool:
    """Whether no operator of the queue is signed in at a phone that can be reached."""
    people = (step.state.operators.get(id_) for id_ in rules.operators)
    return not any(person is not None and person.reachable and person.presence != "signed_out" for person in people)


def leave(step: Step, call: Call, reason: ExitReason, node: str | None = None) -> None:
    """Out of the line, and on at the node that the flow names for it."""
    ticket = step.state.tickets[call.ticket] if call.ticket is not None else None
    if ticket is None:
        return
    if ticket.offer is not None:
        # The operator may have answered this very moment: let the caller go before that leg ends.
        step.do(commands.Connect(room=call.id, hears={}, release=(call.leg,)))
        step.do(commands.Hangup(leg=step.state.offers[ticket.offer].leg))
    give_up(step, call, reason)
    here = step.memory.node(call, call.node)
    if node is None and isinstance(here, Enqueue):
        exits = {"timeout": here.on_timeout, "full": here.on_full, "no_operator": here.on_no_operator}
        node = exits.get(reason)
    if node is None:
        caller.part(step, call, _PACK[reason])
    else:
        caller.hush(step, call)
        step.go_on(call, node)


def give_up(step: Step, call: Call, reason: ExitReason) -> None:
    """The ticket is no more, nor is an offer for it; the call's leg is somebody else's business."""
    ticket = step.state.tickets[call.ticket] if call.ticket is not None else None
    if ticket is None:
        return
    rang = ticket.offer is not None or ticket.leaving
    if ticket.offer is not None:
        step.true(
            facts.OfferWithdrawn(
                at=step.at,
                offer=ticket.offer,
                reason="switch_lost" if reason == "failure" else "caller_left",
            )
        )
    rules = step.memory.queue_settings(ticket.queue, call)
    waited = waited_ms(step, ticket)
    is_short = reason == "abandoned" and rules is not None and waited < rules.short_abandon_ms
    step.true(
        facts.QueueLeft(
            at=step.at,
            call=call.id,
            ticket=ticket.id,
            queue=ticket.queue,
            reason=reason,
            waited_ms=waited,
            short=is_short,
            ringing=rang,
        )
    )


def waited_ms(step: Step, ticket: Ticket) -> int:
    """How long the ticket has counted."""
    return (step.at - ticket.since) // 1000


def is_overdue(step: Step, ticket: Ticket) -> bool:
    """Whether he has waited as long as he may."""
    return ticket.wait_until is not None and ticket.wait_until <= step.at
