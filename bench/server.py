"""The bench company as a running server: `make bench-server`, or `company()` around one figure.

SIP_PORT (5060) and OPS_PORT (5290) come from the environment. Prints one line when calls are accepted:
`ready switch=PID engine=PID sip=IP:PORT`; ends on SIGTERM or Ctrl-C.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from bench.load import HERE, Processes

__all__ = ["company"]

PATIENCE_S = 60
ECHO = 400


@contextmanager
def company() -> Iterator[Processes]:
    """Starts switch and engine with an empty data folder; both are gone afterwards.

    Raises RuntimeError with their last words when they do not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotline-bench-"))
    sip_port, operators_port = _port("SIP_PORT", 5060), _port("OPS_PORT", 5290)
    ports = {"SIP_PORT": str(sip_port), "OPS_PORT": str(operators_port)}
    log = (folder / "log").open("wb")
    engine = subprocess.Popen(
        [_beside_python("hotline"), "serve", HERE / "company.toml"],
        env=os.environ | ports | {"BENCH_DATA": str(folder / "data")},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        sip = f"127.0.0.1:{sip_port}"
        _await_calls(engine, sip, folder / "log")
        yield Processes(sip=sip, operators_port=operators_port, switch=_switch_of(folder / "data"), engine=engine.pid)
    finally:
        engine.terminate()
        try:
            engine.wait(15)
        except subprocess.TimeoutExpired:
            engine.kill()
            engine.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _await_calls(engine: "subprocess.Popen[bytes]", sip: str, log: Path) -> None:
    """A test call is the only proof that calls are accepted: the echo number must answer."""
    until = time.monotonic() + PATIENCE_S
    phone = str(HERE.parent / "target" / "release" / "hotline-phone")
    while time.monotonic() < until:
        if engine.poll() is not None:
            break
        call = [phone, "call", f"sip:{ECHO}@{sip}", "--from", "+70000000000", "--for", "100ms", "--ring-for", "3s"]
        if subprocess.run(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return
        time.sleep(0.2)  # the pace of the attempts
    raise RuntimeError(f"the bench company does not answer; its last words:\n{log.read_text()[-3000:]}")


def _switch_of(data: Path) -> int:
    """The process id that the engine keeps beside the switch's socket."""
    return int(json.loads((data / "run/switch.json").read_text())["pid"])


def _port(variable: str, usual: int) -> int:
    return int(os.environ.get(variable, usual))


def _beside_python(name: str) -> Path:
    return Path(sys.executable).parent / name


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
