"""The history says what the journal says, once, on both databases."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from hotline.domain import facts, inputs
from hotline.domain.ids import LegId, OperatorId
from hotline.store import history as history_module
from hotline.store.database import DatabaseUnusable, connect, migrate
from hotline.store.history import History, Overtaken
from hotline.store.projection import ProjectionProcess, follow
from hotline.store.schema import (
    CALLS,
    CURSORS,
    LEGS,
    METADATA,
    OFFERS,
    PRESENCES,
    SETTINGS,
    TICKETS,
)
from tests.engine.kit import START_UTC, Desk


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "journal")
    yield desk
    desk.journal.close()


@pytest.fixture(name="history")
async def _history(desk: Desk, engine: AsyncEngine) -> History:
    await migrate(engine)
    return History(desk.folder, engine)


async def rows(engine: AsyncEngine, table: Any) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        found = await connection.execute(select(table).order_by(*table.primary_key))
        return [dict(row._mapping) for row in found]


async def test_the_migrations_make_the_tables_of_the_schema(engine: AsyncEngine) -> None:
    """Neither more nor less; a second time changes nothing."""
    await migrate(engine)
    await migrate(engine)

    def difference(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    async with engine.connect() as connection:
        assert [] == await connection.run_sync(difference)


async def test_a_call_becomes_one_row(desk: Desk, engine: AsyncEngine, history: History) -> None:
    """With its clocks, and one row for each leg, wait and offer."""
    caller = desk.calls()
    desk.after(3).answers(desk.ringing())
    desk.after(60).ends(caller)
    await history.catch_up()

    (call,) = await rows(engine, CALLS)
    assert {
        "outcome": "answered",
        "ended_by": "caller",
        "queue": "sales",
        "operator": "anna",
        "waited_ms": 3000,
        "talked_ms": 60_000,
        "billed_ms": 63_000,
        "arrived_at": START_UTC + 1_000_000,
        "offered_at": START_UTC + 1_000_000,
        "talk_at": START_UTC + 4_000_000,
        "ended_at": START_UTC + 64_000_000,
    }.items() <= call.items()
    assert [None, "anna"] == sorted((leg["operator"] for leg in await rows(engine, LEGS)), key=lambda name: name or "")
    assert [("answered", 3000)] == [(ticket["outcome"], ticket["waited_ms"]) for ticket in await rows(engine, TICKETS)]
    assert ["accepted"] == [offer["result"] for offer in await rows(engine, OFFERS)]


async def test_a_call_in_progress_is_an_open_row(desk: Desk, engine: AsyncEngine, history: History) -> None:
    """Another process may go on with it."""
    caller = desk.calls()
    await history.catch_up()
    (begun,) = await rows(engine, CALLS)
    desk.after(2).ends(caller)
    await History(desk.folder, engine).catch_up()

    (ended,) = await rows(engine, CALLS)
    assert (None, "short_abandon") == (begun["outcome"], ended["outcome"])
    assert begun["arrived_at"] == ended["arrived_at"]


async def test_folding_in_any_pieces_leads_to_the_same_rows(
    desk: Desk, engine: AsyncEngine, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record by record with a new process each time, or everything at once."""
    for number in range(5):
        leg = desk.calls(f"s7-{number}")
        desk.after(1).answers(desk.ringing())
        desk.after(1).ends(leg)
    await history.catch_up()
    tables = (CALLS, LEGS, TICKETS, OFFERS, PRESENCES, SETTINGS)
    at_once = [await rows(engine, table) for table in tables]

    async with engine.begin() as connection:
        for table in (*tables, CURSORS):
            await connection.execute(table.delete())
    monkeypatch.setattr(history_module, "BATCH", 1)
    pieces = History(desk.folder, engine)
    await pieces._resume()
    while records := pieces._next():
        await pieces._write(records)
        pieces = History(desk.folder, engine)
        await pieces._resume()

    assert at_once == [await rows(engine, table) for table in tables]


async def test_a_database_that_fails_in_the_middle_loses_and_doubles_nothing(
    desk: Desk, engine: AsyncEngine, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and cursor move together or not at all."""
    caller = desk.calls()
    write_rows = History._write_rows

    async def fails(self: History, connection: Any) -> None:
        await write_rows(self, connection)
        raise SQLAlchemyError("gone")

    monkeypatch.setattr(History, "_write_rows", fails)
    with pytest.raises(SQLAlchemyError):
        await history.catch_up()
    assert [] == await rows(engine, CALLS)
    monkeypatch.undo()
    desk.after(1).ends(caller)
    await history.catch_up()

    assert ["short_abandon"] == [call["outcome"] for call in await rows(engine, CALLS)]


async def test_two_writers_take_turns(desk: Desk, engine: AsyncEngine, history: History) -> None:
    """A predecessor that has not ended yet: one is overtaken, begins again, and nothing is counted twice."""
    caller = desk.calls(called="300")
    await history.catch_up()
    successor = History(desk.folder, engine)
    await successor.catch_up()
    for _ in range(2):
        desk.presses(caller, "9")
    await history.catch_up()
    desk.presses(caller, "9")

    with pytest.raises(Overtaken):
        await successor.catch_up()
    await successor.catch_up()

    (call,) = await rows(engine, CALLS)
    assert len(desk.facts(facts.MenuMissed)) == call["misses"] > 0


async def test_a_new_journal_goes_into_the_same_history(
    desk: Desk, engine: AsyncEngine, history: History, tmp_path: Path
) -> None:
    """Its numbers begin again; the cursor of the old one does not hide it."""
    for number in range(5):
        desk.ends(desk.calls(f"s7-{number}"))
    await history.catch_up()
    other = Desk(tmp_path / "other", seed="u")
    other.ends(other.calls())
    await History(other.folder, engine).catch_up()
    other.journal.close()

    assert 6 == len(await rows(engine, CALLS))


async def test_presence_periods_follow_each_other(desk: Desk, engine: AsyncEngine, history: History) -> None:
    """One ends where the next begins."""
    desk.all_paused()
    desk.after(60)
    desk.engine._decide(inputs.PresenceChosen(**desk._when(), operator=OperatorId("anna"), presence="ready"))
    desk.engine._release()
    await history.catch_up()

    first, second = [row for row in await rows(engine, PRESENCES) if row["operator"] == "anna"]
    assert ("paused", "ready", None) == (first["presence"], second["presence"], second["ended_at"])
    assert first["ended_at"] == second["began_at"] == START_UTC + 61_000_000


async def test_strange_names_are_kept_without_their_nul(desk: Desk, engine: AsyncEngine, history: History) -> None:
    """PostgreSQL would refuse it, and with it everything after it."""
    desk.switch.happens(
        inputs.LegArrived(**desk._when(), leg=LegId("s7-1"), called="200", caller="a\0b", caller_name="Ю" * 3000)
    )
    desk.run()
    await history.catch_up()

    (call,) = await rows(engine, CALLS)
    assert ("ab", 3000) == (call["caller"], len(call["caller_name"]))


async def test_the_process_folds_what_is_left_when_the_engine_ends(
    desk: Desk, engine: AsyncEngine, database: str
) -> None:
    """Closing its lifeline is enough."""
    process = await ProjectionProcess.start(desk.folder, database)
    desk.ends(desk.calls())

    assert await process.close()
    assert 1 == len(await rows(engine, CALLS))
    async with engine.connect() as connection:
        seq = (await connection.execute(select(func.max(CURSORS.c.seq)))).scalar_one()
    assert desk.engine._seq == seq


async def test_a_database_that_was_away_is_caught_up_with(
    desk: Desk, engine: AsyncEngine, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower tries again until it is back; the calls of the meantime are all there."""
    await migrate(engine)
    tries = 0
    catch_up = History.catch_up

    async def away(self: History) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise SQLAlchemyError("connection refused")
        folded = await catch_up(self)
        ended.set()
        return folded

    monkeypatch.setattr(History, "catch_up", away)
    monkeypatch.setattr("hotline.store.projection.PERIOD_S", 0.01)
    ended = asyncio.Event()
    desk.ends(desk.calls())

    assert await follow(desk.folder, database, ended)
    assert 1 == len(await rows(engine, CALLS))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "cannot be read: write sqlite:///PATH or postgresql://"),
        ("mysql://u:secret@h/n", 'begins with "mysql"'),
        ("sqlite:////nowhere/at/all/history.db", "sqlite:////nowhere/at/all/history.db cannot be used"),
        ("postgresql://u:secret@127.0.0.1:1/n", r"postgresql://u:\*\*\*@127.0.0.1:1/n cannot be used"),
    ],
)
async def test_a_wrong_url_is_said_in_a_sentence(url: str, sentence: str) -> None:
    """Without the password."""

    async def use() -> None:
        engine = connect(url)
        try:
            await migrate(engine)
        finally:
            await engine.dispose()

    with pytest.raises(DatabaseUnusable, match=sentence) as failure:
        await use()

    assert "secret" not in str(failure.value)


def test_every_outcome_of_a_wait_is_known() -> None:
    """A reason that a later release adds must get one."""
    from typing import get_args

    from hotline.domain.state import ExitReason
    from hotline.store.fold import _EXITS

    assert {*_EXITS, "abandoned"} == set(get_args(ExitReason))
    assert set(_EXITS.values()) <= set(get_args(facts.Outcome))
