"""Where recordings lie: ``YYYY/MM/DD/YYYYMMDD-HHMMSS-DIRECTION-PLACE-RECORDING.opus``, in UTC.

Everything that turns a recording's name into a path lives in this file, and nothing outside the
root can be named through it. A name carries no telephone number. Beside a recording lies its note,
the same name with ``.json``.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

__all__ = [
    "NOTE",
    "SOUND",
    "NameRefused",
    "Recording",
    "locate",
    "parse",
    "plain",
    "read_note",
    "recordings",
    "write_note",
]

SOUND = ".opus"
NOTE = ".json"

_NAME = re.compile(
    r"(?P<day>(?P<y>\d{4})/(?P<m>\d{2})/(?P<d>\d{2}))/"
    r"(?P<stamp>(?P=y)(?P=m)(?P=d)-\d{6})-(?P<direction>in|out|internal)-(?P<rest>[\w-]{1,200})",
)


class NameRefused(ValueError):
    """A name that is no recording's name, or leads out of the folder of recordings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording by its name alone."""

    name: str
    """Relative to the root, without suffix."""
    begun_at: datetime
    direction: str
    rest: str
    """``PLACE-RECORDING``; both may contain a dash, `is_of` tells places apart."""

    def is_of(self, place: str) -> bool:
        """Whether it was made in this queue or mailbox."""
        return self.rest.startswith(plain(place) + "-")


def plain(place: str) -> str:
    """A queue's name as it stands in a recording's name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in place) or "call"


def parse(name: str) -> Recording:
    """The recording of a name. Raises `NameRefused`."""
    found = _NAME.fullmatch(name)
    if not found:
        raise NameRefused(f"{name[:80]!r} is no recording's name")
    try:
        begun = datetime.strptime(found["stamp"], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise NameRefused(f"{name[:80]!r} carries no date that exists") from None
    return Recording(name=name, begun_at=begun, direction=found["direction"], rest=found["rest"])


def locate(root: Path, name: str, suffix: str = SOUND) -> Path:
    """The path of a recording or its note under `root`. Raises `NameRefused`.

    A link inside the folder that leads out of it is refused too.
    """
    parse(name)
    path = root / PurePosixPath(name + suffix)
    if not path.resolve().is_relative_to(root.resolve()):
        raise NameRefused(f"{name!r} leads out of the recordings")
    return path


def recordings(root: Path) -> Iterator[Recording]:
    """Every recording under `root`, oldest day first; files that are not ours are passed over."""
    for day in sorted(root.glob("[0-9]" * 4 + "/[0-9][0-9]/[0-9][0-9]")):
        for file in sorted(day.glob("*" + SOUND)):
            try:
                yield parse(file.relative_to(root).with_suffix("").as_posix())
            except NameRefused:
                continue


def write_note(root: Path, name: str, note: Mapping[str, object]) -> Path:
    """Writes the note beside a recording, whole or not at all. Raises `NameRefused`, ``OSError``."""
    file = locate(root, name, NOTE)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".note-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            json.dump(note, opened, ensure_ascii=False, sort_keys=True, indent=1)
        Path(draft).replace(file)
    finally:
        Path(draft).unlink(missing_ok=True)
    return file


def read_note(root: Path, name: str) -> dict[str, object]:
    """The note beside a recording; empty when there is none. Raises `NameRefused`, ``ValueError``."""
    try:
        note = json.loads(locate(root, name, NOTE).read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(note, dict):
        raise ValueError(f"the note of {name} is no table")
    return note
