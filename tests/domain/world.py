"""A world around the hotline: a switch that keeps its contract, and people who do as the dice say.

Commands travel to the switch and events travel back, each in order and each as late as the dice say, so that
every crossing happens: a key against an answer, a hang-up against a dial, an answer against a withdrawal.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hotline.domain import commands, facts, inputs
from hotline.domain.hotline import Hotline
from hotline.domain.ids import LegId, OperatorId, RecordingId
from hotline.domain.inputs import EndCause, Input
from hotline.domain.queue.fairness import violations
from hotline.domain.settings import Settings
from tests.domain.kit import NINE

__all__ = ["World"]


@dataclass(slots=True, kw_only=True)
class SwitchLeg:
    """A leg as the switch has it."""

    dialled: bool
    for_leg: LegId | None = None
    answered: bool = False
    acknowledged: bool = False
    room: str = ""
    joins: str = ""
    play: str = ""
    repeats: bool = False
    account: str = ""


@dataclass(slots=True, kw_only=True)
class Switch:
    """Legs, rooms, recordings, and what is under way in both directions."""

    legs: dict[LegId, SwitchLeg] = field(default_factory=dict)
    recordings: dict[RecordingId, tuple[LegId, ...]] = field(default_factory=dict)
    inbox: deque[commands.Command] = field(default_factory=deque)
    outbox: deque[tuple[type[Input], dict[str, Any]]] = field(default_factory=deque)

    def tell(self, kind: type[Input], **fields: Any) -> None:
        self.outbox.append((kind, fields))

    def obey(self, command: commands.Command) -> None:
        """Carries out one command; what cannot be done is refused whole."""
        leg = self.legs.get(command.leg) if hasattr(command, "leg") else None
        match command:
            case commands.Note():
                pass
            case commands.Dial():
                self._dial(command)
            case commands.Connect():
                self._connect(command)
            case commands.Record():
                self._record(command)
            case commands.StopRecording():
                if command.recording in self.recordings:
                    self._close(command.recording, "stopped")
            case _ if leg is None:
                self.tell(inputs.CommandRefused, leg=command.leg, command=type(command).__name__, reason="gone")
            case commands.Answer():
                leg.answered = True
            case commands.Play():
                self._stop(command.leg)
                leg.play, leg.repeats = command.play, command.repeat
            case commands.Stop():
                if leg.play == command.play:
                    self._stop(command.leg)
            case commands.Hangup() | commands.Reject():
                self.end(command.leg, "us")

    def _dial(self, command: commands.Dial) -> None:
        if command.for_leg not in self.legs:
            self.tell(inputs.CommandRefused, leg=command.leg, command="Dial", reason="gone")
        else:
            self.legs[command.leg] = SwitchLeg(dialled=True, for_leg=command.for_leg, joins=command.room)

    def _connect(self, command: commands.Connect) -> None:
        named = [*command.hears, *command.release]
        if any(leg not in self.legs for leg in named):
            self.tell(inputs.CommandRefused, leg=named[0], command="Connect", reason="gone")
            return
        for leg in self.legs.values():
            if leg.room == command.room:
                leg.room = ""
        for id_ in command.hears:
            self._stop(id_)
            self.legs[id_].room = command.room

    def _record(self, command: commands.Record) -> None:
        named = (*command.left, *command.right)
        if any(leg not in self.legs for leg in named):
            self.tell(inputs.CommandRefused, leg=named[0], command="Record", reason="gone")
        else:
            self.recordings[command.recording] = named

    def _close(self, recording: RecordingId, reason: str) -> None:
        del self.recordings[recording]
        self.tell(
            inputs.RecordingClosed,
            recording=recording,
            path="x.opus",
            duration_ms=1500,
            size=1,
            reason=reason,
        )

    def _stop(self, id_: LegId, reason: str = "stopped") -> None:
        leg = self.legs[id_]
        if leg.play:
            self.tell(inputs.PlaybackEnded, leg=id_, play=leg.play, reason=reason)
            leg.play = ""

    def answered(self, id_: LegId) -> None:
        """A dialled party answers: joined at once."""
        leg = self.legs[id_]
        leg.answered = True
        if leg.for_leg in self.legs:
            assert leg.for_leg is not None
            leg.room = self.legs[leg.for_leg].room = leg.joins
            self._stop(leg.for_leg)
        self.tell(inputs.LegAnswered, leg=id_, answered_at=0)

    def end(self, id_: LegId, cause: EndCause, code: int = 0) -> None:
        """A leg ends, and with it what lived by it."""
        leg = self.legs[id_]
        self._stop(id_)
        del self.legs[id_]
        self.tell(inputs.LegEnded, leg=id_, cause=cause, code=code)
        for other_id, other in list(self.legs.items()):
            if other_id not in self.legs:
                continue
            if other.for_leg == id_ and not other.answered:
                self.end(other_id, "withdrawn")
            elif leg.room and other.room == leg.room:
                self.end(other_id, "us")
        for recording, legs in list(self.recordings.items()):
            if not any(left in self.legs for left in legs):
                self._close(recording, "legs_ended")

    def finish(self, id_: LegId, reason: str) -> None:
        self._stop(id_, reason)


class World:
    """One history. `happen` is one roll of the dice; `end` lets everybody go home."""

    def __init__(self, dice: Random, variants: list[Settings]) -> None:
        self.dice = dice
        self.variants = variants
        self.hotline = Hotline()
        self.switch = Switch()
        self.at = 1_000_000
        self.boot = 1
        self.revision = 0
        self.arrivals = 0
        self.facts: list[facts.Fact] = []
        self.give(inputs.Opened, seed="k")
        self.change_settings()

    def give(self, kind: type[Input], **fields: Any) -> None:
        decision = self.hotline.handle(kind(at=self.at, utc=NINE + self.at, **fields))
        self.facts += decision.facts
        self.switch.inbox += decision.commands
        wrong = violations(self.hotline._memory)
        assert [] == wrong, f"after {kind.__name__} {fields}"

    def happen(self) -> None:
        self.dice.choices(_EVENTS, _WEIGHTS)[0](self)

    def end(self) -> None:
        """Everybody hangs up; then nothing may be left."""
        for _ in range(100_000):
            callers = [id_ for id_, leg in self.switch.legs.items() if not leg.dialled]
            due = self.hotline.next_due()
            if self.switch.inbox:
                self.obey()
            elif self.switch.outbox:
                self.hear()
            elif callers:
                self.switch.end(callers[0], "peer")
            elif due is not None:
                self.at = max(self.at, due)
                self.give(inputs.TimeCame)
            else:
                return
        raise AssertionError("it never comes to rest")

    # --- what can happen --------------------------------------------------------------------------

    def obey(self) -> None:
        if self.switch.inbox:
            self.switch.obey(self.switch.inbox.popleft())

    def hear(self) -> None:
        if self.switch.outbox:
            kind, fields = self.switch.outbox.popleft()
            self.give(kind, **fields)

    def pass_time(self) -> None:
        self.at += round(self.dice.expovariate(1 / 3_000_000))
        due = self.hotline.next_due()
        if due is not None and due <= self.at:
            self.give(inputs.TimeCame)

    def arrive(self) -> None:
        self.arrivals += 1
        id_ = LegId(f"s{self.boot}-{self.arrivals}")
        settings = self.hotline.state.settings
        assert settings is not None
        account = self.dice.choice([None, None, None, None, None, "anna"])
        called = self.dice.choice([*settings.numbers, *settings.numbers, *settings.numbers, "404", "*11", "*12", "*10"])
        proven = account is not None or self.dice.random() < 0.8
        self.switch.legs[id_] = SwitchLeg(dialled=False)
        self.switch.tell(
            inputs.LegArrived,
            leg=id_,
            called=called,
            caller="+70000000001",
            trunk="north" if proven and account is None else None,
            account=account,
            proven=proven,
        )

    def caller_acts(self) -> None:
        id_ = self._some_leg(dialled=False)
        if id_ is None:
            return
        leg = self.switch.legs[id_]
        act = self.dice.random()
        if leg.answered and not leg.acknowledged:
            if act < 0.08:
                self.switch.end(id_, "never_acked")
            else:
                leg.acknowledged = True
                self.switch.tell(inputs.LegAnswered, leg=id_, answered_at=self.at)
        elif act < 0.12:
            self.switch.end(id_, self.dice.choice(["peer", "peer", "peer", "silent", "orphaned"]))
        elif act < 0.5:
            self.switch.tell(inputs.DigitPressed, leg=id_, digit=self.dice.choice("0012372#"))
        elif act < 0.55:
            self.switch.tell(inputs.HoldRequested, leg=id_, held=self.dice.random() < 0.5)
        elif leg.play and (not leg.repeats or act > 0.98):
            self.switch.finish(id_, "failed" if leg.repeats else "finished")

    def phone_acts(self) -> None:
        id_ = self._some_leg(dialled=True)
        if id_ is None:
            return
        act = self.dice.random()
        if self.switch.legs[id_].answered:
            if act < 0.6:
                self.switch.end(id_, self.dice.choice(["peer", "peer", "peer", "silent"]))
            else:
                self.switch.tell(inputs.HoldRequested, leg=id_, held=self.dice.random() < 0.5)
        elif act < 0.4:
            self.switch.answered(id_)
        elif act < 0.6:
            self.switch.tell(inputs.LegProgress, leg=id_, code=self.dice.choice([100, 180, 183]))
        elif act < 0.75:
            self.switch.end(id_, "ring_timeout")
        elif act < 0.9:
            self.switch.end(id_, "refused", self.dice.choice([486, 603, 480, 404, 503]))
        else:
            self.switch.end(id_, "unreachable")

    def recording_fails(self) -> None:
        if self.switch.recordings:
            recording = self.dice.choice(list(self.switch.recordings))
            self.switch._close(recording, self.dice.choice(["max_length", "disk_full", "failed"]))

    def operator_chooses(self) -> None:
        presence = self.dice.choice(["ready", "ready", "ready", "paused", "signed_out"])
        operator = self.dice.choice(["anna", "viktor", "boris", "nobody"])
        self.give(inputs.PresenceChosen, operator=OperatorId(operator), presence=presence)

    def wrap_up_is_done(self) -> None:
        self.give(inputs.WrapUpFinished, operator=OperatorId(self.dice.choice(["anna", "viktor"])))

    def phone_registers(self) -> None:
        self.switch.tell(inputs.RegistrationChanged, account="anna", reachable=self.dice.random() < 0.7)

    def somebody_ends_a_call(self) -> None:
        calls = list(self.hotline.state.calls)
        if calls:
            self.give(inputs.HangUpCall, call=self.dice.choice(calls), by="olga")

    def change_settings(self) -> None:
        self.revision += 1
        variant = self.dice.choice(self.variants)
        self.give(inputs.SettingsChanged, settings=replace(variant, revision=self.revision))

    def trunk_moves(self) -> None:
        self.give(inputs.TrunkChanged, trunk="north", up=self.dice.random() < 0.5)

    def switch_dies(self) -> None:
        self.boot += 1
        self.switch = Switch()
        self.give(inputs.SwitchLost, boot=self.boot)

    def engine_returns(self) -> None:
        since = self.at
        self.at += 10_000_000
        due = self.hotline.next_due()
        if due is not None and due <= self.at:
            self.give(inputs.TimeCame)
        self.give(inputs.Resumed, since=since)

    def _some_leg(self, *, dialled: bool) -> LegId | None:
        legs = [id_ for id_, leg in self.switch.legs.items() if leg.dialled == dialled]
        return self.dice.choice(legs) if legs else None


_CHANCES = {
    World.obey: 90,
    World.hear: 90,
    World.pass_time: 20,
    World.arrive: 10,
    World.caller_acts: 34,
    World.phone_acts: 34,
    World.recording_fails: 2,
    World.operator_chooses: 6,
    World.wrap_up_is_done: 3,
    World.phone_registers: 4,
    World.somebody_ends_a_call: 2,
    World.change_settings: 1,
    World.trunk_moves: 1,
    World.switch_dies: 0.2,
    World.engine_returns: 1,
}
_EVENTS = list(_CHANCES)
_WEIGHTS = list(_CHANCES.values())
