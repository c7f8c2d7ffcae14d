"""What one input costs in the domain: whole queue calls, 1,000 operators, one process, no input or output.

Prints microseconds for each input and for a whole call; the bars are 20 an input and 250 a call.
"""

import sys
from collections import deque
from time import process_time

from hotline.domain import commands, inputs
from hotline.domain import settings as s
from hotline.domain.hotline import Hotline
from hotline.domain.ids import LegId, OperatorId, PlayId, QueueId

OPERATORS = 1000
TALK_US = 400_000
PER_S = 500


def company() -> s.Settings:
    """Number 200 of the bench company."""
    ids = [OperatorId(f"op{n}") for n in range(1, OPERATORS + 1)]
    people = {i: s.OperatorSettings(id=i, name=i, devices=(f"sip:{i}@127.0.0.1:5290",)) for i in ids}
    queue = QueueId("setup")
    rules = s.QueueSettings(name=queue, operators=tuple(ids), announce_position=False)
    nodes: dict[str, s.Node] = {"answer": s.Answer(next="wait"), "wait": s.Enqueue(queue=queue)}
    flows = {name: s.Flow(name=name, start="answer", nodes=nodes) for name in ("setup", "menu")}
    numbers = {n: s.NumberSettings(number=n, flow=f) for n, f in (("200", "setup"), ("300", "menu"))}
    return s.Settings(
        revision=1, company="bench", numbers=numbers, flows=flows, queues={queue: rules}, operators=people
    )


class Floor:
    """Callers and operators who answer at once and talk for a while; the CPU clock runs only inside `handle`."""

    def __init__(self) -> None:
        self.hotline = Hotline()
        self.talking: deque[tuple[int, LegId, LegId]] = deque()
        self.spent = 0.0
        self.inputs = 0
        self.give(inputs.Opened(at=0, utc=0, seed="b"))
        self.give(inputs.SettingsChanged(at=0, utc=0, settings=company()))

    def give(self, given: inputs.Input) -> None:
        begun = process_time()
        decision = self.hotline.handle(given)
        self.spent += process_time() - begun
        self.inputs += 1
        for command in decision.commands:
            if isinstance(command, commands.Dial) and command.for_leg is not None:
                self.answer(given.at, command.for_leg, command.leg)

    def answer(self, at: int, caller: LegId, phone: LegId) -> None:
        """What the switch reports when an operator picks up."""
        self.give(inputs.LegAnswered(at=at, utc=at, leg=caller, answered_at=at))
        self.give(inputs.LegProgress(at=at, utc=at, leg=phone, code=180))
        self.give(inputs.LegAnswered(at=at, utc=at, leg=phone, answered_at=at))
        self.give(inputs.PlaybackEnded(at=at, utc=at, leg=caller, play=PlayId("p1"), reason="stopped"))
        self.talking.append((at + TALK_US, caller, phone))

    def hang_up(self, at: int) -> None:
        while self.talking and self.talking[0][0] <= at:
            _, caller, phone = self.talking.popleft()
            self.give(inputs.LegEnded(at=at, utc=at, leg=caller, cause="peer"))
            self.give(inputs.LegEnded(at=at, utc=at, leg=phone, cause="us"))


def measure(calls: int, waiting: int) -> tuple[float, float]:
    """Microseconds an input and a call, while so many callers wait in the same queue."""
    floor = Floor()
    for n in range(waiting and waiting + OPERATORS):
        floor.give(_arrival(n, f"w{n}"))
    floor.spent, floor.inputs = 0.0, 0
    for n in range(calls):
        at = 1_000_000 + n * 1_000_000 // PER_S
        floor.hang_up(at)
        floor.give(_arrival(at, f"s{n}"))
    return floor.spent / floor.inputs * 1e6, floor.spent / calls * 1e6


def _arrival(at: int, leg: str) -> inputs.LegArrived:
    return inputs.LegArrived(
        at=at, utc=at, leg=LegId(leg), called="200", caller="+70000000001", trunk="bench", proven=True
    )


def main() -> int:
    print(f"{'calls':>8} {'waiting':>8} {'us an input':>12} {'us a call':>12}")
    worst = 0.0
    for waiting in (0, 300, 2000):
        an_input, a_call = measure(5000, waiting)
        worst = max(worst, an_input)
        print(f"{5000:>8} {waiting:>8} {an_input:>12.1f} {a_call:>12.1f}")
    print(f"domain_step {worst:.1f}")
    return 0 if worst <= 20 else 1


if __name__ == "__main__":
    sys.exit(main())
