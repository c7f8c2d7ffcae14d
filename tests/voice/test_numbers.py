"""Numbers as the world writes them become one form, and never leave by the log whole."""

import pytest

from hotline.voice.numbers import e164, is_number, masked


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8 800 000-00-00", "+78000000000"),
        ("+7 (000) 000-00-01", "+70000000001"),
        ("79161234567", "+79161234567"),
        ("9161234567", "+79161234567"),
        ("810447911123456", "+447911123456"),
        ("100", "100"),
        ("112", "112"),
        ("*11", "*11"),
        ("anonymous", "anonymous"),
        ("anna", "anna"),
        ("", ""),
        ("sip:anna@192.0.2.1", "sip:anna@192.0.2.1"),
    ],
)
def test_a_number_has_one_form(written: str, expected: str) -> None:
    assert e164(written, "RU") == expected
    assert e164(e164(written, "RU"), "RU") == expected


@pytest.mark.parametrize(("text", "expected"), [("100", True), ("+78000000000", True), ("anna", False), ("+7", False)])
def test_what_is_a_number_is_known(text: str, expected: bool) -> None:
    assert is_number(text) is expected


def test_a_log_line_shows_no_whole_number() -> None:
    assert masked("call of +78000000001 to 89990000002") == "call of +7800***01 to 89990***02"
    assert masked("boot 17 took 250 ms") == "boot 17 took 250 ms"
