"""`hotline report`: what became of the calls, by queue, number and operator."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer
from rich.table import Table

from hotline.app.exits import Exit
from hotline.cli.files import DEFAULT, Company, valid
from hotline.cli.words import console, fail, say

__all__ = ["report"]

report = typer.Typer(help="What became of the calls.", no_args_is_help=True)


@report.callback()
def _reports() -> None:
    """Keeps `today` a verb of its own while it is the only one."""


@report.command()
def today(
    company: Company = DEFAULT,
    zone: Annotated[str, typer.Option(help="Whose midnight begins the day; this machine's by default.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON, times in ms.")] = False,
) -> None:
    """The calls since midnight."""
    from hotline.reports.day import day
    from hotline.store.database import DatabaseUnusable
    from hotline.store.rows import rows_between

    config = valid(company, quiet=True)
    since, until = _day(zone)
    targets = {str(queue.name): queue.service_level_ms for queue in config.settings.queues.values()}
    try:
        rows = asyncio.run(rows_between(config.database, since, until))
    except DatabaseUnusable as unusable:
        fail(str(unusable), Exit.DATABASE)
    made = day(rows, targets)
    if as_json:
        say(json.dumps(msgspec.to_builtins(made), ensure_ascii=False, indent=1))
        return
    _print(made)


def _print(made: Any) -> None:
    total = made.total
    if not total.arrived:
        say("No calls yet today.")
        return
    going = f", {total.going_on} going on" if total.going_on else ""
    say(f"{total.arrived} calls{going}; {_span(total.talked_ms)} talked, {total.recordings} recordings.")
    console.print(_outcomes(made))
    if made.queues:
        console.print(_queues(made))
    if made.operators:
        console.print(_operators(made))


def _outcomes(made: Any) -> Table:
    table = Table(title="By outcome", title_justify="left")
    table.add_column("outcome")
    for number in made.numbers:
        table.add_column(number.number or "unknown", justify="right")
    table.add_column("all", justify="right")
    for outcome in sorted(made.total.outcomes, key=lambda name: (-made.total.outcomes[name], name)):
        counts = [str(number.outcomes.get(outcome, "")) for number in made.numbers]
        table.add_row(outcome.replace("_", " "), *counts, str(made.total.outcomes[outcome]))
    return table


def _queues(made: Any) -> Table:
    table = Table(title="By queue", title_justify="left")
    table.add_column("queue")
    heads = ("offered", "answered", "abandoned", "short", "in time", "asa", "p50", "p95", "longest", "talk", "recorded")
    for head in heads:
        table.add_column(head, justify="right")
    for queue in made.queues:
        wait = queue.waiting
        table.add_row(
            queue.queue,
            *map(str, (wait.offered, wait.answered, wait.abandoned, wait.short_abandons)),
            _share(wait.service_level.value),
            *map(_span, (wait.asa_ms.value, wait.p50_ms, wait.p95_ms, wait.longest_ms, queue.talked_ms)),
            str(queue.recordings),
        )
    return table


def _operators(made: Any) -> Table:
    table = Table(title="By operator", title_justify="left")
    table.add_column("operator")
    for head in ("rung", "accepted", "declined", "missed", "talk", "handling", "recorded"):
        table.add_column(head, justify="right")
    for person in made.operators:
        counts = (person.offers, person.accepted, person.declined, person.missed)
        spans = (person.talked_ms, person.aht_ms.value)
        table.add_row(person.operator, *map(str, counts), *map(_span, spans), str(person.recordings))
    return table


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _span(ms: float | None) -> str:
    """Milliseconds as people read them."""
    if ms is None:
        return ""
    seconds = ms / 1000
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // MINUTE)}:{int(seconds % MINUTE):02}"


def _day(zone: str) -> tuple[int, int]:
    """From midnight to midnight, in microseconds since 1970."""
    try:
        now = datetime.now(ZoneInfo(zone)) if zone else datetime.now(UTC).astimezone()
    except (ZoneInfoNotFoundError, ValueError):
        fail(f'there is no time zone "{zone}"', Exit.USAGE)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    after = midnight + timedelta(days=1)
    return int(midnight.timestamp()) * 1_000_000, int(after.timestamp()) * 1_000_000


MINUTE: Final = 60
