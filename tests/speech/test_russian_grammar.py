"""The golden set of Russian forms, and num2words as a second opinion on thousands more."""

import pytest
from num2words import num2words

from hotline.speech import russian
from hotline.speech.russian import Case, Gender

INS = Case.INSTRUMENTAL
F, N = Gender.FEMININE, Gender.NEUTER

# Counted nouns: number, noun, the six cases in their order.
COUNTS = [
    (0, russian.MINUTE, "ноль минут|ноля минут|нолю минут|ноль минут|нолём минут|ноле минут"),
    (1, russian.MINUTE, "одна минута|одной минуты|одной минуте|одну минуту|одной минутой|одной минуте"),
    (2, russian.MINUTE, "две минуты|двух минут|двум минутам|две минуты|двумя минутами|двух минутах"),
    (3, russian.MINUTE, "три минуты|трёх минут|трём минутам|три минуты|тремя минутами|трёх минутах"),
    (4, russian.HOUR, "четыре часа|четырёх часов|четырём часам|четыре часа|четырьмя часами|четырёх часах"),
    (5, russian.HOUR, "пять часов|пяти часов|пяти часам|пять часов|пятью часами|пяти часах"),
    (8, russian.DAY, "восемь дней|восьми дней|восьми дням|восемь дней|восемью днями|восьми днях"),
    (
        11,
        russian.ROUBLE,
        "одиннадцать рублей|одиннадцати рублей|одиннадцати рублям|"
        "одиннадцать рублей|одиннадцатью рублями|одиннадцати рублях",
    ),
    (
        12,
        russian.KOPECK,
        "двенадцать копеек|двенадцати копеек|двенадцати копейкам|"
        "двенадцать копеек|двенадцатью копейками|двенадцати копейках",
    ),
    (
        21,
        russian.MINUTE,
        "двадцать одна минута|двадцати одной минуты|двадцати одной минуте|"
        "двадцать одну минуту|двадцатью одной минутой|двадцати одной минуте",
    ),
    (
        22,
        russian.SECOND,
        "двадцать две секунды|двадцати двух секунд|двадцати двум секундам|"
        "двадцать две секунды|двадцатью двумя секундами|двадцати двух секундах",
    ),
    (
        40,
        russian.CALL,
        "сорок звонков|сорока звонков|сорока звонкам|сорок звонков|сорока звонками|сорока звонках",
    ),
    (
        90,
        russian.CALL,
        "девяносто звонков|девяноста звонков|девяноста звонкам|девяносто звонков|девяноста звонками|девяноста звонках",
    ),
    (100, russian.DAY, "сто дней|ста дней|ста дням|сто дней|ста днями|ста днях"),
    (
        111,
        russian.MINUTE,
        "сто одиннадцать минут|ста одиннадцати минут|ста одиннадцати минутам|"
        "сто одиннадцать минут|ста одиннадцатью минутами|ста одиннадцати минутах",
    ),
    (
        250,
        russian.ROUBLE,
        "двести пятьдесят рублей|двухсот пятидесяти рублей|двумстам пятидесяти рублям|"
        "двести пятьдесят рублей|двумястами пятьюдесятью рублями|двухстах пятидесяти рублях",
    ),
    (
        384,
        russian.ROUBLE,
        "триста восемьдесят четыре рубля|трёхсот восьмидесяти четырёх рублей|"
        "трёмстам восьмидесяти четырём рублям|триста восемьдесят четыре рубля|"
        "тремястами восемьюдесятью четырьмя рублями|трёхстах восьмидесяти четырёх рублях",
    ),
    (
        501,
        russian.KOPECK,
        "пятьсот одна копейка|пятисот одной копейки|пятистам одной копейке|"
        "пятьсот одну копейку|пятьюстами одной копейкой|пятистах одной копейке",
    ),
    (
        1000,
        russian.ROUBLE,
        "тысяча рублей|тысячи рублей|тысяче рублей|тысячу рублей|тысячей рублей|тысяче рублей",
    ),
    (
        2021,
        russian.ROUBLE,
        "две тысячи двадцать один рубль|двух тысяч двадцати одного рубля|"
        "двум тысячам двадцати одному рублю|две тысячи двадцать один рубль|"
        "двумя тысячами двадцатью одним рублём|двух тысячах двадцати одном рубле",
    ),
    (1, russian.PERSON, "один человек|одного человека|одному человеку|одного человека|одним человеком|одном человеке"),
    (2, russian.PERSON, "два человека|двух человек|двум людям|двух человек|двумя людьми|двух людях"),
    (
        22,
        russian.PERSON,
        "двадцать два человека|двадцати двух человек|двадцати двум людям|"
        "двадцать два человека|двадцатью двумя людьми|двадцати двух людях",
    ),
    (5, russian.PERSON, "пять человек|пяти человек|пяти людям|пять человек|пятью людьми|пяти людях"),
]

ORDINALS = [
    (1, "первый|первого|первому|первый|первым|первом", "первая", "первое"),
    (2, "второй|второго|второму|второй|вторым|втором", "вторая", "второе"),
    (3, "третий|третьего|третьему|третий|третьим|третьем", "третья", "третье"),
    (4, "четвёртый|четвёртого|четвёртому|четвёртый|четвёртым|четвёртом", "четвёртая", "четвёртое"),
    (6, "шестой|шестого|шестому|шестой|шестым|шестом", "шестая", "шестое"),
    (7, "седьмой|седьмого|седьмому|седьмой|седьмым|седьмом", "седьмая", "седьмое"),
    (8, "восьмой|восьмого|восьмому|восьмой|восьмым|восьмом", "восьмая", "восьмое"),
    (
        11,
        "одиннадцатый|одиннадцатого|одиннадцатому|одиннадцатый|одиннадцатым|одиннадцатом",
        "одиннадцатая",
        "одиннадцатое",
    ),
    (
        23,
        "двадцать третий|двадцать третьего|двадцать третьему|двадцать третий|двадцать третьим|двадцать третьем",
        "двадцать третья",
        "двадцать третье",
    ),
    (40, "сороковой|сорокового|сороковому|сороковой|сороковым|сороковом", "сороковая", "сороковое"),
    (90, "девяностый|девяностого|девяностому|девяностый|девяностым|девяностом", "девяностая", "девяностое"),
    (100, "сотый|сотого|сотому|сотый|сотым|сотом", "сотая", "сотое"),
    (
        200,
        "двухсотый|двухсотого|двухсотому|двухсотый|двухсотым|двухсотом",
        "двухсотая",
        "двухсотое",
    ),
    (
        2026,
        "две тысячи двадцать шестой|две тысячи двадцать шестого|две тысячи двадцать шестому|"
        "две тысячи двадцать шестой|две тысячи двадцать шестым|две тысячи двадцать шестом",
        "две тысячи двадцать шестая",
        "две тысячи двадцать шестое",
    ),
]

POSITIONS = [
    *("первый", "второй", "третий", "четвёртый", "пятый", "шестой", "седьмой", "восьмой", "девятый", "десятый"),
    *("одиннадцатый", "двенадцатый", "тринадцатый", "четырнадцатый", "пятнадцатый", "шестнадцатый"),
    *("семнадцатый", "восемнадцатый", "девятнадцатый", "двадцатый", "двадцать первый", "двадцать второй"),
    *("двадцать третий", "двадцать четвёртый", "двадцать пятый"),
]

SENTENCES = [
    (russian.wait(0, 0), "Ждать меньше минуты."),
    (russian.wait(1, 1), "Ждать около минуты."),
    (russian.wait(2, 2), "Ждать около двух минут."),
    (russian.wait(5, 5), "Ждать около пяти минут."),
    (russian.wait(21, 21), "Ждать около двадцати одной минуты."),
    (russian.wait(40, 40), "Ждать около сорока минут."),
    (russian.wait(0, 3), "Ждать не больше трёх минут."),
    (russian.wait(1, 2), "Ждать от одной до двух минут."),
    (russian.wait(2, 4), "Ждать от двух до четырёх минут."),
    (russian.wait(15, 20), "Ждать от пятнадцати до двадцати минут."),
    (russian.wait_over(5), "Ждать больше пяти минут."),
    (russian.wait_over(30), "Ждать больше получаса."),
    (russian.wait_over(60), "Ждать больше часа."),
    (russian.more_than(1), "Перед вами больше одного человека."),
    (russian.more_than(4), "Перед вами больше четырёх человек."),
    (russian.more_than(21), "Перед вами больше двадцати одного человека."),
    (russian.more_than(30), "Перед вами больше тридцати человек."),
    (russian.duration(0), "ноль секунд"),
    (russian.duration(61), "одна минута одна секунда"),
    (russian.duration(7322), "два часа две минуты две секунды"),
    (russian.clock_time(9, 0), "девять часов"),
    (russian.clock_time(21, 1), "двадцать один час одна минута"),
    (russian.clock_time(0, 30), "ноль часов тридцать минут"),
    (russian.money(0), "ноль рублей"),
    (russian.money(1), "одна копейка"),
    (russian.money(12150), "сто двадцать один рубль пятьдесят копеек"),
    (russian.money(200_002), "две тысячи рублей две копейки"),
    (russian.digits("0451"), "ноль, четыре, пять, один"),
    (russian.digits("7*#"), "семь, звёздочка, решётка"),
]


@pytest.mark.parametrize(("number", "noun", "forms"), COUNTS)
def test_a_counted_noun_agrees_with_its_number_in_all_cases(number: int, noun: russian.Noun, forms: str) -> None:
    """Six forms each, in the order of the cases."""
    assert forms.split("|") == [russian.count(number, noun, case=case) for case in Case]


@pytest.mark.parametrize(("number", "masculine", "feminine", "neuter"), ORDINALS)
def test_an_ordinal_is_an_adjective(number: int, masculine: str, feminine: str, neuter: str) -> None:
    """Only its last word is declined."""
    assert masculine.split("|") == [russian.ordinal(number, case=case) for case in Case]
    assert feminine == russian.ordinal(number, gender=F)
    assert neuter == russian.ordinal(number, gender=N)


@pytest.mark.parametrize(("said", "expected"), SENTENCES)
def test_a_spoken_sentence_is_correct_russian(said: str, expected: str) -> None:
    """Waits, places, lengths of time, money and codes as a native would say them."""
    assert expected == said


def test_places_in_the_queue_are_masculine_ordinals() -> None:
    """The first 25 places, written out by hand."""
    assert [f"Вы {place} в очереди." for place in POSITIONS] == [russian.position(n) for n in range(1, 26)]


def test_millions_are_masculine_whatever_is_counted() -> None:
    """Only the last word follows the counted noun."""
    assert russian.cardinal(2_000_002, gender=F) == "два миллиона две"
    assert russian.cardinal(121_001_000, gender=N) == "сто двадцать один миллион тысяча"
    assert russian.cardinal(5_000_000, case=INS) == "пятью миллионами"


@pytest.mark.parametrize("case", list(Case))
@pytest.mark.parametrize("gender", list(Gender))
def test_cardinals_agree_with_num2words(case: Case, gender: Gender) -> None:
    """Inanimate forms: the library also declines the animate two within compounds, which Rosental does not.

    Without 1000 to 1999: it says "одна тысяча", people say "тысяча". Without millions: it says "две миллиона".
    """
    numbers = [*range(1000), 2001, 5012, 21_000, 101_100, 999_999]
    theirs = [num2words(n, lang="ru", case="ngdaip"[case], gender=gender.value, animate=False) for n in numbers]
    ours = [russian.cardinal(n, gender=gender, case=case) for n in numbers]

    assert [_plain(word) for word in theirs] == [_plain(word) for word in ours]


@pytest.mark.parametrize("case", list(Case))
@pytest.mark.parametrize("gender", list(Gender))
def test_ordinals_agree_with_num2words(case: Case, gender: Gender) -> None:
    """The same in all cases and genders."""
    numbers = [*range(1, 1100), 2000, 2001, 5000, 9999]
    theirs = [
        num2words(n, lang="ru", to="ordinal", case="ngdaip"[case], gender=gender.value, animate=False) for n in numbers
    ]
    ours = [russian.ordinal(n, gender=gender, case=case) for n in numbers]

    assert [_plain(word) for word in theirs] == [_plain(word) for word in ours]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: russian.cardinal(-1),
        lambda: russian.cardinal(1_000_000_000),
        lambda: russian.ordinal(10_000),
        lambda: russian.position(0),
        lambda: russian.wait(3, 2),
        lambda: russian.digits("1a"),
        lambda: russian.clock_time(24, 0),
        lambda: russian.money(-1),
        lambda: russian.duration(-1),
    ],
)
def test_what_has_no_form_is_refused(wrong: object) -> None:
    """Never a wrong form."""
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"."):
        wrong()


def _plain(word: str) -> str:
    """num2words writes ё in some forms only."""
    return word.replace("ё", "е")
