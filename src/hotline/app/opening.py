"""Opens what may fail at a start; each failure becomes its sentence and exit code."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import structlog

from hotline.app.exits import Exit, StartFailed
from hotline.app.history import History
from hotline.config import Config
from hotline.domain.state import State
from hotline.speech.speech import Speech
from hotline.store.database import DatabaseUnusable
from hotline.store.journal import FileJournal
from hotline.store.lock import FolderTaken
from hotline.voice import process

__all__ = [
    "ensure",
    "history",
    "make_folders",
    "open_server",
    "opened_journal",
    "prepare",
    "switch_arguments",
    "switch_program",
]

log = structlog.get_logger()


def switch_arguments(config: Config) -> list[str]:
    """What `hotline-switch run` is told beside its socket."""
    sip = config.sip
    given = ["--sip-udp", sip.udp, "--sip-tcp", sip.tcp, "--rtp-ports", f"{sip.rtp[0]}-{sip.rtp[1]}"]
    given += ["--public", sip.public] if sip.public else []
    given += ["--media-threads", str(sip.media_threads)] if sip.media_threads else []
    given += ["--metrics", config.metrics.switch] if config.metrics.switch else []
    return [*given, "--log", LEVELS[config.log_level]]


def make_folders(config: Config) -> None:
    folders = config.folders
    try:
        for folder in (folders.data, folders.journal, folders.recordings, folders.sounds, folders.run):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(Exit.DISK, f"the data folder {folders.data} cannot be used: {error.strerror}") from None


def opened_journal(config: Config, utc: int, take_over: bool) -> FileJournal:
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


def switch_program() -> Path:
    try:
        program = process.binary()
        process.checked_version(program)
    except process.SwitchFailed as failure:
        raise StartFailed(Exit.SWITCH, str(failure)) from None
    return program


async def prepare(speech: Speech, config: Config) -> None:
    findings = await asyncio.to_thread(speech.prepare, config.settings)
    unheard = [f"{finding.where}: {finding.sentence}" for finding in findings if finding.severity == "error"]
    if unheard:
        raise StartFailed(Exit.CONFIGURATION, "\n".join(unheard))


async def ensure(switch: process.Switch, patience: float) -> None:
    try:
        await switch.ensure(patience)
    except process.SwitchFailed as failure:
        raise StartFailed(Exit.SWITCH, str(failure)) from None


async def history(config: Config) -> History:
    try:
        return await History.start(config.folders.journal, config.database)
    except DatabaseUnusable as unusable:
        raise StartFailed(Exit.DATABASE, str(unusable)) from None


async def open_server(stack: AsyncExitStack, opening: Awaitable[asyncio.Server], what: str) -> None:
    try:
        server = await opening
    except OSError as error:
        raise StartFailed(Exit.SWITCH, f"{what} cannot be opened: {error.strerror}") from None
    stack.callback(server.close)


LEVELS: Final = {"debug": "debug", "info": "info", "warning": "warn", "error": "error"}
"""Of our log -> of the switch's."""
