"""The journal: the truth on disk, one SQLite database a day, one raw connection, one transaction a batch.

Law: `append` returns only when its records survive this process. Nobody but the owner of the folder's lock
writes; an owner that was deposed while it slept meets records of its successor and stops.
Measured: 21 / 26 / 54 us for 1 / 3 / 12 records in a transaction (ARCHITECTURE.md, section 6).
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from hotline.domain.records import JournalStart, Numbered, Record, Snapshot
from hotline.store.codec import Codec, CodecError
from hotline.store.days import FORMAT, INSERT, SCHEMA, Days, boot_column, columns, day_of, name_of_day
from hotline.store.durability import Durability
from hotline.store.lock import FolderLock

__all__ = ["DiskFull", "FileJournal", "JournalDeposed", "JournalUnreadable"]

SNAPSHOT_EVERY = 10_000
"""Records between two snapshots: some tenths of a second of recovery."""
RESERVE_BYTES = 64 << 20


class DiskFull(OSError):
    """The journal can take no record, and its reserve is used up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(errno.ENOSPC, f"the disk that holds the journal is full: {folder}")


class JournalDeposed(RuntimeError):
    """Another engine has written to the journal: this one must stop at once."""


class JournalUnreadable(RuntimeError):
    """The journal was written by a newer release or is damaged."""


class FileJournal:
    """The owner's handle on a folder of days."""

    def __init__(self, folder: Path, lock: FolderLock, state_type: type[Any], alarm: Callable[[str], None]) -> None:
        self.days = Days(folder)
        self._lock = lock
        self._states: Codec[Any] = Codec(state_type)
        self._alarm = alarm
        self._reserve = folder / "reserve"
        self._since_snapshot = 0
        self.start = self._read_start()
        self._day = day_of(self.start.utc)
        self._connection: sqlite3.Connection | None = None
        self._durability: Durability | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        utc: int,
        state_type: type[Any],
        alarm: Callable[[str], None],
        take_over: bool = False,
        reserve: int = RESERVE_BYTES,
    ) -> Self:
        """Takes the folder's lock, raises the epoch and opens the last day, or today if there is none.

        `alarm` is told, from any thread, what an owner must know. Raises FolderTaken, DiskFull,
        JournalUnreadable, and OSError for a folder that cannot be used.
        """
        lock = FolderLock.take(folder, utc=utc, take_over=take_over)
        try:
            _keep_reserve(folder, reserve)
            journal = cls(folder, lock, state_type, alarm)
            journal._open_day(day_of(journal.start.utc or utc))
        except BaseException:
            lock.release()
            raise
        return journal

    def append(self, records: Sequence[Record]) -> None:
        rows = [columns(record) for record in records]
        try:
            self._write(rows)
        except sqlite3.IntegrityError as error:
            raise JournalDeposed("another engine has written to the journal meanwhile") from error
        except sqlite3.OperationalError as error:
            if not _is_full(error):
                raise
            self._give_reserve_up()
            self._write_or_stop(rows)
        self._since_snapshot += len(rows)
        assert self._durability is not None
        self._durability.wrote(records[-1].seq)

    async def durable(self, seq: int) -> None:
        assert self._durability is not None
        await self._durability.durable(seq)

    def read(self, after: int) -> Iterator[Record]:
        return self.days.after(after)

    def commands_after(self, seq: int, i: int) -> list[Numbered]:
        return self.days.commands_after(seq, i)

    def wants_snapshot(self, utc: int) -> bool:
        return self._since_snapshot >= SNAPSHOT_EVERY or day_of(utc) > self._day

    def snapshot(self, taken: Snapshot, utc: int) -> None:
        if day_of(utc) > self._day:
            self._close_day()
            self._open_day(day_of(utc))
        self._since_snapshot = 0
        assert self._connection is not None
        # The day's opening one stays, for replay; of the others the newest two.
        self._connection.execute(
            "DELETE FROM snapshots WHERE seq NOT IN (SELECT min(seq) FROM snapshots)"
            " AND seq NOT IN (SELECT max(seq) FROM snapshots)"
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)",
            (
                taken.seq,
                taken.at,
                taken.utc,
                boot_column(taken.position),
                taken.position.n,
                self._states.encode(taken.state),
            ),
        )

    def newest_snapshot(self) -> Snapshot | None:
        for seq, at, utc, position, body in self.days.snapshots():
            try:
                state = self._states.decode(body)
                return Snapshot(seq=seq, at=at, utc=utc, position=position, state=state)
            except CodecError as error:
                # An older one and more records lead to the same state.
                self._alarm(f"snapshot {seq} of the journal cannot be read: {error}")
        return None

    def close(self) -> None:
        self._close_day()
        self._lock.release()

    def _read_start(self) -> JournalStart:
        epoch = self._lock.epoch
        try:
            last = self.days.last()
            if last is not None:
                return JournalStart(epoch=epoch, seq=last.seq, at=last.at, utc=last.utc, position=last.position)
            for seq, at, utc, position, _ in self.days.snapshots():
                return JournalStart(epoch=epoch, seq=seq, at=at, utc=utc, position=position)
        except (CodecError, sqlite3.DatabaseError) as error:
            raise JournalUnreadable(f"the journal in {self.days.folder}: {error}") from error
        return JournalStart(epoch=epoch)

    def _open_day(self, day: int) -> None:
        file = self.days.folder / name_of_day(day)
        try:
            self._connection = _connect(file)
        except sqlite3.OperationalError as error:
            if _is_full(error):
                raise DiskFull(self.days.folder) from error
            raise OSError(f"the journal {file} cannot be opened: {error}") from error
        self._durability = Durability(file, self._alarm)
        self._day = day

    def _close_day(self) -> None:
        if self._durability is not None:
            self._durability.close()
        if self._connection is not None:
            self._connection.close()
        self._durability = self._connection = None

    def _write(self, rows: list[tuple[int, int, int, int, int, bytes]]) -> None:
        connection = self._connection
        assert connection is not None
        if len(rows) == 1:
            connection.execute(INSERT, rows[0])
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write_or_stop(self, rows: list[tuple[int, int, int, int, int, bytes]]) -> None:
        try:
            self._write(rows)
        except sqlite3.OperationalError as error:
            raise (DiskFull(self.days.folder) if _is_full(error) else error) from error

    def _give_reserve_up(self) -> None:
        try:
            self._reserve.unlink()
        except FileNotFoundError:
            raise DiskFull(self.days.folder) from None
        self._alarm("the disk is full: the journal lives on its reserve")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, timeout=5)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    # Checkpoints belong to `Durability`'s thread.
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.executescript(SCHEMA)
    found = connection.execute("SELECT format FROM about").fetchone()
    if found is None:
        connection.execute("INSERT INTO about VALUES (?)", (FORMAT,))
    elif found[0] > FORMAT:
        raise JournalUnreadable(f"{file} was written by a newer release (format {found[0]})")
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return connection


def _is_full(error: sqlite3.OperationalError) -> bool:
    """SQLite calls a log or an index of it that cannot grow an I/O error."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _keep_reserve(folder: Path, size: int) -> None:
    """A file that is given up when the disk is full, so that the journal goes on last of all."""
    if not size:
        return
    try:
        with (folder / "reserve").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        (folder / "reserve").unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder) from error
        raise
