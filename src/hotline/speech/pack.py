"""The shipped prompt pack as files: which recording says what."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SHIPPED", "Pack", "Recording"]

SHIPPED = Path(__file__).parent / "pack"
"""The pack that comes with the product."""

COMMON = "common"
"""Sounds without words: the beep and the hold music."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One sound of the pack."""

    file: Path
    text: str
    voice: str
    duration_ms: int
    sha256: str

    def is_intact(self) -> bool:
        """Whether the file is the one that was recorded."""
        try:
            return hashlib.sha256(self.file.read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


class Pack:
    """A folder of recordings with its ``manifest.json``.

    Raises ``OSError`` or ``ValueError`` where the folder is no pack: a broken installation.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        entries = json.loads((folder / "manifest.json").read_bytes())["sounds"]
        self._recordings = {
            place: Recording(
                file=folder / f"{place}.flac",
                text=entry["text"],
                voice=entry["voice"],
                duration_ms=entry["duration_ms"],
                sha256=entry["sha256"],
            )
            for place, entry in entries.items()
        }
        self._by_text = {
            (place.partition("/")[0], recording.text): recording for place, recording in self._recordings.items()
        }
        self.languages = tuple(sorted({place.partition("/")[0] for place in self._recordings} - {COMMON}))

    def find(self, key: str, language: str) -> Recording | None:
        """The recording of a key, in its language or without words."""
        return self._recordings.get(f"{language}/{key}") or self._recordings.get(f"{COMMON}/{key}")

    def saying(self, text: str, language: str) -> Recording | None:
        """The recording of exactly this text: it is preferred to any voice of this machine."""
        return self._by_text.get((language, " ".join(text.split())))

    def recordings(self) -> dict[str, Recording]:
        """Everything, by place (``ru/voicemail``)."""
        return dict(self._recordings)
