"""The tasks of a running hotline: a failure of one is everybody's, and all end in order."""

import asyncio
from collections.abc import Coroutine
from typing import Final

import structlog

from hotline.app.exits import Exit, StartFailed
from hotline.engine.loop import Engine
from hotline.store.journal import JournalDeposed
from hotline.voice import process
from hotline.voice.link import Refusal

__all__ = ["cancelled", "end_engine", "end_voice", "or_failed", "start"]

log = structlog.get_logger()


def start(failed: "asyncio.Future[StartFailed]", work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """A task whose failure is everybody's."""

    def ended(task: "asyncio.Task[None]") -> None:
        if task.cancelled() or failed.done() or (error := task.exception()) is None:
            return
        log.critical("cannot_go_on", reason=str(error), exc_info=None if isinstance(error, KNOWN) else error)
        failed.set_result(StartFailed(_code(error), str(error)))

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task


def _code(error: BaseException) -> Exit:
    if isinstance(error, Refusal | JournalDeposed):
        return Exit.TAKEN
    return Exit.DISK if isinstance(error, OSError) else Exit.FAILED


async def or_failed(failed: "asyncio.Future[StartFailed]", work: Coroutine[None, None, None]) -> None:
    """Waits for `work`, unless everything fails first."""
    task = asyncio.create_task(work)
    await asyncio.wait((task, failed), return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        raise failed.result()
    await task


async def end_voice(switch: process.Switch, engine: Engine) -> None:
    """The switch ends first and tells how its calls ended; the engine writes that down."""
    await switch.stop()
    for _ in range(DIGEST_STEPS):
        await asyncio.sleep(DIGEST_STEP)
        if not engine.inbox.has_news:
            break


async def cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def end_engine(engine: Engine, ran: "asyncio.Task[None]") -> None:
    engine.stop()
    await asyncio.gather(ran, return_exceptions=True)


DIGEST_STEP: Final = 0.02
DIGEST_STEPS: Final = 100
KNOWN: Final = (Refusal, JournalDeposed, OSError)
"""Ends whose sentence says it all."""
