"""What cannot start says why in one sentence, with an exit code, and leaves nothing half-started."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.hotline import Hotline

CONFIGURATION, SWITCH, DISK, DATABASE = 3, 4, 5, 6
COMPANY = Path(__file__).resolve().parent / "company.toml"


@pytest.fixture(name="stopped")
def _stopped(tmp_path: Path) -> Iterator[Hotline]:
    """Never started; afterwards no process has our folder in its command line."""
    yield Hotline(tmp_path, COMPANY)
    found = subprocess.run(["pgrep", "-f", str(tmp_path / "data")], capture_output=True, text=True, check=False)
    assert not found.stdout, "something was left running"


def _refusal(stopped: Hotline, company: Path, code: int) -> str:
    done = stopped.run("serve", company, timeout_s=30)
    said = done.stdout + done.stderr
    assert code == done.returncode, said
    assert "Traceback" not in said, said
    return said


def _with(stopped: Hotline, old: str, new: str) -> Path:
    text = COMPANY.read_text()
    assert old in text
    changed = stopped.folder / "changed.toml"
    changed.write_text(text.replace(old, new, 1))
    return changed


def test_a_mistake_in_the_file_is_named_by_its_line(stopped: Hotline) -> None:
    """With what was probably meant."""
    changed = _with(stopped, 'operators = "anna"', 'operators = "ana"')
    line = next(n for n, text in enumerate(changed.read_text().splitlines(), 1) if '"ana"' in text)

    said = _refusal(stopped, changed, CONFIGURATION)
    assert f"changed.toml:{line}" in said
    assert "anna" in said


def test_a_taken_sip_port_is_named(stopped: Hotline) -> None:
    """Another server is there already."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", stopped.sip_port))
        said = _refusal(stopped, COMPANY, SWITCH)

    assert str(stopped.sip_port) in said


def test_an_unreadable_prompt_is_named(stopped: Hotline) -> None:
    """A file that is no sound."""
    (stopped.folder / "noise.wav").write_bytes(b"this is no sound at all")
    changed = _with(stopped, 'say = "pack:closed"', 'say = "file:noise.wav"')

    assert "noise.wav" in _refusal(stopped, changed, CONFIGURATION)


def test_a_wrong_database_is_named_without_its_password(stopped: Hotline) -> None:
    """Nobody listens at that address."""
    url = "postgresql://hotline:secret@127.0.0.1:1/hotline"
    changed = _with(stopped, "[metrics]", f'[database]\nurl = "{url}"\n\n[metrics]')
    said = _refusal(stopped, changed, DATABASE)

    assert "database" in said
    assert "secret" not in said


def test_a_full_disk_is_named(stopped: Hotline) -> None:
    """In a mount namespace of its own, with 64 KB for everything."""
    data = Path(stopped.environment["E2E_DATA"])
    data.mkdir()
    serve = ["hotline", "serve", str(COMPANY)]
    mount = f"mount -t tmpfs -o size=64k tmpfs {data} && exec {' '.join(serve)}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount],
        env=stopped.run_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr

    assert DISK == done.returncode, said
    assert "Traceback" not in said, said
    assert "disk" in said.lower() or "space" in said.lower(), said
