"""The journal's axis goes on over restarts of the engine and of the machine."""

import json
import time
from pathlib import Path

import pytest

from hotline.domain.records import JournalStart
from hotline.engine.clock import AxisClock

EMPTY = JournalStart(epoch=1)


def utc() -> int:
    return time.time_ns() // 1000


def test_a_new_journal_begins_on_the_boot_time_clock(tmp_path: Path) -> None:
    """So that the switch's stamps need no mapping on the first day."""
    clock = AxisClock.open(tmp_path, EMPTY)

    assert 12_345 == clock.to_axis(12_345)
    assert clock.now() >= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 - 1_000_000


def test_a_restarted_engine_maps_the_switchs_stamps_as_before(tmp_path: Path) -> None:
    """Whatever the wall clock did in between."""
    _other_boot(tmp_path)
    first = AxisClock.open(tmp_path, JournalStart(epoch=1, seq=9, at=10**15, utc=utc()))
    again = AxisClock.open(tmp_path, JournalStart(epoch=2, seq=9, at=10**15, utc=0))

    assert first.to_axis(7) == again.to_axis(7)


def test_after_a_reboot_the_axis_goes_on_by_the_wall_clock(tmp_path: Path) -> None:
    """An hour away is an hour on the axis."""
    _other_boot(tmp_path)
    start = JournalStart(epoch=1, seq=9, at=10**15, utc=utc() - 3_600_000_000)

    away = AxisClock.open(tmp_path, start).now() - start.at

    assert 3_600_000_000 <= away < 3_610_000_000


@pytest.mark.parametrize("kept", ["", "{", '{"boot_id": 3}'])
def test_the_axis_never_runs_backwards(tmp_path: Path, kept: str) -> None:
    """Not with a wall clock that was set back, nor with a damaged file."""
    (tmp_path / "clock").write_text(kept)
    start = JournalStart(epoch=1, seq=9, at=10**15, utc=utc() + 3_600_000_000)

    assert AxisClock.open(tmp_path, start).now() >= start.at


def _other_boot(folder: Path) -> None:
    (folder / "clock").write_text(json.dumps({"boot_id": "another", "offset": 5}))
