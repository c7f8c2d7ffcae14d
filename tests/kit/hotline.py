"""A running hotline for one test: `hotline serve` with its switch, on ports of its own, in a folder of its own."""

import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tests.kit.leaks import Holdings, assert_returns_to, holdings

__all__ = ["Hotline", "Row", "assert_nothing_leaks", "free_ports"]

Row = dict[str, Any]
"""One row of the history."""

T = TypeVar("T")

SOUNDS_KB = 32_768
"""What a switch may keep of the sounds that a test has played; many calls together have a test of their own."""
POOL = min(32, (os.cpu_count() or 1) + 4)
"""asyncio's own pool of threads grows as it is used, up to this (asyncio.to_thread)."""
PATIENCE_S = 30


def free_ports(count: int) -> list[int]:
    """Ports that are free for UDP and TCP on loopback, below the ephemeral range, with nine free ones behind each."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "0")) or 0)
    found: list[int] = []
    for port in range(25_000 + worker * 1000 + (os.getpid() * 7 + time.monotonic_ns() // 1000) % 700, 32_700, 10):
        with (
            closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
            closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tcp,
        ):
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


class Hotline:
    """Engine and switch; both are ended by `stop`, in order."""

    def __init__(self, folder: Path, company: Path) -> None:
        self.folder = folder
        self.company = company
        self.sip_port, self.operators_port, self._engine_metrics, self._switch_metrics = free_ports(4)
        worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "0")) or 0)
        rtp = 14_000 + worker * 2000
        self.environment = {
            "E2E_DATA": str(folder / "data"),
            "SIP_PORT": str(self.sip_port),
            "OPS_PORT": str(self.operators_port),
            "ENGINE_METRICS": str(self._engine_metrics),
            "SWITCH_METRICS": str(self._switch_metrics),
            "RTP_PORTS": f"{rtp}-{rtp + 1999}",
        }
        self._engine: subprocess.Popen[str] | None = None
        self._log = folder / "engine.log"

    # --- processes ----------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> int:
        """Process id of the engine."""
        assert self._engine is not None
        return self._engine.pid

    @property
    def switch(self) -> int:
        """Process id of the living switch, as the engine keeps it."""
        return int(json.loads((self.folder / "data/run/switch.json").read_text())["pid"])

    def run_environment(self) -> dict[str, str]:
        """For processes of this company, with our programs on the path."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return os.environ | self.environment | {"PATH": path}

    def run(self, *arguments: object, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
        """One `hotline` command to its end, in this company's environment."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "hotline"), *map(str, arguments)],
            env=self.run_environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def operator(self, *arguments: str) -> str:
        """`hotline operator ...`; returns what it said."""
        done = self.run("operator", *arguments, "--company", self.company)
        assert 0 == done.returncode, done.stdout + done.stderr
        return done.stdout

    def take_over(self) -> None:
        """Starts an engine in the place of one that is at work or frozen."""
        before = self._engine
        self.start("--take-over")
        assert before is not None
        before.wait(5)

    def start(self, *options: str) -> None:
        """Starts `hotline serve` and waits until calls are accepted; it takes over a living switch."""
        self._close_pipe()
        with self._log.open("ab") as log:
            self._engine = subprocess.Popen(
                [Path(sys.executable).parent / "hotline", "serve", *options, self.company],
                env=self.run_environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._engine.stdout is not None
        heard, _, _ = select.select([self._engine.stdout], [], [], PATIENCE_S)
        line = self._engine.stdout.readline() if heard else ""
        if not line.startswith("ready "):
            self._engine.kill()
            self._engine.wait()
            raise AssertionError(f"the hotline did not start: {line}\n{self.log()[-4000:]}")

    def kill_engine(self) -> None:
        """kill -9 of Python."""
        assert self._engine is not None
        self._engine.kill()
        self._engine.wait()

    def kill_switch(self) -> None:
        """kill -9 of the voice."""
        os.kill(self.switch, signal.SIGKILL)

    def stop(self) -> int:
        """Ctrl-C: both end in order. Returns the exit code; a switch that stays is killed and fails the test."""
        assert self._engine is not None
        switch = self.switch if (self.folder / "data/run/switch.json").exists() else None
        self._engine.send_signal(signal.SIGINT)
        try:
            code = self._engine.wait(20)
        except subprocess.TimeoutExpired:
            self._engine.kill()
            code = self._engine.wait()
        self._close_pipe()
        if switch is not None and Path(f"/proc/{switch}").exists() and "Z" not in _state(switch):
            os.kill(switch, signal.SIGKILL)
            raise AssertionError(
                f"the switch outlived the engine's orderly end (exit code {code}):\n{self.log()[-3000:]}"
            )
        return code

    def _close_pipe(self) -> None:
        if self._engine is not None and self._engine.stdout is not None:
            self._engine.stdout.close()

    def log(self) -> str:
        """What engine and switch have said."""
        switch = self.folder / "data/run/switch.log"
        said = self._log.read_text() if self._log.exists() else ""
        return said + (f"\n--- switch\n{switch.read_text()[-3000:]}" if switch.exists() else "")

    # --- calls --------------------------------------------------------------------------------------------------------

    def uri(self, number: int | str) -> str:
        """What a phone dials."""
        return f"sip:{number}@127.0.0.1:{self.sip_port}"

    @property
    def operators(self) -> str:
        """Where the operators' phones are expected, IP:PORT."""
        return f"127.0.0.1:{self.operators_port}"

    def calls(self, query: str = "SELECT * FROM calls ORDER BY arrived_at") -> list[Row]:
        """Rows of the history as it stands now."""
        file = self.folder / "data/hotline.db"
        if not file.exists():
            return []
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as history:
            history.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in history.execute(query)]
            except sqlite3.OperationalError as early:
                if "no such table" in str(early):
                    return []
                raise

    def await_calls(self, count: int, *, within_s: float = 10) -> list[Row]:
        """Until the history holds this many ended calls; it is a projection and may lag a little."""
        return self.until(
            lambda: [row for row in self.calls() if row["ended_at"]], lambda rows: len(rows) >= count, within_s
        )

    def until(self, look: Callable[[], T], enough: Callable[[T], bool], within_s: float) -> T:
        """Polls what sends no events; AssertionError shows the last look."""
        limit = time.monotonic() + within_s
        while True:
            seen = look()
            if enough(seen):
                return seen
            if time.monotonic() > limit:
                raise AssertionError(f"not within {within_s} s; the last look: {seen}\n{self.log()[-3000:]}")
            time.sleep(0.05)  # the pace of a poll

    # --- figures and leaks --------------------------------------------------------------------------------------------

    def figures(self) -> dict[str, float]:
        """All gauges and counters of engine and switch, by name with labels."""
        found: dict[str, float] = {}
        for port in (self._engine_metrics, self._switch_metrics):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
                for line in page.read().decode().splitlines():
                    if line and not line.startswith("#"):
                        name, value = line.rsplit(" ", 1)
                        found[name] = float(value)
        return found

    def holdings(self) -> tuple[Holdings, Holdings]:
        """What engine and switch hold now."""
        return holdings(self.engine), holdings(self.switch)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def assert_nothing_leaks(
    hotline: Hotline,
    before: tuple[Holdings, Holdings],
    gauges: dict[str, float],
    *,
    within_s: float = 40,
    memory_grows_kb: int = SOUNDS_KB,
) -> None:
    """Files, sockets, threads and memory of both processes, and the given gauges, return to where they began."""

    def still_open() -> str:
        now = hotline.figures()
        more = [f"{name} {gauges[name]:g} -> {now[name]:g}" for name in gauges if now.get(name, 0) > gauges[name]]
        return ", ".join(more)

    engine, switch = before
    assert_returns_to(switch, hotline.switch, within_s=within_s, memory_grows_kb=memory_grows_kb, extra=still_open)
    assert_returns_to(engine, hotline.engine, within_s=within_s, memory_grows_kb=memory_grows_kb, pool=POOL)
