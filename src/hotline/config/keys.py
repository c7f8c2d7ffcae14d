"""How a key of the file is declared, read and explained: tables are lists of these, and so is their reference page."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hotline.config.text import Place, Source
from hotline.domain.phrases import OwnFile, OwnText, PackPhrase, Phrase
from hotline.domain.settings import Finding

__all__ = [
    "MANDATORY", "Findings", "Key", "Kind", "Mistake", "address", "choice", "duration", "flag", "names", "network",
    "phrases", "ports", "read", "suggestion", "table", "text", "texts", "whole",
]  # fmt: skip

MANDATORY: Final = object()
"""The default of a key that must be given."""


class Mistake(Exception):
    """Why a value is refused; reads on from the key's name: `must be ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of value: what it is called in the reference and how it is read."""

    name: str
    reads: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table."""

    name: str
    kind: Kind
    default: Any = MANDATORY
    shown: str = ""
    """The default in words of the file."""
    says: str


class Findings:
    """What was found so far, each with its line."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.all: list[Finding] = [
            Finding(
                severity="error",
                where=source.where(place),
                sentence=f"the environment variable {name} is not set; set it, or write ${{{name}:-a default}}",
            )
            for place, name in source.unset
        ]

    def error(self, place: Place, sentence: str, value: object = None) -> None:
        """Adds a mistake. `value` narrows the line down inside a long entry."""
        if any(place[: len(unset)] == unset for unset, _ in self.source.unset):
            return  # what is wrong there has been said
        where = self.source.where(place, value)
        self.all.append(Finding(severity="error", where=where, sentence=sentence))

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.all)


def read(
    findings: Findings, data: Any, place: Place, label: str, keys: Sequence[Key], *, others: Iterable[str] = ()
) -> dict[str, Any]:
    """A table's values by key, defaults filled in; every mistake becomes a finding and its key takes the default."""
    if not isinstance(data, dict):
        findings.error(place, f"{label} must be a table of keys, not {_shown(data)}")
        data = {}
    known = {key.name: key for key in keys}
    for name in data:
        if name not in known and name not in others:
            hint = suggestion(name, known)
            findings.error((*place, name), f"{label} has an unknown key {_shown(name)}{hint}")
    values: dict[str, Any] = {}
    for key in keys:
        values[key.name] = None if key.default is MANDATORY else key.default
        if key.name in data:
            try:
                values[key.name] = key.kind.reads(data[key.name])
            except Mistake as mistake:
                findings.error((*place, key.name), f"{label}: {key.name} {mistake}", data[key.name])
        elif key.default is MANDATORY:
            findings.error(place, f"{label} has no {key.name}: {key.says}")
    return values


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean "anna"?`, when something known is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {_shown(near[0])}?" if near else ""


def choice(*words: str) -> Kind:
    """One of a few words."""

    def reads(value: Any) -> str:
        if value not in words:
            listed = ", ".join(f'"{word}"' for word in words)
            raise Mistake(f"must be one of {listed}, not {_shown(value)}{suggestion(str(value), words)}")
        return str(value)

    return Kind(name=" or ".join(f'`"{word}"`' for word in words), reads=reads)


def whole_between(low: int, high: int) -> Kind:
    """A whole number within bounds."""

    def reads(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Mistake(f"must be a whole number from {low} to {high}, not {_shown(value)}")
        return value

    return Kind(name="whole number", reads=reads)


def milliseconds(value: Any) -> int:
    """`"1m30s"` -> 90000."""
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) and value else None
    if not found:
        raise Mistake(f'must be a duration such as "20s", "1m30s" or "2h", not {_shown(value)}')
    return sum(int(found[unit] or 0) * size for unit, size in _UNITS.items())


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake(f"must be a text in quotes, not {_shown(value)}")
    return value.strip()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in (value if isinstance(value, list) else [value]))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mistake(f"must be true or false, not {_shown(value)}")
    return value


def _names(value: Any) -> tuple[str, ...]:
    spread: list[str] = []
    for item in _texts(value):
        found = _RANGE.fullmatch(item)
        if not found:
            spread.append(item)
            continue
        first, last = int(found["first"]), int(found["last"])
        if found["stem"] != found["again"] or last < first or last - first >= 100_000:
            raise Mistake(f'must be a range such as "op1..op20", not {_shown(item)}')
        spread += [f"{found['stem']}{number}" for number in range(first, last + 1)]
    return tuple(spread)


def _address(value: Any) -> str:
    host, colon, port = _text(value).rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) <= 65535 or not host:
        raise Mistake(f'must be an address with its port such as "0.0.0.0:5060", not {_shown(value)}')
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise Mistake(f'must be an IP address with its port such as "0.0.0.0:5060", not {_shown(value)}') from None
    return f"{host}:{port}"


def _networks(value: Any) -> tuple[str, ...]:
    if value == []:
        return ()
    networks = []
    for item in _texts(value):
        try:
            networks.append(str(ipaddress.ip_network(item, strict=False)))
        except ValueError:
            raise Mistake(f'must be networks such as "198.51.100.0/24", not {_shown(item)}') from None
    return tuple(networks)


def _ports(value: Any) -> tuple[int, int]:
    first, dash, last = _text(value).partition("-")
    if not (dash and first.strip().isdigit() and last.strip().isdigit()):
        raise Mistake(f'must be a range of ports such as "16384-32767", not {_shown(value)}')
    low, high = int(first), int(last)
    if not 1024 <= low < high <= 65535:
        raise Mistake(f"must lie between 1024 and 65535, the lower port first, not {_shown(value)}")
    return low, high


def _phrases(value: Any) -> tuple[Phrase, ...]:
    return () if value == [] else tuple(_phrase(item) for item in _texts(value))


def _phrase(item: str) -> Phrase:
    if item.startswith("pack:"):
        return PackPhrase(key=item.removeprefix("pack:"))
    if item.startswith("file:"):
        return OwnFile(path=item.removeprefix("file:"))
    return OwnText(text=item)


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Mistake(f"must be a table, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


text = Kind(name="text", reads=_text)
texts = Kind(name="texts", reads=_texts)
flag = Kind(name="`true` or `false`", reads=_flag)
duration = Kind(name="duration", reads=milliseconds)
names = Kind(name="names or ranges of names", reads=_names)
address = Kind(name="address and port", reads=_address)
network = Kind(name="networks", reads=_networks)
ports = Kind(name="range of ports", reads=_ports)
phrases = Kind(name="phrases", reads=_phrases)
table = Kind(name="table", reads=_table)
whole = whole_between

_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+)s)?(?:(?P<ms>\d+)ms)?")
_RANGE = re.compile(r"(?P<stem>[^\d.]*)(?P<first>\d+)\.\.(?P<again>[^\d.]*)(?P<last>\d+)")
