"""The command's page says what there is."""

from pathlib import Path

import typer.main

from hotline.app.exits import Exit
from hotline.cli import app

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()


def test_every_verb_and_option_is_on_the_page() -> None:
    root = typer.main.get_command(app)
    missing = []
    for name, verb in root.commands.items():  # type: ignore[attr-defined]
        verbs = {f"{name} {inner}": one for inner, one in getattr(verb, "commands", {}).items()} or {name: verb}
        for full, one in verbs.items():
            if full not in PAGE and f"`{full.rpartition(' ')[2]}`" not in PAGE:
                missing.append(full)
            options = [given for option in one.params for given in option.opts if given.startswith("--")]
            missing += [f"{full} {given}" for given in options if given not in PAGE]

    assert missing == []


def test_every_exit_code_is_on_the_page() -> None:
    assert [code.name for code in Exit if f"| {code.value} | {code.name} |" not in PAGE] == []
