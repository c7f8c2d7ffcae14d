"""The history read again: rows of an interval for the reports."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from hotline.domain.rows import CallRow, OfferRow, RecordingRow, Rows, TicketRow, WrapUpRow
from hotline.store.database import DatabaseUnusable, connect, explained
from hotline.store.schema import CALLS, OFFERS, RECORDINGS, TICKETS, WRAP_UPS

__all__ = ["rows_between"]

T = TypeVar("T")


async def rows_between(url: str, since: int, until: int) -> Rows:
    """What began in `[since, until)`, and calls that ended in it. Raises DatabaseUnusable."""
    engine = connect(url)
    try:
        async with engine.connect() as connection:
            return Rows(
                since=since,
                until=until,
                calls=await _all(connection, CallRow, _calls(since, until)),
                tickets=await _all(connection, TicketRow, _tickets(since, until)),
                offers=await _all(connection, OfferRow, _offers(since, until)),
                wrap_ups=await _wrap_ups(connection, since, until),
                recordings=await _all(connection, RecordingRow, _recordings(since, until)),
            )
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseUnusable(explained(engine.url, error)) from error
    finally:
        await engine.dispose()


async def _all(connection: AsyncConnection, row: type[T], query: Select[Any]) -> tuple[T, ...]:
    found = await connection.execute(query)
    return tuple(row(**{**values, **_filled(values)}) for values in found.mappings())


def _filled(values: Mapping[Any, Any]) -> dict[str, Any]:
    """A recording that goes on has no duration yet."""
    return {"duration_ms": 0} if values.get("duration_ms", 0) is None else {}


def _calls(since: int, until: int) -> Select[Any]:
    c = CALLS.c
    return (
        select(
            *(c.id, c.number, c.arrived_at, c.ended_at, c.outcome, c.queue, c.operator),
            *(c.talked_ms, c.held_ms, c.billed_ms),
        )
        .where(
            or_(
                and_(c.arrived_at >= since, c.arrived_at < until),
                and_(c.ended_at >= since, c.ended_at < until),
            )
        )
        .order_by(c.arrived_at, c.id)
    )


def _tickets(since: int, until: int) -> Select[Any]:
    t = TICKETS.c
    return (
        select(t.call, CALLS.c.number, t.queue, t.outcome, t.waited_ms)
        .join_from(TICKETS, CALLS, CALLS.c.id == t.call)
        .where(t.joined_at >= since, t.joined_at < until)
        .order_by(t.joined_at, t.id)
    )


def _offers(since: int, until: int) -> Select[Any]:
    o = OFFERS.c
    return select(o.queue, o.operator, o.result).where(o.made_at >= since, o.made_at < until).order_by(o.made_at, o.id)


async def _wrap_ups(connection: AsyncConnection, since: int, until: int) -> tuple[WrapUpRow, ...]:
    w = WRAP_UPS.c
    found = await connection.execute(
        select(w.operator, w.began_at, w.ended_at)
        .where(w.ended_at >= since, w.ended_at < until)
        .order_by(w.ended_at, w.id)
    )
    return tuple(WrapUpRow(operator=row.operator, lasted_ms=(row.ended_at - row.began_at) // 1000) for row in found)


def _recordings(since: int, until: int) -> Select[Any]:
    r, c = RECORDINGS.c, CALLS.c
    return (
        select(r.id, r.call, r.kind, c.number, c.queue, c.operator, r.path, r.duration_ms)
        .join_from(RECORDINGS, CALLS, c.id == r.call)
        .where(r.began_at >= since, r.began_at < until)
        .order_by(r.began_at, r.id)
    )
