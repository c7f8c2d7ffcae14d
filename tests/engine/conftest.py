"""A desk for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.kit import Desk


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "journal")
    yield desk
    desk.journal.close()
