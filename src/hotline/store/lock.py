"""One engine at a time: who owns the journal's folder.

Law: the lock (`flock`) is taken first and kept as long as the process lives, frozen or not; only then is the
epoch raised. The switch refuses lower epochs, so an owner that wakes up late can do nothing.
"""

import fcntl
import os
import select
import signal
from pathlib import Path
from typing import Self

__all__ = ["FolderLock", "FolderTaken"]


class FolderTaken(RuntimeError):
    """Another engine owns the journal. The sentence says which process."""


class FolderLock:
    """The lock on a folder, the epoch kept beside it."""

    def __init__(self, folder: Path, file: int, epoch: int) -> None:
        self._folder = folder
        self._file = file
        self.epoch = epoch

    @classmethod
    def take(cls, folder: Path, *, utc: int, take_over: bool = False, wait_s: float = 5.0) -> Self:
        """Locks `folder` and raises its epoch.

        With `take_over` the present owner is asked to end (SIGTERM), and after `wait_s` made to (SIGKILL).
        Raises FolderTaken, and OSError when the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _locked(file):
                owner = int(os.pread(file, 32, 0).split()[0] or b"0")
                if not take_over:
                    raise FolderTaken(
                        f"another engine (process {owner}) owns {folder}; end it, or start with --take-over"
                    )
                _end(owner, file, wait_s)
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
            return cls(folder, file, _raise_epoch(folder, utc))
        except BaseException:
            os.close(file)
            raise

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end(owner: int, file: int, wait_s: float) -> None:
    """Ends the owner by its pidfd, so that no stranger who got the number meanwhile is hit."""
    try:
        handle = os.pidfd_open(owner)
    except OSError:
        handle = -1
    try:
        if handle >= 0 and not _locked(file):
            for kind in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(handle, kind)
                if select.select([handle], [], [], wait_s)[0]:
                    break
    finally:
        if handle >= 0:
            os.close(handle)
    if not _locked(file):
        raise FolderTaken(f"process {owner} did not give the journal up")


def _raise_epoch(folder: Path, utc: int) -> int:
    """One more than the last; at least the wall clock's seconds, so that a lost file does no harm."""
    kept = folder / "epoch"
    before = int(kept.read_text()) if kept.exists() else 0
    epoch = max(before + 1, utc // 1_000_000)
    fresh = folder / "epoch.new"
    with fresh.open("w") as file:
        file.write(str(epoch))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(kept)
    return epoch
