"""`hotline operator`: who is there, and presence for those who have no console."""

import getpass
from typing import Annotated, Any

import typer
from rich.table import Table

from hotline.cli.door import ask
from hotline.cli.files import DEFAULT, Company, valid
from hotline.cli.words import console, say

__all__ = ["operator"]

operator = typer.Typer(help="See operators and change their presence.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="The operator's id.")]


@operator.command("list")
def listed(company: Company = DEFAULT) -> None:
    """Who is ready, pausing, talking."""
    status: dict[str, Any] = ask(valid(company, quiet=True), do="status")["status"]
    console.print(operators_table(status))


@operator.command()
def ready(who: Who, company: Company = DEFAULT) -> None:
    """Calls reach the operator."""
    _choose(who, "ready", "", company)


@operator.command()
def pause(
    who: Who,
    reason: Annotated[str, typer.Option(help="Why, for the report.")] = "",
    company: Company = DEFAULT,
) -> None:
    """No calls for a while."""
    _choose(who, "paused", reason, company)


@operator.command()
def out(who: Who, company: Company = DEFAULT) -> None:
    """The operator has left."""
    _choose(who, "signed_out", "", company)


def _choose(who: str, presence: str, reason: str, company: Any) -> None:
    config = valid(company, quiet=True)
    ask(config, do="presence", operator=who, presence=presence, reason=reason, by=getpass.getuser())
    say(f"{who} is {presence.replace('_', ' ')} now.")


def operators_table(status: dict[str, Any]) -> Table:
    """One row an operator, those who can do least last."""
    table = Table(title="Operators", title_justify="left")
    for head in ("operator", "name", "presence", "state", "since", "phone"):
        table.add_column(head)
    for person in status["operators"]:
        presence = person["presence"].replace("_", " ") + (f": {person['reason']}" if person["reason"] else "")
        table.add_row(
            person["operator"],
            person["name"],
            presence,
            person["state"].replace("_", " "),
            f"{person['since_s'] // 60}:{person['since_s'] % 60:02}",
            "in reach" if person["reachable"] else "away",
        )
    return table
