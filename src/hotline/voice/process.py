"""The switch as a process: found, checked, started in a session of its own, watched, ended in order.

A switch outlives its engine on purpose: one that is alive is taken over, a new one is started only when there is none.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from hotline.voice import frames

__all__ = ["Switch", "SwitchFailed", "binary", "checked_version"]

log = structlog.get_logger()


class SwitchFailed(Exception):
    """The switch is missing, does not fit, or would not start; the sentence says which."""


def binary(name: str = "hotline-switch") -> Path:
    """The program in `$HOTLINE_BIN`, beside `hotline`, or built in this checkout. Raises `SwitchFailed`."""
    checkout = Path(__file__).resolve().parents[3] / "target"
    named = [Path(os.environ["HOTLINE_BIN"])] if "HOTLINE_BIN" in os.environ else []
    places = [
        *named,
        Path(sys.executable).parent,
        Path(sys.argv[0]).resolve().parent,
        checkout / "release",
        checkout / "debug",
    ]
    for place in places:
        if (path := place / name).is_file() and os.access(path, os.X_OK):
            return path
    if found := shutil.which(name):
        return Path(found)
    raise SwitchFailed(f"the program {name} was not found: install the package hotline-switch, or run `make build`")


def checked_version(program: Path) -> str:
    """Its version. Raises `SwitchFailed` when it shares no protocol with us."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SwitchFailed(f"{program} does not run: {error}") from None
    found = re.search(r"(?P<version>\d\S*) \(protocols (?P<protocols>[\d, ]+)\)", said)
    if not found:
        raise SwitchFailed(f"{program} says neither version nor protocols: {said.strip()!r}")
    theirs = [int(protocol) for protocol in re.findall(r"\d+", found["protocols"])]
    if not set(theirs) & set(frames.PROTOCOLS):
        raise SwitchFailed(
            f"this hotline speaks the protocols {_listed(frames.PROTOCOLS)}, {program} of version {found['version']} "
            f"speaks {_listed(theirs)}: install packages of the same release"
        )
    return found["version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is written beside the socket, so that a later engine finds the process."""

    pid: int
    arguments: list[str]


class Switch:
    """The one switch of a folder."""

    def __init__(self, *, program: Path, arguments: list[str], folder: Path) -> None:
        """`arguments` are those of `hotline-switch run` beside the socket; `folder` holds socket, log and pid."""
        self.socket = folder / "switch.sock"
        self.log = folder / "switch.log"
        self._file = folder / "switch.json"
        self._program = program
        self._arguments = arguments
        self._child: subprocess.Popen[bytes] | None = None
        self._pidfd: int | None = None
        self._foreign = False
        self.pid = 0
        self.restarts = 0
        self.was_alive = False
        """Taken over, not started."""

    async def ensure(self, patience: float = 0.0) -> None:
        """A living switch: taken over when there is one within `patience` seconds, else started.

        Raises `SwitchFailed`.
        """
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET:
            raise SwitchFailed(f"the path {self.socket} is too long for a socket: choose a shorter data folder")
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        until = asyncio.get_running_loop().time() + patience
        while not self._adopt():
            if asyncio.get_running_loop().time() >= until:
                await self._start()
                return
            await asyncio.sleep(FIRST_PAUSE)
        self.was_alive = True

    async def watch(self) -> None:
        """Starts it again whenever it ends, at once the first time, then with pauses. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            await self._ended()
            code = self._reaped()
            log.error("switch_ended", pid=self.pid, code=code, said=self._last_words(0))
            self.restarts += 1
            if self._foreign:
                await self._await_foreign()
                continue
            pause = FIRST_PAUSE if loop.time() - began > STEADY else min(pause * 2, LONGEST_PAUSE)
            while True:
                await asyncio.sleep(pause)
                try:
                    await self._start()
                    break
                except SwitchFailed as failure:
                    pause = min(pause * 2, LONGEST_PAUSE)
                    log.error("switch_start_failed", reason=str(failure), again_in_s=pause)

    async def stop(self, within: float = 5.0) -> None:
        """Ends it in order; by force when it does not go. Calls end. One that is a unit of its own is left alone."""
        if self._pidfd is None or self._foreign:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended(), within)
        except TimeoutError:
            log.warning("switch_killed", pid=self.pid)
            self._signal(signal.SIGKILL)
            await self._ended()
        self._reaped()
        for file in (self._file, self.socket):
            file.unlink(missing_ok=True)

    async def _start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._turn_log()
        with self.log.open("ab") as out:
            heard_from = out.tell()
            command = [str(self._program), "run", "--socket", str(self.socket), *self._arguments]
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, close_fds=True
            )
        self._holds(self._child.pid)
        self._file.write_text(json.dumps({"pid": self.pid, "arguments": self._arguments}))
        for _ in range(READY_TRIES):
            if self._child.poll() is not None:
                self._reaped()
                self._file.unlink(missing_ok=True)
                said = self._last_words(heard_from) or f"exit code {self._child.returncode}"
                raise SwitchFailed(f"the switch would not start: {said}")
            if _peer(self.socket) is not None:
                log.info("switch_started", pid=self.pid)
                return
            await asyncio.sleep(READY_STEP)
        self._child.kill()
        raise SwitchFailed(f"the switch did not open {self.socket} in time; its log is {self.log}")

    def _adopt(self) -> bool:
        pid = _peer(self.socket)
        if pid is None:
            return False
        try:
            self._holds(pid)
        except ProcessLookupError:
            return False
        kept = self._kept()
        self._foreign = kept is None or kept.pid != pid
        log.info("switch_taken_over", pid=pid, unit_of_its_own=self._foreign)
        if kept is not None and not self._foreign and kept.arguments != self._arguments:
            log.warning(
                "switch_differs", sentence="the living switch has other [sip] settings: restart it to change them"
            )
        return True

    async def _await_foreign(self) -> None:
        """Somebody else starts it again: its unit."""
        while not self._adopt():
            await asyncio.sleep(FIRST_PAUSE)

    def _kept(self) -> _Kept | None:
        try:
            return _Kept(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _holds(self, pid: int) -> None:
        self._release()
        self._pidfd = os.pidfd_open(pid)
        self.pid = pid

    def _release(self) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    async def _ended(self) -> None:
        """Until the process is gone: its descriptor becomes readable."""
        if self._pidfd is None:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(self._pidfd, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._pidfd)

    def _reaped(self) -> int | None:
        self._release()
        return self._child.wait() if self._child is not None and self._child.pid == self.pid else None

    def _signal(self, number: signal.Signals) -> None:
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _turn_log(self) -> None:
        """Keeps one old log, so that the two never grow without end."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _last_words(self, start: int) -> str:
        """What it said last since `start`, in plain words."""
        try:
            size = self.log.stat().st_size
            with self.log.open("rb") as file:
                file.seek(max(start, size - 4096))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return next(_sentences(reversed(lines)), "")


def _sentences(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            said = line
        if isinstance(said, dict):
            fields = said.get("fields")
            said = fields.get("message") if isinstance(fields, dict) else said.get("message")
        if isinstance(said, str) and said.strip():
            yield said.strip().removeprefix("hotline-switch: ")


def _peer(path: Path) -> int | None:
    """The process that accepts connections there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return None
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


def _listed(protocols: "tuple[int, ...] | list[int]") -> str:
    return ", ".join(str(protocol) for protocol in protocols)


FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 1.5
STEADY: Final = 30.0
"""Seconds after which an end counts as the first again."""
READY_STEP: Final = 0.02
READY_TRIES: Final = 500
LONGEST_SOCKET: Final = 107
LOG_LIMIT: Final = 64 << 20
