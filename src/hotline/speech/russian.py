"""Russian grammar of the phrases that a hotline speaks: numbers, order, counts, money.

Everything that decides the form of a Russian word lives in this file.
It covers what spoken prompts need (cardinals below a billion, ordinals below ten thousand,
nouns counted in all six cases) and raises ``ValueError`` beyond that, never a wrong form.

Rules: Zaliznyak's declension of numerals; Rosental, section 163-167 (noun after a numeral).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

__all__ = [
    "CALL",
    "DAY",
    "HOUR",
    "KOPECK",
    "MINUTE",
    "PERSON",
    "ROUBLE",
    "SECOND",
    "Case",
    "Gender",
    "Noun",
    "cardinal",
    "clock_time",
    "count",
    "digits",
    "duration",
    "money",
    "more_than",
    "ordinal",
    "position",
    "wait",
    "wait_over",
]


_Forms = tuple[str, str, str, str, str, str]
"""A word in the six cases, in the order of `Case`."""


class Case(IntEnum):
    """The six cases, in the order in which every table below lists its forms."""

    NOMINATIVE = 0
    GENITIVE = 1
    DATIVE = 2
    ACCUSATIVE = 3
    INSTRUMENTAL = 4
    PREPOSITIONAL = 5


class Gender(Enum):
    """Grammatical gender."""

    MASCULINE = "m"
    FEMININE = "f"
    NEUTER = "n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A noun's forms in the order of `Case`; the plural genitive is the form after a numeral."""

    gender: Gender
    singular: _Forms
    plural: _Forms
    animate: bool = False


def cardinal(
    number: int,
    *,
    gender: Gender = Gender.MASCULINE,
    case: Case = Case.NOMINATIVE,
    animate: bool = False,
) -> str:
    """`number` in words: ``cardinal(2, gender=FEMININE)`` is ``"две"``. 0 to 999 999 999."""
    if not 0 <= number < 1_000_000_000:
        raise ValueError(f"no Russian words for {number}: it is not within 0 to 999999999")
    if number == 0:
        return _ZERO[case]
    words: list[str] = []
    for size, noun in ((1_000_000, _MILLION), (1_000, _THOUSAND)):
        group, number = divmod(number, size)
        if group == 1:
            words.append(noun.singular[case])
        elif group:
            words.append(count(group, noun, case=case))
    words += _below_thousand(number, gender, case, animate)
    return " ".join(words)


def ordinal(
    number: int,
    *,
    gender: Gender = Gender.MASCULINE,
    case: Case = Case.NOMINATIVE,
    animate: bool = False,
) -> str:
    """`number` as a place in an order: ``ordinal(23)`` is ``"двадцать третий"``. 0 to 9999."""
    if not 0 <= number < 10_000:
        raise ValueError(f"no Russian ordinal for {number}: it is not within 0 to 9999")
    last = _last_ordinal_part(number)
    word = _adjective(last, gender, case, animate)
    rest = number - last
    return f"{cardinal(rest)} {word}" if rest else word


def count(number: int, noun: Noun, *, case: Case = Case.NOMINATIVE) -> str:
    """`number` and `noun` agreeing in `case`: 21 minutes, genitive: ``"двадцати одной минуты"``."""
    words = cardinal(number, gender=noun.gender, case=case, animate=noun.animate)
    return f"{words} {_after_numeral(number, noun, case)}"


def duration(seconds: int) -> str:
    """A length of time in hours, minutes and seconds: ``"один час две минуты"``."""
    if seconds < 0:
        raise ValueError("a duration is not negative")
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(hours, HOUR), (minutes, MINUTE), (rest, SECOND)]
    return " ".join(count(n, noun) for n, noun in parts if n) or count(0, SECOND)


def clock_time(hour: int, minute: int) -> str:
    """A time of day, 24 hours: ``"девять часов пять минут"``, ``"десять часов"``."""
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(f"{hour}:{minute:02} is no time of day")
    words = count(hour, HOUR)
    return f"{words} {count(minute, MINUTE)}" if minute else words


def money(kopecks: int) -> str:
    """An amount in kopecks: 12150 is ``"сто двадцать один рубль пятьдесят копеек"``."""
    if kopecks < 0:
        raise ValueError("say a debt in words of its own, an amount is not negative")
    roubles, rest = divmod(kopecks, 100)
    parts = [count(roubles, ROUBLE)] if roubles or not rest else []
    if rest:
        parts.append(count(rest, KOPECK))
    return " ".join(parts)


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
    return f"Вы {ordinal(number)} в очереди."


def wait_over(low: int) -> str:
    """That the wait is longer than `low` minutes, from 1."""
    if low == 60:
        return "Ждать больше часа."
    if low == 30:
        return "Ждать больше получаса."
    return f"Ждать больше {count(low, MINUTE, case=Case.GENITIVE)}."


def more_than(number: int) -> str:
    """That more than `number` people wait in front."""
    return f"Перед вами больше {count(number, PERSON, case=Case.GENITIVE)}."


def wait(low: int, high: int) -> str:
    """The expected wait in minutes; ``low == high`` is one figure, ``high == 0`` under a minute."""
    if not 0 <= low <= high:
        raise ValueError(f"{low} to {high} minutes is no interval")
    if high == 0:
        return "Ждать меньше минуты."
    if low == high == 1:
        return "Ждать около минуты."
    if low == high:
        return f"Ждать около {count(high, MINUTE, case=Case.GENITIVE)}."
    if low == 0:
        return f"Ждать не больше {count(high, MINUTE, case=Case.GENITIVE)}."
    start = cardinal(low, gender=Gender.FEMININE, case=Case.GENITIVE)
    return f"Ждать от {start} до {count(high, MINUTE, case=Case.GENITIVE)}."


def _after_numeral(number: int, noun: Noun, case: Case) -> str:
    """Rosental 163: one takes the singular, two to four the genitive singular, the rest the
    genitive plural; in an oblique case everything but one takes the plural of that case."""
    ends_in_one = number % 10 == 1 and number % 100 != 11
    if ends_in_one:
        return noun.singular[case]
    if number == 0 or number % 1000 == 0:  # zero, thousands, millions govern like nouns
        return noun.plural[Case.GENITIVE]
    if case not in (Case.NOMINATIVE, Case.ACCUSATIVE):
        return noun.plural[case]
    if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14:
        animate_two = noun.animate and case is Case.ACCUSATIVE and number < 5
        return noun.plural[Case.GENITIVE] if animate_two else noun.singular[Case.GENITIVE]
    return noun.plural[Case.GENITIVE]


def _below_thousand(number: int, gender: Gender, case: Case, animate: bool) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_HUNDREDS[hundreds][case]] if hundreds else []
    if rest >= 20:
        words.append(_TENS[rest // 10][case])
        rest %= 10
    if rest == 1:
        words.append(_accusative(_ONE[gender], case, animate and gender is Gender.MASCULINE))
    elif 2 <= rest <= 4:
        # "двадцать два клиента" keeps the inanimate form, a bare "двух клиентов" does not.
        forms = _TWO[gender] if rest == 2 else _SMALL[rest]
        words.append(_accusative(forms, case, animate and number < 5))
    elif rest:
        words.append(_SMALL[rest][case])
    return words


def _accusative(forms: _Forms, case: Case, like_genitive: bool) -> str:
    if case is Case.ACCUSATIVE and like_genitive:
        return forms[Case.GENITIVE]
    return forms[case]


def _last_ordinal_part(number: int) -> int:
    """The part of a compound that is declined: 123 -> 3, 120 -> 20, 100 -> 100, 2000 -> 2000."""
    below_hundred = number % 100
    if 0 < below_hundred < 20:
        return below_hundred
    for modulus in (10, 100, 1000):
        if number % modulus:
            return number % modulus
    return number


def _adjective(number: int, gender: Gender, case: Case, animate: bool) -> str:
    stem = _ordinal_stem(number)
    if number == 3:
        endings = _THIRD_ENDINGS[gender]
    else:
        endings = _HARD_ENDINGS[gender]
        if gender is Gender.MASCULINE and number in _STRESSED_ENDING:
            endings = ("ой", *endings[1:3], "ой", *endings[4:])
    return stem + _accusative(endings, case, animate and gender is Gender.MASCULINE)


def _ordinal_stem(number: int) -> str:
    if number in _ORDINAL_STEMS:
        return _ORDINAL_STEMS[number]
    if 11 <= number <= 30:
        return _cut_soft_sign(cardinal(number))
    if number in (50, 60, 70, 80):
        return cardinal(number, case=Case.GENITIVE).removesuffix("и")
    if number < 1000:  # 200 to 900: двухсот-ый, пятисот-ый
        return _HUNDREDS[number // 100][Case.GENITIVE]
    return cardinal(number // 1000, case=Case.GENITIVE) + "тысячн"


def _cut_soft_sign(word: str) -> str:
    return word.removesuffix("ь")


def _like_five(stem: str) -> _Forms:
    """пять, пяти, пяти, пять, пятью, пяти: the pattern of 5 to 20 and 30."""
    return (stem + "ь", stem + "и", stem + "и", stem + "ь", stem + "ью", stem + "и")


_ZERO = ("ноль", "ноля", "нолю", "ноль", "нолём", "ноле")
_ONE = {
    Gender.MASCULINE: ("один", "одного", "одному", "один", "одним", "одном"),
    Gender.FEMININE: ("одна", "одной", "одной", "одну", "одной", "одной"),
    Gender.NEUTER: ("одно", "одного", "одному", "одно", "одним", "одном"),
}
_TWO = {
    Gender.MASCULINE: ("два", "двух", "двум", "два", "двумя", "двух"),
    Gender.FEMININE: ("две", "двух", "двум", "две", "двумя", "двух"),
    Gender.NEUTER: ("два", "двух", "двум", "два", "двумя", "двух"),
}
_SMALL: dict[int, _Forms] = {
    3: ("три", "трёх", "трём", "три", "тремя", "трёх"),
    4: ("четыре", "четырёх", "четырём", "четыре", "четырьмя", "четырёх"),
    8: ("восемь", "восьми", "восьми", "восемь", "восемью", "восьми"),
} | {
    number: _like_five(stem)
    for number, stem in {
        5: "пят",
        6: "шест",
        7: "сем",
        9: "девят",
        10: "десят",
        11: "одиннадцат",
        12: "двенадцат",
        13: "тринадцат",
        14: "четырнадцат",
        15: "пятнадцат",
        16: "шестнадцат",
        17: "семнадцат",
        18: "восемнадцат",
        19: "девятнадцат",
    }.items()
}
_TENS: dict[int, _Forms] = {
    2: _like_five("двадцат"),
    3: _like_five("тридцат"),
    4: ("сорок", "сорока", "сорока", "сорок", "сорока", "сорока"),
    9: ("девяносто", "девяноста", "девяноста", "девяносто", "девяноста", "девяноста"),
} | {
    number: (
        _SMALL[number][0] + "десят",
        oblique,
        oblique,
        _SMALL[number][0] + "десят",
        _SMALL[number][Case.INSTRUMENTAL] + "десятью",
        oblique,
    )
    for number in (5, 6, 7, 8)
    for oblique in (_SMALL[number][Case.GENITIVE] + "десяти",)
}
_HUNDREDS: dict[int, _Forms] = {
    1: ("сто", "ста", "ста", "сто", "ста", "ста"),
    2: ("двести", "двухсот", "двумстам", "двести", "двумястами", "двухстах"),
    3: ("триста", "трёхсот", "трёмстам", "триста", "тремястами", "трёхстах"),
    4: ("четыреста", "четырёхсот", "четырёмстам", "четыреста", "четырьмястами", "четырёхстах"),
} | {
    number: (
        forms[Case.NOMINATIVE] + "сот",
        forms[Case.GENITIVE] + "сот",
        forms[Case.DATIVE] + "стам",
        forms[Case.NOMINATIVE] + "сот",
        forms[Case.INSTRUMENTAL] + "стами",
        forms[Case.PREPOSITIONAL] + "стах",
    )
    for number in (5, 6, 7, 8, 9)
    for forms in (_SMALL[number],)
}

_STRESSED_ENDING = frozenset({0, 2, 6, 7, 8, 40})
_ORDINAL_STEMS = {
    0: "нулев",
    1: "перв",
    2: "втор",
    3: "трет",
    4: "четвёрт",
    5: "пят",
    6: "шест",
    7: "седьм",
    8: "восьм",
    9: "девят",
    10: "десят",
    40: "сороков",
    90: "девяност",
    100: "сот",
    1000: "тысячн",
}
_HARD_ENDINGS = {
    Gender.MASCULINE: ("ый", "ого", "ому", "ый", "ым", "ом"),
    Gender.FEMININE: ("ая", "ой", "ой", "ую", "ой", "ой"),
    Gender.NEUTER: ("ое", "ого", "ому", "ое", "ым", "ом"),
}
_THIRD_ENDINGS = {
    Gender.MASCULINE: ("ий", "ьего", "ьему", "ий", "ьим", "ьем"),
    Gender.FEMININE: ("ья", "ьей", "ьей", "ью", "ьей", "ьей"),
    Gender.NEUTER: ("ье", "ьего", "ьему", "ье", "ьим", "ьем"),
}

_M, _F = Gender.MASCULINE, Gender.FEMININE
_THOUSAND = Noun(
    gender=_F,
    singular=("тысяча", "тысячи", "тысяче", "тысячу", "тысячей", "тысяче"),
    plural=("тысячи", "тысяч", "тысячам", "тысячи", "тысячами", "тысячах"),
)
_MILLION = Noun(
    gender=_M,
    singular=("миллион", "миллиона", "миллиону", "миллион", "миллионом", "миллионе"),
    plural=("миллионы", "миллионов", "миллионам", "миллионы", "миллионами", "миллионах"),
)
SECOND = Noun(
    gender=_F,
    singular=("секунда", "секунды", "секунде", "секунду", "секундой", "секунде"),
    plural=("секунды", "секунд", "секундам", "секунды", "секундами", "секундах"),
)
MINUTE = Noun(
    gender=_F,
    singular=("минута", "минуты", "минуте", "минуту", "минутой", "минуте"),
    plural=("минуты", "минут", "минутам", "минуты", "минутами", "минутах"),
)
HOUR = Noun(
    gender=_M,
    singular=("час", "часа", "часу", "час", "часом", "часе"),
    plural=("часы", "часов", "часам", "часы", "часами", "часах"),
)
DAY = Noun(
    gender=_M,
    singular=("день", "дня", "дню", "день", "днём", "дне"),
    plural=("дни", "дней", "дням", "дни", "днями", "днях"),
)
ROUBLE = Noun(
    gender=_M,
    singular=("рубль", "рубля", "рублю", "рубль", "рублём", "рубле"),
    plural=("рубли", "рублей", "рублям", "рубли", "рублями", "рублях"),
)
KOPECK = Noun(
    gender=_F,
    singular=("копейка", "копейки", "копейке", "копейку", "копейкой", "копейке"),
    plural=("копейки", "копеек", "копейкам", "копейки", "копейками", "копейках"),
)
PERSON = Noun(
    gender=_M,
    singular=("человек", "человека", "человеку", "человека", "человеком", "человеке"),
    plural=("люди", "человек", "людям", "людей", "людьми", "людях"),
    animate=True,
)
CALL = Noun(
    gender=_M,
    singular=("звонок", "звонка", "звонку", "звонок", "звонком", "звонке"),
    plural=("звонки", "звонков", "звонкам", "звонки", "звонками", "звонках"),
)
_KEYS = {str(n): cardinal(n) for n in range(10)} | {"*": "звёздочка", "#": "решётка"}
