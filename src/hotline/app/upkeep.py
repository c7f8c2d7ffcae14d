"""What goes on beside the calls: notes beside recordings, retention, the disk, the history's process."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from hotline.domain.facts import RecordingEnded
from hotline.domain.records import Record
from hotline.engine.loop import Engine
from hotline.files.places import NameRefused, write_note
from hotline.files.retention import Retention, sweep
from hotline.files.space import Space, Watch

__all__ = ["Upkeep"]

log = structlog.get_logger()


class Upkeep:
    """Everything that may take long happens in worker threads; a failure is told and tried again later."""

    def __init__(
        self, *, engine: Engine, recordings: Path, utc: Callable[[], int], refresh: Callable[[], Awaitable[None]]
    ) -> None:
        """`refresh` compiles the settings again for the days ahead."""
        self._engine = engine
        self._recordings = recordings
        self._utc = utc
        self._refresh = refresh
        self._closed: deque[RecordingEnded] = deque(maxlen=MOST_NOTES)
        self._news = asyncio.Event()

    def see(self, records: Sequence[Record]) -> None:
        """Remembers which recordings have closed; called by the engine."""
        for record in records:
            for fact in record.facts:
                if isinstance(fact, RecordingEnded) and fact.size:
                    self._closed.append(fact)
                    self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_notes())
            group.create_task(self._daily())
            group.create_task(self._watch_disk())

    async def _write_notes(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._closed:
                await asyncio.to_thread(self._write_note, self._closed.popleft())

    def _write_note(self, ended: RecordingEnded) -> None:
        note = {
            "recording": ended.recording,
            "call": ended.call,
            "duration_ms": ended.duration_ms,
            "bytes": ended.size,
            "reason": ended.reason,
            "left": "caller",
            "right": "operator",
        }
        try:
            name = Path(ended.path).relative_to(self._recordings).with_suffix("").as_posix()
            write_note(self._recordings, name, note)
        except (OSError, ValueError, NameRefused) as error:
            log.error("note_not_written", path=ended.path, reason=str(error))

    async def _daily(self) -> None:
        """Once a day: deletes what has been kept long enough, looks the calendar up again."""
        while True:
            await asyncio.sleep(SETTLED)
            if (settings := self._engine.state.settings) is not None:
                now = datetime.fromtimestamp(self._utc() / 1e6, UTC)
                try:
                    removal = await asyncio.to_thread(sweep, self._recordings, now, Retention.of(settings))
                except OSError as error:
                    log.error("retention_failed", reason=str(error))
                else:
                    log.info("retention", removed=len(removal.removed), freed_bytes=removal.freed_bytes)
                    for name, reason in removal.failed:
                        log.error("recording_not_deleted", name=name, reason=reason)
            await asyncio.sleep(DAY)
            await self._refresh()

    async def _watch_disk(self) -> None:
        """Tells when the disk fills (the switch itself stops recording) and when there is room again."""
        watch = Watch(self._recordings)
        could_record = True
        await asyncio.sleep(SETTLED)
        while True:
            space = await asyncio.to_thread(_looked, watch)
            if space is not None and space.may_record != could_record:
                could_record = space.may_record
                tell = log.info if could_record else log.critical
                tell("disk", level=space.level.value, free_bytes=space.free_bytes, may_record=could_record)
            await asyncio.sleep(LOOK)


def _looked(watch: Watch) -> Space | None:
    try:
        return watch.look()
    except OSError as error:
        log.critical("disk_unreadable", reason=str(error))
        return None


MOST_NOTES: Final = 10_000
SETTLED: Final = 60.0
"""Seconds after the start, when the first look does not disturb it."""
DAY: Final = 86_400.0
LOOK: Final = 5.0
