"""The static proof: what is wrong with a flow is found before a caller finds it."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.domain import settings as s
from hotline.domain.flow.check import check, distances
from hotline.domain.ids import OperatorId, QueueId
from tests.domain.kit import company, flow

SALES = s.Enqueue(queue=QueueId("sales"))
END = s.Hangup()


def menu(failed: str, **choices: str) -> s.Menu:
    return s.Menu(phrases=(), choices={keys.removeprefix("k"): node for keys, node in choices.items()}, failed=failed)


def findings(**nodes: Any) -> list[tuple[str, str]]:
    """Severity and place of everything found in one flow."""
    settings = company(flows={"f": flow("f", **nodes)}, numbers={})
    return [(f.severity, f.where) for f in check(settings) if not f.where.startswith("queues.")]


def test_the_sample_company_is_in_order_and_its_waiver_is_listed() -> None:
    found = check(company())

    assert [("waived", "queues.nobody", 'queue "nobody": on purpose')] == [
        (f.severity, f.where, f.sentence) for f in found
    ]


def test_a_start_that_does_not_exist() -> None:
    settings = company(flows={"f": s.Flow(name="f", start="x", nodes={"a": END})}, numbers={})

    assert ("error", "flows.f") in [(f.severity, f.where) for f in check(settings)]


@pytest.mark.parametrize(
    "node",
    [
        s.Answer(next="gone"),
        s.Say(phrases=(), next="gone"),
        s.RecordingNotice(phrases=(), next="gone"),
        s.Hours(table="office", open="sales", closed="gone"),
        menu("sales", k1="gone"),
        menu("gone", k1="sales"),
        replace(SALES, keys={"1": "gone"}),
        replace(SALES, on_full="gone"),
        replace(SALES, on_timeout="gone"),
        replace(SALES, on_no_operator="gone"),
        s.Voicemail(phrases=(), mailbox="m", next="gone"),
        s.Echo(next="gone"),
    ],
)
def test_a_target_that_does_not_exist(node: s.Node) -> None:
    assert ("error", "flows.f.a") in findings(a=node, sales=SALES)


def test_queues_and_hours_that_do_not_exist() -> None:
    assert [("error", "flows.f.a")] == findings(a=s.Enqueue(queue=QueueId("gone")))
    assert ("error", "flows.f.a") in findings(a=s.Hours(table="gone", open="b", closed="b"), b=SALES)


def test_numbers_and_queues_that_name_what_does_not_exist() -> None:
    settings = company()
    number = s.NumberSettings(number="1", flow="gone")
    queue = replace(settings.queues[QueueId("sales")], operators=(OperatorId("olga"),))
    settings = replace(settings, numbers={"1": number}, queues={**settings.queues, queue.name: queue})

    assert {"numbers.1", "queues.sales"} == {f.where for f in check(settings) if f.severity == "error"}


def test_a_queue_where_nobody_answers_needs_a_waiver() -> None:
    settings = company()
    bare = replace(settings.queues[QueueId("nobody")], waiver=None)
    settings = replace(settings, queues={**settings.queues, bare.name: bare})

    assert [("error", "queues.nobody")] == [(f.severity, f.where) for f in check(settings)]


def test_a_queue_that_no_flow_uses_is_remarked() -> None:
    settings = company()
    spare = s.QueueSettings(name=QueueId("spare"), operators=())
    found = check(replace(settings, queues={**settings.queues, spare.name: spare}))

    assert ("warning", "queues.spare") in [(f.severity, f.where) for f in found]


def test_a_node_that_nobody_comes_to_is_remarked() -> None:
    assert [("warning", "flows.f.b")] == findings(a=SALES, b=END)


@pytest.mark.parametrize(
    "nodes",
    [
        {"a": s.Say(phrases=(), next="a")},
        {"a": s.Answer(next="b"), "b": s.Say(phrases=(), next="a")},
        {"a": s.Hours(table="office", open="b", closed="a"), "b": SALES},
        {"a": menu("b", k0="sales"), "b": s.Say(phrases=(), next="a"), "sales": SALES},
        {"a": replace(SALES, on_full="a")},
        {"a": s.Echo(next="a")},
    ],
)
def test_a_circle_without_the_caller_is_found_once(nodes: dict[str, Any]) -> None:
    assert 1 == [severity for severity, _ in findings(**nodes)].count("error")


@pytest.mark.parametrize(
    "nodes",
    [
        {"a": menu("sales", k1="a"), "sales": SALES},
        {"a": s.Enqueue(queue=QueueId("sales"), on_timeout="a")},
        {"a": s.Enqueue(queue=QueueId("sales"), keys={"1": "a"})},
        {"a": s.Voicemail(phrases=(), mailbox="m", next="a")},
    ],
)
def test_a_circle_through_the_caller_is_none(nodes: dict[str, Any]) -> None:
    assert [] == findings(**nodes)


def test_a_menu_without_choices_and_a_key_that_no_telephone_has() -> None:
    assert ("error", "flows.f.a") in findings(a=menu("sales"), sales=SALES)
    assert ("error", "flows.f.a") in findings(a=menu("sales", kA="sales"), sales=SALES)


def test_help_is_at_most_two_inputs_away() -> None:
    near: dict[str, s.Node] = {"a": menu("end", k1="b"), "b": menu("end", k1="sales"), "sales": SALES, "end": END}
    far: dict[str, s.Node] = {"top": menu("end", k1="a"), **near}

    assert [] == findings(**near)
    assert [("error", "flows.f.top")] == findings(**far)
    assert {"top": 3, "a": 2, "b": 1, "sales": 0, "end": 1000} == distances(company(), flow("f", **far))


def test_a_menu_that_leads_to_nobody() -> None:
    found = check(company(flows={"f": flow("f", a=menu("end", k1="end"), end=END)}, numbers={}))

    assert "leads to no operator and no voicemail" in next(f.sentence for f in found if f.where == "flows.f.a")


def test_a_voicemail_is_help_and_so_is_a_waived_queue() -> None:
    assert [] == findings(a=menu("end", k1="v"), v=s.Voicemail(phrases=(), mailbox="m"), end=END)
    assert [] == findings(a=menu("end", k1="n"), n=s.Enqueue(queue=QueueId("nobody")), end=END)


def test_help_that_is_there_only_while_we_are_open_is_remarked() -> None:
    hours = s.Hours(table="office", open="sales", closed="end")

    assert [("warning", "flows.f.a")] == findings(a=menu("end", k1="h"), h=hours, sales=SALES, end=END)


def test_a_queue_that_nobody_serves_may_lead_to_help() -> None:
    """Its own ways out count: a key is an input, a time-out is none."""
    settings = company()
    bare = replace(settings.queues[QueueId("nobody")], waiver=None)
    settings = replace(settings, queues={**settings.queues, bare.name: bare})
    by_key = flow("f", q=s.Enqueue(queue=bare.name, keys={"1": "v"}), v=s.Voicemail(phrases=(), mailbox="m"))
    by_time = flow("f", q=s.Enqueue(queue=bare.name, on_timeout="v"), v=s.Voicemail(phrases=(), mailbox="m"))

    assert 1 == distances(settings, by_key)["q"]
    assert 0 == distances(settings, by_time)["q"]


def test_recording_without_a_notice_is_remarked() -> None:
    settings = company()
    taped = replace(settings.queues[QueueId("sales")], record=True)
    settings = replace(settings, queues={**settings.queues, taped.name: taped}, numbers={})
    told = flow("f", notice=s.RecordingNotice(phrases=(), next="sales"), sales=SALES)
    untold = flow("f", menu=menu("sales", k1="notice"), notice=told.nodes["notice"], sales=SALES)

    assert [] == [f for f in check(replace(settings, flows={"f": told})) if f.where.startswith("flows.")]
    found = check(replace(settings, flows={"f": untold}))
    assert [("warning", "flows.f.sales")] == [(f.severity, f.where) for f in found if f.where.startswith("flows.")]
