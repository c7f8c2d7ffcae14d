"""Frames <-> the domain's inputs and commands.

On the way in numbers become E.164 and the switch's stamps move to the journal's axis; on the way out phrases become
sound files and recordings get their place on disk. Plain translation: nothing is decided here.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from hotline.domain import commands, inputs
from hotline.domain.ids import LegId, PlayId, RecordingId
from hotline.domain.phrases import Phrase
from hotline.voice import frames
from hotline.voice.numbers import e164

__all__ = ["Clock", "Gateway", "Sounds"]


class Sounds(Protocol):
    """Where a phrase's sound lies; `speech` fits."""

    def sounds(self, phrase: Phrase, language: str) -> list[str]:
        """The files that say `phrase`, in order. A dictionary look-up: it is called in the engine's loop."""


class Clock(Protocol):
    """The journal's axis and the wall clock, in microseconds; the engine's clock fits."""

    def now(self) -> int: ...

    def utc(self) -> int: ...

    def to_axis(self, boot_us: int) -> int:
        """A stamp of the switch's boot-time clock on the journal's axis."""


class Gateway:
    """Translates both ways. `sounds` is replaced when the settings change."""

    def __init__(self, *, clock: Clock, sounds: Sounds, recordings: Path, region: str) -> None:
        self.sounds = sounds
        self._clock = clock
        self._recordings = recordings
        self._region = region
        self._folders: set[Path] = set()
        self._sent: OrderedDict[tuple[int, int], str] = OrderedDict()

    def given(self, event: frames.AnyEvent, at_us: int) -> inputs.Input | None:
        """The input that an event is; nothing for events that the domain does not know (yet)."""
        translate = _INPUTS.get(type(event))
        if translate is None:
            return None
        at = self._clock.to_axis(at_us)
        utc = self._clock.utc() - (self._clock.now() - at)
        translated: inputs.Input = translate(self, event, at, utc)
        return translated

    def command(self, seq: int, i: int, command: commands.Command) -> frames.Command:
        """The frame of a command; its name is kept for a while, in case the switch refuses it."""
        self._sent[seq, i] = type(command).__name__
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        frame: frames.Command = _FRAMES[type(command)](self, command)
        return frame

    def _arrived(self, event: frames.LegArrived, at: int, utc: int) -> inputs.Input:
        return inputs.LegArrived(
            at=at,
            utc=utc,
            leg=LegId(event.leg),
            called=e164(event.called, self._region),
            caller=e164(event.caller, self._region),
            caller_name=event.caller_name,
            trunk=event.trunk,
            account=event.account,
            proven=event.proven,
        )

    def _progress(self, event: frames.LegProgress, at: int, utc: int) -> inputs.Input:
        return inputs.LegProgress(at=at, utc=utc, leg=LegId(event.leg), code=event.code, early_media=event.early_media)

    def _answered(self, event: frames.LegAnswered, at: int, utc: int) -> inputs.Input:
        answered_at = self._clock.to_axis(event.answered_us)
        return inputs.LegAnswered(at=at, utc=utc, leg=LegId(event.leg), answered_at=answered_at)

    def _ended(self, event: frames.LegEnded, at: int, utc: int) -> inputs.Input:
        seen = event.quality
        quality = inputs.Quality(
            packets_in=seen.packets_in,
            packets_out=seen.packets_out,
            lost=seen.lost,
            jitter_us=seen.jitter_us,
            rtt_us=seen.rtt_us,
            max_gap_ms=seen.max_gap_ms,
            foreign=seen.foreign,
        )
        return inputs.LegEnded(
            at=at, utc=utc, leg=LegId(event.leg), cause=event.cause, code=event.code, q850=event.q850, quality=quality
        )

    def _digit(self, event: frames.DigitPressed, at: int, utc: int) -> inputs.Input:
        return inputs.DigitPressed(at=at, utc=utc, leg=LegId(event.leg), digit=event.digit)

    def _played(self, event: frames.PlaybackEnded, at: int, utc: int) -> inputs.Input:
        return inputs.PlaybackEnded(at=at, utc=utc, leg=LegId(event.leg), play=PlayId(event.play), reason=event.reason)

    def _recorded(self, event: frames.RecordingClosed, at: int, utc: int) -> inputs.Input:
        return inputs.RecordingClosed(
            at=at,
            utc=utc,
            recording=RecordingId(event.recording),
            path=event.path,
            duration_ms=event.duration_ms,
            size=event.bytes,
            reason=event.reason,
        )

    def _hold(self, event: frames.HoldRequested, at: int, utc: int) -> inputs.Input:
        return inputs.HoldRequested(at=at, utc=utc, leg=LegId(event.leg), held=event.held)

    def _registered(self, event: frames.RegistrationChanged, at: int, utc: int) -> inputs.Input:
        return inputs.RegistrationChanged(at=at, utc=utc, account=event.account, reachable=event.contact is not None)

    def _trunk(self, event: frames.TrunkChanged, at: int, utc: int) -> inputs.Input:
        return inputs.TrunkChanged(at=at, utc=utc, trunk=event.trunk, up=event.up, reason=event.reason)

    def _refused(self, event: frames.CommandRefused, at: int, utc: int) -> inputs.Input:
        leg = LegId(event.leg) if event.leg is not None else None
        name = self._sent.get((event.seq, event.i), "")
        return inputs.CommandRefused(at=at, utc=utc, leg=leg, command=name, reason=event.reason)

    def _do_ring(self, command: commands.Ring) -> frames.Command:
        return frames.Ring(leg=command.leg)

    def _do_progress(self, command: commands.Progress) -> frames.Command:
        return frames.Progress(leg=command.leg, answer_by_ms=command.answer_by_ms)

    def _do_answer(self, command: commands.Answer) -> frames.Command:
        return frames.Answer(leg=command.leg)

    def _do_reject(self, command: commands.Reject) -> frames.Command:
        return frames.Reject(
            leg=command.leg, code=command.code, reason=command.reason, retry_after_s=command.retry_after_s
        )

    def _do_hangup(self, command: commands.Hangup) -> frames.Command:
        return frames.Hangup(leg=command.leg, q850=command.q850)

    def _do_dial(self, command: commands.Dial) -> frames.Command:
        return frames.Dial(
            leg=command.leg,
            note=command.call,
            for_leg=command.for_leg,
            targets=command.targets,
            trunk=command.trunk,
            from_number=command.from_number,
            from_name=command.from_name,
            headers=command.headers,
            ring_for_ms=command.ring_ms,
            group=None,
            on_answer=command.on_answer,
            room=command.room,
            on_peer_end=command.on_peer_end,
        )

    def _do_play(self, command: commands.Play) -> frames.Command:
        sounds: list[str] = []
        for phrase in command.phrases:
            sounds += self.sounds.sounds(phrase, command.language)
        return frames.Play(
            leg=command.leg,
            play=command.play,
            sounds=tuple(sounds),
            repeat=command.repeat,
            gap_ms=command.gap_ms,
            volume_db=0,
        )

    def _do_stop(self, command: commands.Stop) -> frames.Command:
        return frames.Stop(leg=command.leg, play=command.play)

    def _do_connect(self, command: commands.Connect) -> frames.Command:
        hears: dict[str, tuple[str, ...]] = {leg: tuple(heard) for leg, heard in command.hears.items()}
        return frames.Connect(room=command.room, hears=hears, release=command.release, on_peer_end=command.on_peer_end)

    def _do_record(self, command: commands.Record) -> frames.Command:
        path = self._recordings / f"{command.name}.opus"
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        return frames.Record(
            recording=command.recording,
            left=command.left,
            right=command.right,
            path=str(path),
            max_ms=command.max_ms,
        )

    def _do_stop_recording(self, command: commands.StopRecording) -> frames.Command:
        return frames.StopRecording(recording=command.recording)

    def _do_note(self, command: commands.Note) -> frames.Command:
        return frames.Note(leg=command.leg, note=command.call)


REMEMBERED: Final = 8192
"""Commands whose names are kept; more than the switch can refuse before we hear of it."""
_INPUTS: Final[dict[type, Callable[..., Any]]] = {
    frames.LegArrived: Gateway._arrived,
    frames.LegProgress: Gateway._progress,
    frames.LegAnswered: Gateway._answered,
    frames.LegEnded: Gateway._ended,
    frames.DigitPressed: Gateway._digit,
    frames.PlaybackEnded: Gateway._played,
    frames.RecordingClosed: Gateway._recorded,
    frames.HoldRequested: Gateway._hold,
    frames.RegistrationChanged: Gateway._registered,
    frames.TrunkChanged: Gateway._trunk,
    frames.CommandRefused: Gateway._refused,
}
_FRAMES: Final[dict[type, Callable[..., Any]]] = {
    commands.Ring: Gateway._do_ring,
    commands.Progress: Gateway._do_progress,
    commands.Answer: Gateway._do_answer,
    commands.Reject: Gateway._do_reject,
    commands.Hangup: Gateway._do_hangup,
    commands.Dial: Gateway._do_dial,
    commands.Play: Gateway._do_play,
    commands.Stop: Gateway._do_stop,
    commands.Connect: Gateway._do_connect,
    commands.Record: Gateway._do_record,
    commands.StopRecording: Gateway._do_stop_recording,
    commands.Note: Gateway._do_note,
}
