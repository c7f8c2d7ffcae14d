"""`apply(memory, fact)`: the only door through which state changes.

Law: total. A fact of the journal is never refused, whatever it speaks of.
"""

from collections.abc import Callable
from typing import Any, Final

from hotline.domain import call, facts, operator, recording
from hotline.domain.facts import Fact
from hotline.domain.memory import Memory
from hotline.domain.queue import line

__all__ = ["apply"]


def apply(memory: Memory, fact: Fact) -> None:
    """Makes a fact true."""
    state = memory.state
    if fact.at > state.at:
        state.at = fact.at
    for change in _CHANGES[type(fact)]:
        change(memory, fact)


def _journal_opened(memory: Memory, fact: facts.JournalOpened) -> None:
    memory.state.seed = fact.seed


def _settings_taken(memory: Memory, fact: facts.SettingsTaken) -> None:
    state = memory.state
    before = state.settings
    state.settings = fact.settings
    if before is not None and all(c.revision != before.revision for c in state.calls.values()):
        state.revisions.pop(before.revision, None)
    state.revisions[fact.settings.revision] = fact.settings
    operator.renew(memory, fact.at)
    for queue in list(state.queues.values()):
        if not queue.line and queue.id not in fact.settings.queues:
            del state.queues[queue.id]
    stirred = dict.fromkeys(fact.settings.queues)
    memory.rebuild()
    memory.stirred = stirred


def _switch_began(memory: Memory, fact: facts.SwitchBegan) -> None:
    memory.state.boot = fact.boot


def _trunk_health_changed(memory: Memory, fact: facts.TrunkHealthChanged) -> None:
    memory.state.trunks[fact.trunk] = fact.up


_OWN: Final[dict[type, Callable[[Memory, Any], None]]] = {
    facts.JournalOpened: _journal_opened,
    facts.SettingsTaken: _settings_taken,
    facts.SwitchBegan: _switch_began,
    facts.TrunkHealthChanged: _trunk_health_changed,
}

_CHANGES: Final[dict[type, tuple[Callable[[Memory, Any], None], ...]]] = {}
for _part in (_OWN, call.APPLY, line.APPLY, operator.APPLY, recording.APPLY):
    for _kind, _change in _part.items():
        _CHANGES[_kind] = (*_CHANGES.get(_kind, ()), _change)
