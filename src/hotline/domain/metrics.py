"""Each metric in a few lines with its definition (FEATURES.md 5.3).

Law: sums first, then divide: a metric of two intervals is never the mean of theirs. Rows are calls that were
offered to a queue, one row a call; waits count from the queue's entry to the operator's answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hotline.domain.facts import Outcome

__all__ = [
    "ABANDONED",
    "OFFERED",
    "Ratio",
    "ServiceLevel",
    "Waits",
    "abandonment",
    "average_handle_ms",
    "is_offered",
    "percentile",
    "service_level",
    "speed_of_answer",
]

ABANDONED: Final[frozenset[Outcome]] = frozenset({"abandoned_waiting", "abandoned_ringing"})
OFFERED: Final[frozenset[Outcome]] = ABANDONED | {
    "answered",
    "short_abandon",
    "timeout_exit",
    "key_exit",
    "no_operator_exit",
    "full_exit",
    "closed_exit",
    "queue_system_failure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What metrics need of one call: how it ended and how long it waited."""

    outcome: Outcome
    waited_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of sums; `+` joins intervals as it must be done."""

    numerator: int = 0
    denominator: int = 0

    @property
    def value(self) -> float | None:
        """None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None

    def __add__(self, other: "Ratio") -> "Ratio":
        return Ratio(
            numerator=self.numerator + other.numerator,
            denominator=self.denominator + other.denominator,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """The rule of a service level. The default: answered within T, of the offered without short abandons."""

    within_ms: int = 20_000
    short_ms: int | None = None
    """Abandons up to this long count as short; None takes the call's own outcome for it."""
    abandons: str = "count_against"
    """`count_against`, `ignore` (answered only), `within_count_for` (early ones are successes),
    `within_ignored` (early ones are left out)."""
    shorts: str = "ignore"
    """`ignore`, `count_against`, `count_for`."""
    flow_outs: str = "count_against"
    """Time-outs, keys, full and the like: `count_against` or `ignore`."""


def is_offered(outcome: Outcome) -> bool:
    """Whether a call was offered to a queue."""
    return outcome in OFFERED


def service_level(rows: Iterable[Waits], rule: ServiceLevel = ServiceLevel()) -> Ratio:
    """The share of callers who were answered in time. Six ways are in use; the rule says which."""
    good = counted = 0
    for row in rows:
        verdict = _verdict(row, rule)
        good += verdict == "good"
        counted += verdict != "out"
    return Ratio(numerator=good, denominator=counted)


def _verdict(row: Waits, rule: ServiceLevel) -> str:
    within = row.waited_ms <= rule.within_ms
    if row.outcome == "answered":
        return "good" if within else "bad"
    if _is_short(row, rule):
        return {"ignore": "out", "count_against": "bad", "count_for": "good"}[rule.shorts]
    if row.outcome in ABANDONED or row.outcome == "short_abandon":
        if rule.abandons == "ignore":
            return "out"
        if within and rule.abandons != "count_against":
            return "good" if rule.abandons == "within_count_for" else "out"
        return "bad"
    if row.outcome in OFFERED:
        return "out" if rule.flow_outs == "ignore" else "bad"
    return "out"


def _is_short(row: Waits, rule: ServiceLevel) -> bool:
    if rule.short_ms is None:
        return row.outcome == "short_abandon"
    is_abandon = row.outcome in ABANDONED or row.outcome == "short_abandon"
    return is_abandon and row.waited_ms <= rule.short_ms


def abandonment(rows: Iterable[Waits]) -> Ratio:
    """Callers who hung up while waiting or ringing, of the offered without short abandons."""
    lost = offered = 0
    for row in rows:
        if row.outcome in OFFERED and row.outcome != "short_abandon":
            offered += 1
            lost += row.outcome in ABANDONED
    return Ratio(numerator=lost, denominator=offered)


def speed_of_answer(rows: Iterable[Waits]) -> Ratio:
    """ASA in ms: the mean wait of answered calls, zero waits included. Say its median beside it."""
    waits = [row.waited_ms for row in rows if row.outcome == "answered"]
    return Ratio(numerator=sum(waits), denominator=len(waits))


def percentile(waits: Sequence[int], share: int) -> int | None:
    """The wait that `share` percent of callers did not exceed (nearest rank)."""
    if not waits:
        return None
    rank = max(1, -(-share * len(waits) // 100))
    return sorted(waits)[rank - 1]


def average_handle_ms(talked_ms: int, wrap_up_ms: int, handled: int) -> Ratio:
    """AHT: (talk + hold + after-call work) / handled. Talked time has the time on hold in it."""
    return Ratio(numerator=talked_ms + wrap_up_ms, denominator=handled)
