"""The history's process, started again when it dies: it is only a projection, but it must not stop unseen."""

import asyncio
from pathlib import Path
from typing import Final, Self

import structlog

from hotline.store.database import DatabaseUnusable
from hotline.store.projection import ProjectionProcess

__all__ = ["History"]

log = structlog.get_logger()


class History:
    """One projection process after the other."""

    def __init__(self, journal: Path, url: str, process: ProjectionProcess) -> None:
        self._journal = journal
        self._url = url
        self._process = process

    @classmethod
    async def start(cls, journal: Path, url: str) -> Self:
        """Raises DatabaseUnusable."""
        return cls(journal, url, await ProjectionProcess.start(journal, url))

    def wake(self, seq: int) -> None:
        """Records up to `seq` are written."""
        self._process.wake(seq)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            if not self._process.is_alive:
                log.error("history_ended", sentence="the history's process ended; it is started again")
                try:
                    self._process = await ProjectionProcess.start(self._journal, self._url)
                except DatabaseUnusable as unusable:
                    log.error("history_waits", reason=str(unusable))

    async def close(self) -> None:
        """Lets it fold what is left."""
        if not await self._process.close():
            log.warning("history_behind", sentence="the history goes on from where it is at the next start")


LOOK: Final = 2.0
