"""The configuration as the command line finds it."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hotline.app.exits import Exit
from hotline.cli.words import fail, say_findings
from hotline.config import Config, Loaded, load

__all__ = ["DEFAULT", "DEMO", "Company", "File", "here", "read", "valid"]

DEFAULT = Path("company.toml")
DEMO = Path("var/demo/company.toml")
"""What `hotline demo` leaves behind."""
Company = Annotated[Path, typer.Option("--company", "-c", help="The company's file.")]
File = Annotated[Path, typer.Argument(help="The company's file.", show_default=True)]


def here(file: Path) -> Path:
    """The file that is meant: where there is no company.toml, the last demo's."""
    return DEMO if file == DEFAULT and not file.exists() and DEMO.exists() else file


def read(file: Path) -> Loaded:
    """The file as it is now."""
    file = here(file)
    return load(file, today=datetime.now(UTC).date(), environ=os.environ)


def valid(file: Path, *, quiet: bool = False) -> Config:
    """A valid configuration; else says every mistake and ends."""
    file = here(file)
    loaded = read(file)
    if loaded.config is None or not quiet:
        say_findings(loaded.findings)
    if loaded.config is None:
        count = sum(finding.severity == "error" for finding in loaded.findings)
        fail(f"{file} has {count} mistake{'s' if count > 1 else ''}; nothing was started.", Exit.CONFIGURATION)
    return loaded.config
