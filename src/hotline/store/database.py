"""The history's database: SQLite beside the journal by default, PostgreSQL by one URL."""

import sqlite3
from functools import cache
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Insert, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

__all__ = ["DatabaseUnusable", "connect", "enter", "explained", "migrate", "upsert"]


class DatabaseUnusable(RuntimeError):
    """The database's URL or what answers there is wrong; the sentence names it without its password."""


def connect(url: str) -> AsyncEngine:
    """`sqlite:///path` or `postgresql://user:password@host/name`. Raises DatabaseUnusable."""
    try:
        given = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable(
            "the database URL cannot be read: write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    driver = _DRIVERS.get(given.drivername)
    if driver is None:
        raise DatabaseUnusable(
            f'the database URL begins with "{given.drivername}": only sqlite:/// and postgresql:// are known'
        )
    if driver == _SQLITE:
        engine = create_async_engine(given.set(drivername=driver))
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    return create_async_engine(given.set(drivername=driver), pool_pre_ping=True, connect_args={"timeout": 5})


async def migrate(engine: AsyncEngine) -> None:
    """Brings the tables to this release. Raises DatabaseUnusable."""
    try:
        if engine.dialect.name == "sqlite":
            # Tried here first: aiosqlite's thread outlives a connection that could not be opened.
            sqlite3.connect(engine.url.database or ":memory:").close()
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise DatabaseUnusable(explained(engine.url, error)) from error


def enter(table: Table, dialect: str) -> Insert:
    """INSERT of rows that are kept as they are where they are there already."""
    statement: Insert = _insert(table, dialect).on_conflict_do_nothing()
    return statement


@cache
def upsert(table: Table, dialect: str) -> Insert:
    """INSERT of whole rows, which replaces those that are there. Made once: making it costs more than 100 rows."""
    insert = _insert(table, dialect)
    keys = [column.name for column in table.primary_key]
    given = insert.excluded
    others = {column.name: given[column.name] for column in table.columns if column.name not in keys}
    statement: Insert = insert.on_conflict_do_update(index_elements=keys, set_=others)
    return statement


def _insert(table: Table, dialect: str) -> Any:
    """The two dialects' own INSERT, whose types have nothing in common."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "hotline.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Readers (reports) and the one writer never wait for each other; a power cut is the journal's business."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def explained(url: URL, error: Exception) -> str:
    """Why a database cannot be used, without its password."""
    plain = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    cause = getattr(error, "orig", None) or error
    reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    return f"the database {plain} cannot be used: {reason}"


_SQLITE: Final = "sqlite+aiosqlite"
_POSTGRESQL: Final = "postgresql+asyncpg"
_DRIVERS: Final = {
    "sqlite": _SQLITE,
    _SQLITE: _SQLITE,
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    _POSTGRESQL: _POSTGRESQL,
}
