"""Builds every object once, by hand, top to bottom; ends them in order."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from hotline import __version__
from hotline.app.door import Door
from hotline.app.ending import cancelled, end_engine, end_voice, or_failed, start
from hotline.app.exits import StartFailed
from hotline.app.log import log_calls
from hotline.app.metrics import Metrics
from hotline.app.opening import (
    ensure,
    history,
    make_folders,
    open_server,
    opened_journal,
    prepare,
    switch_arguments,
    switch_program,
)
from hotline.app.reload import Reload, standing
from hotline.app.upkeep import Upkeep
from hotline.config import Config, Loaded
from hotline.engine.clock import AxisClock
from hotline.engine.loop import Engine
from hotline.speech.speech import Speech
from hotline.voice import process
from hotline.voice.gateway import Gateway
from hotline.voice.link import Link

__all__ = ["Running", "running"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A hotline that takes calls."""

    config: Config
    engine: Engine
    link: Link
    switch: process.Switch
    reload: Reload
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
        make_folders(config)
        handover = folders.run / "handover"
        if take_over:
            handover.touch()
        journal = opened_journal(config, utc(), take_over)
        stack.callback(journal.close)
        handover.unlink(missing_ok=True)
        clock = AxisClock.open(folders.journal, journal.start)
        program = switch_program()
        speech = Speech(folders.sounds, switch=program)
        await prepare(speech, config)
        projection = await history(config)
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
        engine.watch(log_calls(config.log_level))
        metrics = Metrics(engine, link, switch)
        engine.watch(metrics.see)
        reload = Reload(config=config, read=read, engine=engine, link=link, speech=speech)
        upkeep = Upkeep(engine=engine, recordings=folders.recordings, utc=utc, refresh=reload.refresh)
        engine.watch(upkeep.see)
        failed: asyncio.Future[StartFailed] = asyncio.get_running_loop().create_future()
        stack.push_async_callback(end_engine, engine, start(failed, engine.run()))
        if engine.state.settings is None:
            await or_failed(failed, reload.take(config))
        stack.push_async_callback(cancelled, start(failed, link.run(engine.inbox, lambda: engine.position)))
        up = False

        async def end_switch() -> None:
            """Not when somebody else owns it now or it is to stay, nor beside calls that a failed start met."""
            if not (keep_switch or handover.exists() or failed.done() or (switch.was_alive and not up)):
                await end_voice(switch, engine)

        stack.push_async_callback(end_switch)
        await ensure(switch, patience=OWN_UNIT_PATIENCE if keep_switch else 0.0)
        for work in (switch.watch(), projection.watch(), upkeep.run()):
            stack.push_async_callback(cancelled, start(failed, work))
        await or_failed(failed, reload.take(config))
        await or_failed(failed, link.until_up())
        stack.callback((folders.run / "engine.sock").unlink, missing_ok=True)
        await open_server(stack, Door(engine, reload).open(folders.run / "engine.sock"), "the engine's door")
        if at := config.metrics.engine:
            await open_server(stack, metrics.serve(at), f"the metrics' address {at}")
        # What is here now stays: collecting it again would hold the loop up for 12 ms with 1,000 operators.
        gc.collect()
        gc.freeze()
        log.info("ready", sip=config.sip.udp, switch=switch.pid, revision=settings.revision)
        up = True
        yield Running(config=config, engine=engine, link=link, switch=switch, reload=reload, failed=failed)


OWN_UNIT_PATIENCE: Final = 3.0
"""Seconds that a switch with a unit of its own is awaited."""
