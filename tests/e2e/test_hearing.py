"""Who hears whom, measured at the phones' ears and in the recording."""

from pathlib import Path

from tests.kit.hearing import assert_hears_sound, assert_hears_tone
from tests.kit.hotline import Hotline
from tests.kit.phones import Phones
from tests.kit.sound import channels_of, level_db, loudest_tone

ALISA, VIKTOR = 440, 880
TONES = [ALISA, VIKTOR]


def test_music_while_waiting_then_both_voices_and_both_channels(hotline: Hotline, phones: Phones) -> None:
    """Left is the caller, right the operator; nobody's tone is in the other's channel."""
    phones.listen("viktor", bind=hotline.operators)
    phones.call("alisa", hotline.uri(702), from_="+70000000001", tone_hz=ALISA)
    phones.expect("answered", call="alisa")
    ringing = phones.expect("incoming", phone="viktor")["call"]
    assert_hears_sound(phones, "alisa")

    phones.do("answer", call=ringing, tone_hz=VIKTOR)
    assert_hears_tone(phones, "alisa", VIKTOR)
    heard = assert_hears_tone(phones, ringing, ALISA)
    assert heard["gap_ms"] < 60
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=ringing)

    (call,) = [call for call in hotline.await_calls(2) if call["number"] == "702"]
    assert "answered" == call["outcome"]
    (recording,) = list((hotline.folder / "data/recordings").rglob("*.opus"))
    assert_two_channels(recording)


def assert_two_channels(recording: Path) -> None:
    left, right = channels_of(recording)
    talk = slice(len(left) // 4, len(left) * 3 // 4)

    assert ALISA == loudest_tone(left[talk], TONES)
    assert VIKTOR == loudest_tone(right[talk], TONES)
    assert level_db(left[talk]) > -30
    assert level_db(right[talk]) > -30


def test_an_echo_node_lets_a_caller_hear_himself(hotline: Hotline, phones: Phones) -> None:
    """The sound check of a visitor."""
    phones.call("alisa", hotline.uri(704), from_="+70000000001", tone_hz=ALISA)
    phones.expect("answered", call="alisa")

    assert_hears_tone(phones, "alisa", ALISA)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")
