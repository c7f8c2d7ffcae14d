"""Taking a changed file without a restart: all of it or nothing. Calls in progress go on as they began."""

import asyncio
from collections.abc import Callable

import structlog

from hotline.config import Config, Loaded
from hotline.domain.inputs import SettingsChanged
from hotline.domain.settings import Finding
from hotline.engine.loop import Engine
from hotline.speech.speech import Speech
from hotline.voice.link import Link, Standing

__all__ = ["Reload", "standing"]

log = structlog.get_logger()


def standing(config: Config) -> Standing:
    """What the switch is told in full."""
    return Standing(trunks=config.trunks, accounts=config.accounts, admission=config.admission, orphans=config.orphans)


class Reload:
    """Reads the file again when asked; one at a time."""

    def __init__(
        self, *, config: Config, read: Callable[[], Loaded], engine: Engine, link: Link, speech: Speech
    ) -> None:
        self._config = config
        self._read = read
        self._engine = engine
        self._link = link
        self._speech = speech
        self._turn = asyncio.Lock()
        self._text = config.text

    async def __call__(self) -> tuple[Finding, ...]:
        """What was found; nothing has changed when there is an error among it."""
        async with self._turn:
            loaded = await asyncio.to_thread(self._read)
            if loaded.config is None:
                return loaded.findings
            unheard = await asyncio.to_thread(self._speech.prepare, loaded.config.settings)
            findings = (*loaded.findings, *unheard)
            if any(finding.severity == "error" for finding in unheard):
                return findings
            await self.take(loaded.config)
            self._text = loaded.config.text
            return (*findings, *_not_taken(self._config, loaded.config))

    async def refresh(self) -> None:
        """Compiles the same file again, as hours reach 400 days ahead; one that was edited waits for its reload."""
        async with self._turn:
            loaded = await asyncio.to_thread(self._read)
            if loaded.config is not None and loaded.config.text == self._text:
                await self.take(loaded.config)

    async def take(self, config: Config) -> None:
        """Hands a valid configuration to engine and switch."""
        self._link.stands(standing(config))
        state = self._engine.state
        if state.settings is None or state.settings.revision != config.settings.revision:
            await self._engine.ask(lambda at, utc: SettingsChanged(at=at, utc=utc, settings=config.settings))
            log.info("settings_taken", revision=config.settings.revision)


def _not_taken(old: Config, new: Config) -> tuple[Finding, ...]:
    """What only a restart changes."""
    kept = {"[sip]": old.sip != new.sip, "[database]": old.database != new.database, "data": old.folders != new.folders,
            "[metrics]": old.metrics != new.metrics, "region": old.region != new.region}  # fmt: skip
    return tuple(
        Finding(severity="warning", where=new.file.name, sentence=f"a change of {name} is taken at the next start")
        for name, changed in kept.items()
        if changed
    )
