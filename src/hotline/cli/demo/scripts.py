"""What the virtual callers do, and what must come of it. Every caller is a real SIP endpoint with a tone of his own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from hotline.cli.demo.phones import Phones
from hotline.cli.demo.watch import CallLog
from hotline.domain import facts

__all__ = ["OPERATORS", "SCRIPTS", "Caller", "Operator", "Script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """How a virtual operator's phone behaves."""

    name: str
    tone: int
    answer_after_ms: int | None = None
    reject: int | None = None


OPERATORS: Final = (
    Operator(name="anna", tone=600, answer_after_ms=900),
    Operator(name="olga", tone=700, answer_after_ms=1400),
    Operator(name="viktor", tone=800),  # he never answers: the caller keeps his place, and viktor is paused in the end
    Operator(name="boris", tone=900, answer_after_ms=700),
    Operator(name="igor", tone=1000, reject=486),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One virtual caller in a call: his phone, and what the hotline writes about him."""

    call: str
    phones: Phones
    log: CallLog

    async def presses(self, digits: str) -> None:
        await self.phones.do("digits", call=self.call, digits=digits)

    async def hangs_up(self) -> None:
        await self.phones.do("hangup", call=self.call)

    async def chooses(self, key: str) -> None:
        """Waits for the menu, lets it begin, presses."""
        await self.log.until(facts.NodeEntered, PATIENCE, node="menu")
        await self.presses(f",,{key}")

    async def talks(self, seconds: float) -> None:
        """Until connected and some time longer; then hangs up."""
        await self.log.until(facts.TalkStarted, LONG)
        await self.stays(seconds)
        await self.hangs_up()

    async def stays(self, seconds: float) -> None:
        """A while on the line: a script's own pace. Ends early when the call does."""
        try:
            await self.log.until(facts.CallEnded, seconds)
        except TimeoutError:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One kind of call."""

    who: str
    tone: int
    number: str
    plays: Callable[[Caller], Awaitable[None]]
    outcome: str
    seconds: float
    """About how long it takes."""


async def _orders(caller: Caller) -> None:
    await caller.chooses("1")
    await caller.talks(4)


async def _english(caller: Caller) -> None:
    await caller.chooses("0")
    await caller.talks(3)


async def _support(caller: Caller) -> None:
    await caller.chooses("2")
    await caller.talks(3)


async def _gives_up(caller: Caller) -> None:
    await caller.chooses("1")
    await caller.log.until(facts.QueueJoined, LONG)
    await caller.stays(0.4)
    await caller.hangs_up()


async def _complains(caller: Caller) -> None:
    await caller.log.until(facts.OfferDeclined, LONG)
    await caller.stays(3)
    await caller.hangs_up()


async def _leaves_a_message(caller: Caller) -> None:
    await caller.log.until(facts.RecordingStarted, LONG)
    await caller.stays(3)
    await caller.presses("#")
    await caller.log.until(facts.VoicemailLeft, PATIENCE)


async def _hears_that_it_is_closed(caller: Caller) -> None:
    await caller.log.until(facts.CallEnded, LONG)


async def _thinks_better_of_it(caller: Caller) -> None:
    await caller.log.until(facts.NodeEntered, PATIENCE, node="menu")
    await caller.stays(2)
    await caller.hangs_up()


SCRIPTS: Final = (
    Script(who="Alisa orders", tone=440, number="100", plays=_orders, outcome="answered", seconds=11),
    Script(who="Boris needs support", tone=480, number="100", plays=_support, outcome="answered", seconds=9),
    Script(who="Vera calls at night", tone=500, number="300", plays=_leaves_a_message, outcome="voicemail", seconds=13),
    Script(who="Emma orders in English", tone=400, number="200", plays=_english, outcome="answered", seconds=9),
    Script(who="Gleb complains", tone=350, number="310", plays=_complains, outcome="abandoned_waiting", seconds=5),
    Script(who="Dina gives up", tone=1200, number="100", plays=_gives_up, outcome="short_abandon", seconds=6),
    Script(who="Egor calls too late", tone=1300, number="301", plays=_hears_that_it_is_closed, outcome="closed_hours",
           seconds=6),
    Script(who="Zoya changes her mind", tone=1400, number="100", plays=_thinks_better_of_it, outcome="menu_abandon",
           seconds=3),
)  # fmt: skip
PATIENCE: Final = 10.0
LONG: Final = 60.0
