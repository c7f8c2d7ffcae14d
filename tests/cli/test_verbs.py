"""The verbs, as far as they need no running hotline."""

from pathlib import Path
from typing import Any

import pytest

from hotline import __version__
from hotline.app.exits import Exit
from hotline.cli.call import in_words
from tests.cli.conftest import Hotline


def test_the_version_is_said(hotline: Hotline) -> None:
    assert hotline("--version").stdout == f"hotline {__version__}\n"


def test_help_names_every_verb(hotline: Hotline) -> None:
    said = hotline("--help").stdout

    for verb in ("serve", "demo", "check", "reload", "operator", "call", "doctor", "report"):
        assert f" {verb} " in said


def test_check_praises_a_valid_file(hotline: Hotline, company: Path) -> None:
    said = hotline("check", company)

    assert said.returncode == Exit.OK
    assert "North Wind: 1 number, 1 flow, 1 queue, 1 operator, 1 trunk. No mistakes." in said.stdout


def test_check_tells_a_mistake_by_its_line(hotline: Hotline, company: Path) -> None:
    company.write_text(company.read_text().replace('flow = "main"', 'flow = "mian"'))
    said = hotline("check", company)

    assert said.returncode == Exit.CONFIGURATION
    assert "company.toml:13: " in said.stderr
    assert 'did you mean "main"?' in said.stderr


def test_check_lists_a_waiver_by_name(hotline: Hotline, company: Path) -> None:
    text = company.read_text().replace("[queues.sales]", '[queues.sales]\nwaiver = "nobody on purpose"')
    company.write_text(text)
    said = hotline("check", company)

    assert said.returncode == Exit.OK
    assert 'waived: queue "sales": nobody on purpose' in said.stderr


@pytest.mark.parametrize("verb", [("operator", "list", "-c"), ("reload",)])
def test_a_verb_that_needs_the_engine_says_that_none_runs(
    hotline: Hotline, company: Path, verb: tuple[str, ...]
) -> None:
    said = hotline(*verb, company)

    assert said.returncode == Exit.AWAY
    assert "no engine is running" in said.stderr


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (
            {"answered": True, "setup_ms": 12, "codec": "alaw", "by": "us", "code": 200, "talk_ms": 5000,
             "heard": {"packets": 250, "level_db": -12.3, "gap_ms": 21, "tones": [{"hz": 880, "level_db": -12.4}]}},
            "answered after 12 ms (alaw); heard the tone 880 Hz at -12 dB, longest gap 21 ms; "
            "we hung up after 5.0 s (200).",
        ),
        (
            {"answered": True, "setup_ms": 3, "codec": "alaw", "by": "peer", "code": 200, "talk_ms": 900,
             "digits": "12", "heard": {"packets": 45, "level_db": -96.0, "gap_ms": 20, "tones": []}},
            "answered after 3 ms (alaw); heard silence only at -96 dB, longest gap 20 ms; the other side pressed 12; "
            "the other side ended it after 0.9 s (200).",
        ),
        ({"answered": False, "rang": True, "by": "us", "code": 487, "reason": "Request Terminated"},
         "it rang, nobody answered; we hung up (487 Request Terminated)."),
        ({"answered": False, "code": 404, "reason": "Not Found", "by": "peer"},
         "not answered; the other side ended it (404 Not Found)."),
        ({"answered": True, "setup_ms": 1, "codec": "ulaw", "by": "us", "code": 200, "talk_ms": 1000, "heard": {}},
         "answered after 1 ms (ulaw); no sound came at all; we hung up after 1.0 s (200)."),
    ],
)  # fmt: skip
def test_a_test_call_is_told_in_words(ended: dict[str, Any], words: str) -> None:
    assert in_words(ended) == words
