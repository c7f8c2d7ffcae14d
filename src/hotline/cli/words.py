"""How the command line speaks: findings with their lines, sentences, exit codes."""

import sys
from collections.abc import Iterable
from typing import Final, NoReturn

from rich.console import Console

from hotline.app.exits import Exit
from hotline.domain.settings import Finding

__all__ = ["console", "fail", "say", "say_findings"]

WIDTH: Final = 140
"""Of tables that go to a file or another program."""
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

COLOURS: Final = {"error": "bold red", "warning": "yellow", "waived": "cyan"}


def say(sentence: str) -> None:
    """One line on standard output."""
    console.print(sentence, markup=False)


def say_findings(findings: Iterable[Finding]) -> None:
    """One line each on standard error: where, how grave, what."""
    for finding in findings:
        grade = f"{finding.severity}: " if finding.severity != "error" else ""
        errors.print(f"{finding.where}: {grade}{finding.sentence}", style=COLOURS[finding.severity], markup=False)


def fail(sentence: str, code: Exit) -> NoReturn:
    """Says why on standard error and ends."""
    errors.print(sentence, style="bold red", markup=False)
    sys.exit(code)
