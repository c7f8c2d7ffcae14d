"""The journal's files and how they are read: one SQLite database a day, named by its UTC date.

Law: records are numbered through all days without a gap; each day but the first opens with a snapshot.
Reading takes no lock and holds no transaction open for long, so that it never delays the writer.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.inputs import Input
from hotline.domain.records import Numbered, Position, Record
from hotline.store.codec import Choice, CodecError

__all__ = ["FORMAT", "INSERT", "SCHEMA", "Days", "boot_column", "columns", "day_of", "name_of_day"]

FORMAT = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, utc INTEGER NOT NULL,
    boot INTEGER NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS snapshots (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, utc INTEGER NOT NULL,
    boot INTEGER NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL
);
"""
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)"
_ALL = "SELECT seq, at, utc, boot, n, body FROM records"
_SNAPSHOTS = "SELECT seq, at, utc, boot, n, body FROM snapshots"
_DAY_US = 86_400_000_000
_CHUNK = 500


class Days:
    """All days in a folder, for reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Path]:
        """Oldest first."""
        return sorted(self.folder.glob("????-??-??.db"))

    def last(self) -> Record | None:
        """The newest record. Raises CodecError."""
        for file in reversed(self.files()):
            for row in _query(file, f"{_ALL} ORDER BY seq DESC LIMIT 1"):
                return _record(*row)
        return None

    def after(self, seq: int) -> Iterator[Record]:
        """Records above `seq`, in order. Raises CodecError."""
        for row in self._rows_after(seq):
            yield _record(*row)

    def facts_after(self, seq: int, kinds: Collection[type[Fact]]) -> Iterator[Record]:
        """Records above `seq` with nothing in them but facts of these kinds: quicker for who folds.

        Raises CodecError.
        """
        names = frozenset(kind.__name__ for kind in kinds)
        for row in self._rows_after(seq):
            yield _facts_of(names, *row)

    def commands_after(self, seq: int, i: int) -> list[Numbered]:
        """Commands above `(seq, i)`, in order. Raises CodecError."""
        return [
            Numbered(seq=record.seq, i=place, command=command)
            for record in self.after(seq - 1)
            for place, command in enumerate(record.commands)
            if (record.seq, place) > (seq, i)
        ]

    def snapshots(self) -> Iterator[tuple[int, int, int, Position, bytes]]:
        """`(seq, at, utc, position, body)`, newest first."""
        for file in reversed(self.files()):
            for seq, at, utc, boot, n, body in _query(file, f"{_SNAPSHOTS} ORDER BY seq DESC"):
                yield seq, at, utc, _position(boot, n), body

    def _rows_after(self, seq: int) -> Iterator[Any]:
        for file in self._files_after(seq):
            while rows := _query(file, f"{_ALL} WHERE seq > ? ORDER BY seq LIMIT ?", seq, _CHUNK):
                yield from rows
                seq = rows[-1][0]

    def _files_after(self, seq: int) -> list[Path]:
        wanted: list[Path] = []
        for file in reversed(self.files()):
            wanted.insert(0, file)
            first = _query(file, "SELECT seq FROM records ORDER BY seq LIMIT 1")
            if first and first[0][0] <= seq + 1:
                break
        return wanted


def columns(record: Record) -> tuple[int, int, int, int, int, bytes]:
    """A record as INSERT takes it. Its body is `[input, [facts], [commands]]`, each `[name, fields]`."""
    body = _ENCODER.encode(
        (
            None if record.given is None else _INPUTS.plain(record.given),
            [_FACTS.plain(fact) for fact in record.facts],
            [_COMMANDS.plain(command) for command in record.commands],
        )
    )
    boot = boot_column(record.position)
    return record.seq, record.at, record.utc, boot, record.position.n, body


def boot_column(position: Position) -> int:
    """A switch draws 64 bits; SQLite's integers are signed."""
    return position.boot - (1 << 64) if position.boot >> 63 else position.boot


def _position(boot: int, n: int) -> Position:
    return Position(boot=boot % (1 << 64), n=n)


def day_of(utc: int) -> int:
    """Days since 1970 at a UTC instant in microseconds."""
    return utc // _DAY_US


def name_of_day(day: int) -> str:
    """`2026-11-23.db`"""
    return f"{date(1970, 1, 1) + timedelta(days=day)}.db"


def _facts_of(names: Collection[str], seq: int, at: int, utc: int, boot: int, n: int, body: bytes) -> Record:
    _, facts, _ = _parts(seq, body)
    kept = tuple(_FACTS.decode(name, part) for name, part in facts if name in names)
    return Record(seq=seq, at=at, utc=utc, position=_position(boot, n), facts=kept)


def _record(seq: int, at: int, utc: int, boot: int, n: int, body: bytes) -> Record:
    given, facts, commands = _parts(seq, body)
    return Record(
        seq=seq,
        at=at,
        utc=utc,
        position=_position(boot, n),
        given=None if given is None else _INPUTS.decode(*given),
        facts=tuple(_FACTS.decode(name, part) for name, part in facts),
        commands=tuple(_COMMANDS.decode(name, part) for name, part in commands),
    )


def _parts(seq: int, body: bytes) -> "_Parts":
    try:
        parts: _Parts = _BODY.decode(body)
    except msgspec.MsgspecError as error:
        raise CodecError(f"record {seq}: {error}") from error
    return parts


def _query(file: Path, query: str, *values: int) -> list[Any]:
    uri = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
        return connection.execute(query, values).fetchall()


_Tagged = tuple[str, msgspec.Raw]
_Parts = tuple[_Tagged | None, list[_Tagged], list[_Tagged]]
_BODY = msgspec.msgpack.Decoder(_Parts)
_ENCODER = msgspec.msgpack.Encoder()
_INPUTS: Choice[Input] = Choice(Input)
_FACTS: Choice[Fact] = Choice(Fact)
_COMMANDS: Choice[Command] = Choice(Command)
