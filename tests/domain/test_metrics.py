"""Metrics against the vectors of FEATURES.md 5.4."""

import pytest

from hotline.domain.facts import Outcome
from hotline.domain.metrics import (
    Ratio,
    ServiceLevel,
    Waits,
    abandonment,
    average_handle_ms,
    is_offered,
    percentile,
    service_level,
    speed_of_answer,
)


def rows(outcome: Outcome, waited_s: int, count: int) -> list[Waits]:
    return [Waits(outcome=outcome, waited_ms=waited_s * 1000)] * count


ICMI = [
    *rows("answered", 20, 860),
    *rows("answered", 21, 140),
    *rows("abandoned_waiting", 5, 10),
    *rows("abandoned_ringing", 20, 10),
    *rows("abandoned_waiting", 21, 40),
]
"""Answered 1000, 860 of them within 20 s; abandoned 60, of them 10 up to 5 s, 20 up to 20 s."""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ServiceLevel(abandons="within_count_for"), (880, 1060)),
        (ServiceLevel(abandons="ignore"), (860, 1000)),
        (ServiceLevel(), (860, 1060)),
        (ServiceLevel(abandons="within_ignored"), (860, 1040)),
        (ServiceLevel(short_ms=5000, shorts="count_for"), (870, 1060)),
        (ServiceLevel(short_ms=5000), (860, 1050)),
        (ServiceLevel(short_ms=5000, shorts="count_against"), (860, 1060)),
    ],
)
def test_service_level_in_all_ways_in_use(rule: ServiceLevel, expected: tuple[int, int]) -> None:
    found = service_level(ICMI, rule)

    assert expected == (found.numerator, found.denominator)


def test_the_default_leaves_out_what_the_queue_counted_as_short() -> None:
    found = service_level([*rows("answered", 1, 3), *rows("short_abandon", 2, 5), *rows("abandoned_waiting", 9, 1)])

    assert Ratio(numerator=3, denominator=4) == found


def test_exits_count_against_the_service_level_unless_they_are_left_out() -> None:
    calls = [*rows("answered", 1, 3), *rows("timeout_exit", 60, 1), *rows("voicemail", 0, 7)]

    assert Ratio(numerator=3, denominator=4) == service_level(calls)
    assert Ratio(numerator=3, denominator=3) == service_level(calls, ServiceLevel(flow_outs="ignore"))


def test_intervals_are_joined_by_their_sums() -> None:
    """The mean of the percentages would be 57.9."""
    joined = Ratio(numerator=725, denominator=1092) + Ratio(numerator=37, denominator=74)

    assert joined.value is not None
    assert 65.4 == round(100 * joined.value, 1)


def test_nothing_offered_is_no_level_at_all() -> None:
    assert service_level([]).value is None
    assert percentile([], 50) is None


def test_abandonment_leaves_short_ones_out() -> None:
    calls = [
        *rows("answered", 9, 6),
        *rows("short_abandon", 2, 5),
        *rows("abandoned_ringing", 9, 2),
        *rows("key_exit", 9, 2),
    ]

    assert Ratio(numerator=2, denominator=10) == abandonment(calls)


def test_speed_of_answer_counts_answered_calls_and_zero_waits() -> None:
    calls = [*rows("answered", 0, 1), *rows("answered", 10, 1), *rows("answered", 30, 1), *rows("answered", 100, 1)]
    found = speed_of_answer([*calls, *rows("abandoned_waiting", 500, 1)])

    assert 35_000 == found.value


def test_percentiles_are_waits_that_somebody_had() -> None:
    waits = [100, 0, 30, 10]

    assert [0, 10, 30, 100] == [percentile(waits, share) for share in (1, 50, 75, 95)]


def test_handle_time_has_talk_hold_and_wrap_up() -> None:
    assert 150.0 == average_handle_ms(1000, 500, 10).value


def test_who_was_offered_to_a_queue() -> None:
    assert is_offered("closed_exit")
    assert not is_offered("closed_hours")
