"""The switch's end of the link, played by a test over a real Unix socket: it reads and writes frames by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from hotline.voice import frames

__all__ = ["SwitchEnd", "switch_end", "welcome"]

_read: msgspec.msgpack.Decoder[frames.ToSwitch] = msgspec.msgpack.Decoder(frames.ToSwitch)


def welcome(**changed: Any) -> frames.Welcome:
    """A Welcome of a switch that has just begun."""
    given: dict[str, Any] = {
        "boot": 7, "protocol": 1, "version": "0.1.0", "seq": 0, "i": 0, "n": 0, "now_us": 0,
        "legs": (), "recordings": (),
    }  # fmt: skip
    return frames.Welcome(**(given | changed))


class SwitchEnd:
    """Connections as they come; the newest is spoken on."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def hello(self) -> frames.Hello:
        """Waits for the next connection and its Hello."""
        self._reader, self._writer = await asyncio.wait_for(self.connections.get(), 5)
        first = await self.next()
        assert isinstance(first, frames.Hello)
        return first

    async def next(self) -> frames.ToSwitch:
        """The next frame of the engine."""
        assert self._reader is not None
        length = int.from_bytes(await asyncio.wait_for(self._reader.readexactly(4), 5), "big")
        return _read.decode(await self._reader.readexactly(length))

    async def until(self, kind: type[Any]) -> Any:
        """The next frame of this kind; those before it are passed over."""
        while not isinstance(frame := await self.next(), kind):
            pass
        return frame

    def say(self, *said: frames.ToEngine) -> None:
        for frame in said:
            body = msgspec.msgpack.encode(frame)
            self.raw(len(body).to_bytes(4, "big") + body)

    def raw(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    def drop(self) -> None:
        """The connection breaks."""
        assert self._writer is not None
        self._writer.close()


@asynccontextmanager
async def switch_end(socket: Path) -> AsyncIterator[SwitchEnd]:
    end = SwitchEnd()
    writers: list[asyncio.StreamWriter] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        end.connections.put_nowait((reader, writer))

    server = await asyncio.start_unix_server(connected, socket)
    try:
        yield end
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
