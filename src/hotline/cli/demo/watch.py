"""What the hotline says of each virtual call: its facts, as they are written, by the caller's number."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hotline.domain import facts
from hotline.domain.records import Record

__all__ = ["CallLog", "Watch"]


@dataclass(slots=True, kw_only=True)
class CallLog:
    """One call, as the journal has it."""

    caller: str
    facts: list[Any] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def find(self, kind: type[Any], **match: Any) -> Any | None:
        """The first such fact."""
        for fact in self.facts:
            if isinstance(fact, kind) and all(getattr(fact, name) == value for name, value in match.items()):
                return fact
        return None

    async def until(self, kind: type[Any], within: float, **match: Any) -> Any:
        """Waits for such a fact. Raises TimeoutError, or `AssertionError` when the call ends without it."""
        async with asyncio.timeout(within):
            while (fact := self.find(kind, **match)) is None:
                if ended := self.find(facts.CallEnded):
                    raise AssertionError(f"the call ended ({ended.outcome}) before {kind.__name__}")
                self.news.clear()
                await self.news.wait()
        return fact


class Watch:
    """Listens to the engine."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.waits: dict[str, list[int]] = {}
        """Milliseconds by how the wait ended."""
        self.recordings: list[tuple[facts.RecordingEnded, CallLog]] = []
        self.begun = 0
        """Recordings that have begun."""
        self._by_caller: dict[str, CallLog] = {}
        self._by_call: dict[str, CallLog] = {}
        self._by_offer: dict[str, CallLog] = {}

    def log(self, caller: str) -> CallLog:
        """The log of the (next) call from this number."""
        return self._by_caller.setdefault(caller, CallLog(caller=caller))

    def see(self, records: Sequence[Record]) -> None:
        """Called by the engine."""
        for record in records:
            for fact in record.facts:
                self._take(fact)

    def _take(self, fact: Any) -> None:
        if isinstance(fact, facts.CallArrived):
            self._by_call[fact.call] = self.log(fact.caller)
        log = self._by_call.get(getattr(fact, "call", "")) or self._by_offer.get(getattr(fact, "offer", ""))
        if log is None:
            return
        if isinstance(fact, facts.OfferMade):
            self._by_offer[fact.offer] = log
        log.facts.append(fact)
        log.news.set()
        if isinstance(fact, facts.CallEnded):
            self.outcomes[fact.outcome] += 1
        elif isinstance(fact, facts.QueueLeft):
            self.waits.setdefault(fact.reason, []).append(fact.waited_ms)
        elif isinstance(fact, facts.RecordingStarted):
            self.begun += 1
        elif isinstance(fact, facts.RecordingEnded):
            self.recordings.append((fact, log))
