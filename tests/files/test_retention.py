"""Recordings go when their days are over: no earlier, and with their notes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotline.domain.ids import QueueId
from hotline.domain.settings import QueueSettings, Settings
from hotline.files.places import NOTE, Recording, locate, parse, recordings, write_note
from hotline.files.retention import DEFAULT_DAYS, Retention, expired, remove, sweep

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def made(age: timedelta, place: str = "shop", number: int = 1) -> Recording:
    """A recording that began so long ago."""
    begun = NOW - age
    return parse(f"{begun:%Y/%m/%d/%Y%m%d-%H%M%S}-in-{place}-c{number}-r1")


def on_disk(root: Path, recording: Recording, content: bytes = b"OggS") -> Path:
    """Its file and note."""
    file = locate(root, recording.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    write_note(root, recording.name, {"call": "c"})
    return file


def test_a_recording_goes_when_its_days_are_over_and_not_before() -> None:
    """To the second."""
    young, old = made(timedelta(days=90)), made(timedelta(days=90, seconds=1))

    assert [old] == expired([young, old], NOW, Retention(default=90))


def test_each_queue_has_its_own_days() -> None:
    """A queue that is not named keeps the default; of two names that fit the longer one counts."""
    retention = Retention(default=30, places={"shop": 10, "shop-vip": 365})
    shop, vip, other = (made(timedelta(days=20), place) for place in ("shop", "shop-vip", "tech"))

    assert [10, 365, 30] == [retention.days(recording) for recording in (shop, vip, other)]
    assert [shop] == expired([shop, vip, other], NOW, retention)


def test_the_days_come_from_the_settings_of_the_queues() -> None:
    """Voicemail and forgotten queues keep the default."""
    queues = {
        QueueId(name): QueueSettings(name=QueueId(name), operators=(), recording_days=days)
        for name, days in (("shop", 10), ("Склад 1", 365))
    }
    settings = Settings(revision=1, company="Test", numbers={}, flows={}, queues=queues, operators={})
    retention = Retention.of(settings)

    ages = [retention.days(made(timedelta(days=1), place)) for place in ("shop", "Склад_1", "voicemail")]
    assert [10, 365, DEFAULT_DAYS] == ages


@pytest.mark.parametrize("days", [0, -1])
def test_less_than_a_day_is_refused(days: int) -> None:
    """It would delete recordings of calls that go on."""
    with pytest.raises(ValueError, match="at least one day"):
        Retention(default=days)
    with pytest.raises(ValueError, match="at least one day"):
        Retention(default=1, places={"shop": days})


def test_removal_deletes_sound_note_and_empty_days_and_reports(tmp_path: Path) -> None:
    """What is younger stays, and so does a day that holds it."""
    old, older, young = made(timedelta(days=40)), made(timedelta(days=75)), made(timedelta(days=1))
    for recording in (old, older, young):
        on_disk(tmp_path, recording, b"x" * 1000)
    report = sweep(tmp_path, NOW, Retention(default=30))

    assert {old.name, older.name} == set(report.removed)
    assert report.freed_bytes > 2000
    assert report.failed == ()
    assert [young] == list(recordings(tmp_path))
    assert not (tmp_path / "2026/09").exists()
    assert locate(tmp_path, young.name, NOTE).exists()


def test_what_cannot_be_deleted_is_reported_and_hinders_no_other(tmp_path: Path) -> None:
    """A folder stands in place of the first file."""
    stuck, fine = made(timedelta(days=40)), made(timedelta(days=41))
    locate(tmp_path, stuck.name).mkdir(parents=True)
    on_disk(tmp_path, fine)
    report = remove(tmp_path, [stuck, fine])

    assert report.removed == (fine.name,)
    ((name, reason),) = report.failed
    assert name == stuck.name
    assert reason


def test_a_recording_that_is_gone_already_counts_as_removed(tmp_path: Path) -> None:
    """Somebody was faster: the result is what was wanted."""
    report = remove(tmp_path, [made(timedelta(days=40))])

    assert (len(report.removed), report.freed_bytes, report.failed) == (1, 0, ())
