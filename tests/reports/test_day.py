"""The day's tables add up."""

from hotline.domain.facts import Outcome
from hotline.domain.metrics import Ratio
from hotline.domain.rows import CallRow, OfferRow, RecordingRow, Rows, TicketRow, WrapUpRow
from hotline.reports.day import day

SINCE, UNTIL = 1_000_000, 9_000_000


def call(
    id_: str,
    outcome: Outcome | None,
    *,
    number: str = "+78000000000",
    queue: str | None = "sales",
    operator: str | None = None,
    talked_ms: int = 0,
    arrived_at: int = SINCE,
    ended_at: int | None = SINCE + 10,
) -> CallRow:
    return CallRow(
        id=id_,
        number=number,
        arrived_at=arrived_at,
        ended_at=ended_at,
        outcome=outcome,
        queue=queue,
        operator=operator,
        talked_ms=talked_ms,
        held_ms=0,
        billed_ms=talked_ms,
    )


def ticket(call_id: str, outcome: Outcome | None, waited_ms: int | None, queue: str = "sales") -> TicketRow:
    return TicketRow(call=call_id, number="+78000000000", queue=queue, outcome=outcome, waited_ms=waited_ms)


def test_arrived_is_the_sum_of_outcomes_and_of_what_goes_on() -> None:
    """For the total and for each number."""
    report = day(
        Rows(
            since=SINCE,
            until=UNTIL,
            calls=(
                call("1", "answered", talked_ms=60_000, operator="anna"),
                call("2", "answered", talked_ms=30_000, operator="anna"),
                call("3", "menu_abandon", queue=None, number="+78000000001"),
                call("4", None, ended_at=None),
            ),
        )
    )

    assert (4, 1) == (report.total.arrived, report.total.going_on)
    assert {"answered": 2, "menu_abandon": 1} == report.total.outcomes
    for line in (report.total, *report.numbers):
        assert line.arrived == sum(line.outcomes.values()) + line.going_on
    assert ["+78000000000", "+78000000001"] == [line.number for line in report.numbers]


def test_a_queues_waits_are_measured_by_its_own_target() -> None:
    """Short abandons count nowhere but as a count; percentiles are of answered callers."""
    waits = tuple(ticket(str(wait), "answered", wait * 1000) for wait in (0, 10, 30, 100))
    report = day(
        Rows(
            since=SINCE,
            until=UNTIL,
            tickets=(
                *waits,
                ticket("a", "short_abandon", 2000),
                ticket("b", "abandoned_waiting", 50_000),
                ticket("c", "timeout_exit", 60_000),
                ticket("d", None, None),
            ),
        ),
        {"sales": 10_000},
    )

    (line,) = report.queues
    waiting = line.waiting
    assert (8, 4, 1, 1, 1, 1) == (
        waiting.offered,
        waiting.answered,
        waiting.abandoned,
        waiting.short_abandons,
        waiting.other_exits,
        waiting.going_on,
    )
    assert Ratio(numerator=2, denominator=6) == waiting.service_level
    assert Ratio(numerator=1, denominator=6) == waiting.abandonment
    assert 35_000 == waiting.asa_ms.value
    assert (10_000, 100_000, 100_000) == (waiting.p50_ms, waiting.p95_ms, waiting.longest_ms)


def test_the_total_joins_queues_as_a_ratio_of_sums() -> None:
    """Never the mean of their percentages, and each by its own target."""
    report = day(
        Rows(
            since=SINCE,
            until=UNTIL,
            tickets=(
                *(ticket(str(n), "answered", 15_000, "sales") for n in range(9)),
                ticket("x", "answered", 15_000, "support"),
            ),
        ),
        {"sales": 20_000, "support": 10_000},
    )

    assert Ratio(numerator=9, denominator=10) == report.total.waiting.service_level


def test_a_talk_belongs_to_the_day_it_ended() -> None:
    """Yesterday's caller who hung up today arrived yesterday and was talked to today."""
    yesterday = call("1", "answered", arrived_at=SINCE - 5, operator="anna", talked_ms=60_000)
    tomorrow = call("2", "answered", ended_at=UNTIL, operator="anna", talked_ms=5000)
    report = day(Rows(since=SINCE, until=UNTIL, calls=(yesterday, tomorrow)))

    assert (1, 60_000) == (report.total.arrived, report.total.talked_ms)
    assert (1, 60_000) == (report.operators[0].talks, report.operators[0].talked_ms)


def test_an_operators_line_has_offers_talks_and_after_call_work() -> None:
    """AHT = (talk + after-call work) / handled."""
    report = day(
        Rows(
            since=SINCE,
            until=UNTIL,
            calls=(call("1", "answered", operator="anna", talked_ms=60_000),),
            offers=(
                OfferRow(queue="sales", operator="anna", result="accepted"),
                OfferRow(queue="sales", operator="anna", result="expired"),
                OfferRow(queue="sales", operator="viktor", result="declined"),
            ),
            wrap_ups=(WrapUpRow(operator="anna", lasted_ms=20_000),),
            recordings=(
                RecordingRow(
                    id="r1",
                    call="1",
                    kind="talk",
                    number="+78000000000",
                    queue="sales",
                    operator="anna",
                    path="a.opus",
                    duration_ms=60_000,
                ),
            ),
        )
    )

    anna, viktor = report.operators
    assert (2, 1, 1, 1, 80_000.0, 1) == (
        anna.offers,
        anna.accepted,
        anna.missed,
        anna.talks,
        anna.aht_ms.value,
        anna.recordings,
    )
    assert (1, 1, None) == (viktor.offers, viktor.declined, viktor.aht_ms.value)


def test_an_empty_day_has_no_metrics_and_no_errors() -> None:
    """Nothing to divide by is said as None."""
    report = day(Rows(since=SINCE, until=UNTIL))

    assert (0, None, None) == (
        report.total.arrived,
        report.total.waiting.service_level.value,
        report.total.waiting.p95_ms,
    )
    assert () == report.queues
