"""What Prometheus may ask the engine: state read at the moment of the question, counters fed by written records.

Names as STACK section 4: base units, prefix `hotline_`, never a telephone number as a label.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hotline.domain.facts import CallEnded, QueueLeft
from hotline.domain.records import Record
from hotline.engine.loop import Engine
from hotline.voice.link import Link
from hotline.voice.process import Switch

__all__ = ["Metrics"]


class Metrics:
    """One engine's figures."""

    def __init__(self, engine: Engine, link: Link, switch: Switch) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_State(engine, link, switch))
        self._ended = Counter("hotline_calls", "Calls that ended, by outcome.", ["outcome"], registry=self._registry)
        self._waits = Histogram(
            "hotline_queue_wait_seconds",
            "Waits that ended, by queue and how.",
            ["queue", "reason"],
            buckets=WAITS,
            registry=self._registry,
        )

    def see(self, records: Sequence[Record]) -> None:
        """Counts what was written; called by the engine."""
        for record in records:
            for fact in record.facts:
                if isinstance(fact, CallEnded):
                    self._ended.labels(fact.outcome).inc()
                elif isinstance(fact, QueueLeft):
                    self._waits.labels(fact.queue, fact.reason).observe(fact.waited_ms / 1000)

    async def serve(self, address: str) -> asyncio.Server:
        """Answers `GET /metrics` on `address`. Raises OSError when the port is taken."""
        host, _, port = address.rpartition(":")
        return await asyncio.start_server(self._answer, host.strip("[]"), int(port), limit=LONGEST_REQUEST)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer (HTTP/1.0: the connection ends with it)."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                wanted = head.split(b" ", 2)[1:2] == [b"/metrics"]
                body = generate_latest(self._registry) if wanted else b"there is /metrics\n"
                kind = CONTENT_TYPE_LATEST if wanted else "text/plain"
                status = "200 OK" if wanted else "404 Not Found"
                writer.write(
                    f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                )
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # somebody who is no Prometheus
        finally:
            writer.close()


class _State(Collector):
    """Gauges of the living state."""

    def __init__(self, engine: Engine, link: Link, switch: Switch) -> None:
        self._engine = engine
        self._link = link
        self._switch = switch

    def collect(self) -> Iterator[Metric]:
        state, figures = self._engine.state, self._engine.figures
        yield GaugeMetricFamily("hotline_calls_active", "Calls in progress.", len(state.calls))
        waiting = GaugeMetricFamily("hotline_queue_waiting", "Callers who wait, by queue.", labels=["queue"])
        for queue in state.queues.values():
            waiting.add_metric([queue.id], len(queue.line))
        yield waiting
        people = GaugeMetricFamily(
            "hotline_operators", "Operators, by presence and state.", labels=["presence", "state"]
        )
        tally = Tally((person.presence, person.state) for person in state.operators.values())
        for (presence, doing), count in sorted(tally.items()):
            people.add_metric([presence, doing], count)
        yield people
        trunks = GaugeMetricFamily("hotline_trunk_up", "Whether a trunk can be used.", labels=["trunk"])
        for trunk, up in sorted(state.trunks.items()):
            trunks.add_metric([trunk], int(up))
        yield trunks
        yield GaugeMetricFamily("hotline_link_up", "Whether the switch hears the engine.", int(self._link.is_up))
        yield CounterMetricFamily(
            "hotline_switch_restarts", "Times the switch had to be started again.", self._switch.restarts
        )
        yield CounterMetricFamily("hotline_engine_inputs", "Inputs handled.", figures.inputs)
        yield CounterMetricFamily("hotline_engine_batches", "Journal transactions.", figures.batches)
        yield CounterMetricFamily(
            "hotline_engine_failed_inputs", "Inputs that could not be handled: bugs.", figures.failed
        )


WAITS: Final = (0.1, 1, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
LONGEST_REQUEST: Final = 8192
PATIENCE: Final = 5.0
