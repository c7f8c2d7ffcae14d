"""What is going on right now, as plain values: for the board, `hotline operator list` and `hotline status`."""

from collections import Counter
from typing import Any

from hotline.engine.loop import Engine

__all__ = ["status"]


def status(engine: Engine) -> dict[str, Any]:
    """Queues, operators and calls at this moment. Called on the engine's event loop, between two steps."""
    state, now = engine.state, engine.now
    settings = state.settings
    people = settings.operators if settings else {}
    queues = settings.queues if settings else {}
    calls = Counter(call.state for call in state.calls.values())
    return {
        "company": settings.company if settings else "",
        "calls": {"active": len(state.calls), "by_state": dict(sorted(calls.items()))},
        "queues": [
            {
                "queue": queue.id,
                "waiting": len(queue.line),
                "longest_s": max(0, now - queue.line[0][0]) // 1_000_000 if queue.line else 0,
                "free": sum(_is_free(state.operators.get(name)) for name in queues[queue.id].operators)
                if queue.id in queues
                else 0,
            }
            for queue in state.queues.values()
        ],
        "operators": [
            {
                "operator": person.id,
                "name": people[person.id].name if person.id in people else person.id,
                "presence": person.presence,
                "reason": person.reason,
                "reachable": person.reachable,
                "state": person.state,
                "since_s": max(0, now - person.state_at) // 1_000_000,
            }
            for person in state.operators.values()
        ],
    }


def _is_free(person: Any) -> bool:
    return person is not None and person.presence == "ready" and person.reachable and person.state == "idle"
