"""The one door of the domain: `handle(input)` decides, `apply(fact)` changes.

Law: nothing else changes state. Recovery is a snapshot and `apply`; it never decides again.
"""

from dataclasses import dataclass

from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.inputs import Input

__all__ = ["Decision", "Hotline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one input led to, in order."""

    facts: tuple[Fact, ...]
    commands: tuple[Command, ...]


class Hotline:
    """The state of one hotline and its decisions. One task owns it."""

    def handle(self, given: Input) -> Decision:
        """Decides. The facts it returns are already applied."""
        raise NotImplementedError

    def apply(self, fact: Fact) -> None:
        """Makes a fact true. Total: a fact of the journal is never refused."""
        raise NotImplementedError

    def next_due(self) -> int | None:
        """When the next timer of the state is due, on the journal's axis."""
        raise NotImplementedError
