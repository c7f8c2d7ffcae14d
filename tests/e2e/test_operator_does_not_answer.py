"""A miss or a refusal costs the caller nothing: he goes back to his place, and the operator is not blamed twice."""

from tests.kit.hotline import Hotline
from tests.kit.phones import Phones


def test_two_callers_and_one_operator(hotline: Hotline, phones: Phones) -> None:
    """The second is rung through as soon as the first has ended, in the order of arrival."""
    phones.listen("anna", bind=hotline.operators, answer_after_ms=50)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    first = phones.expect("incoming", phone="anna")
    phones.expect("acked", call=first["call"])
    phones.call("boris", hotline.uri(701), from_="+70000000002")
    phones.expect("answered", call="boris")
    assert [first] == phones.seen("incoming", phone="anna")

    phones.do("hangup", call="alisa")
    second = phones.expect("incoming", phone="anna", within_s=2)
    assert second["from"].endswith("0000002")
    phones.expect("acked", call=second["call"])
    phones.do("hangup", call="boris")
    phones.expect("ended", call=second["call"])


def test_a_declined_offer_comes_again_while_the_caller_keeps_his_place(hotline: Hotline, phones: Phones) -> None:
    """486 from the phone: the caller hears music on and is answered at the next ring."""
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    ringing = phones.expect("incoming", phone="anna")["call"]
    phones.do("reject", call=ringing, code=486)

    again = phones.expect("incoming", phone="anna", within_s=15)["call"]
    phones.do("answer", call=again)
    phones.expect("acked", call=again)
    assert not phones.seen("ended", call="alisa")
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=again)


def test_two_misses_in_a_row_pause_the_operator(hotline: Hotline, phones: Phones) -> None:
    """The ring time ends by itself; after the second miss nobody rings her until she is ready again."""
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    for _ in range(2):
        missed = phones.expect("incoming", phone="anna", within_s=15)["call"]
        assert "ended" == phones.expect("ended", call=missed, within_s=6)["event"]
    listed = hotline.until(lambda: hotline.operator("list"), lambda out: "paused" in out, 10)
    assert "anna" in listed
    assert 2 == len(phones.seen("incoming", phone="anna"))

    phones.listen("anna", bind=hotline.operators, answer_after_ms=50)
    hotline.operator("ready", "anna")
    back = phones.expect("incoming", phone="anna", within_s=5)["call"]
    phones.expect("acked", call=back)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=back)
