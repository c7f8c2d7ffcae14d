"""Journals in a folder of their own."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotline.domain.state import State
from hotline.store.journal import FileJournal

NOON = 1_790_000_000_000_000
"""2026-09-21 14:13:20 UTC, in microseconds."""

Opener = Callable[..., FileJournal]


@pytest.fixture(name="open_journal")
def _open_journal(tmp_path: Path) -> Iterator[Opener]:
    opened: list[FileJournal] = []

    def open_journal(**options: object) -> FileJournal:
        given = {"utc": NOON, "alarm": print, "reserve": 0, **options}
        journal = FileJournal.open(tmp_path / "journal", state_type=State, **given)  # type: ignore[arg-type]
        opened.append(journal)
        return journal

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
