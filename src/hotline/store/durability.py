"""What the loop must not wait for: fsync and checkpoints, in a thread of their own.

Law: "written" means that a record survives this process; `durable` that it survives a power cut. The thread
syncs the write-ahead log within some 20 ms of a write and tells whoever waits; promises to people wait.
A checkpoint inline would cost the loop 13 ms at the 99th percentile (ARCHITECTURE.md, section 6).
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["Durability"]

_CHECKPOINT_EVERY = 1000
"""Records between two checkpoints: 4 to 8 MB of log. Its file's size would tell nothing: it never shrinks."""
_PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
_PAUSE_S = 0.018
"""Gathers the records of a few batches in one sync."""


class Durability:
    """Syncs and checkpoints one day's file. Every method is called from the loop's thread."""

    def __init__(self, file: Path, alarm: Callable[[str], None]) -> None:
        self._file = file
        self._alarm = alarm
        self._log = os.open(f"{file}-wal", os.O_RDONLY | os.O_CLOEXEC)
        self._written = threading.Event()
        self._ending = False
        self._pause = threading.Event()
        self._seq = 0
        self._synced = 0
        self._checkpointed = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._mutex = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def wrote(self, seq: int) -> None:
        """Records up to `seq` are in the log."""
        self._seq = seq
        if not self._written.is_set():
            self._written.set()

    async def durable(self, seq: int) -> None:
        """Waits until `seq` is on the disk. Raises OSError when the disk fails."""
        done = asyncio.get_running_loop().create_future()
        with self._mutex:
            if self._synced >= seq:
                return
            self._waiting.append((seq, done))
        await done

    def close(self) -> None:
        """Syncs what is left and ends the thread."""
        self._ending = True
        self._written.set()
        self._pause.set()
        self._thread.join()
        os.close(self._log)

    def _run(self) -> None:
        connection = sqlite3.connect(self._file, isolation_level=None, timeout=5)
        try:
            while not self._ending:
                self._written.wait()
                self._written.clear()
                self._sync()
                if self._synced - self._checkpointed >= _CHECKPOINT_EVERY:
                    self._checkpoint(connection)
                self._pause.wait(_PAUSE_S)
            self._sync()
        finally:
            connection.close()

    def _sync(self) -> None:
        """On an error those who wait are told; written records still survive the process."""
        seq, failure = self._seq, None
        try:
            os.fdatasync(self._log)
        except OSError as error:
            failure = error
            self._alarm(f"the journal cannot be synced to disk: {error}")
        with self._mutex:
            if failure is None:
                self._synced = seq
            ready = [done for upto, done in self._waiting if upto <= seq]
            self._waiting = [(upto, done) for upto, done in self._waiting if upto > seq]
        for done in ready:
            done.get_loop().call_soon_threadsafe(_resolve, done, failure)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Moves the log into the database without holding the writer up; a few tries reach its end.

        Only a log that is moved whole begins again at its start: one that grew meanwhile is tried again at the
        next sync. A full disk is the writer's to tell: until then the log goes on growing.
        """
        synced, end = self._synced, -1
        with suppress(sqlite3.OperationalError):
            for _ in range(5):
                busy, in_log, moved = connection.execute(_PASSIVE).fetchone()
                if busy:
                    return
                if in_log == moved == end:
                    self._checkpointed = synced
                    return
                end = in_log


def _resolve(done: "asyncio.Future[None]", failure: OSError | None) -> None:
    if done.done():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
