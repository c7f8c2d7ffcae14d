"""The virtual phones: one `hotline-phone` process, driven by lines of JSON (crates/phone/README.md)."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

__all__ = ["PhoneFailed", "Phones"]

Event = dict[str, Any]


class PhoneFailed(Exception):
    """A phone refused, ended, or something that was awaited did not come; the sentence says what."""


class Phones:
    """Real SIP endpoints on loopback."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._ids = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Callable[[Event], bool], asyncio.Future[Event]]] = []
        self.ended: dict[str, Event] = {}
        """How each call ended, by its name; the newest of them."""

    async def open(self) -> None:
        """Raises `PhoneFailed`."""
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        ready = self.expect(lambda event: event["event"] == "ready", PATIENCE, "the phones")
        self._reader = asyncio.create_task(self._read())
        await ready

    async def close(self) -> None:
        """Every call is hung up; the process ends."""
        if self._process is None:
            return
        try:
            self._send({"do": "quit"})
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except (PhoneFailed, OSError, TimeoutError):
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def do(self, verb: str, **keys: Any) -> None:
        """One command, done. Raises `PhoneFailed` with the phone's reason."""
        number = next(self._ids)
        answer = self.expect(
            lambda event: event["event"] in ("done", "failed") and event.get("id") == number, PATIENCE, verb
        )
        self._send({"do": verb, "id": number} | keys)
        event = await answer
        if event["event"] == "failed":
            raise PhoneFailed(f"{verb}: {event.get('reason', '')}")

    def expect(self, wanted: Callable[[Event], bool], within: float, what: str) -> "asyncio.Task[Event]":
        """The next such event from now on."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        entry = (wanted, future)
        self._waiting.append(entry)

        async def wait() -> Event:
            try:
                return await asyncio.wait_for(future, within)
            except TimeoutError:
                raise PhoneFailed(f"{what}: nothing came within {within:g} s") from None
            finally:
                self._waiting.remove(entry)

        return asyncio.create_task(wait())

    def _send(self, command: Event) -> None:
        if self._process is None or self._process.stdin is None or self._process.returncode is not None:
            raise PhoneFailed("the phones have ended")
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["event"] == "ended":
                self.ended[event["call"]] = event
            for wanted, future in tuple(self._waiting):
                if not future.done() and wanted(event):
                    future.set_result(event)
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(PhoneFailed("the phones have ended"))


LONGEST_LINE: Final = 1 << 20
PATIENCE: Final = 10.0
