"""The proofs of `domain/flow/check.py`, each finding with the line of what it is about."""

from dataclasses import replace

from hotline.config.text import Source
from hotline.domain.flow.check import check
from hotline.domain.settings import Finding, Settings

__all__ = ["proofs"]


def proofs(source: Source, settings: Settings) -> list[Finding]:
    """What the static proof says of settings whose names are in order."""
    return [replace(found, where=source.where(tuple(found.where.split(".")))) for found in check(settings)]
