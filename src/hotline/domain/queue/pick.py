"""The one matcher: who waits longest gets, over all queues, the best operator who is free for him.

Law: one matching step serves every queue (an operator of several is never promised twice), and it looks
only at queues where somebody new waits or is free, so a step costs what it changes, not what there is.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

from hotline.domain.ids import OperatorId, QueueId
from hotline.domain.memory import Memory
from hotline.domain.queue.offer import make
from hotline.domain.state import Operator, Ticket
from hotline.domain.step import Step

__all__ = ["STRATEGIES", "longest_idle", "match"]

Strategy = Callable[[Memory, QueueId, Ticket], Operator | None]


def match(step: Step) -> None:
    """Offers every waiting caller that can be offered now."""
    memory = step.memory
    stirred = memory.stirred
    if not stirred:
        return
    queues = step.state.queues
    heads: list[tuple[int, int, QueueId, int]] = []
    for queue_id in stirred:
        queue = queues.get(queue_id)
        if queue is not None and queue.open and memory.free.get(queue_id):
            heads.append((queue.open[0][0], queue.open[0][1], queue_id, 0))
    memory.stirred = {}
    heapify(heads)
    while heads:
        _, _, queue_id, index = heappop(heads)
        waiting = queues[queue_id].open
        ticket = step.state.tickets[waiting[index][2]]
        rules = memory.settings.queues[queue_id]
        operator = STRATEGIES[rules.strategy](memory, queue_id, ticket)
        if operator is None:
            if not memory.free[queue_id]:
                continue
            index += 1
        else:
            make(step, ticket, operator, rules)
        if index < len(waiting):
            heappush(heads, (waiting[index][0], waiting[index][1], queue_id, index))


def longest_idle(memory: Memory, queue: QueueId, ticket: Ticket) -> Operator | None:
    """The operator who has been free the longest.

    Free since: the end of his last call or wrap-up, his return from a break or to reach, or his last offer
    that he declined, missed or could not be reached for. One that the caller withdrew costs him nothing.
    """
    heap = memory.free[queue]
    passed: list[tuple[int, int, OperatorId]] = []
    found: Operator | None = None
    while heap and found is None:
        entry = heappop(heap)
        if not memory.is_true(entry):
            continue
        if entry[2] in ticket.declined:
            passed.append(entry)
        else:
            found = memory.state.operators[entry[2]]
    for entry in passed:
        heappush(heap, entry)
    return found


STRATEGIES: Final[dict[str, Strategy]] = {"longest_idle": longest_idle}
