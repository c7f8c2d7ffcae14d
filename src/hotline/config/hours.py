"""Opening hours: zones, holidays, moved days and exceptions compiled into plain UTC intervals.

`zoneinfo` and `holidays` know the calendars; the domain gets a table it can bisect.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hotline.config.keys import Findings, Mistake, read, suggestion
from hotline.config.tables import HOURS
from hotline.config.text import Place
from hotline.domain.settings import HoursTable

__all__ = ["HORIZON", "hours_tables"]

HORIZON: Final = 400
"""Days that are compiled ahead."""
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FRIDAY: Final = 4

Spans = tuple[tuple[int, int], ...]
"""Minutes of a day from its midnight; the end may lie after the next midnight."""


def hours_tables(findings: Findings, data: Any, today: date) -> dict[str, HoursTable]:
    """Every `[hours.NAME]`, from the day before `today` for `HORIZON` days."""
    if not isinstance(data, dict):
        findings.error(("hours",), "hours must be tables such as [hours.office]")
        return {}
    return {name: _table(findings, name, data[name], today) for name in data}


def _table(findings: Findings, name: str, data: Any, today: date) -> HoursTable:
    place: Place = ("hours", name)
    label = f'hours "{name}"'
    days = [key for key in data if _is_days(key)] if isinstance(data, dict) else []
    values = read(findings, data, place, label, HOURS, others=days)
    week: dict[int, Spans] = {}
    for key in days:
        try:
            spans = _spans(data[key])
            for weekday in _weekdays(key):
                if weekday in week:
                    raise Mistake(f"names {DAYS[weekday]} a second time")
                week[weekday] = spans
        except Mistake as mistake:
            findings.error((*place, key), f"{label}: {key} {mistake}")
    zone = _zone(findings, place, label, values["zone"])
    closed, worked = _holidays(findings, place, label, values["holidays"], today)
    exceptions = _exceptions(findings, place, label, values["exceptions"])
    intervals: list[tuple[int, int]] = []
    for offset in range(-1, HORIZON):
        day = today + timedelta(days=offset)
        spans = _spans_of(day, week, closed, worked, exceptions)
        intervals += [(_utc(day, start, zone), _utc(day, end, zone)) for start, end in spans]
    return HoursTable(name=name, zone=zone.key, intervals=tuple(_joined(intervals)))


def _spans_of(
    day: date,
    week: Mapping[int, Spans],
    closed: Mapping[date, str],
    worked: set[date],
    exceptions: Mapping[date, Spans],
) -> Spans:
    if day in exceptions:
        return exceptions[day]
    if day in worked:
        return week.get(FRIDAY, ())
    return () if day in closed else week.get(day.weekday(), ())


def _holidays(
    findings: Findings, place: Place, label: str, country: str | None, today: date
) -> tuple[Mapping[date, str], set[date]]:
    """Public holidays, and weekend days that were made working days."""
    if country is None:
        return {}, set()
    import holidays  # half of a second's start, and most verbs need none

    code, _, region = country.partition("-")
    years = range(today.year - 1, today.year + 3)
    try:
        calendar = holidays.country_holidays(code, subdiv=region or None, years=years)
    except NotImplementedError:
        sentence = f'{label}: holidays names "{country}", whose calendar is not known; give an ISO code such as "RU"'
        findings.error((*place, "holidays"), sentence)
        return {}, set()
    return calendar, set(calendar.weekend_workdays)


def _exceptions(findings: Findings, place: Place, label: str, data: Mapping[str, Any]) -> dict[date, Spans]:
    found: dict[date, Spans] = {}
    for key, value in data.items():
        try:
            spans = _spans(value)
            for day in _dates(key):
                if day in found:
                    raise Mistake(f"names {day} a second time")
                found[day] = spans
        except Mistake as mistake:
            findings.error((*place, "exceptions", key), f'{label}: exception "{key}" {mistake}')
    return found


def _dates(key: str) -> Iterator[date]:
    first, _, last = key.partition("..")
    try:
        start, end = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
    except ValueError:
        raise Mistake('must be a date such as "2026-12-31" or a range "2027-01-01..2027-01-08"') from None
    if not timedelta() <= end - start <= timedelta(days=3660):
        raise Mistake("must run forwards, over ten years at most")
    return (start + timedelta(days=offset) for offset in range((end - start).days + 1))


def _zone(findings: Findings, place: Place, label: str, name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = suggestion(str(name), available_timezones())
        findings.error((*place, "zone"), f'{label}: there is no time zone "{name}"{hint}')
        return ZoneInfo("UTC")


def _is_days(key: str) -> bool:
    return key.split("-")[0].split(",")[0].strip() in DAYS


def _weekdays(key: str) -> Iterator[int]:
    for part in key.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise Mistake("must be days such as mon, mon-fri or sat,sun")
        start, end = DAYS.index(first), DAYS.index(last or first)
        yield from ((start + step) % 7 for step in range((end - start) % 7 + 1))


def _spans(value: Any) -> Spans:
    if value == "closed":
        return ()
    found: list[tuple[int, int]] = []
    for item in value if isinstance(value, list) else [value]:
        match = _SPAN.fullmatch(item.replace(" ", "")) if isinstance(item, str) else None
        if not match:
            raise Mistake(f'must be hours such as "9:00-18:00" or "closed", not {item!r}')
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if start >= 1440 or end > 1440 or start == end or int(match[2]) > 59 or int(match[4]) > 59:
            raise Mistake(f'has no such time of day: "{item}"')
        found.append((start, end if end > start else end + 1440))
    ordered = sorted(found)
    if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
        raise Mistake("has hours that overlap")
    return tuple(ordered)


def _utc(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Wall-clock minutes after the midnight of `day` -> UTC seconds; right on days when the clocks change."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minutes)
    return int(wall.timestamp())


def _joined(intervals: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted, with those that touch made one."""
    current: tuple[int, int] | None = None
    for start, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if current and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current:
            yield current
        current = (start, end)
    if current:
        yield current


_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
