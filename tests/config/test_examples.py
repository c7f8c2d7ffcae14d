"""The files that we ship are valid, and use every kind of table there is."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from hotline.config import load
from hotline.config.tables import NODES, SECTIONS

HOUSE = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["examples/company.toml", "bench/company.toml"])
def test_a_shipped_file_has_no_mistakes(name: str) -> None:
    loaded = load(HOUSE / name, today=date(2026, 11, 23), environ={})

    assert [finding for finding in loaded.findings if finding.severity == "error"] == []
    assert loaded.config is not None


def test_the_bench_company_is_the_one_the_load_tools_expect() -> None:
    config = load(HOUSE / "bench/company.toml", today=date(2026, 11, 23), environ={"OPS_PORT": "5999"}).config

    assert config is not None
    assert set(config.settings.numbers) == {"100", "200", "250", "251", "300", "400", "500"}
    assert len(config.settings.operators) == 1400
    assert config.settings.operators["op1"].devices == ("sip:op1@127.0.0.1:5999",)  # type: ignore[index]
    assert config.admission.open == ("127.77.0.0/16",)
    assert config.admission.max_unproven == 200
    assert config.trunks[0].addresses == ("127.0.0.0/24",)
    assert config.sip.udp == "127.0.0.1:5060"


def test_every_key_is_explained_in_the_reference() -> None:
    page = (HOUSE / "docs/reference/configuration.md").read_text()
    keys = [key for _, _, _, table in SECTIONS for key in table] + [key for node in NODES.values() for key in node]

    assert [key.name for key in keys if f"`{key.name}`" not in page or key.says not in page] == []


def test_the_example_shows_what_there_is() -> None:
    data = tomllib.loads((HOUSE / "examples/company.toml").read_text())
    tables = {header.strip("[]").split(".")[0] for _, header, _, _ in SECTIONS if header}

    assert tables - set(data) == {"admission", "database", "log", "accounts"}
    assert data["hours"]["office"]["exceptions"]
