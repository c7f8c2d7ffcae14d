"""The history's tables, one model for SQLite and PostgreSQL.

Law: every row is folded from facts of the journal and can be folded again; nothing is only here.
A row has `ended_at` from its last fact on; until then the thing goes on. Durations are milliseconds.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

__all__ = [
    "CALLS",
    "CURSORS",
    "FOLDED",
    "LEGS",
    "METADATA",
    "OFFERS",
    "PRESENCES",
    "RECORDINGS",
    "SETTINGS",
    "TICKETS",
    "WRAP_UPS",
    "Instant",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[int]):
    """Microseconds since 1970 in Python, a readable UTC time in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)


METADATA = MetaData()

CALLS = Table(
    "calls",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("arrived_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant, index=True),
    Column("number", Text, nullable=False),
    Column("called", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("caller_name", Text, nullable=False),
    Column("trunk", Text),
    Column("account", Text),
    Column("language", Text, nullable=False),
    Column("flow", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("answered_at", Instant),
    Column("node", Text),
    Column("misses", Integer, nullable=False, default=0),
    Column("queue", Text),
    Column("joined_at", Instant),
    Column("offered_at", Instant),
    Column("talk_at", Instant),
    Column("waited_ms", BigInteger),
    Column("operator", Text),
    Column("talked_ms", BigInteger, nullable=False, default=0),
    Column("held_ms", BigInteger, nullable=False, default=0),
    Column("is_refused", Boolean, nullable=False, default=False),
    Column("failure", Text),
    Column("outcome", Text),
    Column("ended_by", Text),
    Column("billed_ms", BigInteger),
    Column("cause", Text),
    Column("q850", Integer),
)
"""One row a call: t0 arrived, t1 answered, t2 joined, t3 offered, t4 = t5 talk, t6 ended (FEATURES.md 5.2)."""

LEGS = Table(
    "legs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("call", Text, nullable=False, index=True),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
    Column("target", Text),
    Column("operator", Text),
    Column("answered_at", Instant),
    Column("cause", Text),
    Column("code", Integer),
    Column("q850", Integer),
    Column("packets_in", BigInteger),
    Column("packets_out", BigInteger),
    Column("lost", BigInteger),
    Column("jitter_us", BigInteger),
    Column("rtt_us", BigInteger),
    Column("max_gap_ms", BigInteger),
    Column("foreign", BigInteger),
)
"""One row a leg, ours to the caller and those we dialled, with the sums of its media."""

TICKETS = Table(
    "tickets",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("call", Text, nullable=False, index=True),
    Column("queue", Text, nullable=False),
    Column("joined_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant, index=True),
    Column("reason", Text),
    Column("outcome", Text),
    Column("waited_ms", BigInteger),
)
"""One row for each time a call waited in a queue; `outcome` is the wait's own."""

OFFERS = Table(
    "offers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("call", Text, nullable=False, index=True),
    Column("ticket", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("leg", Text, nullable=False),
    Column("made_at", Instant, nullable=False, index=True),
    Column("ringing_at", Instant),
    Column("ended_at", Instant, index=True),
    Column("result", Text),
    Column("code", Integer),
    Column("reason", Text),
)
"""One row for each time an operator was rung."""

PRESENCES = Table(
    "presences",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("operator", Text, nullable=False, index=True),
    Column("presence", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
)
"""What an operator had chosen, and for how long."""

WRAP_UPS = Table(
    "wrap_ups",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("operator", Text, nullable=False),
    Column("call", Text, nullable=False, index=True),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
    Column("by", Text),
)
"""An operator's time after a call."""

RECORDINGS = Table(
    "recordings",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("call", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("began_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant, index=True),
    Column("mailbox", Text),
    Column("path", Text),
    Column("duration_ms", BigInteger),
    Column("size", BigInteger),
    Column("reason", Text),
)
"""One row a recording; its sound lies in a file."""

SETTINGS = Table(
    "settings",
    METADATA,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("taken_at", Instant, nullable=False),
    Column("company", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""Every revision that was ever in force, as JSON."""

CURSORS = Table(
    "cursors",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("seed", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
"""How far the journal has been folded; moved in the transaction that writes the rows."""

FOLDED: Final = (CALLS, LEGS, TICKETS, OFFERS, PRESENCES, WRAP_UPS, RECORDINGS)
"""Tables whose open rows (`ended_at` is null) the fold goes on with."""
