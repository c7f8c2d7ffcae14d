"""English numbers and sentences."""

import pytest
from num2words import num2words

from hotline.speech import english


def test_numbers_agree_with_num2words() -> None:
    """Cardinals and ordinals; the library's commas are not spoken."""
    numbers = [*range(1300), 2026, 9999]

    assert [num2words(n).replace(",", "") for n in numbers] == [english.cardinal(n) for n in numbers]
    assert [num2words(n, to="ordinal").replace(",", "") for n in numbers] == [english.ordinal(n) for n in numbers]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (english.position(1), "You are first in the queue."),
        (english.position(23), "You are number twenty-three in the queue."),
        (english.more_than(1), "There are more than one person ahead of you."),
        (english.more_than(30), "There are more than thirty people ahead of you."),
        (english.wait(0, 0), "The wait is less than a minute."),
        (english.wait(1, 1), "The wait is about one minute."),
        (english.wait(0, 3), "The wait is up to three minutes."),
        (english.wait(2, 4), "The wait is between two and four minutes."),
        (english.wait_over(30), "The wait is more than half an hour."),
        (english.duration(3725), "one hour two minutes five seconds"),
        (english.duration(0), "zero seconds"),
        (english.clock_time(0, 5), "twelve oh five a m"),
        (english.clock_time(12, 0), "twelve p m"),
        (english.clock_time(21, 30), "nine thirty p m"),
        (english.digits("40#"), "four, zero, hash"),
    ],
)
def test_a_spoken_sentence_is_correct_english(said: str, expected: str) -> None:
    """Waits, places, lengths of time and codes."""
    assert expected == said


@pytest.mark.parametrize("number", [-1, 1_000_000_000])
def test_a_number_without_words_is_refused(number: int) -> None:
    """Never a wrong form."""
    with pytest.raises(ValueError, match="no English words"):
        english.cardinal(number)
