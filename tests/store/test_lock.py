"""One engine at a time, and how the next one takes over."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotline.store.lock import FolderLock, FolderTaken

OWNER = """
import signal, sys
from pathlib import Path
from hotline.store.lock import FolderLock
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = FolderLock.take(Path(sys.argv[1]), utc=0)
print(lock.epoch, flush=True)
signal.pause()
"""


@contextmanager
def owner(folder: Path, kind: str = "polite") -> Iterator["subprocess.Popen[str]"]:
    """A process that owns the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder), kind], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


def test_a_second_engine_is_refused_and_told_who_owns_the_journal(tmp_path: Path) -> None:
    """With the number of the process."""
    with owner(tmp_path) as first, pytest.raises(FolderTaken, match=f"process {first.pid}.*--take-over"):
        FolderLock.take(tmp_path, utc=0)


@pytest.mark.parametrize("kind", ["polite", "stubborn", "frozen"])
def test_take_over_ends_the_owner_and_raises_the_epoch(tmp_path: Path, kind: str) -> None:
    """By SIGTERM if it listens, by SIGKILL if it does not or is frozen."""
    with owner(tmp_path, kind) as first:
        if kind == "frozen":
            os.kill(first.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, first.pid, os.WSTOPPED)
        taken = FolderLock.take(tmp_path, utc=0, take_over=True, wait_s=0.5)

        assert 2 == taken.epoch
        assert {"polite": -15}.get(kind, -9) == first.wait(5)
        taken.release()


def test_a_killed_owner_leaves_the_folder_free(tmp_path: Path) -> None:
    """The kernel gives the lock up with the process."""
    with owner(tmp_path) as first:
        first.kill()
        first.wait()

        FolderLock.take(tmp_path, utc=0).release()


def test_a_lost_epoch_file_does_not_lower_the_epoch(tmp_path: Path) -> None:
    """It is at least the wall clock's seconds; a clock set back does not lower it either."""
    first = FolderLock.take(tmp_path, utc=1_790_000_000_000_000)
    first.release()
    (tmp_path / "epoch").unlink()
    second = FolderLock.take(tmp_path, utc=1_790_000_001_000_000)
    second.release()
    third = FolderLock.take(tmp_path, utc=0)
    third.release()

    assert first.epoch < second.epoch < third.epoch
