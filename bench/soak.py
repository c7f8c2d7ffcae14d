"""`make soak`: mixed calls for MINUTES (60); fails when anything that the server holds keeps growing.

Each round is half a minute of whole calls through a queue, callers who give up waiting, and echo calls.
What is held is looked at between rounds, when no call is up; the first tenth of the time only warms up.
"""

import os
import sys
import time

from bench.load import Json, Processes, sipload
from bench.server import company
from bench.table import Table
from tests.kit.leaks import Holdings, holdings

__all__ = ["main"]

MEMORY_GROWS = 1.10
"""Resident memory at the end over that after the warm-up."""
LINGER_S = 33
"""SIP transactions are kept 32 s by RFC 3261."""


def main() -> int:
    """0 when nothing leaked and no call failed."""
    minutes = float(os.environ.get("MINUTES", "60"))
    began = time.monotonic()
    table = Table("minute", "calls", "failed", "switch MB", "engine MB", "files", "sockets", "threads")
    with company() as server:
        settled: tuple[Holdings, Holdings] | None = None
        failed = 0
        while True:
            runs = _round(server)
            failed += sum(run["calls"]["failed"] + run["calls"]["timeouts"] for run in runs)
            time.sleep(LINGER_S)  # what lingers by the standard is no leak
            now = holdings(server.switch), holdings(server.engine)
            elapsed = (time.monotonic() - began) / 60
            _show(table, elapsed, sum(run["calls"]["started"] for run in runs), failed, now)
            if settled is None and elapsed >= minutes / 10:
                settled = now
            if elapsed >= minutes and settled is not None:
                break
    complaints = [text for before, after in zip(settled, now, strict=True) if (text := _grown(before, after))]
    if failed:
        complaints.append(f"{failed} calls failed")
    print("soak: " + ("; ".join(complaints) or "nothing leaked, no call failed"))
    return 1 if complaints else 0


def _round(server: Processes) -> list[Json]:
    through = ("-n", 600, "-r", 40, "-H", 1, "-w", 1, "-t", 12, "--uac-rtp", "--uas-rtp")
    return [
        sipload(server, 200, *through, own_operators=True),
        sipload(server, 100, "-n", 200, "-r", 40, "-H", 3, "-w", 1, "-t", 6, "--uac-rtp"),
        sipload(server, 400, "-n", 200, "-r", 40, "-H", 2, "-w", 1, "-t", 6, "--uac-rtp"),
    ]


def _show(table: Table, minute: float, calls: int, failed: int, now: tuple[Holdings, Holdings]) -> None:
    switch, engine = now
    table.row(
        minute, calls, failed, switch.memory_kb / 1024, engine.memory_kb / 1024, switch.files + engine.files,
        switch.sockets + engine.sockets, switch.threads + engine.threads,
    )  # fmt: skip


def _grown(before: Holdings, after: Holdings) -> str:
    for name in ("files", "sockets", "udp_ports", "threads"):
        if getattr(after, name) > getattr(before, name):
            return f"{name} {getattr(before, name)} -> {getattr(after, name)}"
    if after.memory_kb > before.memory_kb * MEMORY_GROWS:
        return f"memory {before.memory_kb} -> {after.memory_kb} KB"
    return ""


if __name__ == "__main__":
    sys.exit(main())
