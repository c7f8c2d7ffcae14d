"""The bench company is what the load tools, ours and others', are pointed at."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load import Processes, sipload
from tests.kit.hotline import free_ports

HOUSE = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Processes]:
    """`make bench-server` without make: ready line, and the end on SIGTERM."""
    subprocess.run(["make", "-s", "-C", HOUSE / "bench"], check=True)
    sip, operators = free_ports(2)
    running = subprocess.Popen(
        [sys.executable, "-m", "bench.server"],
        cwd=HOUSE,
        env=os.environ | {"SIP_PORT": str(sip), "OPS_PORT": str(operators)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    word, switch, engine, address = running.stdout.readline().split()
    assert "ready" == word
    assert f"sip=127.0.0.1:{sip}" == address
    pids = int(switch.removeprefix("switch=")), int(engine.removeprefix("engine="))
    yield Processes(sip=f"127.0.0.1:{sip}", operators_port=operators, switch=pids[0], engine=pids[1])
    running.send_signal(signal.SIGTERM)
    assert 0 == running.wait(20)
    running.stdout.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_waiting_callers_are_answered_and_hear_music(server: Processes) -> None:
    """Number 100."""
    run = sipload(server, 100, "-n", 20, "-r", 50, "-w", 1, "-t", 2, "--uac-rtp")

    assert 20 == run["calls"]["answered"]
    assert 0 == run["caller_rtp"]["silent_legs"] == run["caller_rtp"]["lost"]
    assert 49 < run["caller_rtp"]["leg_pps_min"]


@pytest.mark.parametrize("number", [250, 251])
def test_conversations_carry_sound_both_ways(server: Processes, number: int) -> None:
    """Numbers 250 and 251, the second recorded."""
    run = sipload(
        server, number, "-n", 10, "-r", 20, "-w", 1, "-t", 2, "--uac-rtp", "--uas-rtp", own_operators=True
    )  # fmt: skip

    assert 10 == run["agent_rtp"]["legs"] == run["caller_rtp"]["legs"]
    assert 0 == run["agent_rtp"]["silent_legs"] == run["caller_rtp"]["silent_legs"]


def test_whole_calls_reach_an_operator_without_a_retransmission(server: Processes) -> None:
    """Number 200 at 50 calls a second."""
    run = sipload(
        server, 200, "-n", 100, "-r", 50, "-H", 0.4, "-w", 1, "-t", 3, "--uac-rtp", "--uas-rtp", own_operators=True
    )["calls"]  # fmt: skip

    assert 100 == run["uas_acks"] == run["started"]
    assert 0 == run["failed"] == run["retr_invite"] == run["retr_200_uas"]


def test_one_operator_serves_a_backlog(server: Processes) -> None:
    """Number 500: as soon as he is free his phone rings again."""
    run = sipload(
        server, 500, "-n", 5, "-r", 50, "-H", 100, "-w", 0.5, "-t", 4, "--agents", 1, "--talk-ms", 200,
        "--answer-ms", 20, "--uac-rtp", "--uas-rtp", own_operators=True,
    )  # fmt: skip

    assert 5 == run["calls"]["uas_acks"]
    assert run["agent_free_to_ring_ms"]["p50"] < 100


def test_strangers_get_silence(server: Processes) -> None:
    """Not even a refusal."""
    run = sipload(server, 100, "-n", 50, "-r", 50, "-w", 0, "-t", 1, "--flood", "--src-ips", 5, "--src-net", 99)

    assert 0 == run["calls"]["sip_rx"]
