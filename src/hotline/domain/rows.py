"""What the history hands to reports: rows of things that happened, as plain values.

They stand in the domain because `store` and `reports` never import each other. Instants are microseconds since 1970.
"""

from dataclasses import dataclass
from typing import Literal

from hotline.domain.facts import Outcome

__all__ = ["CallRow", "OfferRow", "RecordingRow", "Rows", "TicketRow", "WrapUpRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call; `ended_at` and `outcome` are None while it goes on."""

    id: str
    number: str
    arrived_at: int
    ended_at: int | None
    outcome: Outcome | None
    queue: str | None
    operator: str | None
    talked_ms: int
    held_ms: int
    billed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """One wait in one queue; `outcome` and `waited_ms` are None while it lasts."""

    call: str
    number: str
    queue: str
    outcome: Outcome | None
    waited_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One ringing of one operator; `result` is None while it rings."""

    queue: str
    operator: str
    result: Literal["accepted", "declined", "expired", "unreachable", "withdrawn"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpRow:
    """Finished after-call work."""

    operator: str
    lasted_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One recording; `path` is None while it goes on."""

    id: str
    call: str
    kind: Literal["talk", "voicemail"]
    number: str
    queue: str | None
    operator: str | None
    path: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Everything that began in `[since, until)`; of calls also what ended in it."""

    since: int
    until: int
    calls: tuple[CallRow, ...] = ()
    tickets: tuple[TicketRow, ...] = ()
    offers: tuple[OfferRow, ...] = ()
    wrap_ups: tuple[WrapUpRow, ...] = ()
    recordings: tuple[RecordingRow, ...] = ()
