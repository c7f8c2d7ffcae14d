"""The state tables are whole: every (state, event) is decided and every action is carried out."""

from typing import get_args

from hotline.domain import carry, facts, hotline, inputs
from hotline.domain.apply import _CHANGES
from hotline.domain.call import CALL, CallAction, CallEvent
from hotline.domain.operator import OPERATOR, OperatorEvent
from hotline.domain.state import CallState, OperatorState


def test_every_event_of_a_call_is_decided_in_every_state() -> None:
    decided = {(state, event) for state, row in CALL.items() for event in row}

    assert {(state, event) for state in get_args(CallState) for event in get_args(CallEvent)} == decided


def test_every_action_of_a_call_is_used_and_carried_out() -> None:
    used = {action for row in CALL.values() for action in row.values()}

    assert set(get_args(CallAction)) == used
    assert used - {"ignore"} == set(carry.ACTIONS)


def test_every_event_of_an_operator_is_decided_in_every_state() -> None:
    decided = {(state, event) for state, row in OPERATOR.items() for event in row}
    pairs = {(state, event) for state in get_args(OperatorState) for event in get_args(OperatorEvent)}

    assert pairs == decided
    assert {after for row in OPERATOR.values() for after in row.values()} == set(get_args(OperatorState))


def test_a_caller_who_is_gone_is_closed_in_every_state() -> None:
    assert {"close"} == {row["gone"] for row in CALL.values()}


def test_every_fact_has_its_change_and_every_input_its_handler() -> None:
    assert set(get_args(facts.Fact)) == set(_CHANGES)
    assert set(get_args(inputs.Input)) == set(hotline._HANDLERS)
