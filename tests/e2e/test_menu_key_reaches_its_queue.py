"""A pressed key leads to the queue that the owner wrote beside it."""

import pytest

from tests.kit.hearing import assert_hears_sound
from tests.kit.hotline import Hotline
from tests.kit.phones import Phones


@pytest.mark.parametrize(("key", "operator"), [("1", "anna"), ("2", "viktor"), ("0", "anna")])
@pytest.mark.parametrize("via", ["rfc4733", "info"])
def test_a_key_rings_the_operator_of_its_queue(
    hotline: Hotline, phones: Phones, key: str, operator: str, via: str
) -> None:
    """As RFC 4733 in the sound or as INFO in the signalling; 0 is a human by itself."""
    for name in ("anna", "viktor"):
        phones.listen(name, bind=hotline.operators, answer_after_ms=100)
    phones.call("alisa", hotline.uri(700), from_="+70000000001", tone_hz=440)
    phones.expect("answered", call="alisa")
    assert_hears_sound(phones, "alisa")
    phones.do("digits", call="alisa", digits=key, via=via)

    rung = phones.expect("incoming")
    assert operator == rung["phone"]
    phones.expect("acked", call=rung["call"])
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=rung["call"])
    (call,) = [call for call in hotline.await_calls(2) if call["number"] == "700"]
    assert ("answered", operator) == (call["outcome"], call["operator"])


def test_a_silent_caller_reaches_a_human(hotline: Hotline, phones: Phones) -> None:
    """After the menu's retries the call goes where `failed` says."""
    phones.listen("anna", bind=hotline.operators, answer_after_ms=100)
    phones.call("alisa", hotline.uri(700), from_="+70000000001")
    phones.expect("answered", call="alisa")

    phones.expect("incoming", phone="anna", within_s=45)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")
