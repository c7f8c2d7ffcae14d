"""Which recordings say a phrase: whole where there is one, true where it is rounded."""

import re

import pytest

from hotline.domain.phrases import (
    PACK_KEYS,
    Beep,
    Digits,
    MoreThan,
    Music,
    Number,
    OwnFile,
    OwnText,
    PackPhrase,
    Phrase,
    Position,
    WaitMinutes,
)
from hotline.speech.pack import Pack
from hotline.speech.phrases import pack_keys
from hotline.speech.script import LANGUAGES

PACK = Pack()


@pytest.mark.parametrize(
    ("phrase", "keys"),
    [
        (PackPhrase(key="goodbye"), "goodbye"),
        (Position(number=3), "position-3"),
        (Position(number=30), "position-30"),
        (Position(number=31), "more-than-30"),
        (Position(number=99), "more-than-50"),
        (MoreThan(number=30), "more-than-30"),
        (MoreThan(number=35), "more-than-30"),
        (MoreThan(number=1000), "more-than-100"),
        (MoreThan(number=0), "please-wait"),
        (WaitMinutes(low=0, high=0), "wait-0-0"),
        (WaitMinutes(low=5, high=5), "wait-5-5"),
        (WaitMinutes(low=41, high=41), "wait-45-45"),
        (WaitMinutes(low=2, high=4), "wait-2-4"),
        (WaitMinutes(low=3, high=7), "wait-3-7"),
        (WaitMinutes(low=4, high=8), "wait-4-8"),
        (WaitMinutes(low=0, high=4), "wait-0-5"),
        (WaitMinutes(low=1, high=60), "wait-0-60"),
        (WaitMinutes(low=45, high=90), "wait-over-45"),
        (WaitMinutes(low=75, high=90), "wait-over-60"),
        (WaitMinutes(low=2, high=90), "please-wait"),
        (Digits(digits="40#"), "digit-4-on digit-0-on digit-hash"),
        (Digits(digits="7"), "digit-7"),
        (Digits(digits="+7 (1)"), "digit-7-on digit-1"),
        (Digits(digits=""), ""),
        (Number(number=0), "number-0"),
        (Number(number=17), "number-17"),
        (Number(number=30), "number-30"),
        (Number(number=42), "number-40-on number-2"),
        (Number(number=100), "number-100"),
        (Number(number=105), "number-100-on number-5"),
        (Number(number=999), "number-900-on number-90-on number-9"),
        (Number(number=2026), "digit-2-on digit-0-on digit-2-on digit-6"),
        (Beep(), "beep"),
        (Music(), "hold"),
    ],
)
def test_a_phrase_is_said_by_these_recordings(phrase: Phrase, keys: str) -> None:
    """In this order."""
    assert tuple(keys.split()) == pack_keys(phrase)


@pytest.mark.parametrize("phrase", [OwnText(text="Привет"), OwnFile(path="/a.wav"), Music(path="/a.mp3")])
def test_the_owners_own_sounds_are_not_in_the_pack(phrase: Phrase) -> None:
    """They are made at start."""
    assert pack_keys(phrase) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_be_asked_for_is_recorded(language: str) -> None:
    """Every place, count, number and every wait of two hours in every width."""
    phrases: list[Phrase] = [
        *(Position(number=n) for n in range(1, 200)),
        *(MoreThan(number=n) for n in range(200)),
        *(Number(number=n) for n in range(1100)),
        *(WaitMinutes(low=low, high=high) for high in range(120) for low in range(high + 1)),
        *(PackPhrase(key=key) for key in PACK_KEYS),
        Digits(digits="0123456789*#0"),
        Digits(digits="#"),
        Beep(),
        Music(),
    ]
    missing = {key for phrase in phrases for key in pack_keys(phrase) or () if PACK.find(key, language) is None}

    assert not missing


def test_a_rounded_wait_still_contains_the_true_one() -> None:
    """Nobody is promised less than what is expected."""
    for high in range(1, 61):
        for low in range(high + 1):
            (key,) = pack_keys(WaitMinutes(low=low, high=high)) or ("",)
            said = re.fullmatch(r"wait-(\d+)-(\d+)", key)
            assert said, key
            start, end = map(int, said.groups())
            assert high <= end
            assert start <= low or low == high, (low, high, key)
