"""Real SIP phones in one `hotline-phone` process, driven line by line (crates/phone/README.md).

Every wait is for an event, with a limit; an event that a test has taken is not seen again.
"""

import itertools
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.events import Event, EventLog
from tests.kit.programs import program

__all__ = ["Event", "PhoneError", "Phones", "phones_running"]


class PhoneError(Exception):
    """The phone refused a command, or died."""


class Phones:
    """Many virtual phones; a command returns when it is done, `expect` when its event has come."""

    def __init__(self, log: Path) -> None:
        """Starts the process; its stderr goes to `log`."""
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [program("hotline-phone")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self._events = EventLog()
        self._ids = itertools.count(1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.expect("ready")

    @property
    def pid(self) -> int:
        """Of the phone process."""
        return self._process.pid

    def do(self, command: str, **keys: object) -> None:
        """Gives one command and waits until it is done; raises PhoneError with the phone's reason."""
        number = next(self._ids)
        self._send({"do": command, "id": number} | {key.rstrip("_"): value for key, value in keys.items()})
        answer = self._events.take(
            lambda event: event["event"] in ("done", "failed") and event.get("id") == number, 5, command
        )
        if answer["event"] == "failed":
            raise PhoneError(f"{command}: {answer['reason']}")

    def listen(self, phone: str, **keys: object) -> str:
        """A phone that can be called; returns its address, IP:PORT."""
        self.do("listen", phone=phone, **keys)
        return str(self.expect("listening", phone=phone)["address"])

    def call(self, call: str, to: str, **keys: object) -> None:
        """Places a call named `call`; `from_` is the caller's number."""
        self.do("call", phone=call, call=call, to=to, **keys)

    def expect(self, event: str, *, within_s: float = 5, **match: object) -> Event:
        """The next untaken event of this kind whose keys match; AssertionError tells what came instead."""
        wanted = {key.rstrip("_"): value for key, value in match.items()}
        return self._events.take(
            lambda found: found["event"] == event and all(found.get(key) == value for key, value in wanted.items()),
            within_s,
            f"{event} {wanted}",
        )

    def seen(self, event: str, **match: object) -> list[Event]:
        """All events of this kind up to now, taken or not."""
        return self._events.seen(
            lambda found: found["event"] == event and all(found.get(key) == value for key, value in match.items())
        )

    def heard(self, call: str, last_ms: int = 1000) -> Event:
        """What this call's ear took in during the last `last_ms`."""
        self._events.forget(lambda event: event["event"] == "heard" and event["call"] == call)
        self.do("heard", call=call, last_ms=last_ms)
        return self.expect("heard", call=call)

    def hears(self, call: str, satisfied: Callable[[Event], bool], *, what: str, within_s: float = 5) -> Event:
        """Waits until what the call hears satisfies; asks the phone for a report ten times a second meanwhile."""
        self._events.forget(lambda event: event["event"] == "heard" and event["call"] == call)
        self.do("report", call=call, every_ms=100)
        try:
            return self._events.take(
                lambda event: event["event"] == "heard" and event["call"] == call and satisfied(event),
                within_s,
                f"{call} hearing {what}",
            )
        finally:
            self.do("report", call=call, every_ms=0)

    def leaks(self) -> Event:
        """Living calls and the counters of the phone's own SIP stack."""
        self.do("calls")
        return self.expect("calls")

    def close(self) -> None:
        """Hangs up everything and ends the process."""
        if self._process.poll() is None:
            self._send({"do": "quit"})
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            assert pipe is not None
            pipe.close()

    def _send(self, command: Event) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as gone:
            raise PhoneError(f"the phone died, see {self._log.name}") from gone

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.add(json.loads(line))
        self._events.add({"event": "gone"})


@contextmanager
def phones_running(folder: Path) -> Iterator[Phones]:
    """Phones for one test; their process is gone afterwards, whatever happened."""
    phones = Phones(folder / "phones.log")
    try:
        yield phones
    finally:
        phones.close()
