"""One function a figure: drives the bench company, prints a table, returns the numbers that the bars compare.

Repeats are interleaved with the floor's, so that a busy machine weighs on both; medians are compared.
REPS (default 3) and WINDOW (seconds, default 10) come from the environment.
"""

import os
import time
from collections.abc import Callable, Mapping

from bench import floor
from bench.load import Json, Processes, Resident, ThreadCpu, beside, median, sipload
from bench.table import Table

__all__ = ["FIGURES", "Bars"]

REPS = int(os.environ.get("REPS", "3"))
WINDOW_S = float(os.environ.get("WINDOW", "10"))

Bars = Mapping[str, float]
"""Name -> the number that the bar compares."""

HOLD, SETUP, BRIDGE, RECORDED, FREE = 100, 200, 250, 251, 500
"""Numbers of the bench company (company.toml)."""

OPEN_DOOR, STRANGERS = 77, 99
"""Second byte of the flood's source addresses: 127.77.0.0/16 may call, 127.99.0.0/16 nobody allowed."""


def hold(server: Processes) -> Bars:
    """Callers in a queue with music, their own sound arriving too: CPU against the floor's."""
    callers = 300
    table = Table("waiting callers", "server %", "% a caller", "floor %", "x floor", "lost", "p99 ms off", "foreign %")
    ratios = []
    for _ in range(REPS):
        bare = floor.hold(callers, WINDOW_S)
        run = sipload(server, HOLD, "-n", callers, "-r", 50, "-w", 2, "-t", WINDOW_S, "--uac-rtp")
        _all_heard(run, "caller_rtp", callers)
        cpu = run["cpu"]
        ratios.append(cpu["server_pct"] / bare.pct)
        table.row(
            callers, cpu["server_pct"], cpu["server_pct"] / callers, bare.pct, ratios[-1],
            run["caller_rtp"]["lost"], run["jitter_ms"]["p99"], cpu["foreign_pct"],
        )  # fmt: skip
    return {"hold": median(ratios)}


def bridge(server: Processes) -> Bars:
    """Conversations relayed and measured, not recorded: CPU against a bare forwarder's."""
    return {"bridge": _conversations(server, BRIDGE)}


def record(server: Processes) -> Bars:
    """The same, both sides recorded; and which threads of the switch the cost is in."""
    return {"record": _conversations(server, RECORDED, threads=True)}


def _conversations(server: Processes, number: int, *, threads: bool = False) -> float:
    calls = 200
    table = Table(
        "calls", "server %", "% a call", "floor %", "x floor", "lost", "delay p50 ms", "p99", "floor p50", "p99",
        "foreign %",
    )  # fmt: skip
    ratios = []
    for _ in range(REPS):
        bare = floor.relay(calls, WINDOW_S)
        spent = ThreadCpu(server.switch)
        run = sipload(
            server, number, "-n", calls, "-r", 50, "-w", 3, "-t", WINDOW_S, "--uac-rtp", "--uas-rtp", own_operators=True
        )
        _all_heard(run, "caller_rtp", calls)
        _all_heard(run, "agent_rtp", calls)
        cpu, delay = run["cpu"], run["latency_ms"]
        ratios.append(cpu["server_pct"] / bare.pct)
        table.row(
            calls, cpu["server_pct"], cpu["server_pct"] / calls, bare.pct, ratios[-1],
            run["caller_rtp"]["lost"] + run["agent_rtp"]["lost"], delay["p50"], delay["p99"],
            bare.delay_p50_ms, bare.delay_p99_ms, cpu["foreign_pct"],
        )  # fmt: skip
        if threads:
            table.note("switch by thread, ramp included: " + _threads(spent))
    return median(ratios)


def setup(server: Processes) -> Bars:
    """Whole calls through the queue to a free operator: CPU a call at 200/s, and the highest clean rate."""
    table = Table(
        "calls/s", "reached", "failed", "repeated", "ms CPU a call", "switch", "engine", "history", "200 p50 ms", "p99",
        "rings p50", "p99", "foreign %",
    )  # fmt: skip
    cpu_ms, clean = 0.0, 0.0
    for rate in (200, 500, 750, 1000, 1500, 2000, 2500):
        runs = [_setup_run(server, rate, table) for _ in range(REPS if rate == 200 else 1)]
        if rate == 200:
            cpu_ms = median(cost for cost, _, _ in runs)
        if any(troubles for _, troubles, _ in runs):
            break
        if all(p99_ms < 50 for _, _, p99_ms in runs):
            clean = rate
    return {"setup_cpu": cpu_ms, "setup_rate": clean}


def _setup_run(server: Processes, rate: int, table: Table) -> tuple[float, int, float]:
    """CPU ms a call, failures and repetitions, p99 of INVITE to 200."""
    calls = int(rate * (WINDOW_S + 3)) + 1
    run = sipload(
        server, SETUP, "-n", calls, "-r", rate, "-H", 0.4, "-w", 2, "-t", WINDOW_S,
        "--uac-rtp", "--uas-rtp", "--rtp-packets", 5, own_operators=True,
    )  # fmt: skip
    c, cpu = run["calls"], run["cpu"]
    reached = max(1, c["win_answered"])
    repeated = c["retr_invite"] + c["retr_200_uas"] + c["dup_200"]
    missing = c["started"] - c["uas_acks"]
    parts = {role: 1000 * cpu[role]["cpu_s"] / reached for role in server.all()}
    history = sum(cost for role, cost in parts.items() if role.startswith("helper"))
    answer, ring = run["invite_to_200_ms"] or {}, run["invite_to_agent_ring_ms"] or {}
    failed = c["failed"] + c["timeouts"] + missing
    table.row(
        rate, c["uas_acks"], failed, repeated, sum(parts.values()), parts["switch"], parts["engine"], history,
        answer.get("p50"), answer.get("p99"), ring.get("p50"), ring.get("p99"), cpu["foreign_pct"],
    )  # fmt: skip
    return sum(parts.values()), failed + repeated, answer.get("p99", 1e9)


def free(server: Processes) -> Bars:
    """One operator, twenty callers waiting: from his end of one call to his phone's next ring."""
    table = Table("served", "free->rings p50 ms", "p90", "p99", "max", "foreign %")
    p50s, p99s = [], []
    for _ in range(REPS):
        run = sipload(
            server, FREE, "-n", 20, "-r", 50, "-H", 100, "-w", 1, "-t", max(WINDOW_S, 12), "--agents", 1,
            "--talk-ms", 400, "--answer-ms", 20, "--uac-rtp", "--uas-rtp", own_operators=True,
        )  # fmt: skip
        gap = run["agent_free_to_ring_ms"]
        if gap is None:
            raise RuntimeError(f"the operator was never rung twice: {run['calls']}")
        p50s.append(gap["p50"])
        p99s.append(gap["p99"])
        table.row(run["calls"]["uas_acks"], gap["p50"], gap["p90"], gap["p99"], gap["max"], run["cpu"]["foreign_pct"])
    return {"free_p50": median(p50s), "free_p99": median(p99s)}


def flood(server: Processes) -> Bars:
    """Forty trunk callers while 2,000 INVITE/s arrive through the open door, without and with ACK."""
    table = _flood_table()
    rates = [0, *(int(rate) for rate in os.environ.get("RATES", "500,2000").split(","))]
    answered = []
    for rate in rates:
        for ack in ("--flood", "--flood-ack") if rate else ("--flood",):
            answered.append(_under_flood(server, rate, ack, OPEN_DOOR, table))
    return {"flood": min(answered)}


def strangers(server: Processes) -> Bars:
    """The same from sources that nobody allowed, 10,000 INVITE/s: silence is the answer."""
    table = _flood_table()
    return {"strangers": min(_under_flood(server, rate, "--flood", STRANGERS, table) for rate in (2000, 10_000))}


def _flood_table() -> Table:
    return Table(
        "INVITE/s", "ack", "answered of 40", "repeated", "200 p50 ms", "p99", "1 s after: of 5", "p99",
        "server %", "MB above", "flood got back",
    )  # fmt: skip


def _under_flood(server: Processes, rate: int, ack: str, net: int, table: Table) -> int:
    seconds = 10
    memory = Resident(server.all().values())
    before = memory.kb()
    legit = ("-n", 40, "-r", 5, "-H", 1, "-w", 0.5, "-t", seconds - 2, "-T", seconds + 12, "--uac-rtp")
    got_back: object = None
    if rate:
        storm = ("-s", server.sip, "-e", HOLD, "-n", rate * seconds, "-r", rate, "-w", 0, "-t", seconds, ack)
        with beside("sipload", *storm, "--src-ips", 50, "--src-net", net, "-T", seconds + 5) as flooder:
            time.sleep(1)  # the flood is a second old when the first caller comes: part of the figure's definition
            run = sipload(server, HOLD, *legit)
            above = memory.kb() - before
            out, _ = flooder.communicate(timeout=60)
            got_back = out.count('"sip_rx"') and out.split('"sip_rx":')[1].split(",")[0]
    else:
        run = sipload(server, HOLD, *legit)
        above = memory.kb() - before
    time.sleep(1)  # "all well 1 s after"
    after = sipload(server, HOLD, "-n", 5, "-r", 5, "-H", 1, "-w", 0.5, "-t", 2, "--uac-rtp")
    answer, later = run["invite_to_200_ms"] or {}, after["invite_to_200_ms"] or {}
    table.row(
        rate, ack.removeprefix("--flood").lstrip("-") or "no", run["calls"]["answered"], run["calls"]["retr_invite"],
        answer.get("p50"), answer.get("p99"), after["calls"]["answered"], later.get("p99"),
        run["cpu"]["server_pct"], above / 1024, got_back,
    )  # fmt: skip
    return int(run["calls"]["answered"])


def memory(server: Processes) -> Bars:
    """Resident KB a waiting caller 40 s into the wait, when finished SIP transactions are gone; and given back?"""
    callers = int(os.environ.get("CALLERS", "300"))
    _warm_up(server)
    resident = Resident(server.all().values())
    base = resident.parts()
    ramp = callers / 50
    waiting = ("-n", callers, "-r", 50, "-w", 1, "-t", 45, "--uac-rtp", "-T", ramp + 75)
    with beside("sipload", "-s", server.sip, "-e", HOLD, *waiting) as load:
        time.sleep(ramp + 3)
        early = resident.parts()
        time.sleep(37)
        settled = resident.parts()
        load.communicate(timeout=120)
    time.sleep(40)
    after = resident.parts()
    table = Table("process", "base MB", "KB a caller, 3 s", "40 s", "of it transactions", "kept KB, 40 s after")
    rows = [*zip([*server.all()], base, early, settled, after, strict=True)]
    rows.append(("all", sum(base), sum(early), sum(settled), sum(after)))
    for name, at_first, soon, later, at_last in rows:
        table.row(
            name,
            at_first / 1024,
            (soon - at_first) / callers,
            (later - at_first) / callers,
            (soon - later) / callers,
            (at_last - at_first) / callers,
        )
    return {"memory": (sum(settled) - sum(base)) / callers}


def _warm_up(server: Processes) -> None:
    """One round of the same size first: code pages and pools that any server keeps are not a caller's cost."""
    sipload(server, HOLD, "-n", 50, "-r", 50, "-w", 1, "-t", 2, "--uac-rtp")


def timing(server: Processes) -> Bars:
    """How far outgoing packets are off the 20 ms grid, p99, against the floor's own on this machine."""
    callers = 300
    table = Table("waiting callers", "p50 ms off", "p99", "max", "floor p99", "x floor", "foreign %")
    ratios = []
    for _ in range(REPS):
        bare = floor.hold(callers, WINDOW_S)
        run = sipload(server, HOLD, "-n", callers, "-r", 50, "-w", 2, "-t", WINDOW_S, "--uac-rtp")
        off, foreign = run["jitter_ms"], run["cpu"]["foreign_pct"]
        ratios.append(off["p99"] / bare.jitter_p99_ms)
        table.row(callers, off["p50"], off["p99"], off["max"], bare.jitter_p99_ms, ratios[-1], foreign)
    return {"timing": median(ratios)}


def _all_heard(run: Json, side: str, legs: int) -> None:
    """A figure of silent calls is no figure."""
    heard = run[side]
    if heard["legs"] < legs or heard["silent_legs"]:
        raise RuntimeError(f"only {heard['legs'] - heard['silent_legs']} of {legs} heard anything: {run['calls']}")


def _threads(spent: ThreadCpu) -> str:
    return ", ".join(f"{name} {pct:.1f} %" for name, pct in spent.pct().items() if pct >= 0.05)


FIGURES: dict[str, Callable[[Processes], Bars]] = {
    "hold": hold,
    "bridge": bridge,
    "record": record,
    "setup": setup,
    "free": free,
    "flood": flood,
    "strangers": strangers,
    "memory": memory,
    "timing": timing,
}
