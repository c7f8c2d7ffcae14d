"""The history: the journal's facts as rows in a database, folded by a cursor.

Law: rows and cursor move in one transaction, so that a fact is folded exactly once whatever dies. A database
that is slow or away delays no call and loses nothing; the cursor catches up.
"""

import asyncio
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hotline.domain.facts import JournalOpened
from hotline.domain.records import Record
from hotline.store.database import upsert
from hotline.store.days import Days
from hotline.store.fold import KINDS, Fold
from hotline.store.schema import CURSORS, FOLDED

__all__ = ["History"]

BATCH = 2000
"""Records folded in one transaction."""


class History:
    """The one writer of the history. Not to be shared between tasks."""

    def __init__(self, folder: Path, engine: AsyncEngine) -> None:
        self._days = Days(folder)
        self._engine = engine
        self._fold: Fold | None = None
        self._seed = ""
        self._seq = 0

    async def catch_up(self) -> int:
        """Folds what the journal has beyond the cursor; returns how many records that were.

        Raises what the database raises; then nothing has moved, and it may be tried again.
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
        fold = Fold()
        async with self._engine.connect() as connection:
            cursor = (await connection.execute(select(CURSORS))).first()
            for table in FOLDED:
                rows = await connection.execute(select(table).where(table.c.ended_at.is_(None)))
                fold.resume(table, (dict(row._mapping) for row in rows))
        self._seed, self._seq = ("", 0) if cursor is None else (cursor.seed, cursor.seq)
        seed = await asyncio.to_thread(self._journal_seed)
        if seed is not None and seed != self._seed:
            # Another journal: its numbers begin again, its names are its own.
            self._seed, self._seq = seed, 0
        self._fold = fold

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
        async with self._engine.begin() as connection:
            await self._write_rows(connection)
            moved = {"name": "history", "seed": self._seed, "seq": records[-1].seq}
            await connection.execute(upsert(CURSORS, connection.dialect.name), moved)
        self._seq = records[-1].seq

    async def _write_rows(self, connection: AsyncConnection) -> None:
        assert self._fold is not None
        for table, rows in self._fold.changes().items():
            if rows:
                await connection.execute(upsert(table, connection.dialect.name), rows)
