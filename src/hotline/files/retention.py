"""How long recordings are kept: `expired` decides, `remove` deletes and says what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hotline.domain.settings import Settings
from hotline.files.places import NOTE, SOUND, Recording, locate, recordings

__all__ = ["DEFAULT_DAYS", "Removal", "Retention", "expired", "remove", "sweep"]

DEFAULT_DAYS = 90
"""For voicemail, and for queues that the settings no longer know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days by place (queue or mailbox); a place that is not named keeps `default` days."""

    default: int
    places: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Less than a day would delete recordings of calls that go on. Raises ``ValueError``."""
        if any(days < 1 for days in (self.default, *self.places.values())):
            raise ValueError("recordings are kept for at least one day")

    @classmethod
    def of(cls, settings: Settings, default: int = DEFAULT_DAYS) -> Retention:
        """What the company has decided for its queues."""
        return cls(default=default, places={queue.name: queue.recording_days for queue in settings.queues.values()})

    def days(self, recording: Recording) -> int:
        """The days of one recording; of two places that fit (``shop``, ``shop-vip``) the longer name."""
        fitting = [place for place in self.places if recording.is_of(place)]
        return self.places[max(fitting, key=len)] if fitting else self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a run of `remove` did."""

    removed: tuple[str, ...]
    freed_bytes: int
    failed: tuple[tuple[str, str], ...]
    """Name and reason of what is still there."""


def expired(kept: Iterable[Recording], now: datetime, retention: Retention) -> list[Recording]:
    """What is older than it may be at `now` (aware), in the order given."""
    return [r for r in kept if now - r.begun_at > timedelta(days=retention.days(r))]


def sweep(root: Path, now: datetime, retention: Retention) -> Removal:
    """Deletes everything under `root` that is expired at `now`. Takes a while: for a worker thread, once a day."""
    return remove(root, expired(recordings(root), now, retention))


def remove(root: Path, doomed: Iterable[Recording]) -> Removal:
    """Deletes recordings with their notes, and folders of days that have become empty.

    One that cannot be deleted is reported and hinders no other. The note goes last: while there
    is sound, something says whose it is.
    """
    removed: list[str] = []
    failed: list[tuple[str, str]] = []
    freed = 0
    for recording in doomed:
        try:
            for suffix in (SOUND, NOTE):
                freed += _delete(locate(root, recording.name, suffix))
        except (OSError, ValueError) as error:
            failed.append((recording.name, str(error)))
        else:
            removed.append(recording.name)
            _remove_empty_folders(root, locate(root, recording.name).parent)
    return Removal(removed=tuple(removed), freed_bytes=freed, failed=tuple(failed))


def _delete(file: Path) -> int:
    """The bytes that this gave back; 0 when it was gone already."""
    try:
        size = file.stat().st_size
        file.unlink()
    except FileNotFoundError:
        return 0
    return size


def _remove_empty_folders(root: Path, folder: Path) -> None:
    while folder != root:
        try:
            folder.rmdir()
        except OSError:  # not empty: that is how the climb ends
            return
        folder = folder.parent
