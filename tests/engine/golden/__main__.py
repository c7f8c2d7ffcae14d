"""Writes the journal of this release: a busy minute, cut off by `kill -9`."""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hotline import __version__
from hotline.domain import inputs
from hotline.domain.commands import Record
from hotline.domain.ids import OperatorId, QueueId
from tests.domain.kit import company
from tests.engine.kit import Desk

HERE = Path(__file__).parent


def busy_minute(folder: Path) -> Desk:
    """Every kind of end and of going on that a journal may hold."""
    settings = company()
    sales = replace(settings.queues[QueueId("sales")], record=True, wrap_up_ms=600_000)
    desk = Desk(folder, replace(settings, queues={**settings.queues, sales.name: sales}))
    _answered(desk)
    _declined_then_missed(desk)
    desk.engine._keep(desk.clock.utc())
    _menu(desk)
    desk.calls("s7-10")
    desk.after(2).answers(desk.ringing())
    desk.after(1).calls("s7-11")
    desk.after(1).calls("s7-12", "100")
    desk.after(1).calls("s7-13", "300")
    return desk


def _answered(desk: Desk) -> None:
    caller = desk.calls("s7-1")
    desk.after(2).answers(desk.ringing())
    desk.after(30).ends(caller)
    for record in desk.executed(Record):
        desk._happens(
            inputs.RecordingClosed(
                **desk._when(),
                recording=record.recording,
                path=f"{record.name}.opus",
                duration_ms=30_000,
                size=60_000,
                reason="legs_ended",
            )
        )
    desk._happens(inputs.WrapUpFinished(**desk._when(), operator=OperatorId("anna")))


def _declined_then_missed(desk: Desk) -> None:
    caller = desk.calls("s7-2")
    desk.after(3).ends(desk.ringing(), "refused")
    desk.after(20).ends(desk.ringing(), "ring_timeout")
    desk.after(1).ends(caller)


def _menu(desk: Desk) -> None:
    caller = desk.calls("s7-3", "300")
    desk.presses(caller, "9")
    desk.after(1).presses(caller, "2")
    desk.after(10).ends(caller)


def main() -> int:
    target = HERE / __version__
    if target.exists():
        print(f"{target} is there: a golden journal is never written again")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        desk = busy_minute(Path(folder) / "journal")
        desk.journal.close()
        target.mkdir()
        for file in (Path(folder) / "journal").glob("*.db"):
            shutil.copy(file, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
