"""The switch as a process: started, watched, taken over, ended; here a small program plays it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from hotline.voice.process import Switch, SwitchFailed, checked_version

PROGRAM = f"""#!{sys.executable}
import os, signal, socket, sys, time
if "--version" in sys.argv:
    print(os.environ.get("FAKE_VERSION", "hotline-switch 0.1.0 (protocols 1)"))
    sys.exit()
if "--taken" in sys.argv:
    sys.exit("hotline-switch: the port 127.0.0.1:5060 is taken")
if "--stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
there = socket.socket(socket.AF_UNIX)
there.bind(sys.argv[sys.argv.index("--socket") + 1])
there.listen()
while True:
    there.accept()[0].close()
"""


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Path:
    program = tmp_path / "hotline-switch"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return program


@pytest.fixture(name="switch")
async def _switch(program: Path, tmp_path: Path) -> AsyncIterator[Switch]:
    switch = Switch(program=program, arguments=["--fine"], folder=tmp_path / "run")
    yield switch
    await switch.stop()


def is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def test_it_starts_in_a_session_of_its_own(switch: Switch) -> None:
    await switch.ensure()

    assert is_alive(switch.pid)
    assert os.getsid(switch.pid) == switch.pid != os.getsid(0)
    assert json.loads((switch.socket.parent / "switch.json").read_text())["pid"] == switch.pid


async def test_a_living_one_is_taken_over_not_started_again(switch: Switch, program: Path) -> None:
    await switch.ensure()
    later = Switch(program=program, arguments=["--fine"], folder=switch.socket.parent)
    await later.ensure()

    assert later.pid == switch.pid


async def test_one_that_dies_is_started_again_within_two_seconds(switch: Switch) -> None:
    await switch.ensure()
    first = switch.pid
    watch = asyncio.create_task(switch.watch())
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(2):
        while switch.pid == first or not switch.socket.exists():
            await asyncio.sleep(0.01)
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch

    assert is_alive(switch.pid)
    assert switch.restarts == 1


async def test_the_end_is_in_order_and_leaves_nothing_behind(switch: Switch) -> None:
    await switch.ensure()
    pid = switch.pid
    await switch.stop()

    assert not is_alive(pid)
    assert not switch.socket.exists()


async def test_one_that_will_not_end_is_made_to(program: Path, tmp_path: Path) -> None:
    switch = Switch(program=program, arguments=["--stubborn"], folder=tmp_path / "run")
    await switch.ensure()
    pid = switch.pid
    await switch.stop(within=0.1)

    assert not is_alive(pid)


async def test_one_that_would_not_start_says_why(program: Path, tmp_path: Path) -> None:
    switch = Switch(program=program, arguments=["--taken"], folder=tmp_path / "run")

    with pytest.raises(SwitchFailed, match=r"would not start: the port 127.0.0.1:5060 is taken$"):
        await switch.ensure()


async def test_one_that_is_a_unit_of_its_own_is_never_ended(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    unit = subprocess.Popen([program, "run", "--socket", folder / "switch.sock"])
    switch = Switch(program=program, arguments=[], folder=folder)
    await switch.ensure(patience=5)
    await switch.stop()

    assert switch.pid == unit.pid
    assert is_alive(unit.pid)
    unit.kill()
    unit.wait()


async def test_a_path_too_long_for_a_socket_is_a_sentence(program: Path, tmp_path: Path) -> None:
    switch = Switch(program=program, arguments=[], folder=tmp_path / ("x" * 100))

    with pytest.raises(SwitchFailed, match="too long for a socket"):
        await switch.ensure()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("hotline-switch 9.0.0 (protocols 7, 8)", "speaks the protocols 1, .* of version 9.0.0 speaks 7, 8"),
        ("nonsense", "says neither version nor protocols"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(
    program: Path, monkeypatch: pytest.MonkeyPatch, said: str, sentence: str
) -> None:
    monkeypatch.setenv("FAKE_VERSION", said)

    with pytest.raises(SwitchFailed, match=sentence):
        checked_version(program)


def test_a_pair_that_fits_is_taken(program: Path) -> None:
    assert checked_version(program) == "0.1.0"
