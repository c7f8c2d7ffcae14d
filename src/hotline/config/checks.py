"""The proofs of `domain/flow/check.py`, each finding with the line of the node it is about."""

from hotline.config.text import Source
from hotline.domain.settings import Finding, Settings

__all__ = ["proofs"]


def proofs(source: Source, settings: Settings) -> list[Finding]:
    """What the static proof says of settings that are otherwise in order."""
    return []
