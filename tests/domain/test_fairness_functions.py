"""The invariants notice what they are there to notice: each is broken once."""

from collections.abc import Callable

import pytest

from hotline.domain.ids import CallId, LegId, OfferId, OperatorId, QueueId, TicketId
from hotline.domain.memory import Memory
from hotline.domain.queue.fairness import violations
from hotline.domain.state import Leg, Offer, State
from tests.domain.kit import HotlineKit

SALES, ANNA, VIKTOR = QueueId("sales"), OperatorId("anna"), OperatorId("viktor")
RINGING, TALKING, OFFER = CallId("k-1"), CallId("k-2"), OfferId("k-1-o1")
RINGS, WAITS = TicketId("k-1-t1"), TicketId("k-3-t1")


def out_of_order(state: State) -> None:
    state.queues[SALES].line.reverse()


def stands_twice(state: State) -> None:
    state.queues[SALES].line.append(state.queues[SALES].line[-1])


def stands_wrongly(state: State) -> None:
    state.tickets[WAITS].since += 1


def not_among_the_open(state: State) -> None:
    state.queues[SALES].open.clear()


def open_without_standing(state: State) -> None:
    state.queues[SALES].open.append((9_999_999_999, 9, TicketId("ghost")))


def ticket_forgets_its_offer(state: State) -> None:
    state.tickets[RINGS].offer = None


def offer_forgets_its_ticket(state: State) -> None:
    state.tickets[WAITS].offer = OfferId("gone")


def operator_forgets_his_offer(state: State) -> None:
    state.operators[ANNA].offer = None


def leg_forgets_its_offer(state: State) -> None:
    state.legs[LegId("ek-1-1")].offer = None


def idle_while_somebody_waits(state: State) -> None:
    viktor = state.operators[VIKTOR]
    viktor.state, viktor.leg, viktor.call = "idle", None, None


def call_without_its_leg(state: State) -> None:
    state.legs[state.calls[TALKING].leg] = Leg(call=TALKING, operator=VIKTOR)


def waits_without_a_ticket(state: State) -> None:
    state.calls[RINGING].ticket = None


def ticket_is_gone(state: State) -> None:
    state.calls[RINGING].ticket = TicketId("gone")


def talks_to_nobody(state: State) -> None:
    state.calls[TALKING].operator = None


def settings_are_gone(state: State) -> None:
    state.calls[TALKING].revision = 99


def leg_of_no_call(state: State) -> None:
    state.legs[LegId("ghost")] = Leg(call=CallId("gone"))


def leg_is_gone(state: State) -> None:
    del state.legs[LegId("ek-2-1")]


def rings_without_an_offer(state: State) -> None:
    state.operators[ANNA].offer = OfferId("gone")


def wraps_up_for_ever(state: State) -> None:
    state.operators[ANNA].state = "wrap_up"


def releases_nothing(state: State) -> None:
    state.operators[ANNA].state, state.operators[ANNA].leg = "releasing", None


def two_offers_for_one_operator(state: State) -> None:
    first = state.offers[OFFER]
    second = OfferId("second")
    state.offers[second] = Offer(
        id=second, call=first.call, ticket=RINGS, queue=SALES, operator=ANNA, leg=first.leg, made_at=0, expires_at=0
    )  # fmt: skip


@pytest.mark.parametrize(
    "breach",
    [
        out_of_order, stands_twice, stands_wrongly, not_among_the_open, open_without_standing, ticket_forgets_its_offer,
        offer_forgets_its_ticket, operator_forgets_his_offer, leg_forgets_its_offer, idle_while_somebody_waits,
        call_without_its_leg, waits_without_a_ticket, ticket_is_gone, talks_to_nobody, settings_are_gone,
        leg_of_no_call, leg_is_gone, rings_without_an_offer, wraps_up_for_ever, releases_nothing,
        two_offers_for_one_operator,
    ],
)  # fmt: skip
def test_a_breach_is_noticed(hotline: HotlineKit, breach: Callable[[State], None]) -> None:
    """Anna rings for the first caller, Viktor talks with the second, the third waits."""
    for _ in range(3):
        hotline.arrives()
    hotline.answers("viktor")
    assert [] == violations(hotline.hotline._memory)
    breach(hotline.hotline.state)

    assert [] != violations(hotline.hotline._memory)


def test_derived_order_is_rebuilt_when_it_has_grown_stale() -> None:
    """Heaps that keep stale entries are swept before they outgrow the floor."""
    hotline = HotlineKit()
    for _ in range(400):
        hotline.chooses("anna", "paused")
        hotline.after(0.001).chooses("anna", "ready")
    memory = hotline.hotline._memory
    assert all(len(heap) <= 64 + 4 * 2 for heap in memory.free.values())

    hotline.changes(max_wait_ms=3_600_000)
    for _ in range(3000):
        hotline.hangs_up(hotline.after(0.001).arrives())

    assert len(memory.due) <= 1024 + 8 * 2 + 2


def test_memory_is_built_from_the_state_alone(hotline: HotlineKit) -> None:
    hotline.changes(max_wait_ms=9000, wrap_up_ms=5000)
    hotline.chooses("viktor", "paused")
    call = hotline.arrives()
    hotline.answers("anna")
    hotline.hangs_up(call)
    waiting = hotline.arrives()
    menu = hotline.arrives(to="300")
    hotline.hears_out(menu)
    living, built = hotline.hotline._memory, Memory(hotline.hotline.state)

    assert living.next_due() == built.next_due()
    assert {t[:2] for t in built.due} <= {t[:2] for t in living.due}
    assert waiting in hotline.line()
