"""Spells a Russian text out in words and plain stops, for a voice that stumbles over signs.

Festival's Russian voice gives nothing at all on a lone dash, on quotation marks, the number and
per cent signs and on dates with dots (measured: SPEECH.md, section 2).
"""

from __future__ import annotations

import re

from hotline.speech import russian

__all__ = ["spelled_out"]


def spelled_out(text: str) -> str:
    """`text` in letters, spaces and the stops ``. , ! ?`` only."""
    text = re.sub(r"(\d+)\s*%", _per_cent, text)
    text = text.replace("№", " номер ").replace("+", " плюс ").replace("&", " и ")
    text = re.sub(r"\d+", _number, text)
    text = re.sub(r"\s+[-–—]+\s+|\s*[;:]\s*", ", ", text)
    text = re.sub(r"[^\w\s.,!?-]|_", " ", text)
    text = re.sub(r"\s+([.,!?])", r"\1", text)
    text = re.sub(r"([.,!?])(?=[^\s.,!?])", r"\1 ", text)
    return re.sub(r"([.,!?])[.,!?]+", r"\1", " ".join(text.split())).strip(" ,-")


def _per_cent(found: re.Match[str]) -> str:
    number = int(found[1])
    if number % 10 == 1 and number % 100 != 11:
        return f"{found[1]} процент"
    few = 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14
    return f"{found[1]} {'процента' if few else 'процентов'}"


def _number(found: re.Match[str]) -> str:
    digits = found[0]
    if digits.startswith("0") or len(digits) > 9:
        return f" {russian.digits(digits).replace(',', '')} "
    return f" {russian.cardinal(int(digits))} "
