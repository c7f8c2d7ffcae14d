"""What an operator chooses, and what follows for the caller whose offer is ringing him."""

from hotline.domain import facts, operator
from hotline.domain.ids import OperatorId
from hotline.domain.queue import offer as offers
from hotline.domain.state import Presence
from hotline.domain.step import Step

__all__ = ["choose"]


def choose(step: Step, id_: OperatorId, presence: Presence, reason: str, by: str) -> None:
    """Takes the choice of an operator, if he is one."""
    person = step.state.operators.get(id_)
    if person is None:
        return
    fact = facts.PresenceChanged(at=step.at, operator=id_, presence=presence, reason=reason, by=by or id_)
    operator.choose(step, person, fact)
    step.staff_moved = True
    if presence != "ready":
        offers.take_back(step, person)
