"""The state and what is derived from it to be quick: timers in order, free operators in order.

Law: everything here beside `state` can be built again from `state` alone and decides nothing by itself.
Heaps keep stale entries until they surface; `is_live` and `is_available` tell them from true ones.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Literal

from hotline.domain.ids import CallId, OperatorId, QueueId, TicketId
from hotline.domain.settings import Flow, Node, QueueSettings, Settings
from hotline.domain.state import Call, Operator, State, Ticket

__all__ = ["EMPTY", "Memory", "Timer", "TimerKind"]

TimerKind = Literal[0, 1, 2, 3, 4, 5]
"""CALL, WAIT, ANNOUNCE, DECLINE, WRAP_UP, BACK: integers, because they order timers due at once."""
CALL, WAIT, ANNOUNCE, DECLINE, WRAP_UP, BACK = range(6)

Timer = tuple[int, int, int, str, str]
"""When it is due, its kind, the number of its owner (both settle ties), the owner's id, and whom it is about."""

EMPTY = Settings(revision=0, company="", numbers={}, flows={}, queues={}, operators={})


class Memory:
    """The state, its timers, its free operators. Owned by one `Hotline`."""

    __slots__ = ("by_account", "due", "free", "queues_of", "state", "stirred")

    def __init__(self, state: State) -> None:
        self.state = state
        self.due: list[Timer] = []
        self.free: dict[QueueId, list[tuple[int, int, OperatorId]]] = {}
        """By queue: a heap of (idle since, operator's number, operator)."""
        self.stirred: dict[QueueId, None] = {}
        """Queues where somebody new waits or somebody new is free: the matcher looks at these only."""
        self.queues_of: dict[OperatorId, tuple[QueueId, ...]] = {}
        self.by_account: dict[str, tuple[OperatorId, ...]] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Derives everything again: after a snapshot was read and when settings have changed."""
        self._read_settings()
        self.stirred = {}
        self.free = {queue: [] for queue in self.settings.queues}
        for operator in self.state.operators.values():
            if self.is_available(operator):
                self._push_free(operator)
        self.stirred = {}
        self._rebuild_timers()

    # --- settings -----------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The present ones; those of an empty company before the first came."""
        return self.state.settings or EMPTY

    def queue_settings(self, queue: QueueId, call: Call) -> QueueSettings | None:
        """The present rules of a queue; those the call began with when it has been removed since."""
        present = self.settings.queues.get(queue)
        return present if present is not None else self._revision(call).queues.get(queue)

    def flow(self, call: Call) -> Flow | None:
        """The flow of the call, as it was when the call began."""
        return self._revision(call).flows.get(call.flow)

    def node(self, call: Call, name: str) -> Node | None:
        """A node of the call's flow."""
        flow = self.flow(call)
        return None if flow is None else flow.nodes.get(name)

    def _revision(self, call: Call) -> Settings:
        return self.state.revisions.get(call.revision, self.settings)

    def _read_settings(self) -> None:
        queues_of: dict[OperatorId, list[QueueId]] = {}
        for queue in self.settings.queues.values():
            for operator in queue.operators:
                queues_of.setdefault(operator, []).append(queue.name)
        self.queues_of = {operator: tuple(queues) for operator, queues in queues_of.items()}
        by_account: dict[str, list[OperatorId]] = {}
        for person in self.settings.operators.values():
            for device in person.devices:
                scheme, _, account = device.partition(":")
                if scheme == "account":
                    by_account.setdefault(account, []).append(person.id)
        self.by_account = {account: tuple(people) for account, people in by_account.items()}

    # --- free operators -----------------------------------------------------------------------

    def is_available(self, operator: Operator) -> bool:
        """Whether he can be offered a caller right now."""
        return (
            operator.state == "idle"
            and operator.presence == "ready"
            and operator.reachable
            and operator.back_at is None
        )

    def offer_up(self, operator: Operator) -> None:
        """He may have become available: his queues are to be looked at."""
        if self.is_available(operator):
            self._push_free(operator)

    def _push_free(self, operator: Operator) -> None:
        entry = (operator.idle_since, operator.n, operator.id)
        for queue in self.queues_of.get(operator.id, ()):
            heap = self.free[queue]
            heappush(heap, entry)
            self.stirred[queue] = None
            if len(heap) > 64 + 4 * len(self.settings.queues[queue].operators):
                self.free[queue] = self._sweep(heap)

    def _sweep(self, heap: list[tuple[int, int, OperatorId]]) -> list[tuple[int, int, OperatorId]]:
        kept = [entry for entry in dict.fromkeys(heap) if self.is_true(entry)]
        heapify(kept)
        return kept

    def is_true(self, entry: tuple[int, int, OperatorId]) -> bool:
        """Whether a heap's entry still says how things are."""
        operator = self.state.operators.get(entry[2])
        return (
            operator is not None
            and operator.idle_since == entry[0]
            and operator.n == entry[1]
            and self.is_available(operator)
        )

    # --- timers -------------------------------------------------------------------------------

    def arm_call(self, call: Call) -> None:
        """Minds when the call's step runs out of time."""
        if call.until is not None:
            self._arm((call.until, CALL, call.n, call.id, ""))

    def arm_wait(self, ticket: Ticket) -> None:
        """Minds the ticket's longest wait."""
        if ticket.wait_until is not None:
            self._arm((ticket.wait_until, WAIT, ticket.n, ticket.id, ""))

    def arm_announcement(self, ticket: Ticket) -> None:
        """Minds the ticket's next announcement."""
        if ticket.announce_at is not None:
            self._arm((ticket.announce_at, ANNOUNCE, ticket.n, ticket.id, ""))

    def arm_decline(self, ticket: Ticket, operator: OperatorId) -> None:
        """Minds when the operator may be offered the ticket again."""
        self._arm((ticket.declined[operator], DECLINE, ticket.n, ticket.id, operator))

    def arm_operator(self, operator: Operator) -> None:
        """Minds his wrap-up and his pause after he could not be reached."""
        if operator.wrap_until is not None:
            self._arm((operator.wrap_until, WRAP_UP, operator.n, operator.id, ""))
        if operator.back_at is not None:
            self._arm((operator.back_at, BACK, operator.n, operator.id, ""))

    def next_due(self) -> int | None:
        """When the next timer that still holds is due."""
        due = self.due
        while due and not self.is_live(due[0]):
            heappop(due)
        return due[0][0] if due else None

    def take_due(self, at: int) -> Timer | None:
        """The next timer due at `at` or before, taken out of the heap."""
        due = self.next_due()
        return heappop(self.due) if due is not None and due <= at else None

    def is_live(self, timer: Timer) -> bool:
        """Whether the state still means this timer."""
        due, kind, _, owner, about = timer
        if kind == CALL:
            call = self.state.calls.get(CallId(owner))
            return call is not None and call.until == due
        if kind in (WRAP_UP, BACK):
            operator = self.state.operators.get(OperatorId(owner))
            return operator is not None and due == (operator.wrap_until if kind == WRAP_UP else operator.back_at)
        ticket = self.state.tickets.get(TicketId(owner))
        if ticket is None:
            return False
        if kind == WAIT:
            # A phone is ringing for him: he is not sent away in the middle of it.
            return ticket.wait_until == due and ticket.offer is None
        if kind == ANNOUNCE:
            return ticket.announce_at == due
        return ticket.declined.get(OperatorId(about)) == due

    def _arm(self, timer: Timer) -> None:
        heappush(self.due, timer)
        state = self.state
        if len(self.due) > 1024 + 8 * (len(state.calls) + len(state.operators)):
            self._rebuild_timers()

    def _rebuild_timers(self) -> None:
        self.due = list(dict.fromkeys(self._timers()))
        heapify(self.due)

    def _timers(self) -> Iterator[Timer]:
        for call in self.state.calls.values():
            if call.until is not None:
                yield call.until, CALL, call.n, call.id, ""
        for ticket in self.state.tickets.values():
            if ticket.wait_until is not None:
                yield ticket.wait_until, WAIT, ticket.n, ticket.id, ""
            if ticket.announce_at is not None:
                yield ticket.announce_at, ANNOUNCE, ticket.n, ticket.id, ""
            for operator_id, until in ticket.declined.items():
                yield until, DECLINE, ticket.n, ticket.id, operator_id
        for operator in self.state.operators.values():
            if operator.wrap_until is not None:
                yield operator.wrap_until, WRAP_UP, operator.n, operator.id, ""
            if operator.back_at is not None:
                yield operator.back_at, BACK, operator.n, operator.id, ""
