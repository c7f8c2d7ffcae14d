"""The live board: who waits, who talks, what became of the calls."""

from collections.abc import Mapping
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hotline.cli.operator import operators_table

__all__ = ["board", "outcomes_table"]


def board(status: dict[str, Any], outcomes: Mapping[str, int], invitation: str) -> RenderableType:
    """One frame of it."""
    states = ", ".join(f"{count} {state}" for state, count in status["calls"]["by_state"].items()) or "none"
    return Group(
        Text(f"{status['company']}   calls now: {states}", style="bold"),
        Columns([_queues(status), operators_table(status), outcomes_table(outcomes)], padding=(0, 3)),
        Text(invitation, style="cyan"),
    )


def outcomes_table(outcomes: Mapping[str, int]) -> Table:
    """Ended calls by what became of them."""
    table = Table(title="Calls by outcome", title_justify="left")
    table.add_column("outcome")
    table.add_column("calls", justify="right")
    for outcome, count in sorted(outcomes.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(outcome.replace("_", " "), str(count))
    return table


def _queues(status: dict[str, Any]) -> Table:
    table = Table(title="Queues", title_justify="left")
    table.add_column("queue")
    for head in ("waiting", "longest", "free"):
        table.add_column(head, justify="right")
    for queue in status["queues"]:
        table.add_row(queue["queue"], str(queue["waiting"]), f"{queue['longest_s']} s", str(queue["free"]))
    return table
