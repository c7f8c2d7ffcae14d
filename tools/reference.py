"""Writes the pages of docs/reference: drawn from the code, so that they cannot say anything else.

    python tools/reference.py [FOLDER]

`make docs` calls it; a test fails when a page of the repository is stale.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotline.config import tables
from hotline.config.keys import MANDATORY, Key
from hotline.domain.call import CALL
from hotline.domain.operator import OPERATOR

HOUSE = Path(__file__).resolve().parent.parent
DRAWN = "<!-- Drawn from the code by `make docs`; edit the code instead. -->"


def main(folder: Path) -> None:
    """Writes every page into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


def pages() -> dict[str, str]:
    """File name -> text of each generated page."""
    return {"configuration.md": configuration(), "control-protocol.md": control_protocol(), "states.md": states()}


# --- configuration ----------------------------------------------------------------------------------------------------


def configuration() -> str:
    """Every table of the owner's file and every key of each."""
    lines = [
        "# Configuration, key by key",
        DRAWN,
        "A whole small company and how to begin: [../how-to/configuration.md](../how-to/configuration.md). "
        'Durations are written `"20s"`, `"1m30s"`, `"2h"`; `${NAME}` and `${NAME:-default}` come from the environment.',
    ]
    for title, header, says, keys in tables.SECTIONS:
        lines += [f"## {title}" + (f": `{header}`" if header else ""), says, _keys(keys)]
    lines += ["## Flows: `[flows.NAME.NODE]`", _FLOWS]
    for do, of_node in tables.NODES.items():
        lines += [f'### `do = "{do}"`', _keys(of_node)]
    return "\n\n".join(lines) + "\n"


_FLOWS = (
    "A flow begins at its first node, or at the one that `start` names. Each node says what it does with `do`; "
    "one that names no `next` goes on to the node below it."
)


def _keys(keys: Sequence[Key]) -> str:
    rows = ["| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    for key in keys:
        default = "**must be given**" if key.default is MANDATORY else key.shown
        rows.append(f"| `{key.name}` | {_cell(key.kind.name)} | {_cell(default)} | {_cell(key.says)} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# --- control protocol -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Item:
    """A frame, a part or a list of words, as the Rust source declares it."""

    name: str
    doc: str
    fields: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, type, doc."""


def control_protocol() -> str:
    """Every frame between switch and engine, from the Rust half's declarations."""
    source = (HOUSE / "crates/control/src/frames.rs").read_text()
    blocks = dict(_blocks(source))
    protocol = re.search(r"PROTOCOLS: \[u16; \d+\] = \[([\d, ]+)\]", source)
    assert protocol
    lines = [
        "# The control protocol",
        DRAWN,
        f"Protocol versions of this release: {protocol[1]}. Why it is so: "
        "[decision 1](../decisions/0001-process-split.md).",
        _WIRE,
    ]
    for title, name in _TITLES:
        kind, doc, body = blocks.pop(name)
        assert kind == "enum"
        lines += [f"## {title}", doc]
        for item in _variants(body):
            lines += [f"### {item.name}", item.doc, _fields(item)]
    lines += ["## Parts", "What stands inside frames."]
    for name, (kind, doc, body) in blocks.items():
        lines += [f"### {name}", doc]
        lines.append(_fields(Item(name, "", list(_struct_fields(body)))) if kind == "struct" else _words(body))
    return "\n\n".join(line for line in lines if line) + "\n"


_WIRE = (
    "A frame on the wire is a length (u32, big endian) and a MessagePack map whose first key `t` names the variant; "
    "the other keys stand in the order of the tables below. `_us` are microseconds on the switch's boot-time clock, "
    "`_ms` durations in milliseconds. The golden frames of `contract/` are read and written identically by both halves."
)
_TITLES = (
    ("From the engine to the switch", "ToSwitch"),
    ("From the switch to the engine", "ToEngine"),
    ("Commands", "Command"),
    ("Events", "Event"),
)


def _blocks(source: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Name -> (struct or enum, doc, body) of each public type."""
    pattern = r"((?:^///[^\n]*\n)*)(?:^#\[[^\n]*\]\n)*^pub (struct|enum) (\w+) \{\n(.*?)^\}"
    for found in re.finditer(pattern, source, re.M | re.S):
        yield found[3], (found[2], _doc(found[1]), found[4])


def _variants(body: str) -> Iterator[Item]:
    """`/// doc` and `Name { fields },` of an enum of frames."""
    for found in re.finditer(r"((?:^    ///[^\n]*\n)*)^    (\w+) \{\n(.*?)^    \},", body, re.M | re.S):
        yield Item(found[2], _doc(found[1]), list(_struct_fields(found[3])))


def _struct_fields(body: str) -> Iterator[tuple[str, str, str]]:
    for found in re.finditer(r"((?:^ +///.*\n)*)^ +(?:pub )?(\w+): (.+),$", body, re.M):
        yield found[2], _type(found[3]), _doc(found[1])


def _words(body: str) -> str:
    rows = ["| Word | Meaning |", "|---|---|"]
    for found in re.finditer(r"((?:^    ///.*\n)*)^    (\w+),$", body, re.M):
        word = re.sub(r"(?<!^)(?=[A-Z])", "_", found[2]).lower()
        rows.append(f"| `{word}` | {_cell(_doc(found[1]))} |")
    return "\n".join(rows)


def _fields(item: Item) -> str:
    rows = ["| Field | Type | Meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {kind} | {_cell(doc)} |" for name, kind, doc in item.fields]
    return "\n".join(rows)


def _doc(comment: str) -> str:
    return " ".join(line.strip().removeprefix("///").strip() for line in comment.splitlines())


def _type(rust: str) -> str:
    """In words: `Option<Vec<LegId>>` is a list of leg, or nothing."""
    for pattern, words in _TYPES:
        found = re.fullmatch(pattern, rust)
        if found:
            return words.format(*(_type(inner) for inner in found.groups()))
    return rust


_TYPES = (
    (r"Option<(.+)>", "{0}, or nothing"),
    (r"Vec<(.+)>", "list of {0}"),
    (r"BTreeMap<(\w+), (.+)>", "map {0} → {1}"),
    (r"LegId", "leg"),
    (r"String", "text"),
    (r"bool", "yes or no"),
    (r"[ui]\d+", "whole number"),
)


# --- states -----------------------------------------------------------------------------------------------------------


def states() -> str:
    """The two state tables of the domain; a dot is `ignore`, or the state that stays."""
    lines = [
        "# States",
        DRAWN,
        "Every (state, event) is decided in these tables and nowhere else; a dot means that nothing changes.",
        "## A call: what is done",
        "The caller's step in rows, what may happen in columns; the cell is the action (`domain/call.py`).",
        _matrix(CALL, lambda state, action: action == "ignore"),
        "## An operator: the next state",
        "What the machine knows of him; what he chose (ready, paused) is kept apart (`domain/operator.py`).",
        _matrix(OPERATOR, lambda state, following: state == following),
        _diagram(OPERATOR),
    ]
    return "\n\n".join(lines) + "\n"


def _matrix(table: Mapping[Any, Mapping[Any, str]], unchanged: Callable[[str, str], bool]) -> str:
    events = list(next(iter(table.values())))
    rows = [f"| | {' | '.join(events)} |", "|---" * (len(events) + 1) + "|"]
    for state, row in table.items():
        cells = ["·" if unchanged(state, row[event]) else row[event] for event in events]
        rows.append(f"| **{state}** | {' | '.join(cells)} |")
    return "\n".join(rows)


def _diagram(table: Mapping[Any, Mapping[Any, str]]) -> str:
    arrows = [
        f"    {state} --> {following}: {event}"
        for state, row in table.items()
        for event, following in row.items()
        if following != state
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(table))}", *arrows, "```"])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HOUSE / "docs/reference")
