"""A fact of the journal is never refused, whomever it speaks of."""

import dataclasses
import types
from copy import deepcopy
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import pytest

from hotline.domain import facts, inputs
from hotline.domain.hotline import Hotline
from hotline.domain.ids import CallId, OperatorId
from hotline.domain.inputs import Quality
from hotline.domain.settings import Settings
from tests.domain.kit import HotlineKit, company


def made_up(kind: type[Any], **known: Any) -> Any:
    """A fact about nobody."""
    hints = get_type_hints(kind)
    values = {field.name: value(hints[field.name]) for field in dataclasses.fields(kind)}
    return kind(**(values | {name: known[name] for name in known if name in values}))


def value(hint: Any) -> Any:
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    origin = get_origin(hint)
    if origin is Literal:
        return get_args(hint)[0]
    if origin in (Union, types.UnionType):
        return value(get_args(hint)[0])
    if origin is tuple:
        return ()
    if hint is Settings:
        return company()
    return {int: 7, str: "nobody", bool: True, Quality: Quality()}[hint]


@pytest.mark.parametrize("kind", get_args(facts.Fact))
def test_a_fact_about_nobody_changes_nobody(kind: type[Any]) -> None:
    for hotline in (Hotline(), HotlineKit().hotline):
        hotline.apply(made_up(kind, ticket="nowhere", wait_until=None))

        assert hotline.next_due() is None


@pytest.mark.parametrize("kind", get_args(facts.Fact))
def test_a_fact_out_of_place_is_taken(kind: type[Any]) -> None:
    """About a caller who waits, an operator who rings: in any order, as an odd journal may have it."""
    kit = HotlineKit()
    kit.changes(record=True, wrap_up_ms=5000, max_wait_ms=60_000)
    kit.arrives()
    kit.arrives()
    kit.answers("viktor")
    for call, ticket, offer, operator, leg in (
        ("k-1", "k-1-t1", "k-1-o1", "anna", "ek-1-1"),
        ("k-2", "k-2-t1", "k-2-o1", "viktor", "ek-2-1"),
        ("k-2", "k-1-t1", "k-1-o1", "olga", "nobody"),
    ):
        hotline = Hotline(deepcopy(kit.hotline.state))
        fact = made_up(kind, call=call, ticket=ticket, offer=offer, operator=operator, leg=leg, queue="sales")
        hotline.apply(fact)
        hotline.apply(fact)

        assert hotline.state.at == kit.at


def test_an_offer_outlives_what_it_was_for() -> None:
    """The ticket or the operator is no more when an offer's end is read."""
    for end in (facts.OfferDeclined, facts.OfferExpired, facts.OfferUnreachable, facts.OfferWithdrawn):
        kit = HotlineKit()
        kit.arrives()
        state = kit.hotline.state
        state.tickets.clear()
        state.operators.clear()
        state.legs.clear()
        kit.hotline.apply(made_up(end, offer="k-1-o1"))

        assert {} == state.offers


def test_a_miss_of_somebody_who_is_no_more_pauses_nobody() -> None:
    kit = HotlineKit()
    call = kit.arrives()
    leg = kit.phone("anna")
    del kit.hotline.state.operators[OperatorId("anna")]
    kit.hotline.handle(inputs.LegEnded(at=kit.at, utc=kit.utc, leg=leg, cause="ring_timeout"))

    assert CallId(call) in kit.hotline.state.calls
