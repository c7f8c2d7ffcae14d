"""Hundreds of calls of every kind, then the 32 s that SIP remembers: both processes hold what they held before."""

import subprocess
from pathlib import Path

import pytest

from bench.load import Processes, sipload
from tests.kit.hotline import Hotline, assert_nothing_leaks

HOUSE = Path(__file__).resolve().parent.parent.parent
LINGER_S = 45
"""RFC 3261's 32 s of finished transactions, and some patience."""
FOR_EVER = ("_total", "max_late", "sound_cache", "resident", "_bucket", "_sum", "_count", "_created")
"""Figures that only grow, and memory, which the kernel is asked for."""


@pytest.mark.timeout(240)
def test_hundreds_of_calls_leave_nothing_behind(cold_hotline: Hotline) -> None:
    """A first round fills pools and caches; after the second nothing may have grown."""
    subprocess.run(["make", "-s", "-C", HOUSE / "bench"], check=True)
    gauges = _settled(cold_hotline, _gauges(cold_hotline))
    _round(cold_hotline)
    gauges = _settled(cold_hotline, gauges)
    before = cold_hotline.holdings()

    _round(cold_hotline)
    assert_nothing_leaks(cold_hotline, before, gauges, within_s=LINGER_S, memory_grows_kb=4096)


def _round(hotline: Hotline) -> None:
    server = Processes(
        sip=f"127.0.0.1:{hotline.sip_port}",
        operators_port=hotline.operators_port,
        switch=hotline.switch,
        engine=hotline.engine,
    )
    echo = sipload(server, 704, "-n", 200, "-r", 100, "-H", 0.5, "-w", 0.5, "-t", 3, "--uac-rtp")
    waiting = sipload(server, 706, "-n", 2, "-r", 100, "-H", 0.5, "-w", 0.5, "-t", 1, "--uac-rtp")
    talk = sipload(
        server, 708, "-n", 100, "-r", 25, "-H", 0.5, "-w", 0.5, "-t", 5, "--uac-rtp", "--uas-rtp", own_operators=True
    )  # fmt: skip
    refused = sipload(server, 799, "-n", 50, "-r", 100, "-H", 0.5, "-w", 0.5, "-t", 2)

    assert (200, 2, 100) == tuple(run["calls"]["answered"] for run in (echo, waiting, talk))
    assert 50 == refused["calls"]["failed"] + refused["calls"]["remote_bye"]


def _gauges(hotline: Hotline) -> dict[str, float]:
    return {name: value for name, value in hotline.figures().items() if not any(word in name for word in FOR_EVER)}


def _settled(hotline: Hotline, idle: dict[str, float]) -> dict[str, float]:
    """The gauges once transactions are forgotten; those of `idle` are the measure."""

    def forgotten(now: dict[str, float]) -> bool:
        return all(now[name] <= idle[name] for name in idle if "transactions" in name)

    return hotline.until(lambda: _gauges(hotline), forgotten, LINGER_S)
