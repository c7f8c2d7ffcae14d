"""The house's own papers hold: versions, pins, links, units, the length of a make target."""

import configparser
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import hotline
from hotline.config import load

HOUSE = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((HOUSE / "pyproject.toml").read_text())


def test_all_parts_carry_one_version() -> None:
    """The wheels are locked to each other; a mixed pair would be refused at start."""
    switch = tomllib.loads((HOUSE / "crates/switch/pyproject.toml").read_text())["project"]["version"]
    crates = tomllib.loads((HOUSE / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    ours = PROJECT["project"]["version"]

    assert {ours} == {switch, crates, hotline.__version__}
    assert f"hotline-switch=={ours}" in PROJECT["project"]["dependencies"]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run", PROJECT["project"]["dependencies"]),
        ("dev", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_every_package_is_pinned_and_hashed(lock: str, wanted: list[str]) -> None:
    """`make requirements` was run after the last change of pyproject.toml."""
    text = (HOUSE / "requirements" / f"{lock}.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$\n    --hash=sha256:", text, re.M))
    pins = dict(re.fullmatch(r"([a-z0-9-]+)(?:\[\w+\])?==(\S+)", pin).groups() for pin in wanted)  # type: ignore[union-attr, misc]
    del pins["hotline-switch"]

    assert pins == {name: version for name, version in locked.items() if name in pins}


def test_a_make_target_is_at_most_three_lines() -> None:
    """What is longer lives in tools/ and bench/."""
    recipes = re.findall(r"^([a-z.][^\n:=]*):[^\n=]*\n((?:\t[^\n]*\n)+)", (HOUSE / "Makefile").read_text(), re.M)

    assert len(recipes) > 10
    assert not [target for target, lines in recipes if lines.count("\n") > 3]


PAGES = sorted(
    page
    for page in HOUSE.rglob("*.md")
    if not {"target", ".venv", "node_modules", "var"} & set(page.relative_to(HOUSE).parts)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_a_page_links_only_to_what_is_there(page: Path) -> None:
    """Relative links; the web is not asked."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())

    assert not [target for target in targets if not (page.parent / target).exists()]


def test_a_decision_fits_on_one_page() -> None:
    """At most 40 lines, with what holds it and when to think again."""
    decisions = sorted((HOUSE / "docs/decisions").glob("0*.md"))

    assert decisions
    for page in decisions:
        text = page.read_text()
        assert len(text.splitlines()) <= 40, page.name
        assert {"## Decision", "## Why", "## Rejected", "## What holds it", "## Revisit when"} <= set(text.splitlines())


@pytest.mark.parametrize("unit", ["hotline.service", "hotline-switch.service"])
def test_a_unit_is_hardened_and_restarts_fast(unit: str) -> None:
    """No capability, read-only system, back within two seconds; and each is restarted apart."""
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    reader.read(HOUSE / "ops/systemd" / unit)
    service, wiring = reader["Service"], reader["Unit"]

    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"
    assert "yes" == service["NoNewPrivileges"] == service["ProtectHome"] == service["PrivateDevices"]
    assert service["SystemCallFilter"] == "@system-service"
    assert "always" == service["Restart"]
    assert "500ms" == service["RestartSec"]
    assert not {"Requires", "BindsTo", "PartOf"} & set(wiring)


def test_no_page_or_source_names_a_machine() -> None:
    """A path of one machine or a registry's host works nowhere else."""
    names = ["/wo|rk/", "/ro|ot/", r"pyp|i\.org", r"npm|js\.org", r"static\.crates|\.io", "pythonhos|ted"]
    words = re.compile("|".join(name.replace("|", "") for name in names))
    suffixes = {".py", ".rs", ".md", ".toml", ".txt", ".sh", ".service", ".c", ".h", ".json", ".yml"}
    found = [
        str(file.relative_to(HOUSE))
        for folder in ("src", "crates", "tests", "bench", "docs", "ops", "tools", "requirements", "contract")
        for file in sorted((HOUSE / folder).rglob("*"))
        if file.suffix in suffixes and file.is_file() and words.search(file.read_text(errors="replace"))
    ]

    assert not found


def test_the_company_of_the_manual_is_valid(tmp_path: Path) -> None:
    """The file that a newcomer copies has no mistake."""
    page = (HOUSE / "docs/how-to/configuration.md").read_text()
    company = re.search(r"```toml\n(.*?)```", page, re.S)
    assert company
    file = tmp_path / "company.toml"
    file.write_text(company[1])
    loaded = load(file, today=date(2026, 11, 23), environ={})

    assert not [finding for finding in loaded.findings if finding.severity == "error"]
    assert loaded.config


def test_the_bench_company_is_valid() -> None:
    """Load tools that we did not write are pointed at it. Number 251 records without a notice, on purpose."""
    loaded = load(HOUSE / "bench/company.toml", today=date(2026, 11, 23), environ={"SIP_PORT": "5060"})

    assert ["waived", "waived", "warning"] == sorted(finding.severity for finding in loaded.findings)
    assert loaded.config
    assert {"100", "200", "250", "251", "300", "400", "500"} == set(loaded.config.settings.numbers)
    assert 1400 == len(loaded.config.settings.operators)


def test_the_reference_is_what_the_code_says(tmp_path: Path) -> None:
    """`make docs` was run after the last change of a key or a frame."""
    subprocess.run([sys.executable, HOUSE / "tools/reference.py", tmp_path], check=True)
    stale = [page.name for page in tmp_path.iterdir() if page.read_text() != _page(page.name)]

    assert not stale, "run `make docs`"


def _page(name: str) -> str | None:
    page = HOUSE / "docs/reference" / name
    return page.read_text() if page.exists() else None
