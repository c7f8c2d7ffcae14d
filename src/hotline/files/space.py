"""When the disk fills: recordings stop first, calls go on, the journal is last (RELIABILITY, R9).

The order is kept by three marks on the free space of the recordings' disk. Below `LOW` no new
recording may begin and running ones are to be closed; recordings begin again by themselves above
`ENOUGH`. Below `CRITICAL` the reserve file is given up, so that journal and database keep room to
write until someone has made space; it is taken back above `ENOUGH`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

__all__ = ["CRITICAL", "ENOUGH", "LOW", "RESERVE", "Level", "Reserve", "Space", "Watch", "judge"]

MEGABYTE = 1 << 20
RESERVE = 256 * MEGABYTE
ENOUGH = 1024 * MEGABYTE
LOW = 512 * MEGABYTE
CRITICAL = 64 * MEGABYTE


class Level(Enum):
    """How full the disk is, by what it means for recordings."""

    PLENTY = "plenty"
    LOW = "low"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The disk as it was just seen."""

    level: Level
    free_bytes: int
    reserve_kept: bool

    @property
    def may_record(self) -> bool:
        """Whether recordings may begin and go on."""
        return self.level is Level.PLENTY


def judge(free: int, before: Level) -> Level:
    """The level at `free` bytes; having once been low it takes `ENOUGH` to be plenty again."""
    if free < CRITICAL:
        return Level.CRITICAL
    if free < LOW:
        return Level.LOW
    if free < ENOUGH and before is not Level.PLENTY:
        return Level.LOW
    return Level.PLENTY


class Reserve:
    """A file that holds room on the disk until it is needed for what must not stop."""

    def __init__(self, file: Path, size: int = RESERVE) -> None:
        self._file = file
        self._size = size

    def is_kept(self) -> bool:
        """Whether the room is held now."""
        try:
            return self._file.stat().st_size >= self._size
        except FileNotFoundError:
            return False

    def keep(self) -> bool:
        """Takes the room, real blocks of it; ``False`` when the disk has too little. Raises ``OSError``."""
        if self.is_kept():
            return True
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._file.parent).free < self._size + LOW:
            return False
        try:
            with self._file.open("wb") as opened:
                os.posix_fallocate(opened.fileno(), 0, self._size)
        except OSError:  # half a reserve would only eat what is left
            self._file.unlink(missing_ok=True)
            raise
        return True

    def give_up(self) -> int:
        """Frees the room; the bytes that came back."""
        try:
            size = self._file.stat().st_size
            self._file.unlink()
        except FileNotFoundError:
            return 0
        return size


class Watch:
    """Looks at the disk of `folder` each time it is asked, and acts on the reserve.

    Ask every few seconds, in a worker thread: a dying disk may answer slowly. R9 wants the alarm
    within 5 s.
    """

    def __init__(self, folder: Path, reserve: Reserve | None = None) -> None:
        self._folder = folder
        self._reserve = reserve or Reserve(folder / ".reserve")
        self._level = Level.PLENTY

    def look(self) -> Space:
        """The disk now. Raises ``OSError`` when it cannot be asked: take that as an alarm too."""
        free = shutil.disk_usage(self._folder).free
        self._level = judge(free, self._level)
        if self._level is Level.CRITICAL:
            self._reserve.give_up()
        elif self._level is Level.PLENTY:
            self._reserve.keep()
        return Space(level=self._level, free_bytes=free, reserve_kept=self._reserve.is_kept())
