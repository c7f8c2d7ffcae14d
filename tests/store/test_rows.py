"""The report of a real day: calls through the engine, folded, read again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hotline.domain.ids import LegId
from hotline.reports.day import day
from hotline.store.database import DatabaseUnusable, migrate
from hotline.store.history import History
from hotline.store.rows import rows_between
from tests.engine.kit import START_UTC, Desk

HOUR = 3_600_000_000


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "journal")
    yield desk
    desk.journal.close()


async def test_a_days_calls_are_reported(desk: Desk, engine: AsyncEngine, database: str) -> None:
    """Answered, abandoned, to a number that is not ours, and one that goes on."""
    await migrate(engine)
    for number in range(3):
        caller = desk.calls(f"s7-{number}")
        desk.after(2).answers(desk.ringing())
        desk.after(10).ends(caller)
        desk.after(1).ends(desk.ringing(), "us")
    desk.all_paused()
    desk.calls("s7-10")
    desk.after(30).ends(desk.calls("s7-11"))
    desk.ends(LegId("s7-10"))
    desk.calls("s7-12", "999")
    desk.calls("s7-13")
    await History(desk.folder, engine).catch_up()

    report = day(await rows_between(database, START_UTC, START_UTC + HOUR))

    assert (7, 1) == (report.total.arrived, report.total.going_on)
    assert 3 == report.total.outcomes["answered"]
    (sales,) = report.queues
    assert (6, 3, 1) == (sales.waiting.offered, sales.waiting.answered, sales.waiting.going_on)
    assert 2000 == sales.waiting.p95_ms
    assert 3 == sum(line.talks for line in report.operators)
    assert 30_000 == sum(line.talked_ms for line in report.operators)


async def test_another_days_calls_are_not(desk: Desk, engine: AsyncEngine, database: str) -> None:
    """The interval is half open."""
    await migrate(engine)
    desk.ends(desk.calls())
    await History(desk.folder, engine).catch_up()

    before = await rows_between(database, START_UTC - HOUR, START_UTC + 1_000_000)
    after = await rows_between(database, START_UTC + 1_000_001, START_UTC + HOUR)

    assert ((), ()) == (before.calls, after.calls)


async def test_a_history_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    """No report without a database."""
    with pytest.raises(DatabaseUnusable, match=r"history.db cannot be used: no such table"):
        await rows_between(f"sqlite:///{tmp_path}/history.db", 0, 1)
