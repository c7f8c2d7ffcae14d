"""What the engine needs from its neighbours: Protocols, joined with their makers in `app`.

Law: siblings meet here and nowhere else; the values they exchange stand in `domain/records.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from hotline.domain.records import JournalStart, News, Numbered, Position, Record, Snapshot

__all__ = ["Clock", "EventSink", "Journal", "Projection", "Switch"]


class EventSink(Protocol):
    """Where the link puts what it hears; the engine's inbox."""

    def post(self, news: News) -> None:
        """Takes one item in order, at once, on the engine's own event loop.

        Bounded by the switch's window of unacknowledged events; `is_full` asks the link to stop reading.
        """

    @property
    def is_full(self) -> bool: ...


class Switch(Protocol):
    """The way out to the switch. None of these blocks; none is called before the record is written."""

    def resume(self, commands: Sequence[Numbered]) -> None:
        """Sends what the switch had not executed and opens the gate for `send`. The answer to Welcomed."""

    def send(self, commands: Sequence[Numbered]) -> None:
        """Sends commands in order. Dropped while no connection has been resumed: the journal has them."""

    def acknowledge(self, position: Position) -> None:
        """Events up to `position` are written. Dropped when no connection of that boot is up.

        It may leave a little later than at once: with the next commands.
        """


class Journal(Protocol):
    """The truth on disk. One owner at a time; opening it took the lock and raised the epoch."""

    @property
    def start(self) -> JournalStart: ...

    def append(self, records: Sequence[Record]) -> None:
        """Writes all of them in one transaction; when it returns they survive this process.

        Raises OSError when the disk is full even after the reserve was given up, and RuntimeError when
        another engine has written in the meantime.
        """

    async def durable(self, seq: int) -> None:
        """Waits until record `seq` would survive a power cut (at most some 20 ms)."""

    def read(self, after: int) -> Iterator[Record]:
        """All records with a higher `seq`, in order."""

    def wants_snapshot(self, utc: int) -> bool:
        """A new day has begun, or many records have come since the last one."""

    def snapshot(self, taken: Snapshot, utc: int) -> None:
        """Keeps the state right after the last record; recovery begins at the newest. Opens the new day."""

    def newest_snapshot(self) -> Snapshot | None: ...

    def commands_after(self, seq: int, i: int) -> list[Numbered]:
        """The journalled commands above the switch's high-water mark, in order."""

    def close(self) -> None: ...


class Projection(Protocol):
    """Whoever reads the journal behind the engine's back. It may be slow or away; it delays nobody."""

    def wake(self, seq: int) -> None:
        """Records up to `seq` are written."""


class Clock(Protocol):
    """The one source of time outside the switch."""

    def now(self) -> int:
        """The journal's axis."""

    def utc(self) -> int:
        """Wall clock."""

    def to_axis(self, boot_us: int) -> int:
        """A stamp of this machine's boot-time clock (the switch's own) on the journal's axis."""
