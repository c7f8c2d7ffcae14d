"""What an earlier release wrote, this one recovers."""

import shutil
from pathlib import Path

import pytest

from hotline.domain.memory import Memory
from hotline.domain.queue.fairness import violations
from hotline.domain.state import State
from hotline.engine.recover import recover
from hotline.store.journal import FileJournal
from tests.engine.golden.__main__ import busy_minute
from tests.engine.kit import START_UTC, Desk

GOLDEN = sorted((Path(__file__).parent / "golden").glob("[0-9]*"))


@pytest.mark.parametrize("release", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize("is_snapshot_kept", [True, False])
def test_a_journal_of_an_earlier_release_recovers(release: Path, is_snapshot_kept: bool, tmp_path: Path) -> None:
    """From its snapshot and from its facts alone; who talked talks, who waited waits in the same place."""
    folder = tmp_path / "journal"
    shutil.copytree(release, folder)
    journal = FileJournal.open(folder, utc=START_UTC, state_type=State, alarm=pytest.fail, reserve=0)
    if not is_snapshot_kept:
        journal._connection.execute("DELETE FROM snapshots")  # type: ignore[union-attr]
    state = recover(journal).hotline.state
    journal.close()

    assert {"s7-10": "talking", "s7-11": "waiting", "s7-12": "waiting", "s7-13": "choosing"} == {
        call.leg: call.state for call in state.calls.values()
    }
    assert {"anna": "ringing", "viktor": "talking"} == {
        operator.id: operator.state for operator in state.operators.values()
    }
    assert 1 == len(state.recordings)
    assert [] == violations(Memory(state))


def test_this_release_has_its_golden_journal() -> None:
    """It is written when the release is made: `python -m tests.engine.golden`."""
    from hotline import __version__

    assert __version__ in [path.name for path in GOLDEN]


def test_the_busy_minute_recovers_to_what_it_was(tmp_path: Path) -> None:
    """Snapshot and facts lead to the very state that was lost."""
    desk = busy_minute(tmp_path / "journal")
    lost = desk.engine.state
    desk.kill()
    again = Desk.__new__(Desk)
    again.__dict__.update(desk.__dict__)
    again.begin()

    assert lost == again.engine.state
    again.journal.close()
