"""English grammar of the phrases that a hotline speaks: numbers, order, counts, money.

Cardinals below a billion, ordinals below ten thousand; ``ValueError`` beyond that.
"""

from __future__ import annotations

__all__ = [
    "cardinal",
    "clock_time",
    "count",
    "digits",
    "duration",
    "more_than",
    "ordinal",
    "position",
    "wait",
    "wait_over",
]


def cardinal(number: int) -> str:
    """`number` in words: ``cardinal(121)`` is ``"one hundred and twenty-one"``."""
    if not 0 <= number < 1_000_000_000:
        raise ValueError(f"no English words for {number}: it is not within 0 to 999999999")
    if number == 0:
        return "zero"
    words: list[str] = []
    for size, name in ((1_000_000, "million"), (1_000, "thousand")):
        group, number = divmod(number, size)
        if group:
            words.append(f"{_below_thousand(group)} {name}")
    if number:
        glue = "and " if words and number < 100 else ""
        words.append(glue + _below_thousand(number))
    return " ".join(words)


def ordinal(number: int) -> str:
    """`number` as a place in an order: ``ordinal(23)`` is ``"twenty-third"``. 0 to 9999."""
    if not 0 <= number < 10_000:
        raise ValueError(f"no English ordinal for {number}: it is not within 0 to 9999")
    words = cardinal(number)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:cut], words[cut:]
    if last in _IRREGULAR_ORDINALS:
        return head + _IRREGULAR_ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`number` and `noun`: ``"one minute"``, ``"two minutes"``."""
    return f"{cardinal(number)} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: int) -> str:
    """A length of time in hours, minutes and seconds: ``"one hour two minutes"``."""
    if seconds < 0:
        raise ValueError("a duration is not negative")
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (rest, "second")]
    return " ".join(count(n, noun) for n, noun in parts if n) or count(0, "second")


def clock_time(hour: int, minute: int) -> str:
    """A time of day: ``"nine oh five a m"``, ``"twelve p m"``."""
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(f"{hour}:{minute:02} is no time of day")
    words = [cardinal((hour + 11) % 12 + 1)]
    if minute:
        words += ["oh"] * (minute < 10) + [cardinal(minute)]
    return " ".join([*words, "a m" if hour < 12 else "p m"])


def digits(text: str) -> str:
    """A code digit by digit; ``*`` and ``#`` have their names on a telephone's keys."""
    try:
        return ", ".join(_KEYS[key] for key in text)
    except KeyError as key:
        raise ValueError(f"{key.args[0]!r} is no key of a telephone") from None


def position(number: int) -> str:
    """The caller's place in the queue, from 1."""
    if number < 1:
        raise ValueError("the first place in a queue is 1")
    return "You are first in the queue." if number == 1 else (f"You are number {cardinal(number)} in the queue.")


def wait_over(low: int) -> str:
    """That the wait is longer than `low` minutes, from 1."""
    if low == 60:
        return "The wait is more than an hour."
    if low == 30:
        return "The wait is more than half an hour."
    return f"The wait is more than {count(low, 'minute')}."


def more_than(number: int) -> str:
    """That more than `number` people wait in front."""
    return f"There are more than {count(number, 'person', 'people')} ahead of you."


def wait(low: int, high: int) -> str:
    """The expected wait in minutes; ``low == high`` is one figure, ``high == 0`` under a minute."""
    if not 0 <= low <= high:
        raise ValueError(f"{low} to {high} minutes is no interval")
    if high == 0:
        return "The wait is less than a minute."
    if low == high:
        return f"The wait is about {count(high, 'minute')}."
    if low == 0:
        return f"The wait is up to {count(high, 'minute')}."
    return f"The wait is between {cardinal(low)} and {count(high, 'minute')}."


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    head = f"{_SMALL[hundreds]} hundred"
    return f"{head} and {_below_hundred(rest)}" if rest else head


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, rest = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[rest]}" if rest else _TENS[tens]


_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_KEYS = {str(n): _SMALL[n] for n in range(10)} | {"*": "star", "#": "hash"}
