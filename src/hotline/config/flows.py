"""Flows: the tables `[flows.NAME.NODE]` read into the domain's nodes.

The first node is where a flow starts; a node that names no `next` goes on to the one below it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hotline.config.keys import Findings, read, suggestion
from hotline.config.tables import NODES
from hotline.config.text import Place
from hotline.domain import settings as domain
from hotline.domain.ids import QueueId
from hotline.domain.phrases import OwnFile, Phrase

__all__ = ["Known", "flows", "resolved"]


class Known:
    """The names that flows may use, and how sound files are found."""

    def __init__(
        self, *, queues: Mapping[str, Any], hours: Mapping[str, Any], sound: Callable[[str], str | None]
    ) -> None:
        self.queues = queues
        self.hours = hours
        self.sound = sound
        """A file of the owner's -> its full path, or nothing when it cannot be read."""


def flows(findings: Findings, data: Any, known: Known) -> dict[str, domain.Flow]:
    """Every `[flows.NAME]`."""
    if not isinstance(data, dict):
        findings.error(("flows",), "flows must be tables such as [flows.main.greeting]")
        return {}
    return {name: _Reader(findings, name, data[name], known).flow() for name in data}


def resolved(
    findings: Findings, place: Place, label: str, said: tuple[Phrase, ...], known: Known
) -> tuple[Phrase, ...]:
    """The phrases with the owner's files by full path."""
    found: list[Phrase] = []
    for phrase in said:
        if isinstance(phrase, OwnFile):
            path = known.sound(phrase.path)
            if path is None:
                findings.error(place, f'{label}: there is no file "{phrase.path}"', f"file:{phrase.path}")
            phrase = OwnFile(path=path or phrase.path)
        found.append(phrase)
    return tuple(found)


class _Reader:
    """Reads one flow."""

    def __init__(self, findings: Findings, name: str, data: Any, known: Known) -> None:
        self._findings = findings
        self._name = name
        self._known = known
        self._place: Place = ("flows", name)
        if not isinstance(data, dict):
            findings.error(self._place, f'flow "{name}" must be tables such as [flows.{name}.greeting]')
            data = {}
        self._start = data.get("start")
        self._tables: dict[str, Any] = {key: value for key, value in data.items() if key != "start"}
        self._order = list(self._tables)

    def flow(self) -> domain.Flow:
        nodes = {name: node for name in self._order if (node := self._node(name)) is not None}
        if not self._order:
            self._findings.error(self._place, f'flow "{self._name}" has no nodes')
        start = self._start if isinstance(self._start, str) else next(iter(self._order), "")
        if self._start is not None:
            self._target((*self._place, "start"), f'flow "{self._name}": start', start)
        return domain.Flow(name=self._name, start=start, nodes=nodes)

    def _node(self, name: str) -> domain.Node | None:
        place = (*self._place, name)
        label = f'node "{name}" of flow "{self._name}"'
        data = self._tables[name]
        if not isinstance(data, dict):
            self._findings.error(
                place, f'flow "{self._name}" has an unknown key "{name}"; only start and tables of nodes'
            )
            return None
        do = data.get("do")
        if do not in NODES:
            hint = suggestion(str(do), NODES) if do is not None else ""
            listed = ", ".join(NODES)
            said = f'does "{do}", which is not known{hint or f"; it may be {listed}"}' if do else f"has no do: {listed}"
            self._findings.error((*place, "do"), f"{label} {said}")
            return None
        values = read(self._findings, data, place, label, NODES[do], others=("do",))
        if "say" in values:
            values["say"] = resolved(self._findings, (*place, "say"), label, values["say"] or (), self._known)
        return _BUILDERS[do](self, name, place, label, values)

    def _target(self, place: Place, label: str, name: Any) -> str:
        """A node that must exist."""
        if not isinstance(name, str):
            self._findings.error(place, f"{label} must name a node, not {name!r}")
        elif name not in self._tables:
            hint = suggestion(name, self._tables)
            self._findings.error(place, f'{label} names node "{name}", which does not exist{hint}')
        return str(name)

    def _maybe(self, place: Place, label: str, key: str, name: str | None) -> str | None:
        return None if name is None else self._target((*place, key), f"{label}: {key}", name)

    def _below(self, name: str, place: Place, label: str, key: str, given: str | None) -> str:
        """The named node, or the one below."""
        if given is not None:
            return self._target((*place, key), f"{label}: {key}", given)
        after = self._order[self._order.index(name) + 1 :]
        if not after:
            self._findings.error(place, f"{label} has no {key} and nothing stands below it: where does the call go on?")
            return name
        return after[0]

    def _human(self) -> str | None:
        """The flow's first queue."""
        return next((n for n, t in self._tables.items() if isinstance(t, dict) and t.get("do") == "enqueue"), None)

    def _keys(self, place: Place, label: str, key: str, data: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for pressed, target in (data or {}).items():
            if not pressed or any(digit not in "0123456789*#" for digit in pressed):
                self._findings.error((*place, key, pressed), f'{label}: "{pressed}" is no key of a telephone')
            found[pressed] = self._target((*place, key, pressed), f"{label}: key {pressed}", target)
        return found

    def answer(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        return domain.Answer(next=self._below(name, place, label, "next", values["next"]))

    def say(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        return domain.Say(phrases=values["say"], next=self._below(name, place, label, "next", values["next"]))

    def recording_notice(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        following = self._below(name, place, label, "next", values["next"])
        return domain.RecordingNotice(phrases=values["say"], next=following, refuse_key=values["refuse_key"])

    def menu(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        choices = self._keys(place, label, "choices", values["choices"])
        human = self._human()
        if "0" not in choices and human is not None:
            choices["0"] = human
        if values["failed"] is None and human is None:
            self._findings.error(place, f"{label} has no failed, and the flow has no queue that could take its place")
        for key in ("wrong_key", "no_input"):
            values[key] = resolved(self._findings, (*place, key), label, values[key] or (), self._known)
        return domain.Menu(
            phrases=values["say"],
            choices=choices,
            failed=self._maybe(place, label, "failed", values["failed"]) or human or name,
            barge_in=values["barge_in"],
            first_digit_ms=values["first_digit"],
            inter_digit_ms=values["inter_digit"],
            retries=values["retries"],
            wrong_key=values["wrong_key"],
            no_input=values["no_input"],
        )

    def hours(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        table = values["table"] or ""
        if table and table not in self._known.hours:
            hint = suggestion(table, self._known.hours)
            self._findings.error((*place, "table"), f'{label} names hours "{table}", which do not exist{hint}')
        closed = self._maybe(place, label, "closed", values["closed"]) or name
        return domain.Hours(table=table, open=self._below(name, place, label, "open", values["open"]), closed=closed)

    def enqueue(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        queue = values["queue"] or ""
        if queue and queue not in self._known.queues:
            hint = suggestion(queue, self._known.queues)
            self._findings.error((*place, "queue"), f'{label} names queue "{queue}", which does not exist{hint}')
        return domain.Enqueue(
            queue=QueueId(queue),
            on_timeout=self._maybe(place, label, "on_timeout", values["on_timeout"]),
            on_full=self._maybe(place, label, "on_full", values["on_full"]),
            on_no_operator=self._maybe(place, label, "on_no_operator", values["on_no_operator"]),
            keys=self._keys(place, label, "keys", values["keys"]),
        )

    def voicemail(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        return domain.Voicemail(
            phrases=values["say"],
            mailbox=values["mailbox"] or "",
            next=self._maybe(place, label, "next", values["next"]),
            max_ms=values["max"],
            min_ms=values["min"],
        )

    def echo(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        following = self._maybe(place, label, "next", values["next"])
        return domain.Echo(phrases=values["say"], max_ms=values["max"], next=following)

    def hangup(self, name: str, place: Place, label: str, values: dict[str, Any]) -> domain.Node:
        return domain.Hangup(phrases=values["say"], q850=values["cause"])


_Builder = Callable[[_Reader, str, Place, str, dict[str, Any]], domain.Node]
_BUILDERS: Final[dict[str, _Builder]] = {
    "answer": _Reader.answer,
    "say": _Reader.say,
    "recording_notice": _Reader.recording_notice,
    "menu": _Reader.menu,
    "hours": _Reader.hours,
    "enqueue": _Reader.enqueue,
    "voicemail": _Reader.voicemail,
    "echo": _Reader.echo,
    "hangup": _Reader.hangup,
}
