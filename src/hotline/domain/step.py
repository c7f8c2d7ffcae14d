"""One step of deciding: what came in, what has become true so far, what is to be done.

Law: a fact is applied the moment it is decided, so that everything later in the step sees it.
"""

from collections import deque
from collections.abc import Callable

from hotline.domain.commands import Command
from hotline.domain.facts import Fact
from hotline.domain.ids import CallId, TicketId
from hotline.domain.memory import Memory
from hotline.domain.state import Call, State

__all__ = ["Step"]


class Step:
    """Facts and commands of one input. `at` and `utc` are when it happened."""

    __slots__ = (
        "_apply",
        "agenda",
        "at",
        "commands",
        "facts",
        "joined",
        "memory",
        "staff_moved",
        "state",
        "utc",
    )

    def __init__(self, memory: Memory, apply: Callable[[Memory, Fact], None], at: int, utc: int) -> None:
        self.memory = memory
        self.state: State = memory.state
        self.at = at
        self.utc = utc
        self.facts: list[Fact] = []
        self.commands: list[Command] = []
        self.agenda: deque[tuple[CallId, str]] = deque()
        """Calls that go on at a node of their flow; `hotline.py` walks it."""
        self.joined: list[TicketId] = []
        """Tickets of this step, whose callers hear something once it is known whether a phone rings."""
        self.staff_moved = False
        """Somebody may have left a queue without operators."""
        self._apply = apply

    def true(self, fact: Fact) -> None:
        """This has become true."""
        self.facts.append(fact)
        self._apply(self.memory, fact)

    def do(self, command: Command) -> None:
        """The switch is to do this."""
        self.commands.append(command)

    def go_on(self, call: Call, node: str) -> None:
        """The call goes on at this node, in this same step."""
        self.agenda.append((call.id, node))
