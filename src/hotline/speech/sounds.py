"""The owner's own recordings: is this a sound file that the switch can play?"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

__all__ = ["LARGEST_BYTES", "what_is_wrong"]

LARGEST_BYTES = 100_000_000
"""An hour of music as WAV; more is a mistake, and would stand decoded in the switch's memory."""

SWITCH_TIMEOUT_S = 60


def what_is_wrong(file: Path, switch: Path | None = None) -> str | None:
    """Why `file` cannot be played, in a sentence, or ``None``.

    With the switch at hand the file is decoded whole, by the very code that will play it;
    without it only the first bytes are looked at.
    """
    try:
        if not file.is_file():
            return "there is no such file" if not file.exists() else "this is not a file"
        size = file.stat().st_size
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    if size == 0:
        return "the file is empty"
    if size > LARGEST_BYTES:
        return f"the file is larger than {LARGEST_BYTES // 1_000_000} MB"
    if not _looks_like_sound(head):
        return "this is no WAV, MP3, Ogg or FLAC file"
    return _decoded(file, switch) if switch else None


def _looks_like_sound(head: bytes) -> bool:
    return (
        (head.startswith((b"RIFF", b"RF64")) and head[8:12] == b"WAVE")
        or head.startswith((b"OggS", b"fLaC", b"ID3"))
        or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6))  # MPEG audio frame
    )


def _decoded(file: Path, switch: Path) -> str | None:
    """What ``hotline-switch sound FILE --json`` says of it."""
    try:
        done = subprocess.run(
            [str(switch), "sound", str(file), "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SWITCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the switch did not finish reading it within {SWITCH_TIMEOUT_S} s"
    except OSError as error:
        return f"the switch cannot be asked: {error.strerror}"
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        return (
            said[-1].removeprefix("hotline-switch: ").removeprefix(f"{file}: ")
            if said
            else f"the switch cannot read it (code {done.returncode})"
        )
    try:
        if not json.loads(done.stdout)["duration_ms"]:
            return "there is no sound in it"
    except (ValueError, KeyError, TypeError):
        return "the switch gave no answer about it that can be read"
    return None
