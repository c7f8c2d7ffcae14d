"""A caller may leave at any moment: the outcome says when, no operator is stuck, no ghost call stays."""

from tests.kit.hotline import Hotline
from tests.kit.phones import Phones


def _outcome(hotline: Hotline, number: str) -> str:
    (call,) = [call for call in hotline.await_calls(2) if call["number"] == number]
    return str(call["outcome"])


def test_in_the_menu(hotline: Hotline, phones: Phones) -> None:
    """He never reached a queue."""
    phones.call("alisa", hotline.uri(700), from_="+70000000001")
    phones.expect("answered", call="alisa")
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")

    assert "menu_abandon" == _outcome(hotline, "700")


def test_in_the_queue_with_nobody_there(hotline: Hotline, phones: Phones) -> None:
    """Within the short time that is counted apart."""
    phones.call("alisa", hotline.uri(706), from_="+70000000001")
    phones.expect("answered", call="alisa")
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")

    assert "short_abandon" == _outcome(hotline, "706")


def test_while_an_operator_is_ringing(hotline: Hotline, phones: Phones) -> None:
    """The operator's phone stops ringing at once, and the next caller reaches him."""
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    ringing = phones.expect("incoming", phone="anna")["call"]
    phones.do("hangup", call="alisa")

    assert "ended" == phones.expect("ended", call=ringing, within_s=1)["event"]
    phones.expect("ended", call="alisa")
    assert _outcome(hotline, "701") in ("short_abandon", "abandoned_ringing")
    phones.call("boris", hotline.uri(701), from_="+70000000002")
    again = phones.expect("incoming", phone="anna")["call"]
    phones.do("answer", call=again)
    phones.expect("answered", call=again)
    phones.do("hangup", call="boris")
    phones.expect("ended", call=again)


def test_while_ringing_before_the_call_is_answered(hotline: Hotline, phones: Phones) -> None:
    """CANCEL of an unbilled call that waits with early media."""
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(707), from_="+70000000001")
    phones.expect("ringing", call="alisa")
    ringing = phones.expect("incoming", phone="anna")["call"]
    phones.do("cancel", call="alisa")

    assert 487 == phones.expect("ended", call="alisa")["code"]
    phones.expect("ended", call=ringing, within_s=1)


def test_while_talking(hotline: Hotline, phones: Phones) -> None:
    """The operator's leg ends with the caller's."""
    phones.listen("anna", bind=hotline.operators, answer_after_ms=50)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    talking = phones.expect("incoming", phone="anna")["call"]
    phones.expect("acked", call=talking)
    phones.do("hangup", call="alisa")

    assert "peer" == phones.expect("ended", call=talking, within_s=1)["by"]
    assert "answered" == _outcome(hotline, "701")


def test_every_ten_milliseconds_around_the_operators_answer(hotline: Hotline, phones: Phones) -> None:
    """Whichever side wins the race, both legs end and the operator takes the next call."""
    answers_after_ms = 120
    phones.listen("anna", bind=hotline.operators, answer_after_ms=answers_after_ms)
    attempts = range(0, 2 * answers_after_ms + 1, 10)
    for leaves_after_ms in attempts:
        name = f"alisa-{leaves_after_ms}"
        phones.call(name, hotline.uri(701), from_="+70000000001", hangup_after_ms=leaves_after_ms)
        phones.expect("ended", call=name)
        for incoming in phones.seen("incoming", phone="anna"):
            if not phones.seen("ended", call=incoming["call"]):
                phones.expect("ended", call=incoming["call"], within_s=2)

    rows = [call for call in hotline.await_calls(1 + len(attempts)) if call["number"] == "701"]
    assert len(attempts) == len(rows)
    assert {row["outcome"] for row in rows} <= {"answered", "short_abandon", "abandoned_ringing"}
    phones.call("boris", hotline.uri(701), from_="+70000000002")
    phones.expect("acked", within_s=3)
    phones.do("hangup", call="boris")
    phones.expect("ended", call="boris")
