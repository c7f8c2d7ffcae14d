"""Whatever happens and wherever the engine dies, nothing is lost, doubled or stuck."""

import random
from pathlib import Path

import pytest

from hotline.domain import facts, inputs
from hotline.domain.commands import Dial, Play
from hotline.domain.ids import LegId
from hotline.domain.memory import Memory
from hotline.domain.queue.fairness import violations
from tests.engine.kit import Desk

STEPS = 120


class Crowd:
    """Callers and operators who do anything at any time."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.dice = random.Random(seed)
        self.arrived: list[LegId] = []

    def act(self) -> None:
        desk = self.desk
        desk.after(self.dice.choice((0, 0, 0.001, 0.5, 3, 21)))
        legs = desk.switch.legs
        match self.dice.randrange(5):
            case 0 | 1 | 2:
                leg = LegId(f"s7-{len(self.arrived) + 1}")
                self.arrived.append(leg)
                desk.calls(leg, self.dice.choice(("200", "300", "500", "100", "999")))
            case 3 | 4 if self._ringing():
                desk.answers(self.dice.choice(self._ringing()))
            case 5 if self._ringing():
                cause = self.dice.choice(("refused", "ring_timeout", "unreachable"))
                desk.ends(self.dice.choice(self._ringing()), cause)  # type: ignore[arg-type]
            case 6 if legs:
                desk.ends(self.dice.choice(legs))
            case 7 if legs:
                self._hears_or_presses(self.dice.choice(legs))
            case _:
                pass

    def _hears_or_presses(self, leg: LegId) -> None:
        desk = self.desk
        plays = [play for play in desk.executed(Play) if play.leg == leg]
        if plays and self.dice.random() < 0.5:
            desk._happens(inputs.PlaybackEnded(**desk._when(), leg=leg, play=plays[-1].play, reason="finished"))
        else:
            desk.presses(leg, self.dice.choice("012390#*"))

    def _ringing(self) -> list[LegId]:
        dialled = {dial.leg for dial in self.desk.executed(Dial)}
        return [leg for leg in self.desk.switch.legs if leg in dialled]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_doubled_or_stuck(seed: int, tmp_path: Path) -> None:
    """Every arrival once, every command once, in order, and both sides agree on who is there."""
    desk = Desk(tmp_path / "journal")
    crowd = Crowd(desk, seed)
    for _ in range(STEPS):
        fate = crowd.dice.random()
        if fate < 0.8:
            crowd.act()
            continue
        if fate < 0.95:
            desk.journal.dies = crowd.dice.choice(("before", "after"))
            crowd.act()
        desk.kill(desk.journal.dies)
        for _ in range(crowd.dice.randrange(5)):
            crowd.act()
        desk.begin_again()
    desk.run()

    assert crowd.arrived == [arrived.leg for arrived in desk.facts(facts.CallArrived)]
    written = [command for record in desk.journal.read(0) for command in record.commands]
    assert written == desk.switch.executed
    assert 0 == desk.switch.duplicates
    assert [] == desk.switch.unacknowledged
    assert sorted(desk.switch.legs) == sorted(desk.engine.state.legs)
    ended = [fact.call for fact in desk.facts(facts.CallEnded)]
    assert len(set(ended)) == len(ended)
    assert len(crowd.arrived) == len(ended) + len(desk.engine.state.calls)
    assert [] == violations(Memory(desk.engine.state))
    ats = [record.at for record in desk.journal.read(0)]
    assert sorted(ats) == ats
    assert 0 == desk.engine.figures.failed
    desk.journal.close()
