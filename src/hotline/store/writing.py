"""Many whole rows into a table at once, past the library's work for each value.

Law: what is bound is what the schema's types would bind; only the way there is shorter.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from hotline.store.database import upsert

__all__ = ["replace_rows"]

_Step = Callable[[Any], Any]


async def replace_rows(connection: AsyncConnection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Inserts `rows`, or puts them in the place of those with the same key."""
    statement, columns = _plan(table, connection.dialect)
    values = [
        tuple([row[name] if step is None or row[name] is None else step(row[name]) for name, step in columns])
        for row in rows
    ]
    if values:
        await connection.exec_driver_sql(statement, values)


@cache
def _plan(table: Table, dialect: Dialect) -> tuple[str, list[tuple[str, _Step | None]]]:
    """The statement in the driver's own words, and each of its values: a column's name, and what makes it plain."""
    compiled = upsert(table, dialect.name).compile(dialect=dialect)
    names = compiled.positiontup or []
    return str(compiled), [(name, _step(table.columns[name].type.dialect_impl(dialect), dialect)) for name in names]


def _step(of: Any, dialect: Dialect) -> _Step | None:
    step: _Step | None = of.bind_processor(dialect)
    return step
