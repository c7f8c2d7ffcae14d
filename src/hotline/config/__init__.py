"""The owner's file -> settings of the domain, frames for the switch, and what the programs need to start.

One readable TOML file. Every mistake is found at once and said with its line. Read by `app` and `cli` only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from hotline.config import company, tables
from hotline.config.checks import proofs
from hotline.config.flows import Known, flows
from hotline.config.hours import hours_tables
from hotline.config.keys import Findings, read
from hotline.config.text import Place, Source, Unreadable
from hotline.domain.settings import Finding, Settings
from hotline.voice import frames

__all__ = ["Config", "Folders", "Loaded", "Metrics", "Sip", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sip:
    """What the switch is started with."""

    udp: str
    tcp: str
    public: str | None
    rtp: tuple[int, int]
    media_threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where things lie; all below `data`."""

    data: Path

    @property
    def journal(self) -> Path:
        return self.data / "journal"

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"

    @property
    def sounds(self) -> Path:
        return self.data / "sounds"

    @property
    def run(self) -> Path:
        """Sockets and logs."""
        return self.data / "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Addresses where Prometheus may ask; none is off."""

    engine: str | None
    switch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid configuration."""

    file: Path
    text: str = field(repr=False)
    """The file as it was read."""
    settings: Settings
    region: str
    trunks: tuple[frames.Trunk, ...]
    accounts: tuple[frames.Account, ...]
    admission: frames.Admission
    orphans: frames.OrphanPolicy
    sip: Sip
    database: str = field(repr=False)
    """SQLAlchemy's URL."""
    folders: Folders
    metrics: Metrics
    log_level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of a file: a configuration unless there are errors, and everything found, by line."""

    config: Config | None
    findings: tuple[Finding, ...]


ORPHANS: Final = frames.OrphanPolicy(hold_new_ms=3000, end_waiting_after_ms=600_000)
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_TABLES: Final = ("sip", "admission", "database", "metrics", "log", "trunks", "accounts", "numbers", "operators",
                  "queues", "hours", "flows")  # fmt: skip


def load(file: Path, *, today: date, environ: Mapping[str, str]) -> Loaded:
    """Reads and proves a file. Never raises for what an owner may have written."""
    try:
        source = Source(file, file.read_text(encoding="utf-8"), environ)
    except Unreadable as unreadable:
        return Loaded(config=None, findings=(unreadable.finding,))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        sentence = f"the configuration cannot be read: {reason}"
        return Loaded(config=None, findings=(Finding(severity="error", where=str(file), sentence=sentence),))
    findings = Findings(source)
    config = _config(findings, file, today)
    found = tuple(sorted(findings.all, key=_line))
    return Loaded(config=None if findings.refused else config, findings=found)


def _config(findings: Findings, file: Path, today: date) -> Config:
    data = findings.source.data
    head = read(findings, data, (), "the file", tables.COMPANY, others=_TABLES)
    region = head["region"]
    sections = {
        name: read(findings, data.get(name, {}), (name,), f"[{name}]", keys) for name, keys in _SECTIONS.items()
    }
    folder = file.resolve().parent
    secrets = _secrets(findings, folder)
    people, made = company.operators(findings, secrets)
    accounts = company.accounts(findings, secrets, made)
    company.devices_known(findings, people, accounts)
    hours = hours_tables(findings, data.get("hours", {}), today)
    known = Known(queues=data.get("queues", {}), hours=hours, sound=lambda name: _sound(folder, name))
    queues = company.queues(findings, data.get("queues", {}), people, known)
    scenarios = flows(findings, data.get("flows", {}), known)
    settings = Settings(
        revision=0,
        company=head["company"] or "",
        language=head["language"],
        numbers=company.numbers(findings, scenarios, head["language"], region),
        flows=scenarios,
        queues=queues,
        operators=people,
        hours=hours,
    )
    folders = Folders(data=(folder / head["data"]).resolve())
    trunks = company.trunks(findings, secrets)
    _somebody_may_call(findings, settings, trunks, accounts, sections["admission"])
    if not findings.refused:
        findings.all += proofs(findings.source, settings)
    return Config(
        file=file,
        text=findings.source.text,
        settings=replace(settings, revision=_revision(settings)),
        region=region,
        trunks=trunks,
        accounts=accounts,
        admission=_admission(sections, accounts),
        orphans=ORPHANS,
        sip=_sip(sections["sip"]),
        database=sections["database"]["url"] or f"sqlite:///{folders.data / 'hotline.db'}",
        folders=folders,
        metrics=Metrics(engine=sections["metrics"]["engine"], switch=sections["metrics"]["switch"]),
        log_level=sections["log"]["level"],
    )


_SECTIONS: Final = {
    "sip": tables.SIP,
    "admission": tables.ADMISSION,
    "database": tables.DATABASE,
    "metrics": tables.METRICS,
    "log": tables.LOG,
}


def _sip(values: dict[str, Any]) -> Sip:
    return Sip(
        udp=values["udp"],
        tcp=values["tcp"] or values["udp"],
        public=values["public"],
        rtp=values["rtp"],
        media_threads=values["media_threads"],
    )


def _admission(sections: dict[str, dict[str, Any]], accounts: tuple[frames.Account, ...]) -> frames.Admission:
    values = sections["admission"]
    phones = values["phones"] if values["phones"] is not None else EVERYWHERE if accounts else ()
    return frames.Admission(
        open=values["open"],
        accounts=phones,
        blocked=values["blocked"],
        max_unproven=values["max_unproven"],
        max_legs=sections["sip"]["max_legs"],
        per_source_rate=values["per_source"],
        retry_after_s=max(1, values["retry_after"] // 1000),
    )


def _somebody_may_call(
    findings: Findings, settings: Settings, trunks: Any, accounts: Any, admission: dict[str, Any]
) -> None:
    if not settings.numbers:
        findings.error((), "no number is configured: add [[numbers]] with a number and its flow")
    if not (trunks or accounts or admission["open"]):
        findings.error((), "nobody could call: add [[trunks]], or an open network under [admission]")


def _secrets(findings: Findings, folder: Path) -> company.Secrets:
    def secret(place: Place, label: str, values: Mapping[str, Any]) -> str:
        if values["password"] and values["password_file"]:
            findings.error(place, f"{label} gives password and password_file: one of the two")
        if not values["password_file"]:
            return str(values["password"])
        try:
            lines = Path(folder, str(values["password_file"])).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            findings.error(
                (*place, "password_file"), f'{label}: password_file "{values["password_file"]}" cannot be read'
            )
            return ""
        if not lines or not lines[0].strip():
            findings.error((*place, "password_file"), f'{label}: password_file "{values["password_file"]}" is empty')
            return ""
        return lines[0].strip()

    return secret


def _sound(folder: Path, name: str) -> str | None:
    path = (folder / name).resolve()
    return str(path) if path.is_file() else None


def _revision(settings: Settings) -> int:
    """The same for the same content, so that a reload of nothing new is seen as such."""
    return int.from_bytes(sha256(msgspec.msgpack.encode(settings)).digest()[:6], "big")


def _line(finding: Finding) -> tuple[int, str]:
    line = finding.where.rpartition(":")[2]
    return (int(line) if line.isdigit() else 0, finding.sentence)
