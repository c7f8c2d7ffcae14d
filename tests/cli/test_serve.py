"""A running hotline and the verbs that talk to it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hotline.app.exits import Exit
from tests.cli.conftest import Hotline

Serving = Callable[..., "subprocess.Popen[str]"]


def switch_of(company: Path) -> int:
    return int(json.loads((company.parent / "var/run/switch.json").read_text())["pid"])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_ready_line_names_the_processes_and_a_signal_ends_both(serving: Serving, company: Path) -> None:
    process = serving()
    switch = switch_of(company)
    process.send_signal(signal.SIGTERM)

    assert process.wait(20) == Exit.OK
    assert not is_alive(switch)
    assert not (company.parent / "var/run/switch.sock").exists()


def test_a_switch_that_is_kept_is_taken_over(serving: Serving, company: Path) -> None:
    first = serving("--keep-switch")
    switch = switch_of(company)
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == Exit.OK
    assert is_alive(switch)
    serving()

    assert switch_of(company) == switch
    assert is_alive(switch)


def test_an_engine_that_was_killed_leaves_the_switch_to_the_next(serving: Serving, company: Path) -> None:
    first = serving()
    switch = switch_of(company)
    first.kill()
    first.wait()
    assert is_alive(switch)
    serving()

    assert switch_of(company) == switch


def test_a_second_engine_is_refused_and_take_over_ends_the_first(
    serving: Serving, hotline: Hotline, company: Path
) -> None:
    first = serving()
    switch = switch_of(company)
    refused = hotline("serve", company)
    serving("--take-over")

    assert refused.returncode == Exit.TAKEN
    assert f"process {first.pid}" in refused.stderr
    assert first.wait(20) is not None
    assert switch_of(company) == switch
    assert is_alive(switch)


def test_presence_is_changed_by_the_command(serving: Serving, hotline: Hotline, company: Path) -> None:
    serving()
    paused = hotline("operator", "pause", "anna", "--reason", "lunch", "-c", company)
    listed = hotline("operator", "list", "-c", company)
    unknown = hotline("operator", "ready", "ana", "-c", company)

    assert paused.returncode == Exit.OK, paused.stderr
    assert "paused: lunch" in listed.stdout
    assert unknown.returncode == Exit.FAILED
    assert 'there is no operator "ana"; there are anna' in unknown.stderr


def test_a_changed_file_is_taken_and_a_wrong_one_is_not(serving: Serving, hotline: Hotline, company: Path) -> None:
    serving()
    valid = company.read_text()
    company.write_text(valid + '[[operators]]\nid = "viktor"\ndevice = "sip:viktor@127.0.0.1:9"\n')
    taken = hotline("reload", company)
    listed = hotline("operator", "list", "-c", company)
    company.write_text(valid.replace('"anna"]', '"nobody"]'))
    refused = hotline("reload", company)

    assert taken.returncode == Exit.OK, taken.stderr
    assert "viktor" in listed.stdout
    assert refused.returncode == Exit.CONFIGURATION


def test_sighup_takes_a_changed_file(serving: Serving, hotline: Hotline, company: Path) -> None:
    process = serving()
    company.write_text(company.read_text() + '[[operators]]\nid = "viktor"\ndevice = "sip:viktor@127.0.0.1:9"\n')
    process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 20
    while "viktor" not in (listed := hotline("operator", "list", "-c", company).stdout):
        assert time.monotonic() < until, listed


def test_a_history_that_dies_is_started_again(serving: Serving, company: Path) -> None:
    serving()
    (first,) = histories(company)
    os.kill(first, signal.SIGKILL)
    until = time.monotonic() + 20
    while histories(company) in ([], [first]):
        assert time.monotonic() < until
        time.sleep(0.1)  # the pace of a poll of /proc


def histories(company: Path) -> list[int]:
    """The processes that fold this company's journal."""
    journal = str(company.parent / "var/journal").encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"hotline.store.projection" in command and journal in command:
            found.append(int(process.name))
    return found


def test_systemd_is_told_when_calls_are_taken(company: Path, tmp_path: Path, serving: Serving) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            process = serving()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert systemd.recv(100) == b"READY=1"
        process.terminate()
        assert systemd.recv(100) == b"STOPPING=1"
