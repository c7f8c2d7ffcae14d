"""Which recordings of the pack say a phrase: every choice of words is made here.

A phrase that is not recorded whole is said in a way that is still true: a wait is rounded to a
recorded interval that contains it, a count in front to one that is not larger.
"""

from __future__ import annotations

from functools import lru_cache

from hotline.domain.phrases import Beep, Digits, MoreThan, Music, Number, PackPhrase, Phrase, Position, WaitMinutes
from hotline.speech.script import MORE_THAN, POSITIONS, WAITS, WAITS_OVER, digit_key

__all__ = ["pack_keys"]


@lru_cache(maxsize=4096)
def pack_keys(phrase: Phrase) -> tuple[str, ...] | None:
    """The keys of the recordings that say `phrase`, in order; ``None`` for the owner's own sounds."""
    match phrase:
        case PackPhrase(key=key):
            return (key,)
        case Position(number=number):
            return _position(number)
        case MoreThan(number=number):
            return _more_than(number)
        case WaitMinutes(low=low, high=high):
            return (_wait(low, high),)
        case Digits(digits=digits):
            return _digits(digits)
        case Number(number=number):
            return _number(number)
        case Beep():
            return ("beep",)
        case Music(path=None):
            return ("hold",)
        case _:
            return None


def _position(number: int) -> tuple[str, ...]:
    if number in POSITIONS:
        return (f"position-{number}",)
    return _more_than(number - 1)


def _more_than(number: int) -> tuple[str, ...]:
    known = max((n for n in MORE_THAN if n <= number), default=None)
    return ("please-wait",) if known is None else (f"more-than-{known}",)


def _wait(low: int, high: int) -> str:
    """The narrowest recorded interval around [low, high]; beyond an hour only what is surely true."""
    if high > 60:
        over = max((n for n in WAITS_OVER if n <= low), default=None)
        return "please-wait" if over is None else f"wait-over-{over}"
    low, high = max(0, min(low, high)), max(0, high)
    if low == high and high > 30:
        high = low = -(-high // 5) * 5
    around = [(b - a, b, a) for a, b in WAITS if a <= low and high <= b]
    _, end, start = min(around)
    return f"wait-{start}-{end}"


def _digits(digits: str) -> tuple[str, ...]:
    known = [digit for digit in digits if digit in "0123456789*#"]
    last = len(known) - 1
    return tuple(digit_key(digit, more=place < last) for place, digit in enumerate(known))


def _number(number: int) -> tuple[str, ...]:
    """Up to 999 in words; a longer number digit by digit, as one says a code."""
    if not 0 <= number < 1000:
        return _digits(str(number))
    keys: list[str] = []
    if number > 100 and number % 100:
        keys.append(f"number-{number // 100 * 100}-on")
        number %= 100
    if 20 < number < 100 and number % 10:
        keys.append(f"number-{number // 10 * 10}-on")
        number %= 10
    return (*keys, f"number-{number}")
