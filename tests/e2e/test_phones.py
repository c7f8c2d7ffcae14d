"""The measuring instrument itself, with no hotline between: two phones hear each other, and silence is silence."""

from tests.kit.hearing import assert_hears_nothing, assert_hears_tone
from tests.kit.phones import Phones


def test_two_phones_hear_each_other(phones: Phones) -> None:
    """Alisa's tone at Boris's ear and the other way round."""
    address = phones.listen("boris", answer_after_ms=50, tone_hz=880)
    phones.call("alisa", f"sip:boris@{address}", from_="+70000000001", tone_hz=440)
    incoming = phones.expect("incoming", phone="boris")["call"]

    assert_hears_tone(phones, "alisa", 880)
    assert_hears_tone(phones, incoming, 440)
    phones.do("play", call="alisa", silence=True)
    assert_hears_nothing(phones, incoming)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=incoming)
