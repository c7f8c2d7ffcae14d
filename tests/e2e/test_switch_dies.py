"""kill -9 of the switch: calls end with a cause, recordings lose at most a second, new calls come in at once."""

import time

from tests.kit.hearing import assert_hears_tone
from tests.kit.hotline import Hotline
from tests.kit.phones import Phones
from tests.kit.sound import channels_of


def test_calls_are_closed_and_new_ones_accepted_within_two_seconds(cold_hotline: Hotline, phones: Phones) -> None:
    """The engine notices, closes what was open, starts a new switch."""
    hotline = cold_hotline
    phones.listen("viktor", bind=hotline.operators, answer_after_ms=50, tone_hz=880)
    phones.call("alisa", hotline.uri(702), from_="+70000000001", tone_hz=440)
    phones.call("boris", hotline.uri(706), from_="+70000000002")
    assert_hears_tone(phones, "alisa", 880)
    talked = phones.hears("alisa", lambda heard: heard["packets"] >= 50, what="a second of talk", within_s=5)
    assert talked

    hotline.kill_switch()
    died = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        phones.call(f"new-{attempt}", hotline.uri(704), from_="+70000000003", ring_for_ms=400)
        try:
            phones.expect("answered", call=f"new-{attempt}", within_s=0.5)
            break
        except AssertionError:
            assert time.monotonic() - died < 2, hotline.log()[-3000:]
    phones.do("hangup", call=f"new-{attempt}")

    rows = {row["number"]: row for row in hotline.await_calls(3)}
    assert "answered" == rows["702"]["outcome"]
    assert rows["706"]["outcome"] in ("queue_system_failure", "short_abandon", "abandoned_waiting")
    (recording,) = list((hotline.folder / "data/recordings").rglob("*.opus"))
    assert len(channels_of(recording)[0]) > 0
