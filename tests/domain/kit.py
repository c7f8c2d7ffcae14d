"""A hotline on a desk: virtual time, a company of one cast, and words for what people do.

The kit plays the switch by hand: a test says what happened, in the order in which the switch would report it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from hotline.domain import commands, facts, inputs
from hotline.domain import settings as s
from hotline.domain.hotline import Decision, Hotline
from hotline.domain.ids import CallId, LegId, OperatorId, QueueId, RecordingId
from hotline.domain.inputs import EndCause, Input
from hotline.domain.phrases import OwnText, PackPhrase, Phrase, Position
from hotline.domain.queue.fairness import violations
from hotline.domain.settings import Flow, Node, QueueSettings, Settings
from hotline.domain.state import Call, Operator, Presence

T = TypeVar("T")

NINE = 1_799_999_940_000_000
"""A minute before nine in the morning, UTC."""
OPENS = (NINE + 60_000_000) // 1_000_000
GREETING = OwnText(text="Welcome to the company")
CHOICES = OwnText(text="Press one for sales")


def company(**changes: Any) -> Settings:
    """Anna and Viktor answer queue `sales` on number 200; 300 has a menu; 500 is for Anna alone."""
    operators = {
        OperatorId(id_): s.OperatorSettings(
            id=OperatorId(id_), name=id_.title(), devices=(f"sip:{id_}@127.0.0.1:5290",)
        )
        for id_ in ("anna", "viktor")
    }
    sales = QueueSettings(name=QueueId("sales"), operators=tuple(operators))
    alone = QueueSettings(name=QueueId("alone"), operators=(OperatorId("anna"),))
    nobody = QueueSettings(name=QueueId("nobody"), operators=(), waiver="on purpose")
    settings = Settings(
        revision=1,
        company="The company",
        numbers={
            number: s.NumberSettings(number=number, flow=flow)
            for number, flow in {"200": "sales", "300": "menu", "500": "alone", "100": "nobody"}.items()
        },
        flows={
            "sales": queue_flow("sales"),
            "alone": queue_flow("alone"),
            "nobody": queue_flow("nobody"),
            "menu": flow(
                "menu",
                answer=s.Answer(next="choose"),
                choose=s.Menu(
                    phrases=(CHOICES,),
                    choices={"1": "sales", "2": "message", "31": "price", "32": "echo", "0": "sales"},
                    failed="sales",
                ),
                sales=s.Enqueue(queue=QueueId("sales")),
                message=s.Voicemail(phrases=(), mailbox="sales"),
                price=s.Say(phrases=(OwnText(text="It costs nothing"),), next="end"),
                echo=s.Echo(),
                end=s.Hangup(),
            ),
        },
        queues={queue.name: queue for queue in (sales, alone, nobody)},
        operators=operators,
        hours={"office": s.HoursTable(name="office", zone="UTC", intervals=((OPENS, OPENS + 3600),))},
    )
    return replace(settings, **changes)


def flow(name: str, **nodes: Node) -> Flow:
    """A flow that starts at its first node."""
    return Flow(name=name, start=next(iter(nodes)), nodes=dict(nodes))


def queue_flow(queue: str, **exits: Any) -> Flow:
    return flow(queue, answer=s.Answer(next="wait"), wait=s.Enqueue(queue=QueueId(queue), **exits))


class HotlineKit:
    """One hotline. `facts` and `commands` are those of the last thing that happened."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.hotline = Hotline()
        self.at = 1_000_000
        self.facts: tuple[facts.Fact, ...] = ()
        self.commands: tuple[commands.Command, ...] = ()
        self.history: list[facts.Fact] = []
        self._legs = 0
        self.handle(inputs.Opened, seed="k")
        self.takes(settings or company())

    # --- what happens ---------------------------------------------------------------------------

    def handle(self, kind: type[Input], **fields: Any) -> Decision:
        """One input, now. Every invariant holds afterwards."""
        decision = self.hotline.handle(kind(at=self.at, utc=self.utc, **fields))
        self.facts, self.commands = decision.facts, decision.commands
        self.history += decision.facts
        wrong = violations(self.hotline._memory)
        assert [] == wrong
        return decision

    def takes(self, settings: Settings) -> None:
        self.handle(inputs.SettingsChanged, settings=settings)

    def changes(self, queue: str = "sales", **rules: Any) -> None:
        """The rules of a queue change."""
        settings = self.settings
        queues = {**settings.queues, QueueId(queue): replace(settings.queues[QueueId(queue)], **rules)}
        self.takes(replace(settings, revision=settings.revision + 1, queues=queues))

    def flows(self, changed: Flow) -> None:
        """A flow is new, or is another now."""
        settings = self.settings
        flows = {**settings.flows, changed.name: changed}
        self.takes(replace(settings, revision=settings.revision + 1, flows=flows))

    def after(self, seconds: float) -> "HotlineKit":
        """Time passes; what falls due in it happens when it is due. The facts of all of it are kept."""
        until = self.at + round(seconds * 1_000_000)
        seen: list[facts.Fact] = []
        done: list[commands.Command] = []
        while (due := self.hotline.next_due()) is not None and due <= until:
            self.at = max(due, self.at)
            self.handle(inputs.TimeCame)
            seen += self.facts
            done += self.commands
        self.at = until
        self.facts, self.commands = tuple(seen), tuple(done)
        return self

    def arrives(
        self, caller: str = "+70000000001", to: str = "200", *, proven: bool = True, account: str | None = None
    ) -> CallId:
        self._legs += 1
        trunk = "north" if proven and account is None else None
        self.handle(
            inputs.LegArrived,
            leg=LegId(f"s1-{self._legs}"),
            called=to,
            caller=caller,
            trunk=trunk,
            account=account,
            proven=proven,
        )
        return self.only(facts.CallArrived).call

    def acknowledges(self, call: CallId) -> None:
        """The caller's ACK comes."""
        self.handle(inputs.LegAnswered, leg=self.call(call).leg, answered_at=self.at)

    def hangs_up(self, call: CallId, cause: EndCause = "peer") -> None:
        """The caller's leg ends; the switch ends what was for him."""
        leg = self.call(call).leg
        others = [id_ for id_, other in self.state.legs.items() if other.call == call and id_ != leg]
        ringing = {o.leg for o in self.state.offers.values()}
        self.handle(inputs.LegEnded, leg=leg, cause=cause)
        seen, done = list(self.facts), list(self.commands)
        for other in others:
            self.handle(inputs.LegEnded, leg=other, cause="withdrawn" if other in ringing else "us")
            seen += self.facts
            done += self.commands
        self.facts, self.commands = tuple(seen), tuple(done)

    def presses(self, call: CallId, keys: str) -> None:
        seen: list[facts.Fact] = []
        done: list[commands.Command] = []
        for key in keys:
            self.handle(inputs.DigitPressed, leg=self.call(call).leg, digit=key)
            seen += self.facts
            done += self.commands
        self.facts, self.commands = tuple(seen), tuple(done)

    def hears_out(self, call: CallId, reason: str = "finished") -> None:
        """What the caller hears comes to its end."""
        play = self.call(call).play
        self.handle(inputs.PlaybackEnded, leg=self.call(call).leg, play=play, reason=reason)

    def rings(self, operator: str) -> None:
        self.handle(inputs.LegProgress, leg=self.phone(operator), code=180)

    def answers(self, operator: str) -> None:
        self.handle(inputs.LegAnswered, leg=self.phone(operator), answered_at=self.at)

    def phone_ends(self, operator: str, cause: EndCause = "peer", code: int = 0) -> None:
        """The operator's leg ends; when they talked, the switch releases the caller."""
        person = self.operator(operator)
        call = self.state.calls.get(person.call) if person.call and person.state == "talking" else None
        self.handle(inputs.LegEnded, leg=self.phone(operator), cause=cause, code=code)
        if call is not None:
            seen, done = list(self.facts), list(self.commands)
            self.handle(inputs.LegEnded, leg=call.leg, cause="us")
            self.facts, self.commands = (*seen, *self.facts), (*done, *self.commands)

    def declines(self, operator: str, code: int = 486) -> None:
        self.phone_ends(operator, "refused", code)

    def misses(self, operator: str) -> None:
        """His phone rings until the ring time is over."""
        offer = self.state.offers[self.operator(operator).offer or OFFERLESS]
        self.after((offer.expires_at - self.at) / 1_000_000)
        self.handle(inputs.LegEnded, leg=offer.leg, cause="ring_timeout")

    def chooses(self, operator: str, presence: Presence, reason: str = "") -> None:
        self.handle(inputs.PresenceChosen, operator=OperatorId(operator), presence=presence, reason=reason)

    def closes(self, recording: RecordingId, duration_ms: int = 5000, reason: str = "legs_ended") -> None:
        self.handle(
            inputs.RecordingClosed,
            recording=recording,
            path=f"{recording}.opus",
            duration_ms=duration_ms,
            size=1000,
            reason=reason,
        )

    # --- what is -----------------------------------------------------------------------------------

    @property
    def state(self) -> Any:
        return self.hotline.state

    @property
    def settings(self) -> Settings:
        settings = self.hotline.state.settings
        assert settings is not None
        return settings

    @property
    def utc(self) -> int:
        return NINE + self.at

    def call(self, call: CallId) -> Call:
        return self.hotline.state.calls[call]

    def operator(self, operator: str) -> Operator:
        return self.hotline.state.operators[OperatorId(operator)]

    def phone(self, operator: str) -> LegId:
        leg = self.operator(operator).leg
        assert leg is not None, f"{operator}'s phone does nothing"
        return leg

    def ringing(self) -> dict[str, str]:
        """Whose phone rings for which call."""
        return {offer.operator: offer.call for offer in self.hotline.state.offers.values()}

    def line(self, queue: str = "sales") -> list[CallId]:
        """The calls in a queue, in order."""
        state = self.hotline.state
        line = state.queues[QueueId(queue)].line if QueueId(queue) in state.queues else []
        return [state.tickets[entry[2]].call for entry in line]

    def only(self, kind: type[T]) -> T:
        """The one fact or command of a kind among the last."""
        found = [thing for thing in (*self.facts, *self.commands) if isinstance(thing, kind)]
        assert 1 == len(found), f"{kind.__name__}: {found}"
        return found[0]

    def has(self, kind: type) -> bool:
        return any(isinstance(thing, kind) for thing in (*self.facts, *self.commands))

    def said(self) -> list[Phrase]:
        """All phrases of the last plays."""
        plays = [command for command in self.commands if isinstance(command, commands.Play)]
        return [phrase for play in plays for phrase in play.phrases]

    def outcome(self, call: CallId) -> str:
        """As what the call was counted."""
        ended = [fact for fact in self.history if isinstance(fact, facts.CallEnded) and fact.call == call]
        assert 1 == len(ended), f"{call} ended {len(ended)} times"
        return ended[0].outcome


OFFERLESS: Any = "no offer"


def pack(*keys: str) -> list[Phrase]:
    return [PackPhrase(key=key) for key in keys]


def positions(phrases: Iterable[Phrase]) -> list[int]:
    return [phrase.number for phrase in phrases if isinstance(phrase, Position)]
