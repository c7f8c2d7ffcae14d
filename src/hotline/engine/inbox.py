"""What waits for the engine: news of the switch and asks of people, each in its order.

Law: used on the engine's own event loop only; bounded by the switch's window and by `ASKS`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hotline.domain.hotline import Decision
from hotline.domain.inputs import Input
from hotline.domain.records import News

__all__ = ["Ask", "Inbox", "TooBusy"]

FULL = 8192
ASKS = 1024


class TooBusy(RuntimeError):
    """More asks wait than people can have meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An input that somebody wants handled; the answer leaves after it is written."""

    make: Callable[[int, int], Input]
    """Called with `at` and `utc` when its turn has come."""
    answer: "asyncio.Future[Decision]"


class Inbox:
    """The only way to the engine."""

    def __init__(self) -> None:
        self._news: deque[News] = deque()
        self._asks: deque[Ask] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0

    def post(self, news: News) -> None:
        self._news.append(news)
        self.wake()

    @property
    def is_full(self) -> bool:
        return len(self._news) >= FULL

    def ask(self, make: Callable[[int, int], Input]) -> "asyncio.Future[Decision]":
        """Raises TooBusy."""
        if len(self._asks) >= ASKS:
            raise TooBusy("too many requests wait for the engine; try again")
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._asks.append(Ask(make=make, answer=answer))
        self.wake()
        return answer

    def take_news(self) -> News | None:
        return self._news.popleft() if self._news else None

    def take_ask(self) -> Ask | None:
        return self._asks.popleft() if self._asks else None

    @property
    def has_news(self) -> bool:
        return bool(self._news)

    @property
    def has_asks(self) -> bool:
        return bool(self._asks)

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, timeout_s: float | None) -> None:
        """Until something is posted, somebody wakes it, or the time is over; at times for nothing."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if timeout_s is not None:
            self._ring_by(loop, loop.time() + timeout_s)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _ring_by(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        """Keeps an alarm that is set already: one that comes early costs less than a new one for each event."""
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm, self._alarm_at = loop.call_at(at, self._ring), at

    def _ring(self) -> None:
        self._alarm = None
        self.wake()
