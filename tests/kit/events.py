"""Events of a program under test, taken one by one: a wait is for an event, with a limit."""

import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Event", "EventLog"]

Event = dict[str, Any]


class EventLog:
    """Filled by a reader thread, read by the test; an event that was taken is not found again."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._events: list[Event] = []
        self._taken: set[int] = set()

    def add(self, event: Event) -> None:
        """Called by the reader."""
        with self._news:
            self._events.append(event)
            self._news.notify_all()

    def take(self, wanted: Callable[[Event], bool], within_s: float, what: str) -> Event:
        """The first untaken event that is wanted; AssertionError tells what came instead."""
        until = time.monotonic() + within_s
        looked = 0
        with self._news:
            while True:
                for index in range(looked, len(self._events)):
                    if index not in self._taken and wanted(self._events[index]):
                        self._taken.add(index)
                        return self._events[index]
                looked = len(self._events)
                left = until - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    raise AssertionError(f"no {what} within {within_s} s; the last events: {self._events[-8:]}")

    def forget(self, unwanted: Callable[[Event], bool]) -> None:
        """What came up to now and is unwanted will not be taken any more."""
        with self._news:
            self._taken |= {index for index, event in enumerate(self._events) if unwanted(event)}

    def seen(self, wanted: Callable[[Event], bool]) -> list[Event]:
        """All such events up to now, taken or not."""
        with self._news:
            return [event for event in self._events if wanted(event)]
