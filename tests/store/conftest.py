"""Journals in a folder of their own."""

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hotline.domain.state import State
from hotline.store.database import connect
from hotline.store.journal import FileJournal
from tests.kit.postgres import postgres_running, programs

NOON = 1_790_000_000_000_000
"""2026-09-21 14:13:20 UTC, in microseconds."""

Opener = Callable[..., FileJournal]


@pytest.fixture(name="open_journal")
def _open_journal(tmp_path: Path) -> Iterator[Opener]:
    opened: list[FileJournal] = []

    def open_journal(**options: object) -> FileJournal:
        given = {"utc": NOON, "alarm": print, "reserve": 0, **options}
        journal = FileJournal.open(tmp_path / "journal", state_type=State, **given)  # type: ignore[arg-type]
        opened.append(journal)
        return journal

    yield open_journal
    for journal in opened:
        journal.close()


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture(scope="session", name="postgres")
def _postgres() -> Iterator[str]:
    with postgres_running() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], name="database")
async def _database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind: the same tests run on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.db"
    if programs() is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: postgresql)")
    server: str = request.getfixturevalue("postgres")
    name = f"t{abs(hash(request.node.nodeid))}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return server.replace("/postgres", f"/{name}")


@pytest.fixture(name="engine")
async def _engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(database)
    yield engine
    await engine.dispose()
