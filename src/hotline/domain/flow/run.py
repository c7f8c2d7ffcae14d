"""The interpreter of flows: what a call does at each node, and what keys, ends and times lead to.

Law: a node is entered by `enter` and by nothing else; what needs a proven caller waits for his proof.
"""

from collections.abc import Callable
from typing import Any, Final

from hotline.domain import caller, commands, facts, recording
from hotline.domain.inputs import DigitPressed, Input, PlaybackEnded, RecordingClosed
from hotline.domain.phrases import Beep, PackPhrase, Phrase
from hotline.domain.queue import wait
from hotline.domain.routing.hours import is_open
from hotline.domain.settings import (
    Answer,
    Echo,
    Enqueue,
    Hangup,
    Hours,
    Menu,
    RecordingNotice,
    Say,
    Voicemail,
)
from hotline.domain.state import Call, CallState
from hotline.domain.step import Step

__all__ = ["ACTIONS", "enter", "leave_message", "repeat"]

Action = Callable[[Step, Call, Input], None]


def enter(step: Step, call: Call, name: str) -> None:
    """The call comes to a node of its flow."""
    node = step.memory.node(call, name)
    if node is None:
        caller.fail(step, call, f"no node {name}")
        return
    state, begin, needs_proof = _NODES[type(node)]
    if needs_proof and not call.proven:
        step.true(facts.NodeEntered(at=step.at, call=call.id, node=name, state="proving"))
        caller.answer(step, call)
        return
    step.true(facts.NodeEntered(at=step.at, call=call.id, node=name, state=state))
    begin(step, call, node)


def repeat(step: Step, call: Call) -> None:
    """Begins the call's node once more."""
    caller.hush(step, call)
    enter(step, call, call.node)


# --- nodes ----------------------------------------------------------------------------------------


def _answer(step: Step, call: Call, node: Answer) -> None:
    caller.answer(step, call)
    step.go_on(call, node.next)


def _say(step: Step, call: Call, node: Say) -> None:
    if node.phrases:
        caller.play(step, call, node.phrases, "prompt")
    else:
        step.go_on(call, node.next)


def _notice(step: Step, call: Call, node: RecordingNotice) -> None:
    caller.play(step, call, node.phrases or (PackPhrase(key="recording-notice-refusable"),), "notice")


def _menu(step: Step, call: Call, node: Menu) -> None:
    if node.phrases:
        caller.play(step, call, node.phrases, "prompt")
    else:
        _listen(step, call, node)


def _hours(step: Step, call: Call, node: Hours) -> None:
    table = step.memory.settings.hours.get(node.table)
    if table is None:
        caller.fail(step, call, f"no hours {node.table}")
        return
    opened = is_open(table, step.utc)
    step.true(facts.HoursChecked(at=step.at, call=call.id, table=node.table, is_open=opened))
    step.go_on(call, node.open if opened else node.closed)


def _voicemail(step: Step, call: Call, node: Voicemail) -> None:
    caller.answer(step, call)
    invitation = node.phrases or (PackPhrase(key="voicemail"),)
    caller.play(step, call, (*invitation, Beep()), "beep")


def _echo(step: Step, call: Call, node: Echo) -> None:
    caller.answer(step, call)
    if node.phrases:
        caller.play(step, call, node.phrases, "prompt")
    else:
        _connect_to_himself(step, call, node)


def _hangup(step: Step, call: Call, node: Hangup) -> None:
    if node.phrases and call.proven:
        caller.play(step, call, node.phrases, "goodbye")
    else:
        caller.hang_up(step, call, node.q850)


_NODES: Final[dict[type, tuple[CallState, Callable[[Step, Call, Any], None], bool]]] = {
    Answer: ("arriving", _answer, False),
    Hours: ("arriving", _hours, False),
    Hangup: ("parting", _hangup, False),
    Say: ("saying", _say, True),
    RecordingNotice: ("noticing", _notice, True),
    Menu: ("choosing", _menu, True),
    Enqueue: ("arriving", wait.join, True),
    Voicemail: ("inviting", _voicemail, True),
    Echo: ("echoing", _echo, True),
}
"""The state a node begins in, what it does, and whether the caller must be proven for it."""


# --- what happens at a node -----------------------------------------------------------------------


def _begin(step: Step, call: Call, given: Input) -> None:
    step.go_on(call, call.node)


def _next(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, RecordingNotice):
        if isinstance(given, PlaybackEnded) and given.reason == "failed":
            step.true(facts.RecordingRefused(at=step.at, call=call.id, because="notice_failed"))
        else:
            step.true(facts.NoticeGiven(at=step.at, call=call.id, refuse_key=node.refuse_key))
    if isinstance(node, Say | RecordingNotice):
        step.go_on(call, node.next)


def _refuse_key(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, RecordingNotice) and _digit(given) == node.refuse_key:
        step.true(facts.RecordingRefused(at=step.at, call=call.id))
        caller.hush(step, call)
        step.go_on(call, node.next)


def _press(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if not isinstance(node, Menu):
        return
    if call.play is not None:
        if not node.barge_in:
            return
        caller.hush(step, call)
    digit = _digit(given)
    if digit == "#" and not any("#" in keys for keys in node.choices):
        _complete(step, call, node, "#")
        return
    entry = call.digits + digit
    exact = entry in node.choices
    longer = any(keys != entry and keys.startswith(entry) for keys in node.choices)
    until = step.at + node.inter_digit_ms * 1000 if longer else None
    step.true(facts.DigitTaken(at=step.at, call=call.id, digit=digit, until=until))
    if not longer:
        if exact:
            step.go_on(call, node.choices[entry])
        else:
            _miss(step, call, node, entry)


def _listened(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, Menu):
        _listen(step, call, node)


def _listen(step: Step, call: Call, node: Menu) -> None:
    caller.move(step, call, "choosing", step.at + node.first_digit_ms * 1000)


def _no_key(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, Menu):
        _complete(step, call, node, "")


def _complete(step: Step, call: Call, node: Menu, end: str) -> None:
    """The entry is over, by `#` or because no more keys came."""
    if call.digits in node.choices:
        step.go_on(call, node.choices[call.digits])
    else:
        _miss(step, call, node, call.digits + end)


def _miss(step: Step, call: Call, node: Menu, pressed: str) -> None:
    step.true(facts.MenuMissed(at=step.at, call=call.id, node=call.node, pressed=pressed))
    if call.misses > node.retries:
        step.go_on(call, node.failed)
        return
    words: tuple[Phrase, ...] = node.wrong_key or (PackPhrase(key="wrong-key"),)
    if not pressed:
        words = node.no_input or (PackPhrase(key="no-input"),)
    caller.play(step, call, (*words, *node.phrases), "prompt")


def _record(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, Voicemail):
        recording.record(step, call, "voicemail", node.mailbox, max_ms=node.max_ms)


def _after_message(step: Step, call: Call, given: Input) -> None:
    if isinstance(given, DigitPressed):
        if given.digit != "#":
            return
        recording.stop(step, call)
    left = leave_message(step, call, given)
    node = step.memory.node(call, call.node)
    if isinstance(node, Voicemail) and node.next is not None:
        step.go_on(call, node.next)
    else:
        caller.part(step, call, "voicemail-saved" if left else "goodbye")


def leave_message(step: Step, call: Call, given: Input) -> bool:
    """The message is over; whether it is long enough to be one."""
    node = step.memory.node(call, call.node)
    if isinstance(given, RecordingClosed):
        id_, duration_ms = given.recording, given.duration_ms
    elif call.recording is not None:
        id_ = call.recording
        duration_ms = (step.at - step.state.recordings[id_].began_at) // 1000
    else:
        return False
    if not isinstance(node, Voicemail) or duration_ms < node.min_ms:
        return False
    step.true(
        facts.VoicemailLeft(
            at=step.at,
            call=call.id,
            mailbox=node.mailbox,
            recording=id_,
            duration_ms=duration_ms,
        )
    )
    return True


def _echo_begins(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, Echo):
        _connect_to_himself(step, call, node)


def _connect_to_himself(step: Step, call: Call, node: Echo) -> None:
    caller.move(step, call, "echoing", step.at + node.max_ms * 1000)
    step.do(commands.Connect(room=call.id, hears={call.leg: (call.leg,)}))


def _after_echo(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(given, DigitPressed) and given.digit != "#":
        return
    if call.play is None:
        step.do(commands.Connect(room=call.id, hears={}, release=(call.leg,)))
    if isinstance(node, Echo) and node.next is not None:
        caller.hush(step, call)
        step.go_on(call, node.next)
    else:
        caller.part(step, call, "goodbye")


def _exit_key(step: Step, call: Call, given: Input) -> None:
    node = step.memory.node(call, call.node)
    if isinstance(node, Enqueue):
        wait.press(step, call, node, _digit(given))


def _digit(given: Input) -> str:
    return given.digit if isinstance(given, DigitPressed) else ""


ACTIONS: Final[dict[str, Action]] = {
    "begin": _begin,
    "next": _next,
    "press": _press,
    "refuse_key": _refuse_key,
    "listen": _listened,
    "no_key": _no_key,
    "record": _record,
    "after_message": _after_message,
    "echo": _echo_begins,
    "after_echo": _after_echo,
    "exit_key": _exit_key,
}
