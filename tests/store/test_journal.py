"""The journal keeps what it was given, through days, full disks and rivals."""

import asyncio
import sqlite3
from itertools import count, islice
from pathlib import Path

import pytest

from hotline.domain.commands import Answer, Hangup
from hotline.domain.facts import CallAnswered
from hotline.domain.ids import CallId, LegId
from hotline.domain.inputs import TimeCame
from hotline.domain.records import Numbered, Position, Record, Snapshot
from hotline.domain.state import State
from hotline.store.durability import Durability
from hotline.store.journal import DiskFull, FileJournal, JournalDeposed, JournalUnreadable
from tests.store.conftest import NOON, Opener

DAY = 86_400_000_000


def record(seq: int, utc: int = NOON, n: int = 0) -> Record:
    """A record with a fact and two commands."""
    return Record(
        seq=seq,
        at=seq * 10,
        utc=utc,
        position=Position(boot=2**64 - 5, n=n or seq),
        given=TimeCame(at=seq * 10, utc=utc),
        facts=(CallAnswered(at=seq * 10, call=CallId("c1")),),
        commands=(Answer(leg=LegId("s1-1")), Hangup(leg=LegId("s1-2"))),
    )


def test_records_are_read_again_as_they_were_written(open_journal: Opener) -> None:
    """In order and equal, from any place on."""
    journal = open_journal()
    written = [record(seq) for seq in range(1, 1201)]
    journal.append(written[:1])
    journal.append(written[1:])

    assert written == list(journal.read(0))
    assert written[700:] == list(journal.read(700))


def test_a_new_owner_goes_on_where_the_last_one_ended(open_journal: Opener) -> None:
    """The number, the time and the switch's position are those of the last record; the epoch rises."""
    first = open_journal()
    first.append([record(1), record(2, n=77)])
    epoch = first.start.epoch
    first.close()

    start = open_journal().start

    assert (2, 20, NOON) == (start.seq, start.at, start.utc)
    assert Position(boot=2**64 - 5, n=77) == start.position
    assert start.epoch > epoch


def test_commands_above_the_high_water_mark_are_handed_out_in_order(open_journal: Opener) -> None:
    """Those of the same record above its place, and all later ones."""
    journal = open_journal()
    journal.append([record(1), record(2), record(3)])

    found = journal.commands_after(2, 0)

    assert [(2, 1), (3, 0), (3, 1)] == [(numbered.seq, numbered.i) for numbered in found]
    assert Numbered(seq=2, i=1, command=Hangup(leg=LegId("s1-2"))) == found[0]


def test_a_new_day_is_a_new_file_that_opens_with_a_snapshot(open_journal: Opener, tmp_path: Path) -> None:
    """Numbers go on without a gap, and reading crosses midnight."""
    journal = open_journal()
    journal.append([record(1)])
    assert not journal.wants_snapshot(NOON + 1000)
    assert journal.wants_snapshot(NOON + DAY)
    journal.snapshot(
        Snapshot(seq=1, at=10, utc=NOON, position=Position(boot=3, n=4), state=State(seed="x")), NOON + DAY
    )
    journal.append([record(2, NOON + DAY)])

    assert ["2026-09-21.db", "2026-09-22.db"] == [file.name for file in journal.days.files()]
    assert [1, 2] == [found.seq for found in journal.read(0)]
    assert (
        Snapshot(seq=1, at=10, utc=NOON, position=Position(boot=3, n=4), state=State(seed="x"))
        == journal.newest_snapshot()
    )


def test_a_day_that_has_only_its_opening_snapshot_is_enough(open_journal: Opener, tmp_path: Path) -> None:
    """Older days may be thrown away: the snapshot knows its own place."""
    journal = open_journal()
    journal.append([record(1)])
    position = Position(boot=3, n=4)
    taken = Snapshot(seq=1, at=10, utc=NOON, position=position, state=State(seed="x"))
    journal.snapshot(taken, NOON + DAY)
    journal.close()
    (tmp_path / "journal" / "2026-09-21.db").unlink()

    again = open_journal()

    assert (1, 10, position) == (again.start.seq, again.start.at, again.start.position)
    assert taken == again.newest_snapshot()


def test_a_clock_set_back_does_not_reopen_yesterday(open_journal: Opener) -> None:
    """The later file stays the current one."""
    journal = open_journal()
    journal.append([record(1)])

    assert not journal.wants_snapshot(NOON - DAY)


def test_the_newest_readable_snapshot_is_taken(open_journal: Opener) -> None:
    """One of another release is passed over with an alarm."""
    alarms: list[str] = []
    journal = open_journal(alarm=alarms.append)
    journal.append([record(1), record(2)])
    journal.snapshot(Snapshot(seq=1, at=10, utc=NOON, position=Position(boot=3, n=4), state=State(seed="good")), NOON)
    journal._connection.execute("INSERT INTO snapshots VALUES (2, 20, 0, 0, 0, x'c1')")  # type: ignore[union-attr]

    taken = journal.newest_snapshot()

    assert taken is not None
    assert (1, State(seed="good")) == (taken.seq, taken.state)
    assert "snapshot 2" in alarms[0]


async def test_a_promise_waits_for_the_disk(open_journal: Opener) -> None:
    """`durable` returns soon after the record was written, not before it."""
    journal = open_journal()
    early = asyncio.ensure_future(journal.durable(1))
    await asyncio.sleep(0)
    assert not early.done()

    journal.append([record(1)])

    await asyncio.wait_for(early, 2)
    await asyncio.wait_for(journal.durable(1), 2)


def test_a_deposed_engine_meets_its_successors_records(open_journal: Opener, tmp_path: Path) -> None:
    """Even if it lost its lock without noticing, it cannot write a second truth."""
    journal = open_journal()
    journal.append([record(1)])
    (tmp_path / "journal" / "lock").unlink()
    successor = open_journal()
    successor.append([record(2)])

    with pytest.raises(JournalDeposed):
        journal.append([record(2), record(3)])

    assert [1, 2] == [found.seq for found in successor.read(0)]


def test_a_journal_of_a_newer_release_is_refused(open_journal: Opener) -> None:
    """In a sentence."""
    journal = open_journal()
    journal._connection.execute("UPDATE about SET format = 99")  # type: ignore[union-attr]
    journal.append([record(1)])
    journal.close()

    with pytest.raises(JournalUnreadable, match="newer release"):
        open_journal()


def test_a_long_log_is_moved_into_the_database(open_journal: Opener, tmp_path: Path) -> None:
    """By the other thread, so that the log of a busy day starts again from its beginning."""
    journal = open_journal()
    log = tmp_path / "journal" / "2026-09-21.db-wal"
    for seq in range(1, 60_000, 500):
        journal.append([record(at) for at in range(seq, seq + 500)])
    written = 60_000 * 250

    assert log.stat().st_size < written + (16 << 20)
    assert 60_000 == journal.days.last().seq  # type: ignore[union-attr]


async def test_a_log_that_was_long_is_not_moved_at_every_sync(
    open_journal: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file keeps its size for ever; what counts is what was written since."""
    tries: list[int] = []
    checkpoint = Durability._checkpoint

    def counted(self: Durability, connection: sqlite3.Connection) -> None:
        tries.append(1)
        checkpoint(self, connection)

    monkeypatch.setattr(Durability, "_checkpoint", counted)
    journal = open_journal()
    journal.append([record(seq) for seq in range(1, 30_001)])
    following = count(30_001)

    async def write_on(times: int) -> int:
        for seq in islice(following, times):
            journal.append([record(seq)])
            await journal.durable(seq)
        return len(tries)

    after_the_long = await write_on(30)

    assert 0 < after_the_long == await write_on(30)


def test_a_full_disk_at_the_start_is_said_in_a_sentence(small_disk: Path) -> None:
    """And nothing stays half opened."""
    (small_disk / "filler").write_bytes(bytes(3 << 20))

    with pytest.raises(DiskFull, match="the disk that holds the journal is full"):
        FileJournal.open(small_disk / "journal", utc=NOON, state_type=State, alarm=print, reserve=8 << 20)

    (small_disk / "filler").unlink()
    FileJournal.open(small_disk / "journal", utc=NOON, state_type=State, alarm=print, reserve=0).close()


def test_a_disk_that_fills_up_costs_the_reserve_before_it_costs_a_record(small_disk: Path) -> None:
    """The alarm comes first; when the reserve is used up too the engine must stop, and nothing is lost."""
    alarms: list[str] = []
    journal = FileJournal.open(small_disk / "journal", utc=NOON, state_type=State, alarm=alarms.append, reserve=1 << 20)
    seq = 0

    def fill() -> None:
        nonlocal seq
        while True:
            journal.append([record(at) for at in range(seq + 1, seq + 101)])
            seq += 100

    with pytest.raises(DiskFull):
        fill()

    assert ["the disk is full: the journal lives on its reserve"] == alarms
    assert seq == len(list(journal.read(0)))
    journal.close()
