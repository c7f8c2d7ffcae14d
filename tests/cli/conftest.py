"""`hotline` as a person runs it: a process, its exit code, what it says."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.hotline import free_ports

Said = subprocess.CompletedProcess[str]
Hotline = Callable[..., Said]

COMPANY = """\
company = "North Wind"
language = "en"
data = "var"
[sip]
udp = "127.0.0.1:{sip}"
rtp = "18000-18999"
[[trunks]]
name = "loopback"
addresses = ["127.0.0.0/8"]
options_every = "0s"
[[numbers]]
number = "100"
flow = "main"
[[operators]]
id = "anna"
name = "Anna"
device = "sip:anna@127.0.0.1:{phone}"
[queues.sales]
operators = ["anna"]
[flows.main.answer]
do = "answer"
[flows.main.wait]
do = "enqueue"
queue = "sales"
"""


@pytest.fixture(name="company")
def _company(tmp_path: Path) -> Path:
    """A valid company on free ports."""
    sip, phone = free_ports(2)
    file = tmp_path / "company.toml"
    file.write_text(COMPANY.format(sip=sip, phone=phone))
    return file


@pytest.fixture(name="hotline")
def _hotline(tmp_path: Path) -> Hotline:
    """Runs one command to its end in an empty folder."""

    def run(*arguments: object, **environ: str) -> Said:
        return subprocess.run(
            [Path(sys.executable).parent / "hotline", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"NO_COLOR": "1", "COLUMNS": "200"} | environ,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture(name="serving")
def _serving(company: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts `hotline serve` and waits for its ready line; whatever is left is ended."""
    started: list[subprocess.Popen[str]] = []

    def serve(*options: str) -> "subprocess.Popen[str]":
        with (company.parent / f"serve{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                [Path(sys.executable).parent / "hotline", "serve", company, *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), line + Path(log.name).read_text()
        return process

    yield serve
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
