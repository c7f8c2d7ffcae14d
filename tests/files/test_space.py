"""A disk that fills stops recordings first, gives the reserve up next, and forgives when emptied."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from hotline.files.space import CRITICAL, ENOUGH, LOW, Level, Reserve, Watch, judge

Usage = namedtuple("Usage", "total used free")


class Disk:
    """Free bytes as the test wants them; the reserve's bytes are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int, reserve: Path) -> None:
        self.free, self._reserve = free, reserve
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, self.now()))

    def now(self) -> int:
        """What the reserve does not hold."""
        return self.free - (self._reserve.stat().st_size if self._reserve.exists() else 0)


@pytest.mark.parametrize(
    ("free", "before", "after"),
    [
        (LOW, Level.PLENTY, Level.PLENTY),
        (LOW - 1, Level.PLENTY, Level.LOW),
        (ENOUGH - 1, Level.LOW, Level.LOW),
        (ENOUGH, Level.LOW, Level.PLENTY),
        (CRITICAL - 1, Level.PLENTY, Level.CRITICAL),
        (CRITICAL, Level.CRITICAL, Level.LOW),
        (ENOUGH, Level.CRITICAL, Level.PLENTY),
    ],
)
def test_the_level_by_free_space(free: int, before: Level, after: Level) -> None:
    """With room between stopping and beginning again, so that recordings do not flutter."""
    assert after is judge(free, before)


def test_recordings_stop_first_then_the_reserve_goes_and_both_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole fall and rise of a disk."""
    file = tmp_path / ".reserve"
    size = 1 << 20
    disk = Disk(monkeypatch, ENOUGH + size, file)
    watch = Watch(tmp_path, Reserve(file, size))

    plenty = watch.look()
    assert (plenty.may_record, plenty.reserve_kept) == (True, True)

    disk.free = LOW
    low = watch.look()
    assert (low.may_record, low.reserve_kept, low.level) == (False, True, Level.LOW)

    disk.free = CRITICAL
    critical = watch.look()
    assert (critical.may_record, critical.reserve_kept, critical.level) == (False, False, Level.CRITICAL)

    disk.free = ENOUGH - 1
    assert not watch.look().may_record

    disk.free = ENOUGH + size
    again = watch.look()
    assert (again.may_record, again.reserve_kept) == (True, True)


def test_the_reserve_takes_real_blocks(tmp_path: Path) -> None:
    """A sparse file would hold nothing."""
    reserve = Reserve(tmp_path / "deep" / "reserve", 1 << 20)

    assert reserve.keep()
    assert (tmp_path / "deep" / "reserve").stat().st_blocks * 512 >= 1 << 20
    assert reserve.give_up() == 1 << 20
    assert not reserve.is_kept()
    assert reserve.give_up() == 0


def test_the_reserve_is_not_taken_from_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would bring about the trouble that it is kept for."""
    Disk(monkeypatch, LOW + (1 << 20) - 1, tmp_path / "reserve")

    assert not Reserve(tmp_path / "reserve", 1 << 20).keep()
    assert not (tmp_path / "reserve").exists()


def test_half_a_reserve_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk filled while it was taken."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        Reserve(tmp_path / "reserve", 1 << 20).keep()

    assert [] == list(tmp_path.iterdir())
