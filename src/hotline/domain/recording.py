"""Recordings: when they begin and end, and where they lie.

Law: a recording lives from its command to the switch's word that it is closed, which may come after
the call's end. Its place carries no telephone number.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from hotline.domain import commands, facts
from hotline.domain.ids import LegId, RecordingId
from hotline.domain.memory import Memory
from hotline.domain.state import Call, Recording
from hotline.domain.step import Step

__all__ = ["APPLY", "closed", "name", "record", "stop"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record(
    step: Step,
    call: Call,
    kind: Literal["talk", "voicemail"],
    place: str,
    operator_leg: LegId | None = None,
    max_ms: int | None = None,
) -> None:
    """Records the caller on the left and the operator, if any, on the right."""
    id_ = RecordingId(f"{call.id}-r{call.recordings + 1}")
    path = name(step.utc, place, id_)
    left = (call.leg,)
    right = () if operator_leg is None else (operator_leg,)
    step.true(facts.RecordingStarted(at=step.at, recording=id_, call=call.id, name=path, kind=kind, legs=left + right))
    step.do(commands.Record(recording=id_, call=call.id, left=left, right=right, name=path, max_ms=max_ms))


def stop(step: Step, call: Call) -> None:
    """Closes the call's recording while its legs go on."""
    if call.recording is not None:
        step.do(commands.StopRecording(recording=call.recording))


def closed(step: Step, recording: Recording, reason: str, path: str = "", duration_ms: int = 0, size: int = 0) -> None:
    """The switch has closed the file, or will never do so."""
    step.true(
        facts.RecordingEnded(
            at=step.at,
            recording=recording.id,
            call=recording.call,
            path=path,
            duration_ms=duration_ms,
            size=size,
            reason=reason,
        )
    )


def name(utc: int, place: str, recording: RecordingId) -> str:
    """`YYYY/MM/DD/YYYYMMDD-HHMMSS-in-PLACE-RECORDING` in UTC, of plain characters."""
    begun = _EPOCH + timedelta(microseconds=utc)
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in place) or "call"
    return f"{begun:%Y/%m/%d/%Y%m%d-%H%M%S}-in-{plain}-{recording}"


# --- what facts change ----------------------------------------------------------------------------


def _recording_started(memory: Memory, fact: facts.RecordingStarted) -> None:
    memory.state.recordings[fact.recording] = Recording(
        id=fact.recording, call=fact.call, name=fact.name, kind=fact.kind, legs=fact.legs, began_at=fact.at
    )
    if call := memory.state.calls.get(fact.call):
        call.recordings += 1
        call.recording = fact.recording
        if fact.kind == "voicemail":
            call.state, call.until = "recording", None


def _recording_ended(memory: Memory, fact: facts.RecordingEnded) -> None:
    memory.state.recordings.pop(fact.recording, None)
    call = memory.state.calls.get(fact.call)
    if call is not None and call.recording == fact.recording:
        call.recording = None


def _notice_given(memory: Memory, fact: facts.NoticeGiven) -> None:
    if call := memory.state.calls.get(fact.call):
        call.refuse_key = fact.refuse_key


def _recording_refused(memory: Memory, fact: facts.RecordingRefused) -> None:
    if call := memory.state.calls.get(fact.call):
        call.refused = True


def _voicemail_left(memory: Memory, fact: facts.VoicemailLeft) -> None:
    if call := memory.state.calls.get(fact.call):
        call.voicemail = True


APPLY: Final[dict[type, Callable[[Memory, Any], None]]] = {
    facts.RecordingStarted: _recording_started,
    facts.RecordingEnded: _recording_ended,
    facts.NoticeGiven: _notice_given,
    facts.RecordingRefused: _recording_refused,
    facts.VoicemailLeft: _voicemail_left,
}
