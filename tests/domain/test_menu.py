"""The voice menu: keys, times and second chances."""

from typing import Any

import pytest

from hotline.domain import commands, facts
from hotline.domain import settings as s
from hotline.domain.phrases import OwnText
from tests.domain.kit import CHOICES, HotlineKit, flow, pack


def menu(**rules: Any) -> s.Flow:
    nodes: dict[str, Any] = {
        "phrases": (CHOICES,), "choices": {"1": "one", "12": "twelve", "5#": "hash"}, "failed": "end",
    } | rules  # fmt: skip
    return flow(
        "menu",
        answer=s.Answer(next="choose"),
        choose=s.Menu(**nodes),
        one=s.Say(phrases=(OwnText(text="one"),), next="end"),
        twelve=s.Say(phrases=(OwnText(text="twelve"),), next="end"),
        hash=s.Say(phrases=(OwnText(text="hash"),), next="end"),
        end=s.Hangup(),
    )


def test_a_key_leads_to_its_node_and_ends_the_prompt(hotline: HotlineKit) -> None:
    """Barge-in: he need not hear it out."""
    call = hotline.arrives(to="300")
    assert [CHOICES] == hotline.said()
    hotline.presses(call, "1")

    assert hotline.has(commands.Stop)
    assert {"anna": call} == hotline.ringing()


def test_keys_during_the_prompt_are_ignored_without_barge_in(hotline: HotlineKit) -> None:
    hotline.flows(menu(barge_in=False))
    call = hotline.arrives(to="300")
    hotline.presses(call, "1")
    assert () == hotline.facts
    hotline.hears_out(call)
    hotline.presses(call, "12")

    assert [OwnText(text="twelve")] == hotline.said()


def test_a_longer_choice_waits_for_its_next_key(hotline: HotlineKit) -> None:
    hotline.flows(menu())
    call = hotline.arrives(to="300")
    hotline.presses(call, "1")
    assert "choosing" == hotline.call(call).state
    hotline.after(2.9)
    assert () == hotline.facts
    hotline.after(0.1)

    assert [OwnText(text="one")] == hotline.said()


def test_an_unambiguous_entry_is_taken_at_once(hotline: HotlineKit) -> None:
    hotline.flows(menu())
    call = hotline.arrives(to="300")
    hotline.presses(call, "12")

    assert [OwnText(text="twelve")] == hotline.said()


def test_hash_ends_an_entry(hotline: HotlineKit) -> None:
    hotline.flows(menu(choices={"1": "one", "12": "twelve"}))
    call = hotline.arrives(to="300")
    hotline.presses(call, "1#")

    assert [OwnText(text="one")] == hotline.said()


def test_hash_is_a_key_where_a_choice_names_it(hotline: HotlineKit) -> None:
    hotline.flows(menu())
    call = hotline.arrives(to="300")
    hotline.presses(call, "5#")

    assert [OwnText(text="hash")] == hotline.said()


@pytest.mark.parametrize("keys", ["9", "14", "#"])
def test_a_wrong_key_says_so_and_repeats_the_menu(hotline: HotlineKit, keys: str) -> None:
    hotline.flows(menu(choices={"1": "one", "12": "twelve"}))
    call = hotline.arrives(to="300")
    hotline.presses(call, keys)

    assert keys == hotline.only(facts.MenuMissed).pressed
    assert [*pack("wrong-key"), CHOICES] == hotline.said()


def test_half_an_entry_runs_out_of_time(hotline: HotlineKit) -> None:
    hotline.flows(menu(choices={"12": "twelve"}))
    call = hotline.arrives(to="300")
    hotline.presses(call, "1")
    hotline.after(3)

    assert "1" == hotline.only(facts.MenuMissed).pressed


def test_silence_repeats_the_menu_and_then_leads_to_a_human(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="300")
    for _ in range(2):
        hotline.hears_out(call)
        hotline.after(6)
        assert [*pack("no-input"), CHOICES] == hotline.said()
    hotline.hears_out(call)
    hotline.after(5.9)
    assert {} == hotline.ringing()
    hotline.after(0.1)

    assert {"anna": call} == hotline.ringing()


def test_the_time_for_the_first_key_begins_when_the_prompt_has_ended(hotline: HotlineKit) -> None:
    hotline.arrives(to="300")
    hotline.after(3600)

    assert () == hotline.facts


def test_the_owners_words_are_said_instead_of_ours(hotline: HotlineKit) -> None:
    wrong, silent = OwnText(text="Wrong"), OwnText(text="Silent")
    hotline.flows(menu(wrong_key=(wrong,), no_input=(silent,)))
    call = hotline.arrives(to="300")
    hotline.presses(call, "9")
    assert [wrong, CHOICES] == hotline.said()
    hotline.hears_out(call)
    hotline.after(6)

    assert [silent, CHOICES] == hotline.said()


def test_a_menu_without_words_listens_at_once(hotline: HotlineKit) -> None:
    hotline.flows(menu(phrases=()))
    hotline.arrives(to="300")
    hotline.after(6)

    assert pack("no-input") == hotline.said()


def test_information_that_was_asked_for_counts_as_self_served(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="300")
    hotline.presses(call, "31")
    hotline.hangs_up(call)

    assert "self_served" == hotline.outcome(call)


def test_a_call_keeps_the_flow_it_began_with(hotline: HotlineKit) -> None:
    """A reload changes nothing for those who are in the middle of a menu."""
    call = hotline.arrives(to="300")
    hotline.flows(flow("menu", end=s.Hangup()))
    hotline.presses(call, "31")
    assert [OwnText(text="It costs nothing")] == hotline.said()
    assert {1, 2} == set(hotline.state.revisions)

    hotline.hangs_up(call)

    assert {2} == set(hotline.state.revisions)
