"""Whether a place is open at a moment, by the table that `config` compiled from zones and holidays."""

from bisect import bisect_right

from hotline.domain.settings import HoursTable

__all__ = ["is_open"]


def is_open(table: HoursTable, utc: int) -> bool:
    """`utc` in microseconds; intervals are half-open, in UTC seconds, sorted."""
    second = utc // 1_000_000
    index = bisect_right(table.intervals, second, key=lambda interval: interval[0])
    return index > 0 and second < table.intervals[index - 1][1]
