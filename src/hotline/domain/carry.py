"""Carries out the call's table: what each of its actions does that is no matter of the flow alone."""

from collections.abc import Callable
from typing import Final

from hotline.domain import caller, ending, inputs, talk
from hotline.domain.call import CALL, CallEvent
from hotline.domain.flow import run
from hotline.domain.inputs import Input
from hotline.domain.queue import offer as offers
from hotline.domain.queue import wait
from hotline.domain.state import Call
from hotline.domain.step import Step

__all__ = ["ACTIONS", "happen"]


def happen(step: Step, call: Call, event: CallEvent, given: Input) -> None:
    """One cell of the call's table."""
    action = CALL[call.state][event]
    if action != "ignore":
        ACTIONS[action](step, call, given)


def _music(step: Step, call: Call, given: Input) -> None:
    if call.ticket is not None:
        wait.music(step, call, step.state.tickets[call.ticket])


def _talk(step: Step, call: Call, given: Input) -> None:
    ticket = step.state.tickets[call.ticket] if call.ticket is not None else None
    if ticket is not None and ticket.offer is not None:
        offers.accept(step, step.state.offers[ticket.offer])


def _release(step: Step, call: Call, given: Input) -> None:
    """The operator's leg has ended; the switch is releasing the caller's."""
    by_him = isinstance(given, inputs.LegEnded) and given.cause in ("peer", "silent")
    talk.end(step, call, "operator" if by_him else "system")
    caller.hush(step, call, told=False)
    caller.move(step, call, "leaving", step.at + caller.LEAVING_US)


def _hang_up(step: Step, call: Call, given: Input) -> None:
    caller.hang_up(step, call)


def _drop(step: Step, call: Call, given: Input) -> None:
    wait.give_up(step, call, "closed")
    talk.end(step, call, "system")
    caller.drop(step, call)


def _close(step: Step, call: Call, given: Input) -> None:
    if isinstance(given, inputs.LegEnded):
        ending.close(step, call, given)


ACTIONS: Final[dict[str, Callable[[Step, Call, Input], None]]] = {
    **run.ACTIONS,
    "music": _music,
    "talk": _talk,
    "release": _release,
    "hang_up": _hang_up,
    "drop": _drop,
    "close": _close,
}
