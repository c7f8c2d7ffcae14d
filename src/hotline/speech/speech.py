"""The door of the package: every phrase of the settings becomes sound files ahead of time.

`prepare` may take long (it renders the owner's texts) and runs in a worker thread at start and at
reload; `sounds` is asked in the engine's loop and only looks up. What was prepared once stays
known, because a call keeps the settings it began with.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hotline.domain.phrases import Music, OwnFile, OwnText, Phrase
from hotline.domain.settings import Enqueue, Finding, Flow, Settings
from hotline.speech.cache import Cache
from hotline.speech.engines import ENGINES, Engine, VoiceError, engine_for, how_to_install
from hotline.speech.pack import SHIPPED, Pack
from hotline.speech.phrases import pack_keys
from hotline.speech.sounds import what_is_wrong

__all__ = ["LONGEST_TEXT", "Speech"]

LONGEST_TEXT = 2000
"""Characters, about two and a half minutes of speech: nobody listens longer."""

_LANGUAGE_NAMES = {"ru": "Russian", "en": "English"}

log = logging.getLogger(__name__)


class Speech:
    """Phrases to sound files.

    `cache` is a folder of our own, made when needed; `pack` another prompt pack than the shipped
    one; `engines` the voices in order of preference; `switch` the program that reads sound files,
    where it is at hand.
    """

    def __init__(
        self,
        cache: Path,
        pack: Path | None = None,
        engines: Sequence[Engine] = ENGINES,
        *,
        switch: Path | None = None,
    ) -> None:
        self._cache = Cache(cache.absolute())
        self._pack = Pack((pack or SHIPPED).absolute())
        self._engines = tuple(engines)
        self._switch = switch
        self._known: dict[tuple[Phrase, str], list[str]] = {}
        self._warned: set[str] = set()

    def prepare(self, settings: Settings, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
        """Makes everything that `settings` want said; what cannot be heard comes back as findings.

        `progress(done, all)` is called after each phrase, in the calling thread.
        """
        places: dict[tuple[Phrase, str], str] = {}
        for phrase, language, where in _phrases(settings):
            places.setdefault((phrase, language), where)
        known: dict[tuple[Phrase, str], list[str]] = {}
        findings: list[Finding] = []
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="speech") as pool:
            made = pool.map(lambda wanted: self._make(*wanted), places)
            for done, (wanted, where, result) in enumerate(zip(places, places.values(), made, strict=True), 1):
                if isinstance(result, str):
                    findings.append(Finding(severity="error", where=where, sentence=result))
                else:
                    known[wanted] = result
                    findings += _remarks(*wanted, where)
                if progress:
                    progress(done, len(places))
        self._known = self._known | known
        return findings

    def sounds(self, phrase: Phrase, language: str) -> list[str]:
        """The files that say `phrase`, in order; empty when it was never prepared or cannot be heard.

        Looks up and puts together, never reads or writes a file.
        """
        if found := self._known.get((phrase, language)):
            return found
        composed = self._composed(phrase, language)
        if isinstance(composed, str):
            self._warn(composed)
            return []
        return composed

    def voice_of(self, text: str, language: str) -> str:
        """Whose voice will say the owner's `text`: for ``hotline check`` and the console."""
        if recording := self._pack.saying(text, language):
            return f"{recording.voice} (recorded)"
        engine = engine_for(language, self._engines)
        return f"{engine.name} {engine.voice}" if engine else "no voice"

    def _warn(self, sentence: str) -> None:
        """Once for each sentence, not once for each caller; `prepare` has told the owner already."""
        if sentence not in self._warned and len(self._warned) < 1000:
            self._warned.add(sentence)
            log.warning("nothing to play: %s", sentence)

    def _make(self, phrase: Phrase, language: str) -> list[str] | str:
        """The files of a phrase, or the sentence that says why there are none."""
        match phrase:
            case OwnText(text=text):
                return self._own_text(text, language)
            case OwnFile(path=path) | Music(path=str(path)):
                return self._own_file(Path(path))
            case _:
                return self._composed(phrase, language)

    def _composed(self, phrase: Phrase, language: str) -> list[str] | str:
        if (keys := pack_keys(phrase)) is None:
            return f"{phrase} was not prepared"
        files: list[str] = []
        for key in keys:
            recording = self._pack.find(key, language)
            if recording is None:
                return f'the prompt pack has no phrase "{key}" in {_named(language)}'
            files.append(str(recording.file))
        return files

    def _own_text(self, text: str, language: str) -> list[str] | str:
        text = _plain(text)
        if not any(c.isalnum() for c in text):
            return f"there is nothing to say in this text: {_short(text)}"
        if len(text) > LONGEST_TEXT:
            return f"the text is longer than {LONGEST_TEXT} characters: {_short(text)}"
        if recording := self._pack.saying(text, language):
            return [str(recording.file)]
        engine = engine_for(language, self._engines)
        if engine is None:
            install = how_to_install(language, self._engines)
            hint = f"install {install}, or give a recorded file" if install else "give a recorded file"
            return f"no voice for this text in {_named(language)}: {hint}: {_short(text)}"
        try:
            return [str(self._cache.spoken(text, engine))]
        except VoiceError as error:
            return f"the voice could not say this text: {error}: {_short(text)}"
        except OSError as error:
            return f"the rendered speech could not be kept: {error.strerror}: {error.filename}"

    def _own_file(self, file: Path) -> list[str] | str:
        if wrong := what_is_wrong(file, self._switch):
            return f"{file}: {wrong}"
        try:
            return [str(self._cache.copied(file))]
        except OSError as error:
            return f"{file}: the file could not be kept: {error.strerror}"


def _phrases(settings: Settings) -> Iterator[tuple[Phrase, str, str]]:
    """Every phrase that a caller may hear, the language he hears it in, and where it stands."""
    for flow in settings.flows.values():
        languages = _languages(settings, flow)
        for name, node in flow.nodes.items():
            for field in ("phrases", "wrong_key", "no_input"):
                for phrase in getattr(node, field, ()):
                    for language in languages:
                        yield phrase, language, f"flow {flow.name}, {name}"
            if isinstance(node, Enqueue) and (queue := settings.queues.get(node.queue)):
                for phrase in (*queue.greeting, *([queue.music] if queue.music else [])):
                    for language in languages:
                        yield phrase, language, f"queue {queue.name}"


def _languages(settings: Settings, flow: Flow) -> tuple[str, ...]:
    spoken = {number.language for number in settings.numbers.values() if number.flow == flow.name}
    return tuple(sorted(spoken)) or (settings.language,)


def _remarks(phrase: Phrase, language: str, where: str) -> Iterator[Finding]:
    """A text in the letters of another language is said, but nobody will understand it."""
    if not isinstance(phrase, OwnText):
        return
    letters = {c for c in phrase.text.lower() if c.isalpha()}
    russian = {c for c in letters if "а" <= c <= "я" or c == "ё"}
    if (language == "ru" and letters and not russian) or (language == "en" and russian):
        sentence = f"a voice that speaks {_named(language)} will read this text: {_short(phrase.text)}"
        yield Finding(severity="warning", where=where, sentence=sentence)


def _plain(text: str) -> str:
    """Without line ends, repeated spaces and signs that no keyboard types."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _named(language: str) -> str:
    return _LANGUAGE_NAMES.get(language, f'the language "{language}"')


def _short(text: str) -> str:
    text = _plain(text)
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
