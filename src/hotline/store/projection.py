"""The history's process: it follows the journal on its own and ends when the engine does.

Law: it never shares a thread or a lock with the engine. Its standard input is its lifeline: when that closes
it folds what is left and ends. A database that is away is tried again, loudly, for as long as it takes.
"""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hotline.store.database import DatabaseUnusable, connect, migrate
from hotline.store.history import History, Overtaken

__all__ = ["ProjectionProcess"]

PERIOD_S = 1.0
LONGEST_PAUSE_S = 10.0
END_S = 20.0
_URL = "HOTLINE_HISTORY_DATABASE"

_log = structlog.get_logger()


class ProjectionProcess:
    """The engine's handle on it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, journal: Path, url: str) -> Self:
        """Brings the database to this release, then starts the process.

        Raises DatabaseUnusable: a wrong URL is to be known before the first call.
        """
        engine = connect(url)
        try:
            await migrate(engine)
        finally:
            await engine.dispose()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hotline.store.projection",
            str(journal),
            stdin=asyncio.subprocess.PIPE,
            # The URL may hold a password, which a command line would show to everybody.
            env={**os.environ, _URL: url},
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    def wake(self, seq: int) -> None:
        """It looks by itself once a second: no call is made to wait for it."""

    async def close(self) -> bool:
        """Lets it fold what is left. False when it could not in time; the next start goes on from there."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return await asyncio.wait_for(self._process.wait(), END_S) == 0
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return False


async def follow(journal: Path, url: str, ended: asyncio.Event) -> bool:
    """Folds until `ended` is set, and then once more. True when everything is folded."""
    engine = connect(url)
    history = History(journal, engine)
    pause = PERIOD_S
    try:
        while True:
            is_last = ended.is_set()
            try:
                await history.catch_up()
                pause, is_done = PERIOD_S, True
            except (SQLAlchemyError, OSError, Overtaken) as error:
                _log.error("history_waits", reason=str(error).splitlines()[0])
                pause, is_done = min(2 * pause, LONGEST_PAUSE_S), False
            if is_last:
                return is_done
            await _wait(ended, pause)
    finally:
        await engine.dispose()


async def _wait(ended: asyncio.Event, pause: float) -> None:
    try:
        await asyncio.wait_for(ended.wait(), pause)
    except TimeoutError:
        return


async def _run(journal: Path, url: str) -> int:
    # Ctrl-C reaches the whole group; the engine says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Calls come first: voice and engine share these cores.
    os.nice(10)
    # Records and rows hold no cycles: looking for some among thousands of them is a fifth of the work.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def closed() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), closed)
    return 0 if await follow(journal, url, ended) else 1


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(_run(Path(sys.argv[1]), os.environ[_URL])))
    except DatabaseUnusable as unusable:
        sys.exit(str(unusable))
