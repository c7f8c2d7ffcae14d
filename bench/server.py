"""The bench company as a running server: `make bench-server`, or `company()` around one figure.

SIP_PORT (5060) and OPS_PORT (5290) come from the environment. Prints one line when calls are accepted:
`ready switch=PID engine=PID sip=IP:PORT`; ends on SIGTERM or Ctrl-C.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from bench.load import HERE, Processes

__all__ = ["company"]

PATIENCE_S = 60


@contextmanager
def company() -> Iterator[Processes]:
    """Starts switch and engine with an empty data folder; both are gone afterwards.

    Raises RuntimeError with their last words when they do not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotline-bench-"))
    operators_port = int(os.environ.get("OPS_PORT", "5290"))
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen(
            [Path(sys.executable).parent / "hotline", "serve", HERE / "company.toml"],
            env=os.environ | {"BENCH_DATA": str(folder / "data")},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        said = _ready_line(engine, folder / "log")
        switch = int(said["switch"])
        yield Processes(
            sip=said["sip"],
            operators_port=operators_port,
            switch=switch,
            engine=engine.pid,
            helpers=tuple(pid for pid in _children(engine.pid) if pid != switch),
        )
    finally:
        engine.terminate()
        try:
            engine.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            engine.kill()
            engine.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _ready_line(engine: "subprocess.Popen[str]", log: Path) -> dict[str, str]:
    """`ready switch=PID engine=PID sip=IP:PORT`, which `hotline serve` says when calls are accepted."""
    assert engine.stdout is not None
    heard, _, _ = select.select([engine.stdout], [], [], PATIENCE_S)
    line = engine.stdout.readline() if heard else ""
    if not line.startswith("ready "):
        raise RuntimeError(f"the bench company does not start: {line}{log.read_text()[-3000:]}")
    return dict(word.split("=", 1) for word in line.split()[1:])


def _children(pid: int) -> list[int]:
    """Process ids, by the kernel's list."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text().split()]


def main() -> NoReturn:
    """Runs until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    with company() as server:
        print(f"ready switch={server.switch} engine={server.engine} sip={server.sip}", flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
