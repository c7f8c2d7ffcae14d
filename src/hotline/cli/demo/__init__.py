"""`hotline demo`: a sample company with virtual callers and operators on real SIP, and a board to watch it."""

import asyncio
import contextlib
import itertools
import random
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.live import Live

from hotline.app.exits import Exit, StartFailed
from hotline.cli.demo.board import board, outcomes_table
from hotline.cli.demo.ear import Verdict, listen
from hotline.cli.demo.phones import PhoneFailed, Phones
from hotline.cli.demo.scripts import OPERATORS, SCRIPTS, Caller, Script
from hotline.cli.demo.watch import CallLog, Watch
from hotline.cli.door import is_open
from hotline.cli.files import DEMO, read, valid
from hotline.cli.logs import set_up
from hotline.cli.serve import entered, run, stopped, utc
from hotline.cli.words import console, fail, say
from hotline.config import Config
from hotline.domain import facts
from hotline.domain.ids import OperatorId
from hotline.domain.inputs import PresenceChosen
from hotline.voice.process import binary

if TYPE_CHECKING:
    from hotline.app.compose import Running

__all__ = ["demo"]


def demo(
    seconds: Annotated[str, typer.Option("--for", help="End by itself after this long, such as 30s.")] = "",
    no_board: Annotated[bool, typer.Option("--no-board", help="No live board: for logs and machines.")] = False,
    port: Annotated[int, typer.Option(help="The SIP port; a free one near 5060 by default.")] = 0,
) -> None:
    """Run a sample company with virtual callers; your own softphone may call too."""
    lasting = _seconds(seconds)
    config = _company(port)
    set_up("error")
    show = _Show(config=config, board=not no_board and console.is_terminal)
    run(show.play(lasting))
    raise typer.Exit(show.verdict())


@dataclass(slots=True, kw_only=True)
class _Show:
    """One run of the demo."""

    config: Config
    board: bool
    watch: Watch = field(default_factory=Watch)
    missed: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    played: int = 0
    cut_short: int = 0
    callers: dict[str, Script] = field(default_factory=dict)

    async def play(self, lasting: float | None) -> None:
        """Everything; ends after `lasting` seconds, or at Ctrl-C."""
        from hotline.app.compose import running  # the whole house: other verbs start without it

        stop = stopped()
        async with AsyncExitStack() as stack:
            phones = Phones(binary("hotline-phone"))
            stack.push_async_callback(phones.close)
            await self._open_phones(phones)
            house = running(self.config, read=lambda: read(self.config.file), utc=utc)
            if (hotline := await entered(stack, house, stop)) is None:
                return
            hotline.engine.watch(self.watch.see)
            for operator in OPERATORS:  # also those whom the demo before has paused
                await hotline.engine.ask(_ready(operator.name))
            say(self.invitation)
            async with self._shown(hotline):
                await self._callers(phones, hotline, stop, lasting)
                if not stop.done():
                    await self._settle()
        self.verdicts = await asyncio.to_thread(self._listened)

    @property
    def invitation(self) -> str:
        """What a visitor may do."""
        return (
            f"Call sip:100@{self.config.sip.udp} (Russian) or sip:200@{self.config.sip.udp} (English) "
            f"with your own SIP phone. Ctrl-C ends it; then see: hotline report today"
        )

    async def _open_phones(self, phones: Phones) -> None:
        try:
            await phones.open()
            for operator in OPERATORS:
                keys = {
                    "answer_after_ms": operator.answer_after_ms,
                    "reject": operator.reject,
                    "tone_hz": operator.tone,
                }
                at = next(iter(self.config.settings.operators.values())).devices[0].rpartition("@")[2]
                given = {name: value for name, value in keys.items() if value is not None}
                await phones.do("listen", phone=operator.name, bind=at, **given)
        except (PhoneFailed, OSError) as error:
            raise StartFailed(Exit.SWITCH, f"the virtual phones cannot start: {error}") from None

    @contextlib.asynccontextmanager
    async def _shown(self, hotline: "Running") -> AsyncIterator[None]:
        if not self.board:
            yield
            return

        from hotline.app.status import status

        async def paint(live: Live) -> None:
            while True:
                live.update(board(status(hotline.engine), self.watch.outcomes, self.invitation), refresh=True)
                await asyncio.sleep(PAINT)

        with Live(console=console, auto_refresh=False, transient=True) as live:
            painter = asyncio.create_task(paint(live))
            try:
                yield
            finally:
                painter.cancel()

    async def _callers(
        self, phones: Phones, hotline: "Running", stop: "asyncio.Future[None]", lasting: float | None
    ) -> None:
        """Lets callers come, one script after the other, until it is time; then lets the last ones finish."""
        loop = asyncio.get_running_loop()
        end = None if lasting is None else loop.time() + lasting
        calls: set[asyncio.Task[None]] = set()
        dice = random.Random(7)
        for number, script in zip(itertools.count(1), itertools.cycle(SCRIPTS), strict=False):
            first_round = number <= len(SCRIPTS)
            if end is not None and not first_round and loop.time() + script.seconds > end:
                break
            task = asyncio.create_task(self._one(phones, script, number))
            calls.add(task)
            task.add_done_callback(calls.discard)
            pause = 0.15 if first_round else dice.uniform(0.8, 2.5)
            await asyncio.wait((stop, hotline.failed), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if stop.done() or hotline.failed.done():
                break
        if stop.done():
            for task in calls:
                task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if hotline.failed.done():
            raise hotline.failed.result()

    async def _one(self, phones: Phones, script: Script, number: int) -> None:
        """One virtual call from beginning to end, and whether it ended as its script expected."""
        caller = f"+7000{number:07}"
        name = f"{script.who} #{number}"
        self.callers[caller] = script
        log = self.watch.log(caller)
        try:
            gone = phones.expect(lambda event: event["event"] == "ended" and event["call"] == name, LONGEST, name)
            await phones.do(
                "call",
                phone=f"caller{number}",
                call=name,
                to=f"sip:{script.number}@{self.config.sip.udp}",
                **{"from": caller},
                tone_hz=script.tone,
            )
            self.played += 1
            await script.plays(Caller(call=name, phones=phones, log=log))
            await gone
            ended = await log_end(log)
            if ended.outcome != script.outcome:
                self.missed.append(f"{name}: ended as {ended.outcome}, not as {script.outcome}")
        except asyncio.CancelledError:
            self.cut_short += 1  # Ctrl-C
        except (PhoneFailed, AssertionError, TimeoutError) as error:
            outcome = getattr(log.find(facts.CallEnded), "outcome", "unfinished")
            self.missed.append(f"{name}: {outcome}, not {script.outcome}: {str(error) or 'too slow'}")

    async def _settle(self) -> None:
        """Recordings are closed a moment after their calls."""
        async with asyncio.timeout(PATIENCE):
            while len(self.watch.recordings) < self.watch.begun:
                await asyncio.sleep(PAINT)

    def _listened(self) -> list[Verdict]:
        tones = {operator.name: operator.tone for operator in OPERATORS}
        heard = []
        for recording, log in self.watch.recordings:
            script = self.callers.get(log.caller)
            if script is None or recording.duration_ms < SHORTEST:
                continue  # a visitor's own call, or one that was cut short
            talk = log.find(facts.TalkStarted)
            operator = tones[talk.operator] if talk else None
            heard.append(listen(Path(recording.path), script.tone, operator))
        return heard

    def verdict(self) -> Exit:
        """Prints what happened; good only when every virtual call and every recording was as expected."""
        console.print(outcomes_table(self.watch.outcomes))
        for reason, waits in sorted(self.watch.waits.items()):
            ordered = sorted(waits)
            middle, longest = ordered[len(ordered) // 2] / 1000, ordered[-1] / 1000
            say(
                f"waits that ended {reason.replace('_', ' ')}: {len(waits)}, "
                f"median {middle:.1f} s, longest {longest:.1f} s"
            )
        right = sum(not one.wrong for one in self.verdicts)
        say(f"recordings checked by ear: {right} of {len(self.verdicts)} have each side's tone in its own channel")
        wrong = [f"{one.path}: {one.wrong}" for one in self.verdicts if one.wrong] + self.missed
        if wrong:
            fail("\n".join(wrong), Exit.FAILED)
        cut = f" ({self.cut_short} more were cut short)" if self.cut_short else ""
        whole = self.played - self.cut_short
        say(f"{whole} virtual calls{cut}, each ended as its script expected. See: hotline report today")
        return Exit.OK


async def log_end(log: CallLog) -> facts.CallEnded:
    """How the journal says that it ended."""
    async with asyncio.timeout(PATIENCE):
        while (ended := log.find(facts.CallEnded)) is None:
            log.news.clear()
            await log.news.wait()
    assert isinstance(ended, facts.CallEnded)
    return ended


def _company(port: int) -> Config:
    """Writes the demo's company into ./var/demo, with ports that are free."""
    if is_open(DEMO.parent / "data"):
        fail(f"a demo is running in {DEMO.parent} already: end it with Ctrl-C first", Exit.TAKEN)
    sip = port or next(candidate for candidate in itertools.chain([5060], range(5070, 5999)) if _is_free(candidate))
    phones = next(candidate for candidate in range(6100, 6999) if _is_free(candidate))
    text = (files("hotline.cli.demo") / "company.toml").read_text(encoding="utf-8")
    try:
        DEMO.parent.mkdir(parents=True, exist_ok=True)
        DEMO.write_text(text.replace("@SIP@", str(sip)).replace("@PHONES@", str(phones)), encoding="utf-8")
    except OSError as error:
        fail(f"the demo keeps its records in {DEMO.parent}, which cannot be written: {error.strerror}", Exit.DISK)
    return valid(DEMO, quiet=True)


def _ready(name: str) -> Callable[[int, int], PresenceChosen]:
    return lambda at, utc: PresenceChosen(at=at, utc=utc, operator=OperatorId(name), presence="ready", by="demo")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as tried:
            if kind == socket.SOCK_STREAM:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def _seconds(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s?)?", text)
    if not found:
        raise typer.BadParameter("a duration such as 30s or 2m", param_hint="--for")
    return int(found[1] or 0) * 60.0 + int(found[2] or 0)


PAINT: Final = 0.2
PATIENCE: Final = 15.0
LONGEST: Final = 120.0
SHORTEST: Final = 1000
"""Milliseconds of a recording in which a tone can be told."""
