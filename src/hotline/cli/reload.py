"""`hotline reload`: the running hotline takes a changed file; calls in progress go on."""

from hotline.app.exits import Exit
from hotline.cli.door import ask
from hotline.cli.files import DEFAULT, File, valid
from hotline.cli.words import fail, say, say_findings
from hotline.domain.settings import Finding

__all__ = ["reload"]


def reload(file: File = DEFAULT) -> None:
    """Take a changed file without a restart."""
    answer = ask(valid(file), do="reload")
    findings = [Finding(**found) for found in answer["findings"]]
    say_findings(finding for finding in findings if finding.severity != "waived")
    if not answer["ok"]:
        fail(f"{file} was not taken; the hotline goes on with what it had.", Exit.CONFIGURATION)
    say(f"{file} is taken; calls in progress go on as they began.")
