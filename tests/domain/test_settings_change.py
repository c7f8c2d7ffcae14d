"""A reload in the middle of everything: calls in progress go on."""

from dataclasses import replace

from hotline.domain import facts
from hotline.domain import settings as s
from hotline.domain.ids import OperatorId, QueueId
from tests.domain.kit import HotlineKit, company


def without(settings: s.Settings, operator: str) -> s.Settings:
    """The same company without one of its people."""
    queues = {
        name: replace(queue, operators=tuple(id_ for id_ in queue.operators if id_ != operator))
        for name, queue in settings.queues.items()
    }
    people = {id_: person for id_, person in settings.operators.items() if id_ != operator}
    return replace(settings, revision=settings.revision + 1, queues=queues, operators=people)


def test_settings_that_say_the_same_are_no_news(hotline: HotlineKit) -> None:
    hotline.takes(hotline.settings)

    assert () == hotline.facts


def test_a_new_operator_serves_who_waits(hotline: HotlineKit) -> None:
    call = hotline.arrives(to="100")
    hotline.changes("nobody", operators=(OperatorId("viktor"),))

    assert {"viktor": call} == hotline.ringing()


def test_an_operator_who_is_removed_finishes_his_call(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.answers("anna")
    hotline.takes(without(hotline.settings, "anna"))
    assert "talking" == hotline.operator("anna").state
    hotline.hangs_up(call)

    assert "answered" == hotline.outcome(call)
    assert "anna" not in hotline.state.operators


def test_a_free_operator_who_is_removed_is_gone_at_once(hotline: HotlineKit) -> None:
    hotline.takes(without(hotline.settings, "viktor"))
    hotline.arrives()
    hotline.arrives()

    assert {"anna"} == set(hotline.ringing())
    assert "viktor" not in hotline.state.operators


def test_an_operator_removed_while_ringing_can_still_answer(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.takes(without(hotline.settings, "anna"))
    hotline.answers("anna")

    assert "talking" == hotline.call(call).state


def test_an_operator_removed_while_ringing_can_miss(hotline: HotlineKit) -> None:
    call = hotline.arrives()
    hotline.takes(without(hotline.settings, "anna"))
    hotline.misses("anna")

    assert {"viktor": call} == hotline.ringing()
    assert "anna" not in hotline.state.operators


def test_a_queue_removed_while_a_phone_rings_lets_the_operator_answer(hotline: HotlineKit) -> None:
    settings = hotline.settings
    answered = hotline.arrives()
    queues = {name: queue for name, queue in settings.queues.items() if name != "sales"}
    hotline.takes(replace(settings, revision=2, queues=queues))
    hotline.answers("anna")
    assert "talking" == hotline.call(answered).state
    hotline.hangs_up(answered)

    assert QueueId("sales") not in hotline.state.queues


def test_a_queue_removed_while_a_phone_rings_sends_him_on_if_nobody_answers(hotline: HotlineKit) -> None:
    settings = hotline.settings
    hotline.arrives()
    queues = {name: queue for name, queue in settings.queues.items() if name != "sales"}
    hotline.takes(replace(settings, revision=2, queues=queues))
    hotline.declines("anna")

    assert "closed" == hotline.only(facts.QueueLeft).reason
    assert {} == hotline.state.tickets
    hotline.takes(replace(settings, revision=3))


def test_an_unreachable_phone_in_a_removed_queue_is_left_alone_for_a_moment(hotline: HotlineKit) -> None:
    settings = hotline.settings
    hotline.arrives()
    queues = {name: queue for name, queue in settings.queues.items() if name != "sales"}
    hotline.takes(replace(settings, revision=2, queues=queues))
    hotline.phone_ends("anna", "unreachable")

    assert 5_000_000 == hotline.only(facts.OfferUnreachable).until - hotline.at


def test_new_rules_of_a_queue_hold_at_once(hotline: HotlineKit) -> None:
    hotline.changes(ring_ms=7000)
    hotline.arrives()

    assert 7_000_000 == hotline.only(facts.OfferMade).expires_at - hotline.at


def test_a_company_without_settings_refuses_everybody() -> None:
    hotline = HotlineKit(company(numbers={}))
    call = hotline.arrives()
    hotline.hangs_up(call, "us")

    assert "lost_before_answer" == hotline.outcome(call)


def test_an_empty_queue_that_is_removed_leaves_nothing(hotline: HotlineKit) -> None:
    hotline.hangs_up(hotline.arrives())
    settings = hotline.settings
    assert QueueId("sales") in hotline.state.queues
    queues = {name: queue for name, queue in settings.queues.items() if name != "sales"}
    hotline.takes(replace(settings, revision=2, queues=queues))

    assert {} == hotline.state.queues
