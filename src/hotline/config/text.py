"""The owner's file as text: what it says (`tomllib`) and on which line it says it (ours: tomllib gives no lines)."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotline.domain.settings import Finding

__all__ = ["Place", "Source", "Unreadable"]

Place = tuple[str | int, ...]
"""Where a value stands: `("queues", "sales", "operators", 1)`."""


class Unreadable(Exception):
    """The file cannot be read or is no TOML; the finding says where and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


class Source:
    """One configuration file: its values with `${NAME}` filled in, and the line of each."""

    def __init__(self, file: Path, text: str, environ: Mapping[str, str]) -> None:
        """Raises `Unreadable` with the line of a syntax error."""
        self.file = file
        self.text = text
        self.unset: list[tuple[Place, str]] = []
        self._lines = text.split("\n")
        self._spans = _spans(text) if (data := self._parsed(text)) else {}
        self.data: dict[str, Any] = self._filled(data, (), environ)

    def where(self, place: Place, value: object = None) -> str:
        """`company.toml:17`. With `value`, the line inside a longer entry that names it."""
        while place and place not in self._spans:
            place = place[:-1]
        first, last = self._spans.get(place, (1, 1))
        if isinstance(value, str) and last > first:
            for line in range(first, last + 1):
                if f'"{value}"' in self._lines[line - 1] or f"'{value}'" in self._lines[line - 1]:
                    return f"{self.file.name}:{line}"
        return f"{self.file.name}:{first}"

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            sentence, _, rest = str(error).partition(" (at ")
            found = re.search(r"line (\d+)", rest)
            line = found[1] if found else str(len(self._lines))
            where = f"{self.file.name}:{line}"
            raise Unreadable(Finding(severity="error", where=where, sentence=f"this is no TOML: {sentence}")) from None

    def _filled(self, value: Any, place: Place, environ: Mapping[str, str]) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner, (*place, key), environ) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, (*place, index), environ) for index, inner in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _VARIABLE.sub(lambda found: self._variable(found, place, environ), value)
        return value

    def _variable(self, found: re.Match[str], place: Place, environ: Mapping[str, str]) -> str:
        given: str | None = environ.get(found["name"])
        if given is None:
            given = found["default"]
        if given is None:
            self.unset.append((place, found["name"]))
            return "unset"
        return given


def _spans(text: str) -> dict[Place, tuple[int, int]]:
    """First and last line of every table and entry. The text is known to be valid TOML."""
    spans: dict[Place, tuple[int, int]] = {}
    rows: dict[Place, int] = {}
    table: Place = ()
    at, line = 0, 1
    while at < len(text):
        end = _entry_end(text, at)
        entry = text[at:end]
        last = line + entry.count("\n")
        stripped = entry.strip()
        if stripped.startswith("[["):
            name = _resolved(_names(stripped[2:]), rows)
            rows[name] = rows.get(name, -1) + 1
            table = (*name, rows[name])
            spans[table] = (line, line)
        elif stripped.startswith("["):
            table = _resolved(_names(stripped[1:]), rows)
            spans[table] = (line, line)
        elif stripped and not stripped.startswith("#"):
            names = _names(stripped)
            for depth in range(1, len(names) + 1):
                spans.setdefault((*table, *names[:depth]), (line, last))
        at, line = end + 1, last + 1
    for place in [place for place in spans if place and isinstance(place[-1], int)]:
        spans.setdefault(place[:-1], spans[place])
    return spans


def _entry_end(text: str, at: int) -> int:
    """Where the entry that begins at `at` ends: the first line end outside strings and brackets."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth <= 0:
            return token.start()
    return len(text)


def _names(text: str) -> Place:
    """`a."b c".d = ...` or `a.b]` -> `("a", "b c", "d")`."""
    names: list[str] = []
    for name in _NAME.finditer(text):
        bare, basic, literal = name["bare"], name["basic"], name["literal"]
        names.append(next(part for part in (bare, basic, literal) if part is not None))
        if name["after"] != ".":
            break
    return tuple(names)


def _resolved(names: Place, rows: Mapping[Place, int]) -> Place:
    """A table below a row of an array of tables belongs to the row that was opened last."""
    place: Place = ()
    for index, name in enumerate(names):
        place = (*place, name)
        if place in rows and index < len(names) - 1:
            place = (*place, rows[place])
    return place


_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|\n', re.DOTALL
)
_NAME = re.compile(
    r'\s*(?:(?P<bare>[A-Za-z0-9_-]+)|"(?P<basic>(?:[^"\\\n]|\\.)*)"|\'(?P<literal>[^\'\n]*)\')\s*(?P<after>[.\]=])'
)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
