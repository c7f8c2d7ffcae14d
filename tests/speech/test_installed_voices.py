"""The voices of this machine, each where it is installed."""

from pathlib import Path

import pytest

from hotline.speech.engines import ENGINES, Engine, engine_for, how_to_install
from hotline.speech.spoken import spelled_out


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: f"{e.name}-{e.language}")
def test_an_installed_voice_speaks_signs_and_numbers(engine: Engine, tmp_path: Path) -> None:
    """A text with everything that voices stumble over comes out as seconds of sound."""
    if not engine.installed():
        pytest.skip(f"needs {engine.package}")
    text = {
        "ru": "Заказ № 0451 — готов на 92%; «Ромашка», 25.12.2026.",
        "en": "Order #0451 - 92% done; “Daisy”, 12/25/2026.",
    }[engine.language]

    assert 2000 < engine.render(text, tmp_path / "said.wav") < 20_000


def test_the_order_of_preference() -> None:
    """Russian: rhvoice, festival, espeak-ng. English: rhvoice, flite, espeak-ng."""
    order = {language: [e.name for e in ENGINES if e.language == language] for language in ("ru", "en")}

    assert order == {"ru": ["rhvoice", "festival", "espeak-ng"], "en": ["rhvoice", "flite", "espeak-ng"]}
    assert how_to_install("ru", ENGINES) == "rhvoice and rhvoice-russian, or festival and festvox-ru, or espeak-ng"
    assert engine_for("de", ENGINES) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Заказ № 0451 — готов", "Заказ номер ноль четыре пять один, готов"),
        ("скидка 21%, 2 %, 15%", "скидка двадцать один процент, два процента, пятнадцать процентов"),
        ("«Ромашка» , да", "Ромашка, да"),
        ("Ждите... Скоро!", "Ждите. Скоро!"),
        ("что-то & кто-нибудь", "что-то и кто-нибудь"),
        ("+7", "плюс семь"),
        ("— да —", "да"),
        ("дом 12/3", "дом двенадцать три"),
    ],
)
def test_signs_are_spelled_out_for_festival(text: str, words: str) -> None:
    """Letters, spaces and stops only: anything else makes it fall silent."""
    assert words == spelled_out(text)
