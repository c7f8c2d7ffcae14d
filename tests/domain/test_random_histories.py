"""Ten thousand random histories: whatever crosses whatever, the hotline stays fair and forgets nobody."""

from collections import Counter
from copy import copy, deepcopy
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.domain import facts
from hotline.domain import settings as s
from hotline.domain.hotline import Hotline
from hotline.domain.ids import OperatorId, QueueId
from hotline.domain.phrases import OwnText
from hotline.domain.settings import Settings
from hotline.domain.state import State
from hotline.store.codec import Codec
from tests.domain.kit import OPENS, company, flow, queue_flow
from tests.domain.world import World

HISTORIES = 10_000
CHUNKS = 8


def variants() -> list[Settings]:
    """Companies between which the owner changes his mind: rules, people and queues come and go."""
    anna = OperatorId("anna")
    first = company()
    people = {
        **first.operators,
        anna: replace(first.operators[anna], devices=("account:anna",)),
        OperatorId("boris"): s.OperatorSettings(
            id=OperatorId("boris"), name="Boris", devices=("sip:boris@127.0.0.1",), misses_to_pause=1
        ),
    }
    strict = s.QueueSettings(
        name=QueueId("sales"),
        operators=(anna, OperatorId("boris")),
        wrap_up_ms=4000,
        max_wait_ms=15_000,
        max_length=3,
        no_operator="leave",
        announce_gap_ms=3000,
        announce_up_to=2,
        greeting=(OwnText(text="Please wait"),),
        record=True,
    )
    full = replace(
        first,
        operators=people,
        queues={**first.queues, strict.name: strict},
        flows={
            **first.flows,
            "sales": flow(
                "sales",
                notice=s.RecordingNotice(phrases=(), next="wait"),
                wait=s.Enqueue(
                    queue=QueueId("sales"), keys={"1": "message", "2": "wait"}, on_timeout="message", on_full="wait2"
                ),
                wait2=s.Enqueue(queue=QueueId("alone"), on_timeout="end"),
                message=s.Voicemail(phrases=(), mailbox="sales", next="again"),
                again=s.Say(phrases=(OwnText(text="Thank you"),), next="hours"),
                hours=s.Hours(table="office", open="wait", closed="end"),
                end=s.Hangup(phrases=(OwnText(text="Goodbye"),)),
            ),
        },
        hours={"office": s.HoursTable(name="office", zone="UTC", intervals=((OPENS - 60, OPENS),))},
    )
    without_alone = replace(
        first,
        queues={name: queue for name, queue in first.queues.items() if name != "alone"},
        flows={**first.flows, "alone": queue_flow("sales")},
        operators={OperatorId("viktor"): first.operators[OperatorId("viktor")]},
    )
    patched = {
        **without_alone.queues,
        QueueId("sales"): replace(first.queues[QueueId("sales")], operators=(OperatorId("viktor"),)),
    }
    return [first, full, full, replace(without_alone, queues=patched)]


VARIANTS = variants()


def live(seed: int, length: int) -> World:
    """One history from its first call to the moment when everybody has gone home."""
    world = World(Random(seed), VARIANTS)
    for _ in range(length):
        world.happen()
    world.end()
    return world


def check_rest(world: World) -> None:
    """Nothing is left over, and every call has ended once."""
    state = world.hotline.state
    assert {} == state.calls
    assert {} == state.legs
    assert {} == state.tickets
    assert {} == state.offers
    assert {} == state.recordings
    assert {"idle"} >= {operator.state for operator in state.operators.values()}
    ended = Counter(fact.call for fact in world.facts if isinstance(fact, facts.CallEnded))
    arrived = [fact.call for fact in world.facts if isinstance(fact, facts.CallArrived)]
    assert Counter(arrived) == ended


def check_first_come_first_offered(history: list[facts.Fact]) -> None:
    """Within a queue nobody is offered to an operator before one who stands ahead of him and could be."""
    waiting: dict[str, tuple[int, int]] = {}
    queue_of: dict[str, str] = {}
    offered: dict[str, str] = {}
    barred: set[tuple[str, str]] = set()
    by_offer: dict[str, facts.OfferMade] = {}
    for fact in history:
        match fact:
            case facts.QueueJoined():
                waiting[fact.ticket] = (fact.since, len(queue_of))
                queue_of[fact.ticket] = fact.queue
            case facts.QueueLeft():
                waiting.pop(fact.ticket, None)
            case facts.OfferMade():
                ahead = [
                    ticket
                    for ticket, place in waiting.items()
                    if queue_of[ticket] == fact.queue
                    and ticket not in offered
                    and place < waiting[fact.ticket]
                    and (ticket, fact.operator) not in barred
                ]
                assert [] == ahead
                offered[fact.ticket] = fact.operator
                by_offer[fact.offer] = fact
            case facts.OfferDeclined():
                barred.add((by_offer[fact.offer].ticket, by_offer[fact.offer].operator))
                offered.pop(by_offer[fact.offer].ticket)
            case facts.DeclineForgotten():
                barred.discard((fact.ticket, fact.operator))
            case facts.OfferExpired() | facts.OfferUnreachable():
                offered.pop(by_offer[fact.offer].ticket)
            case facts.OfferWithdrawn() if fact.reason != "caller_left":
                offered.pop(by_offer[fact.offer].ticket)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_history_is_fair_and_comes_to_rest(chunk: int) -> None:
    """Invariants hold after every step, first come is first offered, every call ends exactly once."""
    for seed in range(chunk, HISTORIES, CHUNKS):
        world = live(seed, 120)
        check_rest(world)
        check_first_come_first_offered(world.facts)


@given(seed=st.integers(0, 2**32), cut=st.integers(0, 150))
@settings(max_examples=60, deadline=None)
def test_recovered_hotline_equals_the_living_one(seed: int, cut: int) -> None:
    """A snapshot, encoded and decoded, plus the facts since is the state; it decides the same from there."""
    world = World(Random(seed), VARIANTS)
    for _ in range(cut):
        world.happen()
    written = Codec(State).encode(world.hotline.state)
    known = len(world.facts)
    for _ in range(60):
        world.happen()

    recovered = Hotline(Codec(State).decode(written))
    for fact in world.facts[known:]:
        recovered.apply(fact)

    assert world.hotline.state == recovered.state
    assert world.hotline.next_due() == recovered.next_due()
    twin, then = _twin(world, recovered), len(world.facts)
    for _ in range(60):
        world.happen()
        twin.happen()
    assert world.facts[then:] == twin.facts
    assert world.hotline.state == twin.hotline.state


def _twin(world: World, recovered: Hotline) -> World:
    """The same world, the same dice, with the recovered hotline in it."""
    twin = copy(world)
    twin.dice, twin.switch = deepcopy(world.dice), deepcopy(world.switch)
    twin.hotline, twin.facts = recovered, []
    return twin


def test_facts_alone_make_the_whole_state() -> None:
    """A journal read from its first fact, without any snapshot, is the present."""
    for seed in range(50):
        world = live(seed, 150)
        recovered = Hotline()
        for fact in world.facts:
            recovered.apply(fact)

        assert world.hotline.state == recovered.state
