"""The voices that may be installed on this machine, in the order in which they are preferred.

Each engine is a program of its own that reads text and writes a WAV file. None is linked or
loaded: a voice that crashes takes nothing with it, and its licence stays its own.
Speech is rendered ahead of time (at start and at reload), so that starting a program for each
text costs no caller anything.
"""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotline.speech.spoken import spelled_out
from hotline.speech.wav import trim

__all__ = ["ENGINES", "Engine", "VoiceError", "engine_for", "how_to_install"]

RENDER_TIMEOUT_S = 60
"""A voice needs about a second for a long text; beyond a minute it hangs."""


class VoiceError(Exception):
    """An installed voice did not say the text; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One voice of one engine, for one language."""

    name: str
    language: str
    voice: str
    command: tuple[str, ...]
    """The program and its arguments, ``{wav}`` stands for the file to write; reads text on stdin."""
    data: tuple[str, ...] = ()
    """Places of the voice's data; one of them must exist."""
    package: str
    """What to install to get it, in Debian's words."""
    prepare: Callable[[str], str] = field(default=str)
    """Makes a text fit for an engine that stumbles over signs."""

    def installed(self) -> bool:
        """Whether the program and the voice's data are here."""
        return shutil.which(self.command[0]) is not None and (not self.data or self._data() is not None)

    def fingerprint(self) -> str:
        """Changes when the program or the voice is another: part of a rendered file's name."""
        program = shutil.which(self.command[0])
        parts = [self.name, self.language, self.voice]
        for path in (program and Path(program).resolve(), self._data()):
            if path:
                seen = path.stat()
                parts.append(f"{path.name}:{seen.st_size}:{seen.st_mtime_ns}")
        return " ".join(parts)

    def render(self, text: str, wav: Path) -> int:
        """Writes `text` as speech to `wav`, silence trimmed; its length in ms. Raises `VoiceError`."""
        command = [part.format(wav=wav) for part in self.command]
        try:
            done = subprocess.run(
                command,
                input=self.prepare(text).encode(),
                capture_output=True,
                timeout=RENDER_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise VoiceError(f"{self.name} did not finish within {RENDER_TIMEOUT_S} s") from None
        except OSError as error:
            raise VoiceError(f"{self.name} cannot be started: {error.strerror}") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise VoiceError(f"{self.name} ended with code {done.returncode}" + (f": {said[-1]}" if said else ""))
        try:
            length = trim(wav)
        except (OSError, ValueError, EOFError, wave.Error) as error:
            raise VoiceError(f"{self.name} wrote no readable sound: {error}") from None
        if not length:
            raise VoiceError(f"{self.name} wrote only silence")
        return length

    def _data(self) -> Path | None:
        return next((path for path in map(Path, self.data) if path.exists()), None)


def engine_for(language: str, engines: Sequence[Engine]) -> Engine | None:
    """The best installed voice for a language."""
    return next((e for e in engines if e.language == language and e.installed()), None)


def how_to_install(language: str, engines: Sequence[Engine]) -> str:
    """The packages that would bring a voice for a language, best first."""
    return ", or ".join(e.package for e in engines if e.language == language)


def _rhvoice(language: str, voice: str, package: str) -> Engine:
    places = ("/usr/share/RHVoice/voices", "/usr/local/share/RHVoice/voices")
    return Engine(
        name="rhvoice",
        language=language,
        voice=voice,
        command=("RHVoice-test", "-p", voice, "-o", "{wav}"),
        data=tuple(f"{place}/{voice}/24000" for place in places),
        package=package,
    )


def _espeak(language: str, voice: str) -> Engine:
    return Engine(
        name="espeak-ng",
        language=language,
        voice=voice,
        command=("espeak-ng", "-v", voice, "-w", "{wav}", "--stdin"),
        package="espeak-ng",
    )


ENGINES: tuple[Engine, ...] = (
    _rhvoice("ru", "irina", "rhvoice and rhvoice-russian"),
    Engine(
        name="festival",
        language="ru",
        voice="msu_ru_nsh_clunits",
        command=("text2wave", "-eval", "(voice_msu_ru_nsh_clunits)", "-o", "{wav}"),
        data=("/usr/share/festival/voices/russian/msu_ru_nsh_clunits",),
        package="festival and festvox-ru",
        prepare=spelled_out,
    ),
    _espeak("ru", "ru"),
    _rhvoice("en", "slt", "rhvoice and rhvoice-english"),
    Engine(
        name="flite",
        language="en",
        voice="rms",
        command=("flite", "-voice", "rms", "-o", "{wav}"),
        package="flite",
    ),
    _espeak("en", "en-gb"),
)
