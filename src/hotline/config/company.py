"""Numbers, operators, queues, trunks, accounts: tables of the file -> the domain's settings and the switch's frames."""

from collections.abc import Callable, Mapping
from typing import Any

from hotline.config import tables
from hotline.config.flows import Known, resolved
from hotline.config.keys import Findings, read, suggestion
from hotline.config.text import Place
from hotline.domain.ids import OperatorId, QueueId
from hotline.domain.phrases import Music
from hotline.domain.settings import NumberSettings, OperatorSettings, QueueSettings
from hotline.voice import frames
from hotline.voice.numbers import e164, is_number

__all__ = ["Secrets", "accounts", "devices_known", "numbers", "operators", "queues", "rows", "trunks"]

Secrets = Callable[[Place, str, Mapping[str, Any]], str]
"""Place, label and values of a table -> its password, or an empty text; a mistake becomes a finding."""


def rows(findings: Findings, name: str) -> list[tuple[Place, Any]]:
    """The rows of `[[name]]`."""
    data = findings.source.data.get(name, [])
    if not isinstance(data, list):
        findings.error((name,), f"{name} must be written as [[{name}]], once for each")
        return []
    return [((name, index), row) for index, row in enumerate(data)]


def operators(findings: Findings, secrets: Secrets) -> tuple[dict[OperatorId, OperatorSettings], list[frames.Account]]:
    """Every `[[operators]]`, ranges spread out, and the accounts that their passwords make."""
    people: dict[OperatorId, OperatorSettings] = {}
    made: list[frames.Account] = []
    for place, row in rows(findings, "operators"):
        label = _label("operator", row, "id", "range")
        values = read(findings, row, place, label, tables.OPERATOR)
        if (values["id"] is None) == (values["range"] is None):
            findings.error(place, f"{label} needs an id (or a range instead of it), and only one of the two")
            continue
        password = secrets(place, label, values)
        for name in values["range"] or (values["id"],):
            if name in people:
                findings.error(place, f'operator "{name}" stands here a second time')
            if password:
                made.append(frames.Account(name=name, password=password))
            devices = tuple(device.replace("{id}", name) for device in values["device"] or (f"account:{name}",))
            people[OperatorId(name)] = OperatorSettings(
                id=OperatorId(name),
                name=values["name"] or name,
                devices=devices,
                misses_to_pause=values["misses_to_pause"],
            )
    return people, made


def accounts(findings: Findings, secrets: Secrets, made: list[frames.Account]) -> tuple[frames.Account, ...]:
    """Every `[[accounts]]` beside those of operators."""
    found = {account.name: account for account in made}
    for place, row in rows(findings, "accounts"):
        label = _label("account", row, "name")
        values = read(findings, row, place, label, tables.ACCOUNT)
        name = values["name"] or ""
        if name in found:
            findings.error(place, f"{label} stands here a second time")
        if not (password := secrets(place, label, values)):
            findings.error(place, f"{label} has no password: give password_file, or password")
        found[name] = frames.Account(name=name, password=password)
    return tuple(found.values())


def devices_known(
    findings: Findings, people: Mapping[OperatorId, OperatorSettings], known: tuple[frames.Account, ...]
) -> None:
    """Every device must be a fixed address or an account that exists."""
    names = {account.name for account in known}
    for place, row in rows(findings, "operators"):
        label = _label("operator", row, "id", "range")
        given = row.get("id") if isinstance(row, dict) else None
        person = people.get(OperatorId(given)) if isinstance(given, str) else None
        for device in person.devices if person else ():
            kind, _, rest = device.partition(":")
            if kind == "account" and rest not in names:
                how = f'; give him a password, or a device such as "sip:{rest}@192.0.2.9:5060"'
                findings.error(place, f'{label} has the device "{device}", but there is no such account{how}')
            elif kind not in ("account", "sip") or not rest:
                findings.error(
                    place, f'{label} has the device "{device}"; it must be account:NAME or sip:user@host:port'
                )


def queues(
    findings: Findings, data: Any, people: Mapping[OperatorId, OperatorSettings], known: Known
) -> dict[QueueId, QueueSettings]:
    """Every `[queues.NAME]`."""
    if not isinstance(data, dict):
        findings.error(("queues",), "queues must be tables such as [queues.sales]")
        return {}
    return {QueueId(name): _queue(findings, name, data[name], people, known) for name in data}


def _queue(
    findings: Findings, name: str, data: Any, people: Mapping[OperatorId, OperatorSettings], known: Known
) -> QueueSettings:
    place: Place = ("queues", name)
    label = f'queue "{name}"'
    values = read(findings, data, place, label, tables.QUEUE)
    for person in values["operators"] or ():
        if person not in people:
            hint = suggestion(person, people)
            sentence = f'{label} names operator "{person}", who does not exist{hint}'
            findings.error((*place, "operators"), sentence, person)
    music = None
    if values["music"] is not None:
        path = known.sound(values["music"])
        if path is None:
            findings.error((*place, "music"), f'{label}: there is no file "{values["music"]}"')
        music = Music(path=path)
    return QueueSettings(
        name=QueueId(name),
        operators=tuple(OperatorId(person) for person in dict.fromkeys(values["operators"] or ())),
        strategy=values["strategy"],
        music=music,
        ring_ms=values["ring"],
        wrap_up_ms=values["wrap_up"],
        max_wait_ms=values["max_wait"],
        max_length=values["max_length"],
        no_operator=values["no_operator"],
        greeting=resolved(findings, (*place, "greeting"), label, values["greeting"], known),
        announce_position=values["announce_position"],
        announce_gap_ms=values["announce_gap"],
        announce_up_to=values["announce_up_to"],
        record=values["record"],
        recording_days=values["recording_days"],
        service_level_ms=values["service_level"],
        short_abandon_ms=values["short_abandon"],
        waiver=values["waiver"],
    )


def numbers(findings: Findings, flows: Mapping[str, Any], language: str, region: str) -> dict[str, NumberSettings]:
    """Every `[[numbers]]`, by its number in E.164."""
    found: dict[str, NumberSettings] = {}
    for place, row in rows(findings, "numbers"):
        label = _label("number", row, "number")
        values = read(findings, row, place, label, tables.NUMBER)
        number = e164(values["number"] or "", region)
        if values["number"] and not is_number(number):
            findings.error((*place, "number"), f"{label} is no telephone number")
        if number in found:
            findings.error((*place, "number"), f"{label} stands here a second time")
        if values["flow"] is not None and values["flow"] not in flows:
            hint = suggestion(values["flow"], flows)
            findings.error((*place, "flow"), f'{label} names flow "{values["flow"]}", which does not exist{hint}')
        found[number] = NumberSettings(
            number=number,
            flow=values["flow"] or "",
            language=values["language"] or language,
            answer_by_ms=values["answer_by"],
        )
    return found


def trunks(findings: Findings, secrets: Secrets) -> tuple[frames.Trunk, ...]:
    """Every `[[trunks]]`."""
    found: dict[str, frames.Trunk] = {}
    for place, row in rows(findings, "trunks"):
        label = _label("trunk", row, "name")
        values = read(findings, row, place, label, tables.TRUNK)
        password = secrets(place, label, values)
        if values["name"] in found:
            findings.error(place, f"{label} stands here a second time")
        if values["mode"] == "trusted" and not values["addresses"]:
            findings.error(place, f"{label} is trusted by its addresses, but names none: give addresses")
        if values["mode"] == "registered" and not (values["servers"] and values["user"] and password):
            findings.error(place, f"{label} registers at its provider, so it needs servers, user and a password")
        found[values["name"] or ""] = frames.Trunk(
            name=values["name"] or "",
            mode=values["mode"],
            addresses=values["addresses"],
            servers=values["servers"],
            user=values["user"],
            password=password,
            realm=values["realm"],
            expires_s=values["expires"] // 1000,
            options_every_s=values["options_every"] // 1000,
            max_channels=values["max_channels"],
            behind_nat=values["behind_nat"],
            allow_refer=values["allow_refer"],
        )
    return tuple(found.values())


def _label(what: str, row: Any, *names: str) -> str:
    """`operator "anna"`, or just the kind of thing where it has no name."""
    given = next((row[name] for name in names if name in row), None) if isinstance(row, dict) else None
    return f'{what} "{given}"' if isinstance(given, str) else f"this {what}"
