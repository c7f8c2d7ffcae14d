"""`hotline doctor`: what this machine lacks for the company's file, before a caller finds out."""

import ctypes
import json
import resource
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import typer

from hotline.app.exits import Exit
from hotline.cli.door import is_open
from hotline.cli.files import DEFAULT, File, valid
from hotline.cli.words import console
from hotline.config import Config
from hotline.domain.phrases import OwnText
from hotline.domain.settings import Settings
from hotline.speech.pack import SHIPPED
from hotline.speech.speech import Speech
from hotline.voice.process import SwitchFailed, binary, checked_version

__all__ = ["doctor", "examine"]

Grade = Literal["good", "remark", "bad"]
MARKS: Final[dict[Grade, str]] = {"good": "[green]+[/]", "remark": "[yellow]![/]", "bad": "[bold red]x[/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was looked at."""

    grade: Grade
    sentence: str


def doctor(file: File = DEFAULT) -> None:
    """Look at ports, codecs, voices, time, disk and trunks."""
    config = valid(file)
    worst = Exit.OK
    for told in examine(config):
        console.print(f"{MARKS[told.grade]} ", end="")
        console.print(told.sentence, markup=False)
        worst = Exit.FAILED if told.grade == "bad" else worst
    raise typer.Exit(worst)


def examine(config: Config) -> Iterator[Told]:
    """Everything, the cheap things first."""
    checks: tuple[Callable[[Config], Iterator[Told]], ...] = (
        _programs, _ports, _files, _disk, _time, _codecs, _voices, _trunks,
    )  # fmt: skip
    for check in checks:
        yield from check(config)


def _programs(_: Config) -> Iterator[Told]:
    for name in ("hotline-switch", "hotline-phone"):
        try:
            program = binary(name)
            version = f" {checked_version(program)}" if name == "hotline-switch" else ""
            yield Told(grade="good", sentence=f"{name}{version}: {program}")
        except SwitchFailed as failure:
            yield Told(grade="bad", sentence=str(failure))


def _ports(config: Config) -> Iterator[Told]:
    if is_open(config.folders.data):
        yield Told(grade="good", sentence="a hotline is running, so its ports are its own")
        return
    wanted = [(config.sip.udp, socket.SOCK_DGRAM, "SIP over UDP"), (config.sip.tcp, socket.SOCK_STREAM, "SIP over TCP")]
    wanted += [(at, socket.SOCK_STREAM, "metrics") for at in (config.metrics.engine, config.metrics.switch) if at]
    for address, kind, what in wanted:
        wrong = _taken(address, kind)
        yield Told(grade="bad" if wrong else "good", sentence=f"{what}: {address} is {wrong or 'free'}")
    first, last = config.sip.rtp
    host = config.sip.udp.rpartition(":")[0]
    samples = range(first, last, max(1, (last - first) // 50))
    busy = [port for port in samples if _taken(f"{host}:{port}", socket.SOCK_DGRAM)]
    legs = (last - first + 1) // 2
    grade: Grade = "remark" if busy or legs < config.admission.max_legs else "good"
    yield Told(
        grade=grade,
        sentence=f"sound: ports {first}-{last} are enough for {legs} legs (max_legs = {config.admission.max_legs})"
        + (f"; some are taken, such as {busy[0]}" if busy else ""),
    )


def _files(config: Config) -> Iterator[Told]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * config.admission.max_legs + 200
    grade: Grade = "good" if hard >= needed else "remark"
    yield Told(
        grade=grade, sentence=f"open files: {soft} (at most {hard}), {needed} would be needed for all legs at once"
    )


def _disk(config: Config) -> Iterator[Told]:
    folder = config.folders.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    grade: Grade = "bad" if free < LEAST_FREE else "remark" if free < GOOD_FREE else "good"
    hours = free // RECORDING_BYTES_AN_HOUR
    yield Told(grade=grade, sentence=f"disk: {free >> 30} GB free in {folder}, some {hours} hours of recordings")


def _time(_: Config) -> Iterator[Told]:
    """adjtimex(2) says whether something keeps the clock right."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    if state == UNSYNCHRONISED:
        yield Told(grade="remark", sentence="time: nothing keeps the clock right; install chrony or systemd-timesyncd")
    else:
        yield Told(grade="good", sentence="time: the clock is kept right")


def _codecs(_: Config) -> Iterator[Told]:
    sample = next(
        (file for file in sorted(SHIPPED.rglob("*.*")) if file.suffix in (".flac", ".ogg", ".opus", ".wav")), None
    )
    if sample is None:
        yield Told(grade="bad", sentence="sound: the prompt pack is missing")
        return
    try:
        said = subprocess.run(
            [binary(), "sound", sample, "--json"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
        length = json.loads(said)["duration_ms"]
    except (SwitchFailed, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        yield Told(grade="bad", sentence=f"sound: {sample.name} of the prompt pack cannot be read: {error}")
        return
    yield Told(grade="good", sentence=f"sound: the prompt pack can be read ({sample.name}, {length / 1000:.1f} s)")


def _voices(config: Config) -> Iterator[Told]:
    speech = Speech(config.folders.sounds)
    for text, language in sorted(_texts(config.settings)):
        voice = speech.voice_of(text, language)
        shown = text if len(text) <= 50 else f"{text[:47]}..."
        grade: Grade = "bad" if voice == "no voice" else "good"
        yield Told(grade=grade, sentence=f'voice: {voice} says "{shown}" ({language})')


def _trunks(config: Config) -> Iterator[Told]:
    for trunk in config.trunks:
        for server in trunk.servers:
            code = _options(server)
            grade: Grade = "good" if code else "remark"
            said = f"answers OPTIONS with {code}" if code else "does not answer OPTIONS (some carriers never do)"
            yield Told(grade=grade, sentence=f'trunk "{trunk.name}": {server} {said}')


def _texts(settings: Settings) -> set[tuple[str, str]]:
    """The owner's own words, with the languages that they are heard in."""
    found = set()
    for flow in settings.flows.values():
        languages = {number.language for number in settings.numbers.values() if number.flow == flow.name}
        for node in flow.nodes.values():
            for phrase in getattr(node, "phrases", ()):
                if isinstance(phrase, OwnText):
                    found |= {(phrase.text, language) for language in languages or {settings.language}}
    return found


def _options(server: str) -> int:
    """The answer's code, or 0."""
    asked = json.dumps({"do": "options", "to": f"sip:{server}"})
    try:
        done = subprocess.run(
            [binary("hotline-phone")],
            input=f"{asked}\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (SwitchFailed, OSError, subprocess.SubprocessError):
        return 0
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next((int(event.get("code") or 0) for event in events if event.get("event") == "options"), 0)


def _taken(address: str, kind: socket.SocketKind) -> str:
    """Why it cannot be had; empty when it can."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as tried:
        if kind == socket.SOCK_STREAM:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host.strip("[]"), int(port)))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


UNSYNCHRONISED: Final = 5
LEAST_FREE: Final = 1 << 30
GOOD_FREE: Final = 5 << 30
RECORDING_BYTES_AN_HOUR: Final = 22 << 20
"""Two channels of Opus at some 24 kbit/s each."""
PATIENCE: Final = 40
