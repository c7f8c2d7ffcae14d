"""What is written is read again, by this release and by a later one."""

import dataclasses
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.domain import commands, facts, inputs
from hotline.domain.ids import QueueId
from hotline.domain.phrases import Beep, Music, PackPhrase, Position
from hotline.domain.settings import (
    Flow,
    Hangup,
    Menu,
    NumberSettings,
    QueueSettings,
    Say,
    Settings,
)
from hotline.domain.state import State
from hotline.store.codec import Choice, Codec, CodecError

FACTS: Choice[facts.Fact] = Choice(facts.Fact)
COMMANDS: Choice[commands.Command] = Choice(commands.Command)
INPUTS: Choice[inputs.Input] = Choice(inputs.Input)

# What MessagePack and SQLite hold.
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))

SETTINGS = Settings(
    revision=7,
    company="North",
    numbers={"+78000000000": NumberSettings(number="+78000000000", flow="main")},
    flows={
        "main": Flow(
            name="main",
            start="menu",
            nodes={
                "menu": Menu(phrases=(PackPhrase(key="a"), Beep()), choices={"1": "bye"}, failed="bye"),
                "say": Say(phrases=(Position(number=3),), next="bye"),
                "bye": Hangup(),
            },
        )
    },
    queues={QueueId("sales"): QueueSettings(name=QueueId("sales"), operators=(), music=Music())},
    operators={},
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_every_input_fact_and_command_comes_back_equal(data: st.DataObject) -> None:
    """Each class of the three unions, with any values in its fields."""
    unions: list[tuple[Choice[Any], Any]] = [
        (FACTS, facts.Fact),
        (COMMANDS, commands.Command),
        (INPUTS, inputs.Input),
    ]
    for choice, union in unions:
        kind = data.draw(st.sampled_from(get_args(union)))
        value = data.draw(st.from_type(kind)) if not _holds_settings(kind) else _with_settings(kind)
        name, plain = choice.plain(value)

        body = msgspec.Raw(msgspec.msgpack.encode(plain))

        assert value == choice.decode(name, body)


def test_a_state_with_settings_comes_back_equal() -> None:
    """Nodes and phrases, which may be one of several classes, keep their class."""
    state = State(seed="x", settings=SETTINGS, revisions={7: SETTINGS})
    codec = Codec(State)

    assert state == codec.decode(codec.encode(state))


def test_a_field_added_later_takes_its_default() -> None:
    """An older file lacks the field."""
    body = msgspec.msgpack.encode({"leg": "s1-1", "at": 1, "utc": 2, "called": "100", "caller": ""})

    arrived = INPUTS.decode("LegArrived", msgspec.Raw(body))

    assert isinstance(arrived, inputs.LegArrived)
    assert not arrived.proven


def test_a_name_of_a_newer_release_is_refused_in_a_sentence() -> None:
    """Not silently skipped: a fact that is not applied would be a wrong state."""
    with pytest.raises(CodecError, match="unknown name CallFrozen: written by a newer release"):
        FACTS.decode("CallFrozen", msgspec.Raw(b"\x80"))


def test_damaged_fields_are_refused() -> None:
    """A value of a wrong type is our error, not a TypeError from somewhere deep."""
    with pytest.raises(CodecError, match="CallEnded"):
        FACTS.decode("CallEnded", msgspec.Raw(msgspec.msgpack.encode({"at": "soon"})))


def _holds_settings(kind: type) -> bool:
    return any(field.name == "settings" for field in dataclasses.fields(kind))


def _with_settings(kind: type) -> object:
    if kind is inputs.SettingsChanged:
        return inputs.SettingsChanged(at=1, utc=2, settings=SETTINGS)
    return facts.SettingsTaken(at=1, settings=SETTINGS)
