"""The load tools of this folder, run once, their JSON line read; and what a process costs, from /proc.

Loopback only: the tools themselves refuse any other address and bound every run in calls and seconds.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["HERE", "Json", "Processes", "Resident", "ThreadCpu", "beside", "median", "sipload", "tool"]

HERE = Path(__file__).resolve().parent
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """The processes of the server under test: the switch, the engine, and the engine's own helpers."""

    sip: str
    """IP:PORT where calls are accepted."""
    operators_port: int
    switch: int
    engine: int
    helpers: tuple[int, ...] = ()
    """What else Python runs, such as the projection of the history: it costs too."""

    def all(self) -> dict[str, int]:
        """Name -> process id."""
        return {"switch": self.switch, "engine": self.engine} | {
            f"helper{n}": pid for n, pid in enumerate(self.helpers)
        }

    def watch(self) -> list[str]:
        """The load tools' options that sample these processes."""
        return [word for name, pid in self.all().items() for word in ("--watch", f"{name}={pid}")]


def tool(name: str, *options: object, timeout_s: float = 330) -> Json:
    """Runs one load tool to its end and returns its JSON line; raises RuntimeError with its complaint."""
    done = subprocess.run(
        [str(HERE / name), *map(str, options)], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    return _line_of(name, done.returncode, done.stdout, done.stderr)


@contextmanager
def beside(name: str, *options: object) -> Iterator["subprocess.Popen[str]"]:
    """A tool that runs beside another one and is ended with it (the floor under `rtpload pairs`, a flood)."""
    running = subprocess.Popen(
        [str(HERE / name), *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()


def sipload(server: Processes, number: int, *options: object, own_operators: bool = False) -> Json:
    """Calls `number` of the server; adds up what its processes cost as `cpu.server_s` and `cpu.server_pct`."""
    phones = ["--uas", server.operators_port] if own_operators else []
    run = tool("sipload", "-s", server.sip, "-e", number, *phones, *server.watch(), *options)
    cpu = run["cpu"]
    parts = [cpu[name] for name in server.all()]
    cpu["server_s"] = sum(part["cpu_s"] for part in parts)
    cpu["server_pct"] = sum(part["pct"] for part in parts)
    cpu["foreign_pct"] = cpu["system_busy_pct"] - cpu["loadgen_pct"] - cpu["server_pct"]
    return run


def _line_of(name: str, code: int, out: str, complaint: str) -> Json:
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if code or not lines:
        raise RuntimeError(f"{name} ended with {code}: {complaint.strip()[-400:] or 'no figures'}")
    found: Json = json.loads(lines[-1])
    return found


class Resident:
    """Resident memory in KB of some processes, added up."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)

    def kb(self) -> int:
        """Now. A process that is gone raises FileNotFoundError: a server that died has no figure."""
        return sum(self.parts())

    def parts(self) -> list[int]:
        """Of each process, in the order given."""
        return [self._of(pid) for pid in self._pids]

    @staticmethod
    def _of(pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


class ThreadCpu:
    """CPU seconds of each thread of a process, by the thread's name, since this object was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began = time.monotonic()
        self._before = self._read()

    def pct(self) -> Mapping[str, float]:
        """Per cent of one core, by thread name, largest first (threads of one name are added up)."""
        wall = time.monotonic() - self._began
        after = self._read()
        cost: dict[str, float] = {}
        for tid, (name, ticks) in after.items():
            spent = ticks - self._before.get(tid, (name, 0))[1]
            cost[name] = cost.get(name, 0.0) + 100 * spent * TICK_S / wall
        return dict(sorted(cost.items(), key=lambda item: -item[1]))

    def _read(self) -> dict[str, tuple[str, int]]:
        found = {}
        for stat in Path(f"/proc/{self._pid}/task").glob("*/stat"):
            try:
                text = stat.read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # the thread ended between the listing and the reading
            name = text[text.index("(") + 1 : text.rindex(")")]
            fields = text[text.rindex(")") + 2 :].split()
            found[stat.parent.name] = (name, int(fields[11]) + int(fields[12]))
        return found


def median(values: Iterable[float]) -> float:
    """The middle of several runs."""
    return statistics.median(list(values))
