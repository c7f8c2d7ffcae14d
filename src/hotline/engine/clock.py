"""The engine's clock: the journal's axis laid over the machine's boot-time clock.

Law: the axis never runs backwards. Within one boot of the machine it is the boot-time clock plus a constant
that is kept beside the journal, so that the switch's stamps fall on the same axis before and after a restart
of the engine. After a reboot the wall clock tells how long the machine was away.
"""

import time
from pathlib import Path
from typing import Self

import msgspec

from hotline.domain.records import JournalStart

__all__ = ["AxisClock"]


class _Kept(msgspec.Struct, frozen=True):
    boot_id: str
    offset: int


class AxisClock:
    """Microseconds on the journal's axis."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    @classmethod
    def open(cls, folder: Path, start: JournalStart) -> Self:
        """The clock that goes on where the journal in `folder` ended."""
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        file = folder / "clock"
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.MsgspecError):
            kept = None
        if kept is not None and kept.boot_id == boot_id:
            return cls(kept.offset)
        away = max(0, _utc() - start.utc) if start.seq else 0
        offset = start.at + away - _boot_us() if start.seq else 0
        file.write_bytes(msgspec.json.encode(_Kept(boot_id=boot_id, offset=offset)))
        return cls(offset)

    def now(self) -> int:
        return _boot_us() + self._offset

    def utc(self) -> int:
        return _utc()

    def to_axis(self, boot_us: int) -> int:
        return boot_us + self._offset


def _boot_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _utc() -> int:
    return time.time_ns() // 1000
