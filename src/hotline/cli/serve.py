"""`hotline serve`: engine and switch until Ctrl-C or SIGTERM."""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hotline.app.exits import StartFailed
from hotline.cli.files import DEFAULT, File, read, valid
from hotline.cli.logs import set_up
from hotline.cli.words import fail, say, say_findings
from hotline.config import Config

if TYPE_CHECKING:
    from hotline.app.compose import Running

__all__ = ["entered", "notify", "run", "serve", "stopped", "utc"]


def serve(
    file: File = DEFAULT,
    keep_switch: Annotated[
        bool, typer.Option("--keep-switch", help="Leave the switch, and the calls on it, alive at the end.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="End an engine that is at work, and take its place.")
    ] = False,
) -> None:
    """Take calls until Ctrl-C or SIGTERM; SIGHUP takes a changed file."""
    config = valid(file)
    set_up(config.log_level)
    run(_serve(config, file, keep_switch=keep_switch, take_over=take_over))


def run(work: Coroutine[Any, Any, None]) -> None:
    """On uvloop; a start that failed becomes its sentence and exit code."""
    import uvloop

    try:
        uvloop.run(work)
    except StartFailed as failure:
        fail(str(failure), failure.code)


def utc() -> int:
    """Wall clock, microseconds since 1970."""
    return time.time_ns() // 1000


async def _serve(config: Config, file: Path, *, keep_switch: bool, take_over: bool) -> None:
    from hotline.app.compose import running  # the whole house: other verbs start without it

    stop = stopped()
    async with AsyncExitStack() as stack:
        house = running(config, read=lambda: read(file), utc=utc, keep_switch=keep_switch, take_over=take_over)
        if (hotline := await entered(stack, house, stop)) is None:
            return
        say(f"ready switch={hotline.switch.pid} engine={os.getpid()} sip={config.sip.udp}")
        notify("READY=1")
        _spare_the_collector()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, hotline)
        await until_end(hotline, stop)
        notify("STOPPING=1")


def _spare_the_collector() -> None:
    """What stands at the start stands for ever: the garbage collector need not walk it while a caller waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def _reload(hotline: "Running") -> None:
    """SIGHUP: what was found goes where the log goes."""

    async def taken() -> None:
        say_findings(await hotline.reload())

    task = asyncio.create_task(taken())
    reloads.add(task)
    task.add_done_callback(reloads.discard)


async def entered(
    stack: AsyncExitStack, house: "AbstractAsyncContextManager[Running]", stop: "asyncio.Future[None]"
) -> "Running | None":
    """Starts it; nothing when somebody wants the end before it is up."""
    start = asyncio.create_task(stack.enter_async_context(house))
    await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        with suppress(asyncio.CancelledError):
            await start
        return None
    return start.result()


async def until_end(hotline: "Running", stop: "asyncio.Future[None]") -> None:
    """Until somebody wants the end, or it cannot go on: then raises `StartFailed`."""
    await asyncio.wait((stop, hotline.failed), return_when=asyncio.FIRST_COMPLETED)
    if hotline.failed.done():
        raise hotline.failed.result()


def stopped() -> "asyncio.Future[None]":
    """Done at the first SIGTERM, SIGINT or SIGHUP (the terminal has gone; `serve` makes it a reload once it is up).

    A second one changes nothing: the end is in order.
    """
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _done(stop))
    return stop


def _done(stop: "asyncio.Future[None]") -> Callable[[], None]:
    return lambda: None if stop.done() else stop.set_result(None)


def notify(state: str) -> None:
    """Tells systemd, when it asked (sd_notify(3))."""
    if not (address := os.environ.get("NOTIFY_SOCKET")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.connect("\0" + address[1:] if address.startswith("@") else address)
        there.send(state.encode())


reloads: "set[asyncio.Task[None]]" = set()
"""Held here until they are done, as asyncio itself does not."""
YOUNG: Final = 20_000
"""Objects made before the collector looks at them; 700 would be some two calls."""
