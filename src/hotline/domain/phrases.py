"""What a leg is to hear, in words of the hotline; `speech` turns each phrase into sound files."""

from dataclasses import dataclass

__all__ = [
    "PACK_KEYS",
    "Beep",
    "Digits",
    "MoreThan",
    "Music",
    "Number",
    "OwnFile",
    "OwnText",
    "PackPhrase",
    "Phrase",
    "Position",
    "WaitMinutes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPhrase:
    """A phrase of the shipped prompt pack, by key."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnText:
    """The owner's own words, spoken by the installed voice."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """The owner's own recording, by path."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """ "You are number N in the queue.\""""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreThan:
    """ "More than N people are waiting before you.\""""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitMinutes:
    """ "From LOW to HIGH minutes"; equal bounds are "about N minutes"."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Digits read one by one: a code, a number."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A cardinal number."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beep:
    """The tone before a voicemail is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Hold music: the shipped piece, or the owner's file."""

    path: str | None = None


Phrase = PackPhrase | OwnText | OwnFile | Position | MoreThan | WaitMinutes | Digits | Number | Beep | Music

PACK_KEYS = (
    "closed",
    "connecting",
    "echo",
    "goodbye",
    "no-input",
    "no-operators",
    "number-not-in-service",
    "operator-paused",
    "operator-ready",
    "operator-signed-out",
    "please-wait",
    "queue-full",
    "reconnecting",
    "recording-notice-refusable",
    "voicemail",
    "voicemail-saved",
    "waited-too-long",
    "wrong-key",
)
"""What the product itself says: every key that the domain may name stands in the shipped pack."""
