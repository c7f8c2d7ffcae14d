"""The engine's local door: a Unix socket that only this user may open, one JSON object a line each way.

`hotline operator`, `hotline reload` and `hotline status` knock here. An answer leaves after the journal has the input.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

from hotline.app.reload import Reload
from hotline.app.status import status
from hotline.domain.ids import CallId, OperatorId
from hotline.domain.inputs import HangUpCall, PresenceChosen
from hotline.domain.settings import Finding
from hotline.engine.inbox import TooBusy
from hotline.engine.loop import Engine

__all__ = ["Door", "DoorRefused"]

Answer = dict[str, Any]


class DoorRefused(Exception):
    """What was asked makes no sense now; the sentence says why."""


class Door:
    """Answers on `socket` until closed."""

    def __init__(self, engine: Engine, reload: Reload) -> None:
        self._engine = engine
        self._reload = reload
        self._verbs: dict[str, Callable[[Answer], Awaitable[Answer]]] = {
            "presence": self._presence,
            "hang_up": self._hang_up,
            "reload": self._reload_file,
            "status": self._status,
        }

    async def open(self, socket: Path) -> asyncio.Server:
        """Raises OSError."""
        socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._talk, socket, limit=LONGEST_LINE)
        socket.chmod(0o600)
        return server

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # gone, or a line that never ends
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            asked = json.loads(line)
            verb = self._verbs[asked["do"]]
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "sentence": f"the engine knows: {', '.join(self._verbs)}"}
        try:
            return {"ok": True} | await verb(asked)
        except (DoorRefused, TooBusy) as refused:
            return {"ok": False, "sentence": str(refused)}

    async def _presence(self, asked: Answer) -> Answer:
        name, presence = OperatorId(str(asked.get("operator"))), asked.get("presence")
        if name not in self._engine.state.operators:
            raise DoorRefused(f'there is no operator "{name}"; there are {_some(self._engine.state.operators)}')
        if presence not in ("ready", "paused", "signed_out"):
            raise DoorRefused(f'presence is ready, paused or signed_out, not "{presence}"')
        reason, by = str(asked.get("reason", "")), str(asked.get("by", ""))
        await self._engine.ask(
            lambda at, utc: PresenceChosen(at=at, utc=utc, operator=name, presence=presence, reason=reason, by=by)
        )
        return {}

    async def _hang_up(self, asked: Answer) -> Answer:
        call, by = CallId(str(asked.get("call"))), str(asked.get("by", ""))
        if call not in self._engine.state.calls:
            raise DoorRefused(f'there is no call "{call}" in progress')
        await self._engine.ask(lambda at, utc: HangUpCall(at=at, utc=utc, call=call, by=by))
        return {}

    async def _reload_file(self, _: Answer) -> Answer:
        findings = await self._reload()
        return {"ok": not _refused(findings), "findings": [_finding(finding) for finding in findings]}

    async def _status(self, _: Answer) -> Answer:
        return {"status": status(self._engine)}


def _refused(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _finding(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity, "where": finding.where, "sentence": finding.sentence}


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")


LONGEST_LINE: Final = 65_536
