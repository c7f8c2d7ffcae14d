"""What the log says of calls: a line a call at its end, the steps at debug; the log masks numbers."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from hotline.domain import facts
from hotline.domain.records import Record

__all__ = ["log_calls"]

_log = structlog.get_logger()


def log_calls(level: str) -> Callable[[Sequence[Record]], None]:
    """What the engine calls with what was written; steps cost nothing unless `level` is debug."""
    told: dict[type, Callable[..., object]] = dict.fromkeys(SPOKEN, _log.warning)
    if level == "debug":
        told |= dict.fromkeys(STEPS, _log.debug)

    def see(records: Sequence[Record]) -> None:
        for record in records:
            for fact in record.facts:
                if isinstance(fact, facts.CallEnded):
                    _log.info(
                        "call_ended", call=fact.call, outcome=fact.outcome, by=fact.ended_by, billed_ms=fact.billed_ms
                    )
                elif (tell := told.get(type(fact))) is not None:
                    tell(_name(fact), **_fields(fact))

    return see


def _name(fact: facts.Fact) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(fact).__name__).lstrip("_")


def _fields(fact: facts.Fact) -> dict[str, object]:
    return {name: getattr(fact, name) for name in fact.__slots__ if name != "at"}


SPOKEN: Final = (facts.TrunkHealthChanged, facts.SwitchBegan, facts.WasAway)
"""Rare, and somebody ought to know."""
STEPS: Final = (
    facts.CallArrived,
    facts.CallAnswered,
    facts.NodeEntered,
    facts.QueueJoined,
    facts.QueueLeft,
    facts.OfferMade,
    facts.OfferAccepted,
    facts.OfferDeclined,
    facts.OfferExpired,
    facts.OfferUnreachable,
    facts.TalkStarted,
    facts.TalkEnded,
    facts.PresenceChanged,
    facts.RecordingEnded,
    facts.VoicemailLeft,
)
