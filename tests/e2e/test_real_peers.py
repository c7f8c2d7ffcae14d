"""Phones that we did not write: baresip and SIPp, as callers and as operators."""

from pathlib import Path

from tests.kit.baresip import baresip_running
from tests.kit.hearing import assert_hears_tone
from tests.kit.hotline import Hotline, free_ports
from tests.kit.phones import Phones
from tests.kit.sipp import sipp, sipp_running
from tests.kit.sound import channels_of, level_db, loudest_tone

SECOND = 8000
"""Samples."""


def test_baresip_calls_hears_the_menu_presses_a_key_and_talks(hotline: Hotline, phones: Phones, tmp_path: Path) -> None:
    """What it heard ends with the operator's tone."""
    phones.listen("anna", bind=hotline.operators, answer_after_ms=100, tone_hz=880)
    (port,) = free_ports(1)
    with baresip_running(tmp_path, "alisa", port=port, hz=440) as alisa:
        alisa.dial(hotline.uri(700))
        alisa.expect("CALL_ESTABLISHED")
        alisa.expect("CALL_RTPESTAB")
        hotline.until(lambda: alisa.heard().stat().st_size, lambda size: size > 6 * SECOND, 10)
        alisa.press("1")
        talking = phones.expect("incoming", phone="anna", within_s=10)["call"]
        phones.expect("acked", call=talking)
        both = assert_hears_tone(phones, talking, 440)
        phones.hears(talking, lambda heard: heard["at_ms"] > both["at_ms"] + 1000, what="one second more")
        alisa.hang_up()
        phones.expect("ended", call=talking)
        (heard,) = channels_of(alisa.heard())

    assert level_db(heard[: 2 * SECOND]) > -40
    assert 880 == loudest_tone(heard[-3000:], [440, 880, 1000])


def test_baresip_is_an_operators_phone(hotline: Hotline, phones: Phones, tmp_path: Path) -> None:
    """At a fixed address; both sides hear each other."""
    with baresip_running(tmp_path, "viktor", port=hotline.operators_port, hz=880, auto_answer=True) as viktor:
        phones.call("alisa", hotline.uri(702), from_="+70000000001", tone_hz=440)
        viktor.expect("CALL_ESTABLISHED", within_s=10)
        both = assert_hears_tone(phones, "alisa", 880)
        phones.hears("alisa", lambda heard: heard["at_ms"] > both["at_ms"] + 1000, what="one second more")
        phones.do("hangup", call="alisa")
        viktor.expect("CALL_CLOSED")
        (heard,) = channels_of(viktor.heard())

    assert 440 == loudest_tone(heard[-3000:], [440, 880, 1000])


def test_sipp_calls_through_the_menu_and_sipp_answers(hotline: Hotline, tmp_path: Path) -> None:
    """Five calls one after the other, no retransmission trouble, no failure on either side."""
    calls = 5
    with sipp_running("operator", "127.0.0.1", folder=tmp_path, port=hotline.operators_port, calls=calls) as operator:
        for _ in range(calls):
            sipp("caller", f"127.0.0.1:{hotline.sip_port}", number=700, folder=tmp_path, keys={"key": "1"})
        operator()

    outcomes = [call["outcome"] for call in hotline.await_calls(1 + calls) if call["number"] == "700"]
    assert ["answered"] * calls == outcomes
