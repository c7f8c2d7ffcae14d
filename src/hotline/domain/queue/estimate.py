"""What a waiting caller may be told: his position. (The expected wait comes with a later step.)

Law: only good news. A position is announced when it is better than the one before, never to the first
in line, who is about to be served, and beyond `announce_up_to` as "more than".
"""

from bisect import bisect_left

from hotline.domain.phrases import MoreThan, Phrase, Position
from hotline.domain.queue.line import place
from hotline.domain.settings import QueueSettings
from hotline.domain.state import Queue, Ticket

__all__ = ["news", "position"]


def position(queue: Queue, ticket: Ticket) -> int:
    """1 for the first in line; those whose operator is ringing are still in it."""
    return bisect_left(queue.line, place(ticket)) + 1


def news(rules: QueueSettings, queue: Queue, ticket: Ticket) -> tuple[int, Phrase] | None:
    """The position worth telling now and how it is said, if any."""
    if not rules.announce_position or ticket.offer is not None:
        return None
    place_now = min(position(queue, ticket), rules.announce_up_to + 1)
    if place_now == 1 or (ticket.announced is not None and place_now >= ticket.announced):
        return None
    if place_now > rules.announce_up_to:
        return place_now, MoreThan(number=rules.announce_up_to)
    return place_now, Position(number=place_now)
