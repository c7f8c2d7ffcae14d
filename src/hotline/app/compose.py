"""Builds every object once, by hand, top to bottom; ends them in order."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from hotline import __version__
from hotline.app.door import Door
from hotline.app.exits import Exit, StartFailed
from hotline.app.log import log_calls
from hotline.app.metrics import Metrics
from hotline.app.reload import Reload, standing
from hotline.config import Config, Loaded
from hotline.domain.state import State
from hotline.engine.clock import AxisClock
from hotline.engine.loop import Engine
from hotline.speech.speech import Speech
from hotline.store.database import DatabaseUnusable
from hotline.store.journal import FileJournal, JournalDeposed
from hotline.store.lock import FolderTaken
from hotline.store.projection import ProjectionProcess
from hotline.voice import process
from hotline.voice.gateway import Gateway
from hotline.voice.link import Link, Refusal

__all__ = ["Running", "running", "switch_arguments"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A hotline that takes calls."""

    config: Config
    engine: Engine
    link: Link
    switch: process.Switch
    failed: "asyncio.Future[StartFailed]"
    """Done when it cannot go on."""


@asynccontextmanager
async def running(
    config: Config,
    *,
    read: Callable[[], Loaded],
    utc: Callable[[], int],
    keep_switch: bool = False,
    take_over: bool = False,
) -> AsyncIterator[Running]:
    """Everything, from the journal to the switch; inside it calls are taken.

    `read` reads the file again for a reload. Raises `StartFailed` with nothing left half-started.
    """
    settings, folders = config.settings, config.folders
    async with AsyncExitStack() as stack:
        _make_folders(config)
        handover = folders.run / "handover"
        if take_over:
            handover.touch()
        journal = _journal(config, utc(), take_over)
        stack.callback(journal.close)
        handover.unlink(missing_ok=True)
        clock = AxisClock.open(folders.journal, journal.start)
        program = _program()
        speech = Speech(folders.sounds, switch=program)
        await _prepare(speech, config)
        projection = await _history(config)
        stack.push_async_callback(projection.close)
        switch = process.Switch(program=program, arguments=switch_arguments(config), folder=folders.run)
        gateway = Gateway(clock=clock, sounds=speech, recordings=folders.recordings, region=config.region)
        link = Link(
            socket=switch.socket,
            gateway=gateway,
            epoch=journal.start.epoch,
            version=__version__,
            standing=standing(config),
        )
        engine = Engine(journal=journal, switch=link, clock=clock, projection=projection, seed=secrets.token_hex(3))
        engine.watch(log_calls)
        metrics = Metrics(engine, link, switch)
        engine.watch(metrics.see)
        reload = Reload(config=config, read=read, engine=engine, link=link, speech=speech)
        failed: asyncio.Future[StartFailed] = asyncio.get_running_loop().create_future()
        await _ensure(switch, patience=OWN_UNIT_PATIENCE if keep_switch else 0.0)
        ran = _start(failed, engine.run())
        stack.push_async_callback(_end_engine, engine, ran)
        if engine.state.settings is None:
            await _or_failed(failed, reload.take(config))
        tasks = [_start(failed, link.run(engine.inbox, lambda: engine.position)), _start(failed, switch.watch())]
        stack.push_async_callback(_end_voice, switch, tasks, engine, lambda: keep_switch or handover.exists())
        await _or_failed(failed, reload.take(config))
        await _or_failed(failed, link.until_up())
        stack.callback((folders.run / "engine.sock").unlink, missing_ok=True)
        await _open(stack, Door(engine, reload).open(folders.run / "engine.sock"), "the engine's door")
        if config.metrics.engine:
            await _open(stack, metrics.serve(config.metrics.engine), f"the metrics' address {config.metrics.engine}")
        log.info("ready", sip=config.sip.udp, switch=switch.pid, revision=settings.revision)
        yield Running(config=config, engine=engine, link=link, switch=switch, failed=failed)


def switch_arguments(config: Config) -> list[str]:
    """What `hotline-switch run` is told beside its socket."""
    sip = config.sip
    given = ["--sip-udp", sip.udp, "--sip-tcp", sip.tcp, "--rtp-ports", f"{sip.rtp[0]}-{sip.rtp[1]}"]
    given += ["--public", sip.public] if sip.public else []
    given += ["--media-threads", str(sip.media_threads)] if sip.media_threads else []
    given += ["--metrics", config.metrics.switch] if config.metrics.switch else []
    return [*given, "--log", LEVELS[config.log_level]]


def _make_folders(config: Config) -> None:
    folders = config.folders
    try:
        for folder in (folders.data, folders.journal, folders.recordings, folders.sounds, folders.run):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(Exit.DISK, f"the data folder {folders.data} cannot be used: {error.strerror}") from None


def _journal(config: Config, utc: int, take_over: bool) -> FileJournal:
    try:
        return FileJournal.open(
            config.folders.journal,
            utc=utc,
            state_type=State,
            alarm=lambda sentence: log.error("alarm", sentence=sentence),
            take_over=take_over,
        )
    except FolderTaken as taken:
        raise StartFailed(Exit.TAKEN, str(taken)) from None
    except (OSError, RuntimeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StartFailed(Exit.DISK, f"the journal in {config.folders.journal} cannot be used: {said}") from None


def _program() -> Path:
    try:
        program = process.binary()
        process.checked_version(program)
    except process.SwitchFailed as failure:
        raise StartFailed(Exit.SWITCH, str(failure)) from None
    return program


async def _prepare(speech: Speech, config: Config) -> None:
    findings = await asyncio.to_thread(speech.prepare, config.settings)
    unheard = [f"{finding.where}: {finding.sentence}" for finding in findings if finding.severity == "error"]
    if unheard:
        raise StartFailed(Exit.CONFIGURATION, "\n".join(unheard))


async def _ensure(switch: process.Switch, patience: float) -> None:
    try:
        await switch.ensure(patience)
    except process.SwitchFailed as failure:
        raise StartFailed(Exit.SWITCH, str(failure)) from None


async def _history(config: Config) -> ProjectionProcess:
    try:
        return await ProjectionProcess.start(config.folders.journal, config.database)
    except DatabaseUnusable as unusable:
        raise StartFailed(Exit.DATABASE, str(unusable)) from None


async def _open(stack: AsyncExitStack, opening: Awaitable[asyncio.Server], what: str) -> None:
    try:
        server = await opening
    except OSError as error:
        raise StartFailed(Exit.SWITCH, f"{what} cannot be opened: {error.strerror}") from None
    stack.callback(server.close)


def _start(failed: "asyncio.Future[StartFailed]", work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """A task whose failure is everybody's."""

    def ended(task: "asyncio.Task[None]") -> None:
        if task.cancelled() or failed.done() or (error := task.exception()) is None:
            return
        log.critical("cannot_go_on", reason=str(error), exc_info=None if isinstance(error, KNOWN) else error)
        code = (
            Exit.TAKEN
            if isinstance(error, Refusal | JournalDeposed)
            else Exit.DISK
            if isinstance(error, OSError)
            else Exit.FAILED
        )
        failed.set_result(StartFailed(code, str(error)))

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task


async def _or_failed(failed: "asyncio.Future[StartFailed]", work: Coroutine[None, None, None]) -> None:
    """Waits for `work`, unless everything fails first."""
    task = asyncio.create_task(work)
    await asyncio.wait((task, failed), return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        raise failed.result()
    await task


async def _end_voice(
    switch: process.Switch, tasks: "Sequence[asyncio.Task[None]]", engine: Engine, stays: Callable[[], bool]
) -> None:
    """The switch ends first and tells how its calls ended; the engine writes that down."""
    link, watch = tasks
    watch.cancel()
    if not stays():
        await switch.stop()
        for _ in range(DIGEST_STEPS):
            await asyncio.sleep(DIGEST_STEP)
            if not engine.inbox.has_news:
                break
    link.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _end_engine(engine: Engine, ran: "asyncio.Task[None]") -> None:
    engine.stop()
    await asyncio.gather(ran, return_exceptions=True)


OWN_UNIT_PATIENCE: Final = 3.0
"""Seconds that a switch with a unit of its own is awaited."""
DIGEST_STEP: Final = 0.02
DIGEST_STEPS: Final = 100
LEVELS: Final = {"debug": "debug", "info": "info", "warning": "warn", "error": "error"}
KNOWN: Final = (Refusal, JournalDeposed, OSError)
"""Ends whose sentence says it all."""
