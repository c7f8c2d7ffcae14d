"""Facts into rows: what the history says of each call, leg, wait, offer, presence and recording.

Law: pure. It is handed the open rows and records in order, and hands back the rows that changed. Taking the
same records again leads to the same rows.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from hotline.domain import facts
from hotline.domain.facts import Fact, Outcome
from hotline.domain.records import Record
from hotline.store.schema import (
    CALLS,
    FOLDED,
    LEGS,
    OFFERS,
    PRESENCES,
    RECORDINGS,
    SETTINGS,
    TICKETS,
    WRAP_UPS,
)

__all__ = ["KINDS", "Changes", "Fold", "RowValues"]

RowValues = dict[str, Any]
Changes = dict[Table, list[RowValues]]


class Fold:
    """Goes on with the rows that are still open."""

    def __init__(self) -> None:
        self._open: dict[Table, dict[str, RowValues]] = {table: {} for table in FOLDED}
        self._changed: dict[Table, dict[Any, RowValues]] = {}
        self._utc = 0
        self._place = ""

    def resume(self, table: Table, rows: Iterable[RowValues]) -> None:
        """Takes the open rows of a table as the database has them."""
        for row in rows:
            self._open[table][row["id"]] = row

    def take(self, record: Record) -> None:
        for place, fact in enumerate(record.facts):
            fold = _FOLDS.get(type(fact))
            if fold is not None:
                self._utc = record.utc + (fact.at - record.at)
                self._place = f"{record.seq}-{place}"
                fold(self, fact)

    def changes(self) -> Changes:
        """The rows that have changed since the last time, each once, as they are now."""
        changed = {table: list(rows.values()) for table, rows in self._changed.items()}
        self._changed = {}
        return changed

    def _begin(self, table: Table, id_: str, **values: Any) -> None:
        row: RowValues = {**_EMPTY[table], **values, "id": id_}
        self._open[table][id_] = row
        self._changed.setdefault(table, {})[id_] = row

    def _row(self, table: Table, id_: str) -> RowValues | None:
        """An open row that is about to change; None for one that ended before the journal's memory."""
        changed = self._changed.setdefault(table, {})
        row = self._open[table].get(id_)
        if row is not None:
            changed[id_] = row
        # A row that ended with the same record may still learn what else is true of it.
        return changed.get(id_)

    def _set(self, table: Table, id_: str, **values: Any) -> None:
        if (row := self._row(table, id_)) is not None:
            row.update(values)

    def _end(self, table: Table, id_: str, **values: Any) -> None:
        self._set(table, id_, ended_at=self._utc, **values)
        self._open[table].pop(id_, None)

    # --- calls and legs ---------------------------------------------------------------------------

    def _call_arrived(self, fact: facts.CallArrived) -> None:
        self._begin(
            CALLS,
            fact.call,
            arrived_at=fact.utc,
            number=fact.number,
            called=_clean(fact.called),
            caller=_clean(fact.caller),
            caller_name=_clean(fact.caller_name),
            trunk=fact.trunk,
            account=fact.account,
            language=fact.language,
            flow=fact.flow,
            revision=fact.revision,
        )
        self._begin(LEGS, fact.leg, call=fact.call, began_at=fact.utc)

    def _call_answered(self, fact: facts.CallAnswered) -> None:
        self._set(CALLS, fact.call, answered_at=self._utc)

    def _node_entered(self, fact: facts.NodeEntered) -> None:
        self._set(CALLS, fact.call, node=fact.node)

    def _menu_missed(self, fact: facts.MenuMissed) -> None:
        if (row := self._row(CALLS, fact.call)) is not None:
            row["misses"] += 1

    def _recording_refused(self, fact: facts.RecordingRefused) -> None:
        self._set(CALLS, fact.call, is_refused=True)

    def _call_failed(self, fact: facts.CallFailed) -> None:
        self._set(CALLS, fact.call, failure=fact.reason)

    def _call_ended(self, fact: facts.CallEnded) -> None:
        self._end(
            CALLS,
            fact.call,
            outcome=fact.outcome,
            ended_by=fact.ended_by,
            billed_ms=fact.billed_ms,
            cause=fact.cause,
            q850=fact.q850,
        )

    def _leg_dialled(self, fact: facts.LegDialled) -> None:
        self._begin(
            LEGS,
            fact.leg,
            call=fact.call,
            began_at=self._utc,
            target=fact.target,
            operator=fact.operator,
        )

    def _leg_was_answered(self, fact: facts.LegWasAnswered) -> None:
        self._set(LEGS, fact.leg, answered_at=self._utc)

    def _leg_gone(self, fact: facts.LegGone) -> None:
        quality = msgspec.to_builtins(fact.quality)
        self._end(LEGS, fact.leg, cause=fact.cause, code=fact.code, q850=fact.q850, **quality)

    # --- the queue --------------------------------------------------------------------------------

    def _queue_joined(self, fact: facts.QueueJoined) -> None:
        self._begin(TICKETS, fact.ticket, call=fact.call, queue=fact.queue, joined_at=self._utc)
        self._set(CALLS, fact.call, queue=fact.queue, joined_at=self._utc)

    def _queue_left(self, fact: facts.QueueLeft) -> None:
        self._end(
            TICKETS,
            fact.ticket,
            reason=fact.reason,
            outcome=_outcome(fact),
            waited_ms=fact.waited_ms,
        )
        self._set(CALLS, fact.call, waited_ms=fact.waited_ms)

    def _offer_made(self, fact: facts.OfferMade) -> None:
        self._begin(
            OFFERS,
            fact.offer,
            call=fact.call,
            ticket=fact.ticket,
            queue=fact.queue,
            operator=fact.operator,
            leg=fact.leg,
            made_at=self._utc,
        )
        row = self._row(CALLS, fact.call)
        if row is not None and row["offered_at"] is None:
            row["offered_at"] = self._utc

    def _offer_ringing(self, fact: facts.OfferRinging) -> None:
        self._set(OFFERS, fact.offer, ringing_at=self._utc)

    def _offer_accepted(self, fact: facts.OfferAccepted) -> None:
        self._end(OFFERS, fact.offer, result="accepted")

    def _offer_declined(self, fact: facts.OfferDeclined) -> None:
        self._end(OFFERS, fact.offer, result="declined", code=fact.code)

    def _offer_expired(self, fact: facts.OfferExpired) -> None:
        self._end(OFFERS, fact.offer, result="expired")

    def _offer_unreachable(self, fact: facts.OfferUnreachable) -> None:
        self._end(OFFERS, fact.offer, result="unreachable", code=fact.code)

    def _offer_withdrawn(self, fact: facts.OfferWithdrawn) -> None:
        self._end(OFFERS, fact.offer, result="withdrawn", reason=fact.reason)

    def _talk_started(self, fact: facts.TalkStarted) -> None:
        self._set(CALLS, fact.call, talk_at=self._utc, operator=fact.operator)

    def _talk_ended(self, fact: facts.TalkEnded) -> None:
        if (row := self._row(CALLS, fact.call)) is not None:
            row["talked_ms"] += fact.talked_ms
            row["held_ms"] += fact.held_ms

    # --- operators --------------------------------------------------------------------------------

    def _presence_changed(self, fact: facts.PresenceChanged) -> None:
        for row in list(self._open[PRESENCES].values()):
            if row["operator"] == fact.operator:
                self._end(PRESENCES, row["id"])
        self._begin(
            PRESENCES,
            self._place,
            operator=fact.operator,
            presence=fact.presence,
            reason=fact.reason,
            by=fact.by,
            began_at=self._utc,
        )

    def _wrap_up_started(self, fact: facts.WrapUpStarted) -> None:
        self._begin(WRAP_UPS, self._place, operator=fact.operator, call=fact.call, began_at=self._utc)

    def _wrap_up_ended(self, fact: facts.WrapUpEnded) -> None:
        for row in list(self._open[WRAP_UPS].values()):
            if row["operator"] == fact.operator:
                self._end(WRAP_UPS, row["id"], by=fact.by)

    # --- recordings and settings ------------------------------------------------------------------

    def _recording_started(self, fact: facts.RecordingStarted) -> None:
        self._begin(
            RECORDINGS,
            fact.recording,
            call=fact.call,
            kind=fact.kind,
            name=fact.name,
            began_at=self._utc,
        )

    def _recording_ended(self, fact: facts.RecordingEnded) -> None:
        self._end(
            RECORDINGS,
            fact.recording,
            path=fact.path,
            duration_ms=fact.duration_ms,
            size=fact.size,
            reason=fact.reason,
        )

    def _voicemail_left(self, fact: facts.VoicemailLeft) -> None:
        self._set(RECORDINGS, fact.recording, mailbox=fact.mailbox)

    def _settings_taken(self, fact: facts.SettingsTaken) -> None:
        self._changed.setdefault(SETTINGS, {})[fact.settings.revision] = {
            "revision": fact.settings.revision,
            "taken_at": self._utc,
            "company": fact.settings.company,
            "body": msgspec.json.encode(fact.settings).decode(),
        }


def _clean(text: str) -> str:
    """PostgreSQL takes no NUL, and what callers send may hold one."""
    return text.replace("\0", "")


def _outcome(fact: facts.QueueLeft) -> Outcome:
    if fact.reason != "abandoned":
        return _EXITS[fact.reason]
    if fact.short:
        return "short_abandon"
    return "abandoned_ringing" if fact.ringing else "abandoned_waiting"


_EXITS: Final[dict[str, Outcome]] = {
    "answered": "answered",
    "timeout": "timeout_exit",
    "key": "key_exit",
    "no_operator": "no_operator_exit",
    "full": "full_exit",
    "closed": "closed_exit",
    "failure": "queue_system_failure",
}
_DEFAULTS: Final[RowValues] = {"misses": 0, "talked_ms": 0, "held_ms": 0, "is_refused": False}
_EMPTY: Final[dict[Table, RowValues]] = {
    table: {column.name: _DEFAULTS.get(column.name) for column in table.columns} for table in FOLDED
}
_FOLDS: Final[dict[type[Fact], Callable[[Fold, Any], None]]] = {
    facts.CallArrived: Fold._call_arrived,
    facts.CallAnswered: Fold._call_answered,
    facts.NodeEntered: Fold._node_entered,
    facts.MenuMissed: Fold._menu_missed,
    facts.RecordingRefused: Fold._recording_refused,
    facts.CallFailed: Fold._call_failed,
    facts.CallEnded: Fold._call_ended,
    facts.LegDialled: Fold._leg_dialled,
    facts.LegWasAnswered: Fold._leg_was_answered,
    facts.LegGone: Fold._leg_gone,
    facts.QueueJoined: Fold._queue_joined,
    facts.QueueLeft: Fold._queue_left,
    facts.OfferMade: Fold._offer_made,
    facts.OfferRinging: Fold._offer_ringing,
    facts.OfferAccepted: Fold._offer_accepted,
    facts.OfferDeclined: Fold._offer_declined,
    facts.OfferExpired: Fold._offer_expired,
    facts.OfferUnreachable: Fold._offer_unreachable,
    facts.OfferWithdrawn: Fold._offer_withdrawn,
    facts.TalkStarted: Fold._talk_started,
    facts.TalkEnded: Fold._talk_ended,
    facts.PresenceChanged: Fold._presence_changed,
    facts.WrapUpStarted: Fold._wrap_up_started,
    facts.WrapUpEnded: Fold._wrap_up_ended,
    facts.RecordingStarted: Fold._recording_started,
    facts.RecordingEnded: Fold._recording_ended,
    facts.VoicemailLeft: Fold._voicemail_left,
    facts.SettingsTaken: Fold._settings_taken,
}
KINDS: Final = frozenset(_FOLDS)
"""Facts that the history is made of; the rest it passes over."""
