"""What happens while no engine is there is settled by the switch, and taken in by the next engine."""

import os
import signal
from pathlib import Path

from tests.kit.hearing import assert_hears_tone
from tests.kit.hotline import Hotline
from tests.kit.phones import Phones


def test_a_cancel_that_crosses_the_operators_answer(cold_hotline: Hotline, phones: Phones) -> None:
    """Caller gives up, operator picks up, nobody decides: both legs end, and she takes the next call."""
    hotline = cold_hotline
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(707), from_="+70000000001")
    ringing = phones.expect("incoming", phone="anna")["call"]
    hotline.kill_engine()
    phones.do("answer", call=ringing)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")
    phones.expect("ended", call=ringing)

    hotline.start()
    (call,) = hotline.await_calls(1)
    assert call["outcome"] in ("answered", "short_abandon", "abandoned_ringing")
    phones.listen("anna", bind=hotline.operators, answer_after_ms=20)
    phones.call("boris", hotline.uri(701), from_="+70000000002")
    talking = phones.expect("incoming", phone="anna")["call"]
    phones.expect("acked", call=talking)
    phones.do("hangup", call="boris")
    phones.expect("ended", call=talking)


def test_a_caller_who_leaves_while_nobody_decides_is_closed_at_the_take_over(
    cold_hotline: Hotline, phones: Phones
) -> None:
    """His end is in the backlog; the history has it once, with the right outcome."""
    hotline = cold_hotline
    phones.call("alisa", hotline.uri(706), from_="+70000000001")
    phones.expect("answered", call="alisa")
    hotline.kill_engine()
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")
    hotline.start()

    (call,) = hotline.await_calls(1)
    assert call["outcome"] in ("short_abandon", "abandoned_waiting")


def test_a_new_call_is_held_for_the_next_engine(cold_hotline: Hotline, phones: Phones) -> None:
    """It gets its 100 at once and its answer when the engine is back within three seconds, else 503."""
    hotline = cold_hotline
    hotline.kill_engine()
    phones.call("alisa", hotline.uri(704), from_="+70000000001", tone_hz=440)
    phones.expect("trying", call="alisa")
    refused = phones.expect("ended", call="alisa", within_s=6)
    assert 503 == refused["code"]

    hotline.start()
    phones.call("boris", hotline.uri(704), from_="+70000000002", tone_hz=440)
    assert_hears_tone(phones, "boris", 440)
    phones.do("hangup", call="boris")
    phones.expect("ended", call="boris")


def test_timers_that_came_due_meanwhile_blame_nobody(cold_hotline: Hotline, phones: Phones) -> None:
    """An offer whose ring time ran out while the engine was away is no miss; the caller goes on waiting."""
    hotline = cold_hotline
    phones.listen("anna", bind=hotline.operators)
    phones.call("alisa", hotline.uri(701), from_="+70000000001")
    for _ in range(2):
        ringing = phones.expect("incoming", phone="anna", within_s=15)["call"]
        hotline.kill_engine()
        phones.expect("ended", call=ringing, within_s=6)
        hotline.start()

    again = phones.expect("incoming", phone="anna", within_s=15)["call"]
    phones.do("answer", call=again)
    phones.expect("acked", call=again)
    assert not phones.seen("ended", call="alisa")
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=again)


def test_a_frozen_engine_is_ended_by_the_one_that_takes_over(cold_hotline: Hotline, phones: Phones) -> None:
    """It holds the lock while it sleeps; when it is gone the new one decides, and nobody's talk was touched."""
    hotline = cold_hotline
    phones.listen("anna", bind=hotline.operators, answer_after_ms=20, tone_hz=880)
    phones.call("alisa", hotline.uri(701), from_="+70000000001", tone_hz=440)
    assert_hears_tone(phones, "alisa", 880)
    frozen = hotline.engine
    os.kill(frozen, signal.SIGSTOP)
    refused = hotline.run("serve", hotline.company, timeout_s=30)
    assert 7 == refused.returncode, refused.stdout + refused.stderr

    hotline.take_over()
    assert not Path(f"/proc/{frozen}").exists()
    heard = phones.heard("alisa", last_ms=3000)
    assert heard["gap_ms"] <= 60
    phones.do("hangup", call="alisa")
    phones.expect("ended", call="alisa")
    (call,) = hotline.await_calls(1)
    assert "answered" == call["outcome"]


def test_a_second_engine_is_refused(cold_hotline: Hotline) -> None:
    """In a sentence, with its own exit code."""
    done = cold_hotline.run("serve", cold_hotline.company, timeout_s=30)

    assert 7 == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
