"""The folder of sounds that were made on this machine.

A file's name says its content, so a path never changes what it plays: legs may share it, and a
reload never touches a sound that someone is listening to. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotline.speech.engines import Engine

__all__ = ["Cache"]


class Cache:
    """Rendered texts and copies of the owner's recordings, by content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def spoken(self, text: str, engine: Engine) -> Path:
        """The sound of `text` in the engine's voice, rendered if it is not there yet.

        Raises `VoiceError` when the voice fails, ``OSError`` when the folder takes no file.
        """
        name = hashlib.sha256(f"{engine.fingerprint()}\n{text}".encode()).hexdigest()[:32]
        file = self._folder / f"{engine.language}-{name}.wav"
        if not file.exists():
            with self._appearing(file) as draft:
                engine.render(text, draft)
        return file

    def copied(self, recording: Path) -> Path:
        """An immutable copy of the owner's file. Raises ``OSError``."""
        digest = hashlib.sha256()
        with recording.open("rb") as source:
            while block := source.read(1 << 20):
                digest.update(block)
        file = self._folder / f"own-{digest.hexdigest()[:32]}{recording.suffix.lower()}"
        if not file.exists():
            with self._appearing(file) as draft:
                shutil.copyfile(recording, draft)
        return file

    @contextmanager
    def _appearing(self, file: Path) -> Iterator[Path]:
        """A draft beside `file` that takes its name when everything went well."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".draft-", suffix=file.suffix)
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            draft.chmod(0o644)  # the switch may run as a user of its own
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
