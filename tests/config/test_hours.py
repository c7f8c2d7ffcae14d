"""Hours are compiled rightly: zones, holidays, moved days, exceptions, clocks that change."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hotline.config.hours import hours_tables
from hotline.config.keys import Findings
from hotline.config.text import Source
from hotline.domain.settings import HoursTable

OFFICE = """\
[hours.office]
zone = "Europe/Moscow"
mon-fri = "9:00-18:00"
sat = ["10:00-13:00", "14:00-16:00"]
holidays = "RU"
[hours.office.exceptions]
"2026-12-30" = "9:00-15:00"
"2027-01-11..2027-01-12" = "closed"
"""


def table(text: str, today: date = date(2026, 11, 23)) -> HoursTable:
    findings = Findings(Source(Path("company.toml"), text, {}))
    (made,) = hours_tables(findings, tomllib.loads(text)["hours"], today).values()
    assert findings.all == []
    return made


def is_open(made: HoursTable, at: str) -> bool:
    """`at` with its offset."""
    moment = datetime.fromisoformat(at).astimezone(UTC).timestamp()
    return any(start <= moment < end for start, end in made.intervals)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-24T09:00+03:00", True),
        ("2026-11-24T08:59:59+03:00", False),
        ("2026-11-24T17:59:59+03:00", True),
        ("2026-11-24T18:00+03:00", False),
        ("2026-11-28T12:59+03:00", True),
        ("2026-11-28T13:30+03:00", False),
        ("2026-11-29T12:00+03:00", False),
        ("2026-12-30T15:30+03:00", False),
        ("2026-12-30T14:30+03:00", True),
        ("2026-12-31T12:00+03:00", False),  # a day off moved from 4 January
        ("2027-01-04T12:00+03:00", False),  # New Year's holidays
        ("2027-01-11T12:00+03:00", False),
        ("2027-01-13T12:00+03:00", True),
        ("2027-02-20T12:00+03:00", True),  # a Saturday that was made a working day
    ],
)
def test_the_office_is_open_when_it_says(at: str, expected: bool) -> None:
    assert is_open(table(OFFICE), at) is expected


def test_a_moved_saturday_has_fridays_hours() -> None:
    assert is_open(table(OFFICE), "2027-02-20T17:30+03:00")


def test_a_night_shift_runs_past_midnight_and_touching_hours_are_joined() -> None:
    made = table('[hours.n]\nzone = "UTC"\nmon-sun = ["0:00-6:00", "22:00-24:00"]\n')

    assert is_open(made, "2026-12-01T23:59:59+00:00")
    assert is_open(made, "2026-12-02T00:00+00:00")
    assert not is_open(made, "2026-12-02T06:00+00:00")
    assert all(end - start == 8 * 3600 for start, end in made.intervals[1:-1])


def test_an_overnight_span_is_one_interval() -> None:
    made = table('[hours.n]\nzone = "UTC"\nfri = "22:00-6:00"\n')

    assert is_open(made, "2026-11-28T05:59+00:00")
    assert not is_open(made, "2026-11-28T06:00+00:00")


def test_opening_time_follows_the_wall_clock_when_clocks_change() -> None:
    made = table('[hours.b]\nzone = "Europe/Berlin"\nmon-sun = "9:00-17:00"\n')

    assert is_open(made, "2027-03-27T09:00+01:00")
    assert is_open(made, "2027-03-28T09:00+02:00")
    assert not is_open(made, "2027-03-28T17:00+02:00")


def test_the_table_is_sorted_and_reaches_a_year_ahead() -> None:
    made = table(OFFICE)

    assert list(made.intervals) == sorted(made.intervals)
    assert is_open(made, "2027-12-20T12:00+03:00")
