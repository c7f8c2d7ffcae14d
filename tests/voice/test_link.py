"""The engine's end of the link, against a real Unix socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from hotline.domain import commands, inputs
from hotline.domain.ids import CallId, LegId, PlayId, RecordingId
from hotline.domain.phrases import Phrase
from hotline.domain.records import Arrival, LinkLost, News, Numbered, Position, Welcomed
from hotline.voice import frames, link
from hotline.voice.gateway import Gateway
from hotline.voice.link import Link, Refusal, Standing
from tests.voice.switch_end import SwitchEnd, switch_end, welcome

STANDING = Standing(
    trunks=(),
    accounts=(frames.Account(name="anna", password="not-a-secret"),),
    admission=frames.Admission(
        open=(), accounts=(), blocked=(), max_unproven=1, max_legs=2, per_source_rate=3, retry_after_s=4
    ),
    orphans=frames.OrphanPolicy(hold_new_ms=3000, end_waiting_after_ms=1),
)
OFFSET = 1_000_000


class FixedClock:
    """The axis is the boot clock plus a second; it is noon in 2026."""

    def now(self) -> int:
        return 5_000_000

    def utc(self) -> int:
        return 1_800_000_000_000_000

    def to_axis(self, boot_us: int) -> int:
        return boot_us + OFFSET


class Sounds:
    def sounds(self, phrase: Phrase, language: str) -> list[str]:
        return [f"/{language}/{phrase}"]


class Inbox:
    def __init__(self) -> None:
        self.heard: asyncio.Queue[News] = asyncio.Queue()
        self.is_full = False

    def post(self, news: News) -> None:
        self.heard.put_nowait(news)

    async def next(self) -> News:
        return await asyncio.wait_for(self.heard.get(), 5)


class Talk:
    """A link that runs, its inbox, and the switch's end."""

    def __init__(self, end: SwitchEnd, made: Link, inbox: Inbox) -> None:
        self.end, self.link, self.inbox = end, made, inbox
        self.written = Position(boot=7, n=3)
        self.task = asyncio.create_task(made.run(inbox, lambda: self.written))

    async def begin(self, **changed: Any) -> None:
        """Hello, Welcome, resume."""
        await self.end.hello()
        self.end.say(welcome(**changed))
        assert isinstance(await self.inbox.next(), Welcomed)
        self.link.resume(())
        await self.end.until(frames.SetOrphanPolicy)


@pytest.fixture(name="talk")
async def _talk(tmp_path: Path) -> AsyncIterator[Talk]:
    gateway = Gateway(clock=FixedClock(), sounds=Sounds(), recordings=tmp_path / "recordings", region="RU")
    socket = tmp_path / "switch.sock"
    async with switch_end(socket) as end:
        made = Link(socket=socket, gateway=gateway, epoch=9, version="0.1.0", standing=STANDING)
        talk = Talk(end, made, Inbox())
        yield talk
        talk.task.cancel()
        with suppress(asyncio.CancelledError, Refusal):
            await talk.task


def answer(leg: str) -> commands.Answer:
    return commands.Answer(leg=LegId(leg))


async def test_hello_tells_epoch_and_the_last_written_event(talk: Talk) -> None:
    hello = await talk.end.hello()

    assert (hello.epoch, hello.boot, hello.n, hello.protocols) == (9, 7, 3, frames.PROTOCOLS)


async def test_full_state_goes_out_before_any_command(talk: Talk) -> None:
    await talk.end.hello()
    talk.end.say(welcome())
    await talk.inbox.next()
    talk.link.resume([Numbered(seq=4, i=1, command=answer("s1-1"))])
    sent = [await talk.end.next() for _ in range(5)]

    assert [type(frame).__name__ for frame in sent] == [
        "SetTrunks", "SetAccounts", "SetAdmission", "SetOrphanPolicy", "Do",
    ]  # fmt: skip
    assert sent[4] == frames.Do(seq=4, i=1, command=frames.Answer(leg="s1-1"))


async def test_commands_before_the_resume_are_dropped_because_the_journal_has_them(talk: Talk) -> None:
    await talk.end.hello()
    talk.link.send([Numbered(seq=1, i=0, command=answer("early"))])
    talk.end.say(welcome())
    await talk.inbox.next()
    talk.link.send([Numbered(seq=2, i=0, command=answer("early too"))])
    talk.link.resume([Numbered(seq=3, i=0, command=answer("resent"))])
    first = await talk.end.until(frames.Do)

    assert first.seq == 3


async def test_events_arrive_in_order_on_the_journals_axis(talk: Talk) -> None:
    await talk.begin()
    arrived = frames.LegArrived(
        leg="s7-1", trunk="north", account=None, proven=True, source="198.51.100.7:5060", caller="8 (000) 000-00-01",
        caller_name="", called="88000000000", sip_call_id="x", headers={},
    )  # fmt: skip
    talk.end.say(
        frames.Event(n=4, at_us=100, event=arrived),
        frames.Event(n=5, at_us=200, event=frames.RoomChanged(room="r", hears={})),
    )
    first, second = await talk.inbox.next(), await talk.inbox.next()

    assert isinstance(first, Arrival)
    assert first.given == inputs.LegArrived(
        at=OFFSET + 100, utc=1_800_000_000_000_000 - (5_000_000 - OFFSET - 100), leg=LegId("s7-1"), trunk="north",
        caller="+70000000001", called="+78000000000", proven=True,
    )  # fmt: skip
    assert second == Arrival(boot=7, n=5, given=None)


async def test_what_is_written_is_acknowledged_to_the_boot_it_came_from_only(talk: Talk) -> None:
    await talk.begin()
    talk.link.acknowledge(Position(boot=6, n=50))
    talk.link.acknowledge(Position(boot=7, n=5))

    assert (await talk.end.until(frames.Ack)).n == 5


async def test_an_acknowledgement_leaves_with_the_next_commands(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one says it all; none needs a write of its own."""
    monkeypatch.setattr(link, "ACK_PAUSE", 60)
    await talk.begin()
    talk.link.acknowledge(Position(boot=7, n=4))
    talk.link.acknowledge(Position(boot=7, n=5))
    talk.link.send([Numbered(seq=11, i=0, command=commands.Answer(leg=LegId("s7-1")))])

    assert (await talk.end.until(frames.Ack)).n == 5


async def test_a_broken_connection_is_told_and_made_again(talk: Talk) -> None:
    await talk.begin()
    talk.end.drop()
    lost = await talk.inbox.next()
    talk.written = Position(boot=7, n=8)
    again = await talk.end.hello()

    assert isinstance(lost, LinkLost)
    assert again.n == 8
    assert not talk.link.is_up


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\xc1\xc1", b"\x00\x00\x00\x05\x81\xa1t\xa1x"],
    ids=["too long", "no MessagePack", "no frame of ours"],
)
async def test_a_frame_that_is_none_ends_the_connection_not_the_engine(talk: Talk, garbage: bytes) -> None:
    await talk.begin()
    talk.end.raw(garbage)

    assert isinstance(await talk.inbox.next(), LinkLost)
    await talk.end.hello()


async def test_a_refused_engine_stops(talk: Talk) -> None:
    await talk.end.hello()
    talk.end.say(frames.Refused(reason="epoch 10 is at work"))

    with pytest.raises(Refusal, match="epoch 10"):
        await asyncio.wait_for(talk.task, 5)


async def test_a_full_inbox_stops_the_reading_until_something_is_written(talk: Talk) -> None:
    await talk.begin()
    talk.inbox.is_full = True
    talk.end.say(frames.Event(n=4, at_us=0, event=frames.RoomChanged(room="r", hears={})))
    await talk.inbox.next()
    talk.end.say(frames.Event(n=5, at_us=0, event=frames.RoomChanged(room="r", hears={})))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(talk.inbox.heard.get(), 0.1)
    talk.inbox.is_full = False
    talk.link.acknowledge(Position(boot=7, n=4))

    assert await talk.inbox.next() == Arrival(boot=7, n=5, given=None)


async def test_a_switch_that_is_there_but_dead_is_noticed(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PULSE", 0.01)
    await talk.begin()
    lost = await talk.inbox.next()

    assert lost == LinkLost(reason="the switch does not answer")


async def test_a_refused_command_comes_back_with_its_name(talk: Talk) -> None:
    await talk.begin()
    play = commands.Play(leg=LegId("s7-1"), play=PlayId("p"), phrases=(), language="ru")
    talk.link.send([Numbered(seq=11, i=2, command=play)])
    talk.end.say(frames.Event(n=4, at_us=0, event=frames.CommandRefused(seq=11, i=2, leg="s7-1", reason="gone")))
    news = await talk.inbox.next()

    assert isinstance(news, Arrival)
    assert isinstance(news.given, inputs.CommandRefused)
    assert news.given.command == "Play"


async def test_new_state_is_told_at_once(talk: Talk) -> None:
    await talk.begin()
    talk.link.stands(Standing(trunks=(), accounts=(), admission=STANDING.admission, orphans=STANDING.orphans))

    assert (await talk.end.until(frames.SetAccounts)).accounts == ()


async def test_a_recording_gets_its_place_on_disk(talk: Talk, tmp_path: Path) -> None:
    await talk.begin()
    record = commands.Record(
        recording=RecordingId("r1"),
        call=CallId("c1"),
        left=(LegId("a"),),
        right=(LegId("b"),),
        name="2026/11/23/x",
        max_ms=None,
    )
    talk.link.send([Numbered(seq=1, i=0, command=record)])
    sent = await talk.end.until(frames.Do)

    assert sent.command.path == str(tmp_path / "recordings/2026/11/23/x.opus")
    assert (tmp_path / "recordings/2026/11/23").is_dir()


def test_the_link_speaks_on_the_loop_that_serve_uses(tmp_path: Path) -> None:
    """uvloop's transports are no `asyncio.Transport` by name."""

    async def converse() -> Welcomed:
        gateway = Gateway(clock=FixedClock(), sounds=Sounds(), recordings=tmp_path, region="RU")
        async with switch_end(tmp_path / "switch.sock") as end:
            made = Link(socket=tmp_path / "switch.sock", gateway=gateway, epoch=1, version="0.1.0", standing=STANDING)
            talk = Talk(end, made, Inbox())
            await end.hello()
            end.say(welcome(n=3))
            news = await talk.inbox.next()
            talk.task.cancel()
            with suppress(asyncio.CancelledError):
                await talk.task
        assert isinstance(news, Welcomed)
        return news

    assert uvloop.run(converse()).n == 3
