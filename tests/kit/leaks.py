"""The leak check of every test that starts calls: what a process holds returns to where it began."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

__all__ = ["Holdings", "assert_returns_to", "holdings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the kernel says that a process holds."""

    files: int
    sockets: int
    udp_ports: int
    threads: int
    memory_kb: int
    links: tuple[str, ...] = field(repr=False)
    """What each descriptor leads to."""


def holdings(pid: int) -> Holdings:
    """Now; FileNotFoundError when the process is gone."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue  # closed while we looked
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return Holdings(
        files=len(links),
        sockets=len(inodes),
        udp_ports=len(inodes & _udp_inodes(pid)),
        threads=int(status["Threads"]),
        memory_kb=int(status["VmRSS"].split()[0]),
        links=tuple(sorted(links)),
    )


def assert_returns_to(
    before: Holdings,
    pid: int,
    *,
    within_s: float,
    memory_grows_kb: int,
    pool: int = 0,
    extra: Callable[[], str] | None = None,
) -> None:
    """Polls /proc (the kernel sends no event for this) until nothing more is held than before.

    `pool` is how many threads a pool may still start. `extra` returns a sentence while something of the
    program's own counters is still too high, else ''.
    """
    before = replace(before, threads=before.threads + pool)
    until = time.monotonic() + within_s
    while True:
        now = holdings(pid)
        complaint = _complaint(before, now, memory_grows_kb) or (extra() if extra else "")
        if not complaint:
            return
        if time.monotonic() > until:
            raise AssertionError(f"process {pid} leaks: {complaint}; before {before}, now {now}")
        time.sleep(0.05)  # the pace of a poll, not a synchronisation


def _complaint(before: Holdings, now: Holdings, memory_grows_kb: int) -> str:
    for name in ("files", "sockets", "udp_ports", "threads"):
        if getattr(now, name) > getattr(before, name):
            new = sorted(set(now.links) - set(before.links))
            return f"{name} {getattr(before, name)} -> {getattr(now, name)}; new: {new}"
    grown = now.memory_kb - before.memory_kb
    return f"memory grew by {grown} KB" if grown > memory_grows_kb else ""


def _udp_inodes(pid: int) -> set[str]:
    found = set()
    for table in ("udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            found.add(line.split()[9])
    return found
