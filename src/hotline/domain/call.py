"""The call: its state table, and what each fact about it changes.

Law: every (state, event) of a call is decided here; `flow/run.py`, `queue/` and `ending.py` carry it out.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from hotline.domain import facts
from hotline.domain.memory import Memory
from hotline.domain.state import Call, CallState, Leg

__all__ = ["APPLY", "CALL", "CallAction", "CallEvent"]

CallEvent = Literal["proven", "digit", "played", "due", "recorded", "accepted", "party_gone", "hung_up", "gone"]
"""The caller's ACK came · he pressed a key · what he heard has ended · the step's time is up · his message
is on disk · an operator answered · the operator's leg ended · somebody in charge ends the call · his leg ended."""

CallAction = Literal[
    "ignore",
    "begin",
    "next",
    "press",
    "refuse_key",
    "listen",
    "no_key",
    "record",
    "after_message",
    "echo",
    "after_echo",
    "exit_key",
    "music",
    "talk",
    "release",
    "hang_up",
    "drop",
    "close",
]
"""begin the node · go to the next node · a menu key · the recording is refused · wait for a key ·
time is up without one · record the message · the message is done · connect him to himself ·
the echo is over · leave the queue by a key · music again · join with the operator · the talk is over ·
say no more and hang up · the call is ended from inside · everything of the call is closed."""

CALL: Final[dict[CallState, dict[CallEvent, CallAction]]] = {
    "arriving": {
        "proven": "ignore", "digit": "ignore", "played": "ignore", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    # Answered at an open door; nothing plays and nobody rings until his ACK shows that he is there.
    "proving": {
        "proven": "begin", "digit": "ignore", "played": "ignore", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "saying": {
        "proven": "ignore", "digit": "ignore", "played": "next", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "noticing": {
        "proven": "ignore", "digit": "refuse_key", "played": "next", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "choosing": {
        "proven": "ignore", "digit": "press", "played": "listen", "due": "no_key", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    # Hearing the invitation to leave a message.
    "inviting": {
        "proven": "ignore", "digit": "ignore", "played": "record", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "recording": {
        "proven": "ignore", "digit": "after_message", "played": "ignore", "due": "ignore",
        "recorded": "after_message", "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "echoing": {
        "proven": "ignore", "digit": "after_echo", "played": "echo", "due": "after_echo", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "waiting": {
        "proven": "ignore", "digit": "exit_key", "played": "music", "due": "ignore", "recorded": "ignore",
        "accepted": "talk", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    "talking": {
        "proven": "ignore", "digit": "ignore", "played": "ignore", "due": "ignore", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "release", "hung_up": "drop", "gone": "close",
    },
    # Hearing the last words.
    "parting": {
        "proven": "ignore", "digit": "ignore", "played": "hang_up", "due": "hang_up", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "drop", "gone": "close",
    },
    # The switch is ending his leg; `due` asks once more.
    "leaving": {
        "proven": "ignore", "digit": "ignore", "played": "ignore", "due": "hang_up", "recorded": "ignore",
        "accepted": "ignore", "party_gone": "ignore", "hung_up": "ignore", "gone": "close",
    },
}  # fmt: skip


# --- what facts change ----------------------------------------------------------------------------


def _call_arrived(memory: Memory, fact: facts.CallArrived) -> None:
    state = memory.state
    state.calls_seen += 1
    state.calls[fact.call] = Call(
        id=fact.call,
        n=state.calls_seen,
        leg=fact.leg,
        number=fact.number,
        called=fact.called,
        caller=fact.caller,
        caller_name=fact.caller_name,
        trunk=fact.trunk,
        account=fact.account,
        proven=fact.proven,
        flow=fact.flow,
        language=fact.language,
        revision=fact.revision,
        arrived_at=fact.at,
        arrived_utc=fact.utc,
    )
    state.legs[fact.leg] = Leg(call=fact.call)


def _call_proven(memory: Memory, fact: facts.CallProven) -> None:
    if call := memory.state.calls.get(fact.call):
        call.proven = True


def _call_answered(memory: Memory, fact: facts.CallAnswered) -> None:
    if call := memory.state.calls.get(fact.call):
        call.answered_at = fact.at


def _call_progressed(memory: Memory, fact: facts.CallProgressed) -> None:
    if call := memory.state.calls.get(fact.call):
        call.progressed = True


def _node_entered(memory: Memory, fact: facts.NodeEntered) -> None:
    call = memory.state.calls.get(fact.call)
    if call is None:
        return
    if fact.node != call.node:
        call.chosen = call.chosen or (call.state == "choosing" and call.digits != "")
        call.misses = 0
    call.served = fact.state in ("echoing", "parting") or (call.chosen and fact.state == "saying")
    call.node = fact.node
    call.state = fact.state
    call.until = None
    call.digits = ""


def _call_moved(memory: Memory, fact: facts.CallMoved) -> None:
    if call := memory.state.calls.get(fact.call):
        call.state = fact.state
        call.until = fact.until
        memory.arm_call(call)


def _hours_checked(memory: Memory, fact: facts.HoursChecked) -> None:
    if call := memory.state.calls.get(fact.call):
        call.closed = not fact.is_open


def _call_failed(memory: Memory, fact: facts.CallFailed) -> None:
    if call := memory.state.calls.get(fact.call):
        call.failed = True


def _play_started(memory: Memory, fact: facts.PlayStarted) -> None:
    call = memory.state.calls.get(fact.call)
    if call is None:
        return
    call.plays += 1
    if fact.leg == call.leg:
        call.play, call.purpose = fact.play, fact.purpose


def _play_ended(memory: Memory, fact: facts.PlayEnded) -> None:
    call = memory.state.calls.get(fact.call)
    if call is not None and call.play == fact.play:
        call.play, call.purpose = None, None


def _digit_taken(memory: Memory, fact: facts.DigitTaken) -> None:
    if call := memory.state.calls.get(fact.call):
        call.digits += fact.digit
        call.until = fact.until
        memory.arm_call(call)


def _menu_missed(memory: Memory, fact: facts.MenuMissed) -> None:
    if call := memory.state.calls.get(fact.call):
        call.misses += 1
        call.digits = ""
        call.until = None


def _call_ended(memory: Memory, fact: facts.CallEnded) -> None:
    state = memory.state
    call = state.calls.pop(fact.call, None)
    if call is None:
        return
    old = call.revision
    if old != memory.settings.revision and all(other.revision != old for other in state.calls.values()):
        state.revisions.pop(old, None)


def _leg_dialled(memory: Memory, fact: facts.LegDialled) -> None:
    memory.state.legs[fact.leg] = Leg(call=fact.call, operator=fact.operator)


def _leg_gone(memory: Memory, fact: facts.LegGone) -> None:
    memory.state.legs.pop(fact.leg, None)
    call = memory.state.calls.get(fact.call)
    if call is not None and call.leg == fact.leg and call.ended_by is None:
        call.ended_by = "caller" if fact.cause in ("peer", "silent", "never_acked") else "system"


def _talk_ended(memory: Memory, fact: facts.TalkEnded) -> None:
    if call := memory.state.calls.get(fact.call):
        call.ended_by = call.ended_by or fact.ended_by
        call.operator, call.talk_at, call.held_since = None, None, None


def _talk_started(memory: Memory, fact: facts.TalkStarted) -> None:
    if call := memory.state.calls.get(fact.call):
        call.state, call.until = "talking", None
        call.talked = True
        call.operator, call.talk_at, call.talk_queue = fact.operator, fact.at, fact.queue
        call.held_since, call.held_us = None, 0
        call.play, call.purpose = None, None


def _hold_changed(memory: Memory, fact: facts.HoldChanged) -> None:
    call = memory.state.calls.get(fact.call)
    if call is None:
        return
    if fact.held:
        call.held_since = fact.at
    elif call.held_since is not None:
        call.held_us += fact.at - call.held_since
        call.held_since = None


def _nothing(memory: Memory, fact: Any) -> None:
    """History only."""


APPLY: Final[dict[type, Callable[[Memory, Any], None]]] = {
    facts.CallArrived: _call_arrived,
    facts.CallProven: _call_proven,
    facts.CallAnswered: _call_answered,
    facts.CallProgressed: _call_progressed,
    facts.NodeEntered: _node_entered,
    facts.CallMoved: _call_moved,
    facts.HoursChecked: _hours_checked,
    facts.CallFailed: _call_failed,
    facts.PlayStarted: _play_started,
    facts.PlayEnded: _play_ended,
    facts.DigitTaken: _digit_taken,
    facts.MenuMissed: _menu_missed,
    facts.CallEnded: _call_ended,
    facts.LegDialled: _leg_dialled,
    facts.LegWasAnswered: _nothing,
    facts.LegGone: _leg_gone,
    facts.TalkStarted: _talk_started,
    facts.HoldChanged: _hold_changed,
    facts.TalkEnded: _talk_ended,
}
