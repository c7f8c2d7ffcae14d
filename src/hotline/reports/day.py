"""The day at a glance: by queue, by number, by operator.

Rules (FEATURES.md, 5.3): a call belongs to the day it arrived, a wait to the day it began, a talk to the day
it ended. Arrived = the sum of all outcomes and of what goes on. Sums first, then divide.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hotline.domain.facts import Outcome
from hotline.domain.metrics import (
    ABANDONED,
    Ratio,
    ServiceLevel,
    Waits,
    abandonment,
    average_handle_ms,
    percentile,
    service_level,
    speed_of_answer,
)
from hotline.domain.rows import CallRow, Rows, TicketRow

__all__ = ["DayReport", "NumberLine", "OperatorLine", "QueueLine", "Waiting", "day"]

SERVICE_LEVEL_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How callers fared in queues. Waits are those of answered callers."""

    offered: int
    answered: int
    abandoned: int
    short_abandons: int
    other_exits: int
    going_on: int
    service_level: Ratio
    abandonment: Ratio
    asa_ms: Ratio
    p50_ms: int | None
    p95_ms: int | None
    longest_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    queue: str
    target_ms: int
    waiting: Waiting
    talks: int
    talked_ms: int
    recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """A number of ours; the empty one stands for calls to numbers that are not."""

    number: str
    arrived: int
    outcomes: dict[Outcome, int]
    going_on: int
    waiting: Waiting
    talked_ms: int
    billed_ms: int
    recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLine:
    operator: str
    offers: int
    accepted: int
    declined: int
    missed: int
    talks: int
    talked_ms: int
    held_ms: int
    wrap_up_ms: int
    aht_ms: Ratio
    recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """`total` is the line of all numbers together."""

    since: int
    until: int
    total: NumberLine
    queues: tuple[QueueLine, ...]
    numbers: tuple[NumberLine, ...]
    operators: tuple[OperatorLine, ...]


def day(rows: Rows, targets_ms: Mapping[str, int] | None = None) -> DayReport:
    """The tables of an interval. `targets_ms` are the queues' service levels, 20 s where none is given."""
    targets = targets_ms or {}
    numbers = sorted({call.number for call in rows.calls if _arrived(call, rows)})
    queues = sorted({ticket.queue for ticket in rows.tickets})
    operators = sorted(
        {offer.operator for offer in rows.offers} | {call.operator for call in rows.calls if call.operator is not None}
    )
    return DayReport(
        since=rows.since,
        until=rows.until,
        total=_number(rows, None, targets),
        queues=tuple(_queue(rows, queue, targets) for queue in queues),
        numbers=tuple(_number(rows, number, targets) for number in numbers),
        operators=tuple(_operator(rows, operator) for operator in operators),
    )


def _number(rows: Rows, number: str | None, targets: Mapping[str, int]) -> NumberLine:
    """Of one number, or of all."""
    calls = [call for call in rows.calls if number is None or call.number == number]
    arrived = [call for call in calls if _arrived(call, rows)]
    outcomes = Counter(call.outcome for call in arrived if call.outcome is not None)
    talks = _talks(calls, rows)
    return NumberLine(
        number=number or "",
        arrived=len(arrived),
        outcomes=dict(sorted(outcomes.items())),
        going_on=sum(call.outcome is None for call in arrived),
        waiting=_waiting((t for t in rows.tickets if number is None or t.number == number), targets),
        talked_ms=sum(call.talked_ms for call in talks),
        billed_ms=sum(call.billed_ms or 0 for call in calls if _ended(call, rows)),
        recordings=sum(number is None or r.number == number for r in rows.recordings),
    )


def _queue(rows: Rows, queue: str, targets: Mapping[str, int]) -> QueueLine:
    talks = [call for call in _talks(rows.calls, rows) if call.queue == queue]
    return QueueLine(
        queue=queue,
        target_ms=targets.get(queue, SERVICE_LEVEL_MS),
        waiting=_waiting((t for t in rows.tickets if t.queue == queue), targets),
        talks=len(talks),
        talked_ms=sum(call.talked_ms for call in talks),
        recordings=sum(recording.queue == queue for recording in rows.recordings),
    )


def _operator(rows: Rows, operator: str) -> OperatorLine:
    results = Counter(offer.result for offer in rows.offers if offer.operator == operator)
    talks = [call for call in _talks(rows.calls, rows) if call.operator == operator]
    talked_ms = sum(call.talked_ms for call in talks)
    wrap_up_ms = sum(row.lasted_ms for row in rows.wrap_ups if row.operator == operator)
    return OperatorLine(
        operator=operator,
        offers=results.total(),
        accepted=results["accepted"],
        declined=results["declined"],
        missed=results["expired"],
        talks=len(talks),
        talked_ms=talked_ms,
        held_ms=sum(call.held_ms for call in talks),
        wrap_up_ms=wrap_up_ms,
        aht_ms=average_handle_ms(talked_ms, wrap_up_ms, len(talks)),
        recordings=sum(recording.operator == operator for recording in rows.recordings),
    )


def _waiting(tickets: Iterable[TicketRow], targets: Mapping[str, int]) -> Waiting:
    """Each wait is held to its own queue's target; the ratios are joined as sums."""
    by_queue: dict[str, list[Waits]] = {}
    going_on = 0
    for ticket in tickets:
        if ticket.outcome is None or ticket.waited_ms is None:
            going_on += 1
        else:
            waits = Waits(outcome=ticket.outcome, waited_ms=ticket.waited_ms)
            by_queue.setdefault(ticket.queue, []).append(waits)
    level = sum(
        (
            service_level(waits, ServiceLevel(within_ms=targets.get(queue, SERVICE_LEVEL_MS)))
            for queue, waits in by_queue.items()
        ),
        Ratio(),
    )
    ended = [wait for waits in by_queue.values() for wait in waits]
    answered = [wait.waited_ms for wait in ended if wait.outcome == "answered"]
    abandoned = sum(wait.outcome in ABANDONED for wait in ended)
    shorts = sum(wait.outcome == "short_abandon" for wait in ended)
    return Waiting(
        offered=len(ended) + going_on,
        answered=len(answered),
        abandoned=abandoned,
        short_abandons=shorts,
        other_exits=len(ended) - len(answered) - abandoned - shorts,
        going_on=going_on,
        service_level=level,
        abandonment=abandonment(ended),
        asa_ms=speed_of_answer(ended),
        p50_ms=percentile(answered, 50),
        p95_ms=percentile(answered, 95),
        longest_ms=max(answered, default=None),
    )


def _talks(calls: Iterable[CallRow], rows: Rows) -> list[CallRow]:
    return [call for call in calls if call.outcome == "answered" and _ended(call, rows)]


def _arrived(call: CallRow, rows: Rows) -> bool:
    return rows.since <= call.arrived_at < rows.until


def _ended(call: CallRow, rows: Rows) -> bool:
    return call.ended_at is not None and rows.since <= call.ended_at < rows.until
