"""What is done to the caller's leg: open it, speak to it, say goodbye.

Law: nothing plays to a caller who is not proven.
"""

from hotline.domain import commands, facts
from hotline.domain.ids import PlayId
from hotline.domain.phrases import PackPhrase, Phrase
from hotline.domain.state import Call, CallState, Purpose
from hotline.domain.step import Step

__all__ = ["answer", "drop", "fail", "hang_up", "hush", "move", "part", "play", "say"]

LEAVING_US = 5_000_000
"""The switch ends a released leg at once; after this long it is asked again."""


def move(step: Step, call: Call, state: CallState, until: int | None = None) -> None:
    """The call's step is now `state`, until then at most."""
    step.true(facts.CallMoved(at=step.at, call=call.id, state=state, until=until))


def answer(step: Step, call: Call) -> None:
    """Answers the caller, once."""
    if call.answered_at is None:
        step.true(facts.CallAnswered(at=step.at, call=call.id))
        step.do(commands.Answer(leg=call.leg))


def play(step: Step, call: Call, phrases: tuple[Phrase, ...], purpose: Purpose, *, repeat: bool = False) -> None:
    """Speaks to the caller, as early media while he is not answered. A new play ends the one before."""
    if call.answered_at is None and not call.progressed:
        number = step.memory.settings.numbers.get(call.number)
        step.true(facts.CallProgressed(at=step.at, call=call.id))
        step.do(commands.Progress(leg=call.leg, answer_by_ms=number.answer_by_ms if number else None))
    hush(step, call, told=False)
    id_ = PlayId(f"p{call.plays + 1}")
    step.true(facts.PlayStarted(at=step.at, call=call.id, leg=call.leg, play=id_, purpose=purpose))
    step.do(commands.Play(leg=call.leg, play=id_, phrases=phrases, language=call.language, repeat=repeat))


def hush(step: Step, call: Call, *, told: bool = True) -> None:
    """Ends what the caller hears; `told` false when the switch ends it by itself."""
    if call.play is not None:
        if told:
            step.do(commands.Stop(leg=call.leg, play=call.play))
        step.true(facts.PlayEnded(at=step.at, call=call.id, play=call.play, reason="stopped"))


def say(step: Step, call: Call, state: CallState, phrases: tuple[Phrase, ...], purpose: Purpose) -> None:
    """Says something in a new step."""
    move(step, call, state)
    play(step, call, phrases, purpose)


def part(step: Step, call: Call, key: str) -> None:
    """Says a last phrase of the pack and ends the call."""
    say(step, call, "parting", (PackPhrase(key=key),), "goodbye")


def hang_up(step: Step, call: Call, q850: int = 16) -> None:
    """Ends the caller's leg: a refusal while it was never answered, a hang-up afterwards."""
    move(step, call, "leaving", step.at + LEAVING_US)
    if call.answered_at is None:
        code, reason = (503, "Service Unavailable") if call.failed else (480, "Temporarily Unavailable")
        step.do(commands.Reject(leg=call.leg, code=code, reason=reason))
    else:
        step.do(commands.Hangup(leg=call.leg, q850=q850))


def drop(step: Step, call: Call) -> None:
    """Somebody in charge ends the call."""
    hush(step, call)
    hang_up(step, call)


def fail(step: Step, call: Call, reason: str) -> None:
    """Our fault: the call cannot go on."""
    step.true(facts.CallFailed(at=step.at, call=call.id, reason=reason))
    hang_up(step, call, q850=41)
