"""Telephone numbers: one form inside (E.164), any form outside.

`phonenumbers` does the reading. Numbers of up to six digits are short numbers of ours or the trunk's and stay as they
are; what is no number at all (`anonymous`, a user name) stays as it was received.
"""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

__all__ = ["e164", "is_number", "masked"]

SHORT: Final = 6
"""Digits of the longest short number."""
_WHOLE = re.compile(r"\+[1-9]\d{9,14}")
_WRITTEN = re.compile(r"\+?[\d\s().\-\u00a0]+")


@lru_cache(maxsize=65_536)
def e164(written: str, region: str = "RU") -> str:
    """`8 (800) 123-45-67` -> `+78001234567`. What cannot be read as a number is handed back unchanged."""
    text = written.strip()
    if _WHOLE.fullmatch(text):
        return text  # as most callers' numbers come
    digits = "".join(filter(str.isdigit, text))
    if not _WRITTEN.fullmatch(text) or not digits:
        return text
    if len(digits) <= SHORT and not text.startswith("+"):
        return digits
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_number(text: str) -> bool:
    """Whether `e164` made a number of it: short, or a possible one of the world's plan."""
    if text.isdigit():
        return len(text) <= SHORT
    if not text.startswith("+"):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, None))
    except phonenumbers.NumberParseException:
        return False


def masked(text: str) -> str:
    """`+78001234567` -> `+7800***67`: enough to tell two apart in a log, not enough to call."""
    return _LONG.sub(lambda found: f"{found[0][:5]}***{found[0][-2:]}", text)


_LONG = re.compile(r"\+?\d{10,15}")
