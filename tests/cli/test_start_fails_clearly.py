"""A start that cannot be: one sentence, its exit code, and nothing half-started."""

import socket
from pathlib import Path

import pytest

from hotline.app.exits import Exit
from tests.cli.conftest import Hotline


def port_of(company: Path) -> int:
    line = next(line for line in company.read_text().splitlines() if line.startswith("udp"))
    return int(line.strip('"').rpartition(":")[2])


def no_switch_runs(company: Path) -> bool:
    """No process has this company's control socket on its command line."""
    wanted = str(company.parent / "var/run/switch.sock").encode()
    return not any(wanted in _command(process) for process in Path("/proc").glob("[0-9]*"))


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_file_with_mistakes(hotline: Hotline, company: Path) -> None:
    company.write_text(company.read_text().replace('"anna"]', '"ana"]'))
    said = hotline("serve", company)

    assert said.returncode == Exit.CONFIGURATION
    assert (
        'company.toml:19: queue "sales" names operator "ana", who does not exist; did you mean "anna"?' in said.stderr
    )
    assert not (company.parent / "var").exists()


def test_a_file_that_is_not_there(hotline: Hotline) -> None:
    said = hotline("serve", "none.toml")

    assert said.returncode == Exit.CONFIGURATION
    assert "cannot be read: No such file or directory" in said.stderr


def test_a_taken_port(hotline: Hotline, company: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port_of(company)))
        said = hotline("serve", company)

    assert said.returncode == Exit.SWITCH
    assert str(port_of(company)) in said.stderr
    assert "Traceback" not in said.stderr
    assert no_switch_runs(company)


def test_a_sound_that_cannot_be_read(hotline: Hotline, company: Path) -> None:
    (company.parent / "music.mp3").write_bytes(b"this is no music")
    company.write_text(company.read_text().replace("[queues.sales]", '[queues.sales]\nmusic = "music.mp3"'))
    said = hotline("serve", company)

    assert said.returncode == Exit.CONFIGURATION
    assert "music.mp3" in said.stderr
    assert "Traceback" not in said.stderr
    assert no_switch_runs(company)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "no url", "postgresql://u:hunter2@127.0.0.1:9/x"])
def test_a_wrong_database(hotline: Hotline, company: Path, url: str) -> None:
    company.write_text(company.read_text().replace("[sip]", f'[database]\nurl = "{url}"\n[sip]'))
    said = hotline("serve", company)

    assert said.returncode == Exit.DATABASE
    assert "database" in said.stderr
    assert "hunter2" not in said.stderr
    assert "Traceback" not in said.stderr
    assert no_switch_runs(company)


def test_a_data_folder_that_is_a_file(hotline: Hotline, company: Path) -> None:
    (company.parent / "var").write_text("in the way")
    said = hotline("serve", company)

    assert said.returncode == Exit.DISK
    assert "cannot be used" in said.stderr
    assert "Traceback" not in said.stderr
