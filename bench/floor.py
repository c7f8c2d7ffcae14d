"""The floor: the barest C program doing the same packets against the same receiver, in the same run."""

from dataclasses import dataclass

from bench.load import beside, tool

__all__ = ["Floor", "hold", "relay"]

PORTS = 61_000
"""Above the ephemeral ports and the range of the bench company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What the bare program cost and how evenly its packets arrived."""

    pct: float
    """CPU of the floor program, per cent of one core."""
    jitter_p99_ms: float
    delay_p50_ms: float | None = None
    delay_p99_ms: float | None = None


def hold(callers: int, seconds: float) -> Floor:
    """`callers` ports, each read and sent once in one pass a 20 ms tick; the cheaper of send and io_uring."""
    found = [_under_pairs("hold", method, callers, callers // 2, seconds) for method in ("send", "uring")]
    return min(found, key=lambda floor: floor.pct)


def relay(calls: int, seconds: float) -> Floor:
    """A forwarder for `calls` conversations that passes each packet on at once."""
    return _under_pairs("relay", "epoll", calls, calls, seconds, "-p", 0)


def _under_pairs(mode: str, method: str, n: int, pairs: int, seconds: float, *more: object) -> Floor:
    warm = 2
    with beside("udplimit", mode, method, "-n", n, "-B", PORTS, "-t", seconds + warm + 2, *more) as bare:
        run = tool(
            "rtpload", "pairs", "-d", f"127.0.0.1:{PORTS}", "-n", pairs, "-w", warm, "-t", seconds,
            "--watch", f"floor={bare.pid}",
        )  # fmt: skip
    delay = run["latency_ms"] or {}
    return Floor(
        pct=run["cpu"]["floor"]["pct"],
        jitter_p99_ms=run["jitter_ms"]["p99"],
        delay_p50_ms=delay.get("p50"),
        delay_p99_ms=delay.get("p99"),
    )
