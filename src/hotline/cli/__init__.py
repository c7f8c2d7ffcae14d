"""The command `hotline`: one verb a module. Exit codes: `app/exits.py`."""

import typer

from hotline import __version__
from hotline.cli.call import call
from hotline.cli.check import check
from hotline.cli.demo import demo
from hotline.cli.doctor import doctor
from hotline.cli.operator import operator
from hotline.cli.reload import reload
from hotline.cli.report import report
from hotline.cli.serve import serve

__all__ = ["app", "main"]

app = typer.Typer(
    name="hotline",
    help="A self-hosted hotline: voice menu, honest queue, recording and reports behind your own number.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (serve, demo, check, reload, call, doctor):
    app.command()(verb)
app.add_typer(operator, name="operator")
app.add_typer(report, name="report")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hotline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Say the version."),
) -> None:
    """Options of the command itself."""


def main() -> None:
    """The entry point of the wheel."""
    app()
