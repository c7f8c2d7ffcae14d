"""Static proofs about flows: nothing leads nowhere, nothing runs in circles, help is never far.

Law: from every menu a human, a callback or a voicemail is at most two inputs away while we are open, unless
the queue that stands there carries a named waiver. A queue without operators needs one, too.
`Finding.where` is the dotted place in the settings: `flows.NAME.NODE`, `queues.NAME`, `numbers.NUMBER`.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from hotline.domain.settings import (
    Answer,
    Echo,
    Enqueue,
    Finding,
    Flow,
    Hangup,
    Hours,
    Menu,
    Node,
    RecordingNotice,
    Say,
    Settings,
    Voicemail,
)

__all__ = ["FAR", "check", "distances", "edges"]

FAR: Final = 1000
"""Inputs to help where there is none."""
MOST_INPUTS: Final = 2

Edge = tuple[str, Literal["by_itself", "by_input", "by_time"]]


def check(settings: Settings) -> list[Finding]:
    """Everything that can be proved wrong about the flows of some settings, and every waiver."""
    findings = [*_names(settings), *_queues(settings)]
    for flow in settings.flows.values():
        findings += _flow(settings, flow)
    return findings


def edges(node: Node) -> Iterator[Edge]:
    """Where a node leads: by itself, by something that the caller does, or after a wait that he bears knowingly."""
    match node:
        case Answer() | Say() | RecordingNotice():
            yield node.next, "by_itself"
        case Hours():
            yield node.open, "by_itself"
            yield node.closed, "by_itself"
        case Menu():
            for target in node.choices.values():
                yield target, "by_input"
            # A caller who is silent takes this way without any input.
            yield node.failed, "by_itself"
        case Enqueue():
            for target in node.keys.values():
                yield target, "by_input"
            for immediate in (node.on_full, node.on_no_operator):
                if immediate is not None:
                    yield immediate, "by_itself"
            if node.on_timeout is not None:
                yield node.on_timeout, "by_time"
        case Voicemail():
            if node.next is not None:
                yield node.next, "by_input"
        case Echo():
            if node.next is not None:
                yield node.next, "by_itself"
        case Hangup():
            return


def distances(settings: Settings, flow: Flow, *, closed: bool = False) -> dict[str, int]:
    """For each node, the fewest inputs to a human, a callback or a voicemail; FAR when there is no way.

    `closed`: whether hours are taken to be over instead of on.
    """
    far = dict.fromkeys(flow.nodes, FAR)
    for _ in flow.nodes:
        before = dict(far)
        for name, node in flow.nodes.items():
            far[name] = min(far[name], _distance(settings, node, before, closed=closed))
        if far == before:
            break
    return far


def _distance(settings: Settings, node: Node, far: dict[str, int], *, closed: bool) -> int:
    if isinstance(node, Voicemail) or (isinstance(node, Enqueue) and _helps(settings, node)):
        return 0
    if isinstance(node, Hours):
        return far.get(node.closed if closed else node.open, FAR)
    if isinstance(node, Menu):
        return 1 + min((far.get(target, FAR) for target, _ in edges(node)), default=FAR)
    return min((far.get(target, FAR) + (kind == "by_input") for target, kind in edges(node)), default=FAR)


def _helps(settings: Settings, node: Enqueue) -> bool:
    """A queue with people in it; or one whose waiver says why there are none."""
    queue = settings.queues.get(node.queue)
    return queue is not None and bool(queue.operators or queue.waiver)


# --- names --------------------------------------------------------------------------------------


def _names(settings: Settings) -> Iterator[Finding]:
    """Numbers and queues that name what does not exist."""
    for number in settings.numbers.values():
        if number.flow not in settings.flows:
            yield _error(
                f"numbers.{number.number}",
                f'number {number.number} leads to flow "{number.flow}", which does not exist',
            )
    for queue in settings.queues.values():
        for operator in queue.operators:
            if operator not in settings.operators:
                yield _error(
                    f"queues.{queue.name}", f'queue "{queue.name}" names operator "{operator}", who does not exist'
                )


def _queues(settings: Settings) -> Iterator[Finding]:
    """Queues where nobody answers, and every waiver by name."""
    used = {node.queue for flow in settings.flows.values() for node in flow.nodes.values() if isinstance(node, Enqueue)}
    for queue in settings.queues.values():
        place = f"queues.{queue.name}"
        if queue.waiver:
            yield Finding(severity="waived", where=place, sentence=f'queue "{queue.name}": {queue.waiver}')
        elif not queue.operators and queue.name in used:
            yield _error(
                place,
                f'queue "{queue.name}" has no operators, so whoever waits in it waits in vain; '
                "give it operators, or a waiver that says why not",
            )
        elif queue.name not in used:
            yield Finding(severity="warning", where=place, sentence=f'queue "{queue.name}" is used by no flow')


# --- one flow -----------------------------------------------------------------------------------


def _flow(settings: Settings, flow: Flow) -> Iterator[Finding]:
    if flow.start not in flow.nodes:
        yield _error(f"flows.{flow.name}", f'flow "{flow.name}" starts at "{flow.start}", which does not exist')
        return
    for name, node in flow.nodes.items():
        yield from _node(settings, flow, name, node)
    yield from _unreachable(flow)
    yield from _circles(flow)
    yield from _help(settings, flow)
    yield from _unannounced(settings, flow)


def _node(settings: Settings, flow: Flow, name: str, node: Node) -> Iterator[Finding]:
    """Targets, queues and hours that do not exist; menus that offer nothing."""
    place = f"flows.{flow.name}.{name}"
    for target in dict.fromkeys(target for target, _ in edges(node)):
        if target not in flow.nodes:
            yield _error(place, f'node "{name}" leads to "{target}", which does not exist')
    if isinstance(node, Enqueue) and node.queue not in settings.queues:
        yield _error(place, f'node "{name}" puts callers into queue "{node.queue}", which does not exist')
    if isinstance(node, Hours) and node.table not in settings.hours:
        yield _error(place, f'node "{name}" asks for hours "{node.table}", which do not exist')
    if isinstance(node, Menu) and not node.choices:
        yield _error(place, f'menu "{name}" offers no choice')
    if isinstance(node, Menu):
        for keys in node.choices:
            if not keys or not set(keys) <= set("0123456789*#"):
                yield _error(place, f'menu "{name}" has a choice "{keys}", which no telephone can press')


def _unreachable(flow: Flow) -> Iterator[Finding]:
    seen = _closure(flow, [flow.start], lambda kind: True)
    for name in flow.nodes:
        if name not in seen:
            yield Finding(
                severity="warning",
                where=f"flows.{flow.name}.{name}",
                sentence=f'no caller ever comes to node "{name}"',
            )


def _circles(flow: Flow) -> Iterator[Finding]:
    """Circles that a caller can run through for ever without doing anything."""
    told: set[str] = set()
    for name, node in flow.nodes.items():
        ahead = [target for target, kind in edges(node) if kind == "by_itself"]
        circle = _closure(flow, ahead, lambda kind: kind == "by_itself")
        if name in circle and name not in told:
            told |= {other for other in circle if name in _closure(flow, [other], lambda k: k == "by_itself")}
            yield _error(
                f"flows.{flow.name}.{name}",
                f'node "{name}" leads back to itself without the caller doing anything: he would never get out',
            )


def _closure(flow: Flow, starts: list[str], follow: Callable[[str], bool]) -> dict[str, None]:
    """Nodes that can be reached from `starts`, themselves included."""
    seen: dict[str, None] = {}
    ahead = [name for name in starts if name in flow.nodes]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen[name] = None
        ahead += [t for t, kind in edges(flow.nodes[name]) if follow(kind) and t in flow.nodes]
    return seen


def _help(settings: Settings, flow: Flow) -> Iterator[Finding]:
    """Menus from which no help is near."""
    while_open = distances(settings, flow)
    while_closed = distances(settings, flow, closed=True)
    for name, node in flow.nodes.items():
        if not isinstance(node, Menu):
            continue
        place = f"flows.{flow.name}.{name}"
        if while_open[name] >= FAR:
            yield _error(place, f'menu "{name}" leads to no operator and no voicemail, whatever is pressed')
        elif while_open[name] > MOST_INPUTS:
            yield _error(
                place,
                f'from menu "{name}" an operator or a voicemail is {while_open[name]} inputs away; '
                f"at most {MOST_INPUTS} are fair",
            )
        elif while_closed[name] > MOST_INPUTS:
            yield Finding(
                severity="warning",
                where=place,
                sentence=f'out of hours menu "{name}" leads to no operator and no voicemail',
            )


def _unannounced(settings: Settings, flow: Flow) -> Iterator[Finding]:
    """Queues that record callers who were never told."""
    untold = Flow(
        name=flow.name,
        start=flow.start,
        nodes={name: node for name, node in flow.nodes.items() if not isinstance(node, RecordingNotice)},
    )
    for name in _closure(untold, [flow.start], lambda kind: True):
        node = flow.nodes[name]
        queue = settings.queues.get(node.queue) if isinstance(node, Enqueue) else None
        if queue is not None and queue.record:
            yield Finding(
                severity="warning",
                where=f"flows.{flow.name}.{name}",
                sentence=f'queue "{queue.name}" records callers who have not been told; '
                "put a recording notice before it",
            )


def _error(where: str, sentence: str) -> Finding:
    return Finding(severity="error", where=where, sentence=sentence)
