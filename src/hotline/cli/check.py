"""`hotline check`: every mistake of the file, and the proofs of its flows, without starting anything."""

from pathlib import Path
from typing import Annotated

import typer

from hotline.app.exits import Exit
from hotline.cli.files import DEFAULT, File, read
from hotline.cli.words import fail, say, say_findings
from hotline.config import Config
from hotline.domain.settings import Finding
from hotline.speech.speech import Speech
from hotline.voice.process import SwitchFailed, binary

__all__ = ["check"]


def check(
    file: File = DEFAULT,
    strict: Annotated[bool, typer.Option("--strict", help="Remarks count as mistakes.")] = False,
    voices: Annotated[bool, typer.Option(help="Render texts and read sounds, as `serve` will.")] = True,
) -> None:
    """Tell every mistake of the file by its line."""
    loaded = read(file)
    findings = [*loaded.findings]
    if loaded.config is not None and voices:
        findings += unheard(loaded.config)
    say_findings(findings)
    mistakes = sum(finding.severity == "error" or (strict and finding.severity == "warning") for finding in findings)
    if mistakes:
        fail(f"{file}: {mistakes} mistake{'s' if mistakes > 1 else ''}.", Exit.CONFIGURATION)
    if loaded.config is not None:
        say(_praise(file, loaded.config))


def unheard(config: Config) -> list[Finding]:
    """Texts without a voice and sounds that cannot be read."""
    try:
        program: Path | None = binary()
    except SwitchFailed:
        program = None
    return Speech(config.folders.sounds, switch=program).prepare(config.settings)


def _praise(file: Path, config: Config) -> str:
    settings = config.settings
    counts = [
        (len(settings.numbers), "number"),
        (len(settings.flows), "flow"),
        (len(settings.queues), "queue"),
        (len(settings.operators), "operator"),
        (len(config.trunks), "trunk"),
    ]
    listed = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    return f"{file}: {settings.company}: {listed}. No mistakes."
