"""The engine's end of the link to the switch: an ordered stream of frames over a Unix socket.

Hello, Welcome, full state, the resend of journalled commands, then live traffic; a dead peer is noticed, the connection
is made again. Commands are not kept here: the journal has them, and the answer to Welcomed brings them back.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec
import structlog

from hotline.domain.ids import LegId, RecordingId
from hotline.domain.records import Arrival, LinkLost, News, Numbered, Position, Welcomed
from hotline.voice import frames
from hotline.voice.gateway import Gateway

__all__ = ["Inbox", "Link", "Refusal", "Standing"]

log = structlog.get_logger()


class Inbox(Protocol):
    """Who hears what the switch says; called on the event loop, in order."""

    def post(self, news: News) -> None: ...

    @property
    def is_full(self) -> bool:
        """The link stops reading until the next acknowledgement."""


class Refusal(Exception):
    """The switch will not have this engine: a newer one is at work, or no protocol is shared. Final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the switch is always told in full: after every Hello and at every change."""

    trunks: tuple[frames.Trunk, ...]
    accounts: tuple[frames.Account, ...]
    admission: frames.Admission
    orphans: frames.OrphanPolicy

    def frames(self) -> Iterable[frames.ToSwitch]:
        yield frames.SetTrunks(trunks=self.trunks)
        yield frames.SetAccounts(accounts=self.accounts)
        yield frames.SetAdmission(admission=self.admission)
        yield frames.SetOrphanPolicy(policy=self.orphans)


class Link:
    """One link to one switch, made again whenever it breaks, until `run` is cancelled."""

    def __init__(
        self,
        *,
        socket: Path,
        gateway: Gateway,
        epoch: int,
        version: str,
        standing: Standing,
    ) -> None:
        self._socket = socket
        self._gateway = gateway
        self._epoch = epoch
        self._version = version
        self._standing = standing
        self._wire: _Wire | None = None
        self._resumed = False
        self._refusal: str | None = None
        self._inbox: Inbox | None = None
        self._pongs = 0
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether commands would go out now."""
        return self._wire is not None and self._resumed

    async def until_up(self) -> None:
        """Until commands have gone out for the first time."""
        await self._up.wait()

    def stands(self, standing: Standing) -> None:
        """Tells the switch the new full state, now or at the next Welcome."""
        self._standing = standing
        if self._wire is not None and self._wire.boot is not None:
            self._wire.write(list(standing.frames()))

    def resume(self, commands: Sequence[Numbered]) -> None:
        """Sends what the switch had not executed and opens the gate for `send`."""
        if self._wire is not None and self._wire.boot is not None:
            self._resumed = True
            self.send(commands)
            self._up.set()

    def send(self, commands: Sequence[Numbered]) -> None:
        """Sends commands in order. Dropped while no connection has been resumed: the journal has them."""
        if self._wire is not None and self._resumed and commands:
            translate = self._gateway.command
            self._wire.write(
                [
                    frames.Do(seq=each.seq, i=each.i, command=translate(each.seq, each.i, each.command))
                    for each in commands
                ]
            )

    def acknowledge(self, position: Position) -> None:
        """Events up to `position` are written. Leaves with the next commands, or alone within `ACK_PAUSE`."""
        if self._wire is not None and self._wire.boot == position.boot:
            self._wire.acknowledge(position.n)
            self._wire.listen(self._inbox is None or not self._inbox.is_full)

    def drain(self, within_ms: int) -> None:
        """Lets the switch end: no new calls, and itself when its last leg has gone or the time is over."""
        if self._wire is not None:
            self._wire.write([frames.Drain(within_ms=within_ms)])

    async def run(self, inbox: Inbox, written: Callable[[], Position]) -> None:
        """Connects, and connects again. `written` is what Hello says. Raises `Refusal` when the switch refuses us."""
        self._inbox = inbox
        pause = FIRST_PAUSE
        while True:
            ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            try:
                _, wire = await asyncio.get_running_loop().create_unix_connection(
                    partial(_Wire, self._heard, ended), str(self._socket)
                )
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            await self._converse(wire, ended, inbox, written())

    async def _converse(self, wire: "_Wire", ended: "asyncio.Future[str]", inbox: Inbox, written: Position) -> None:
        """One connection, from Hello to its end."""
        self._wire, self._resumed = wire, False
        wire.write(
            [
                frames.Hello(
                    epoch=self._epoch,
                    protocols=frames.PROTOCOLS,
                    version=self._version,
                    boot=written.boot,
                    n=written.n,
                )
            ]
        )
        pulse = asyncio.create_task(self._pulse(wire))
        try:
            reason = await ended
        finally:
            pulse.cancel()
            wire.abort("the engine ends")
            self._wire, self._resumed = None, False
        if self._refusal is not None:
            raise Refusal(self._refusal)
        inbox.post(LinkLost(reason=reason))
        await asyncio.sleep(FIRST_PAUSE)

    async def _pulse(self, wire: "_Wire") -> None:
        """Notices a peer that is there but dead."""
        asked = 0
        self._pongs = 0
        while True:
            await asyncio.sleep(PULSE)
            if asked - self._pongs >= MISSED:
                wire.abort("the switch does not answer")
                return
            asked += 1
            wire.write([frames.Ping(id=asked)])

    def _heard(self, wire: "_Wire", frame: frames.ToEngine) -> None:
        inbox = self._inbox
        assert inbox is not None, "a wire is made by run only"
        if isinstance(frame, frames.Event):
            if wire.boot is None:
                wire.abort("the switch sent an event before its Welcome")
                return
            given = self._gateway.given(frame.event, frame.at_us)
            inbox.post(Arrival(boot=wire.boot, n=frame.n, given=given))
            if inbox.is_full:
                wire.listen(False)
        elif isinstance(frame, frames.Pong):
            self._pongs = frame.id
        elif isinstance(frame, frames.Welcome):
            wire.boot = frame.boot
            wire.write(list(self._standing.frames()))
            inbox.post(_welcomed(frame))
        else:
            self._refusal = frame.reason
            wire.abort(frame.reason)


def _welcomed(frame: frames.Welcome) -> Welcomed:
    log.info("link_up", boot=f"{frame.boot:x}", version=frame.version, protocol=frame.protocol, legs=len(frame.legs))
    return Welcomed(
        boot=frame.boot,
        n=frame.n,
        seq=frame.seq,
        i=frame.i,
        legs=tuple(LegId(leg.leg) for leg in frame.legs),
        recordings=tuple(RecordingId(recording) for recording in frame.recordings),
    )


class _Wire(asyncio.Protocol):
    """One connection's bytes: frames cut out of the stream, writes bounded."""

    def __init__(self, heard: "Callable[[_Wire, frames.ToEngine], None]", ended: "asyncio.Future[str]") -> None:
        self.boot: int | None = None
        self._heard = heard
        self._ended = ended
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._listening = True
        self._written: int | None = None
        self._is_ack_due = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        buffer, at = self._rest + data if self._rest else data, 0
        self._rest = b""
        while len(buffer) - at >= 4:
            length = int.from_bytes(buffer[at : at + 4], "big")
            if length > frames.MAX_FRAME:
                self.abort(f"the switch sent a frame of {length} bytes")
                return
            if len(buffer) - at - 4 < length:
                break
            try:
                frame = frames.decode(buffer[at + 4 : at + 4 + length])
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                self.abort(f"the switch sent a frame that is none: {error}")
                return
            at += 4 + length
            self._heard(self, frame)
            if self._ended.done():
                return
        self._rest = buffer[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "the switch closed the connection")

    def write(self, given: Sequence[frames.ToSwitch]) -> None:
        """Sends at once, and an acknowledgement that waits with it."""
        data = b"".join([frames.encode(frame) for frame in given])
        if self._written is not None:
            data += frames.encode(frames.Ack(n=self._written))
            self._written = None
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > WRITE_LIMIT:
            self.abort("the switch does not read")

    def acknowledge(self, n: int) -> None:
        """The switch merely keeps what is not acknowledged: most acknowledgements need no write of their own."""
        self._written = n
        if not self._is_ack_due:
            self._is_ack_due = True
            asyncio.get_running_loop().call_later(ACK_PAUSE, self._ack_due)

    def _ack_due(self) -> None:
        self._is_ack_due = False
        if self._written is not None:
            self.write(())

    def listen(self, wanted: bool) -> None:
        if self._transport is None or wanted == self._listening or self._transport.is_closing():
            return
        self._listening = wanted
        (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def abort(self, reason: str) -> None:
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)


FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
ACK_PAUSE: Final = 0.02
"""Seconds: a few dozen events at most."""
PULSE: Final = 2.0
"""Seconds between pings."""
MISSED: Final = 5
"""Pings without an answer that make a dead peer."""
WRITE_LIMIT: Final = 16 << 20
"""Bytes that may wait for the switch to read them."""
