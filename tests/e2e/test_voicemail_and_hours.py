"""Where no operator is meant to answer."""

from tests.kit.hearing import assert_hears_sound
from tests.kit.hotline import Hotline
from tests.kit.phones import Event, Phones
from tests.kit.sound import channels_of, loudest_tone


def _beep(heard: Event) -> bool:
    return [1000] == [tone["hz"] for tone in heard["tones"][:1]]


def test_a_message_is_left_and_can_be_heard(hotline: Hotline, phones: Phones) -> None:
    """After the beep; `#` ends it."""
    phones.call("alisa", hotline.uri(705), from_="+70000000001", tone_hz=620)
    phones.expect("answered", call="alisa")
    beep = phones.hears(
        "alisa", lambda heard: [1000] == [t["hz"] for t in heard["tones"][:1]], what="the beep", within_s=20
    )
    assert beep["packets"]
    hotline.until(lambda: list((hotline.folder / "data/recordings").rglob("*.opus")), bool, 5)
    phones.hears("alisa", lambda heard: heard["at_ms"] > beep["at_ms"] + 2000, what="two seconds more", within_s=5)
    phones.do("digits", call="alisa", digits="#")
    phones.expect("ended", call="alisa", within_s=15)

    (call,) = [call for call in hotline.await_calls(2) if call["number"] == "705"]
    assert "voicemail" == call["outcome"]
    (message,) = list((hotline.folder / "data/recordings").rglob("*.opus"))
    left = channels_of(message)[0]
    assert len(left) > 8000
    assert 620 == loudest_tone(left[2000:-4000], [440, 620, 1000])


def test_out_of_hours_a_caller_hears_that_it_is_closed(hotline: Hotline, phones: Phones) -> None:
    """The phrase, then the end; nobody rings."""
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(703), from_="+70000000001")
    phones.expect("ringing", call="alisa")
    assert_hears_sound(phones, "alisa")
    phones.expect("ended", call="alisa", within_s=20)

    (call,) = [call for call in hotline.await_calls(2) if call["number"] == "703"]
    assert "closed_hours" == call["outcome"]
    assert not phones.seen("incoming", phone="anna")


def test_after_the_longest_wait_a_caller_takes_the_way_out(hotline: Hotline, phones: Phones) -> None:
    """Queue without operators, two seconds, then voicemail."""
    phones.call("alisa", hotline.uri(706), from_="+70000000001")
    phones.expect("answered", call="alisa")
    phones.hears("alisa", _beep, what="the beep", within_s=25)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")

    (call,) = [call for call in hotline.await_calls(2) if call["number"] == "706"]
    assert call["outcome"] in ("timeout_exit", "voicemail")


def test_a_full_queue_says_so(hotline: Hotline, phones: Phones) -> None:
    """Two wait; the third hears that there are too many."""
    for name in ("alisa", "boris"):
        phones.call(name, hotline.uri(706), from_="+70000000001")
        phones.expect("answered", call=name)
    phones.call("third", hotline.uri(706), from_="+70000000003")
    phones.expect("ended", call="third", within_s=20)

    for name in ("alisa", "boris"):
        phones.do("hangup", call=name)
        phones.expect("ended", call=name)
    outcomes = sorted(call["outcome"] for call in hotline.await_calls(4) if call["caller"].endswith("3"))
    assert ["full_exit"] == outcomes
