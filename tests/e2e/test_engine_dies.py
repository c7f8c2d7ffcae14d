"""kill -9 of Python: nobody who talks notices, who waits keeps his place, every fact is written once."""

from tests.kit.hearing import assert_hears_sound, assert_hears_tone
from tests.kit.hotline import Hotline
from tests.kit.phones import Phones

TALKING, WAITING, CHOOSING = 20, 20, 10


def test_fifty_calls_survive_the_death_of_the_engine(cold_hotline: Hotline, phones: Phones) -> None:
    """Twenty talking, twenty waiting, ten in the menu: none lost, no gap over 60 ms, the order unchanged.

    A call between two phones without a hotline is the floor: where the machine itself stalls, it stalls too.
    """
    hotline = cold_hotline
    _fifty_calls(hotline, phones)
    phones.call("floor", f"sip:mirror@{phones.listen('mirror', answer_after_ms=0, tone_hz=880)}", from_="+70000000000")
    assert_hears_tone(phones, "floor", 880)
    before = {name: phones.heard(name)["lost"] for name in _names("talk", TALKING)}

    hotline.kill_engine()
    hotline.start()

    longest = max(60, phones.heard("floor", last_ms=5000)["gap_ms"] + 20)
    for name in _names("talk", TALKING):
        heard = phones.heard(name, last_ms=5000)
        assert heard["gap_ms"] <= longest, (name, heard)
        assert before[name] == heard["lost"]
    assert not phones.seen("ended")
    for name in _names("wait", WAITING):
        assert_hears_sound(phones, name)
    _every_waiting_caller_is_answered_in_order(hotline, phones)
    for name in [*_names("talk", TALKING), *_names("menu", CHOOSING)]:
        phones.do("hangup", call=name)
        phones.expect("ended", call=name)
    rows = hotline.await_calls(TALKING + WAITING + CHOOSING)
    assert TALKING + WAITING + CHOOSING == len(rows)
    assert TALKING + WAITING == [row["outcome"] for row in rows].count("answered")


def _names(stem: str, count: int) -> list[str]:
    return [f"{stem}-{n:02}" for n in range(count)]


def _fifty_calls(hotline: Hotline, phones: Phones) -> None:
    for n in range(1, TALKING + 1):
        phones.listen(f"crew{n}", bind=hotline.operators, answer_after_ms=50, tone_hz=880)
    for n, name in enumerate(_names("talk", TALKING)):
        phones.call(name, hotline.uri(708), from_=f"+70000001{n:03}", tone_hz=440)
        phones.expect("answered", call=name)
    for name in _names("talk", TALKING):
        assert_hears_tone(phones, name, 880)
    for n, name in enumerate(_names("wait", WAITING)):
        phones.call(name, hotline.uri(701), from_=f"+70000002{n:03}", tone_hz=440)
        phones.expect("answered", call=name)
    for n, name in enumerate(_names("menu", CHOOSING)):
        phones.call(name, hotline.uri(700), from_=f"+70000003{n:03}", tone_hz=440)
        phones.expect("answered", call=name)


def _every_waiting_caller_is_answered_in_order(hotline: Hotline, phones: Phones) -> None:
    """Anna picks up her phone after the death; she is rung for the first in line, then the next."""
    phones.listen("anna", bind=hotline.operators, answer_after_ms=0, hangup_after_ms=100)
    hotline.operator("ready", "anna")
    order = []
    for _ in range(WAITING):
        incoming = phones.expect("incoming", phone="anna", within_s=10)
        order.append(incoming["from"][-3:])
        phones.expect("ended", call=incoming["call"], within_s=10)

    assert [f"{n:03}" for n in range(WAITING)] == order
