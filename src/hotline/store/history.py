"""The history: the journal's facts as rows in a database, folded by a cursor.

Law: rows and cursor move in one transaction, so that a fact is folded exactly once whatever dies. A database
that is slow or away delays no call and loses nothing; the cursor catches up.
"""

import asyncio
from itertools import islice
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hotline.domain.facts import JournalOpened
from hotline.domain.records import Record
from hotline.store.database import enter
from hotline.store.days import Days
from hotline.store.fold import KINDS, Fold
from hotline.store.schema import CURSORS, FOLDED
from hotline.store.writing import replace_rows

__all__ = ["History", "Overtaken"]

NAME = "history"
BATCH = 2000
"""Records folded in one transaction."""


class Overtaken(RuntimeError):
    """Another writer has moved the cursor, most often a predecessor that had not ended yet. Try again."""


class History:
    """A writer of the history. Not to be shared between tasks; of several one moves the cursor at a time."""

    def __init__(self, folder: Path, engine: AsyncEngine) -> None:
        self._days = Days(folder)
        self._engine = engine
        self._fold: Fold | None = None
        self._moved_from = ("", 0)
        self._seed = ""
        self._seq = 0

    async def catch_up(self) -> int:
        """Folds what the journal has beyond the cursor; returns how many records that were.

        Raises Overtaken and what the database raises; then nothing has moved, and it may be tried again.
        """
        folded = 0
        try:
            if self._fold is None:
                await self._resume()
            while records := await asyncio.to_thread(self._next):
                await self._write(records)
                folded += len(records)
        except BaseException:
            # What stands in memory may be ahead of the database: begin again from there.
            self._fold = None
            raise
        return folded

    def _next(self) -> list[Record]:
        return list(islice(self._days.facts_after(self._seq, KINDS), BATCH))

    async def _resume(self) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(enter(CURSORS, connection.dialect.name), {"name": NAME, "seed": "", "seq": 0})
        fold, cursor = Fold(), None
        while cursor is None or cursor != await self._cursor():
            # Again, if another writer has moved it while the rows were read.
            fold, cursor = Fold(), await self._cursor()
            async with self._engine.connect() as connection:
                for table in FOLDED:
                    rows = await connection.execute(select(table).where(table.c.ended_at.is_(None)))
                    fold.resume(table, (dict(row) for row in rows.mappings()))
        self._moved_from = cursor
        seed = await asyncio.to_thread(self._journal_seed)
        # Another journal's numbers begin again; its names are its own.
        self._seed, self._seq = cursor if seed in (None, cursor[0]) else (str(seed), 0)
        self._fold = fold

    async def _cursor(self) -> tuple[str, int]:
        async with self._engine.connect() as connection:
            found = await connection.execute(select(CURSORS.c.seed, CURSORS.c.seq))
            seed, seq = found.one()
            return seed, seq

    def _journal_seed(self) -> str | None:
        """How the journal began, while its first day is still kept."""
        for record in islice(self._days.after(0), 1):
            for fact in record.facts:
                if isinstance(fact, JournalOpened):
                    return fact.seed
        return None

    async def _write(self, records: list[Record]) -> None:
        assert self._fold is not None
        for record in records:
            self._fold.take(record)
        cursor = (self._seed, records[-1].seq)
        async with self._engine.begin() as connection:
            seed, seq = self._moved_from
            moved = await connection.execute(
                update(CURSORS)
                .where(CURSORS.c.seed == seed, CURSORS.c.seq == seq)
                .values(seed=cursor[0], seq=cursor[1])
            )
            if moved.rowcount != 1:
                raise Overtaken("another process folds the same journal")
            await self._write_rows(connection)
        self._moved_from, self._seq = cursor, cursor[1]

    async def _write_rows(self, connection: AsyncConnection) -> None:
        assert self._fold is not None
        for table, rows in self._fold.changes().items():
            await replace_rows(connection, table, rows)
