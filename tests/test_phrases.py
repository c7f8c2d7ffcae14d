"""Rooms that never import each other agree on the words: every phrase named in the source is in the shipped pack."""

import json
import re
from pathlib import Path

import pytest

from hotline.domain.phrases import PACK_KEYS

HOUSE = Path(__file__).resolve().parent.parent
FILES = [
    *(HOUSE / "src/hotline").rglob("*.py"),
    *(HOUSE / "src/hotline").rglob("*.toml"),
    HOUSE / "bench/company.toml",
    HOUSE / "tests/e2e/company.toml",
]
NAMED = sorted(
    {
        key
        for file in FILES
        for keys in re.findall(r'PackPhrase\(key="([^"{}]+)"\)|"pack:([a-z0-9-]+)"', file.read_text())
        for key in keys
        if key
    }
    | set(PACK_KEYS)
)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_phrase_that_the_product_names_is_in_the_pack(language: str) -> None:
    """A caller would hear nothing where a key does not exist."""
    sounds = json.loads((HOUSE / "src/hotline/speech/pack/manifest.json").read_text())["sounds"]
    missing = [key for key in NAMED if f"{language}/{key}" not in sounds]

    assert NAMED
    assert not missing
