"""The fence is proved by breaching it: each rule of the architecture is broken once in a copy and must refuse."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

LAYERS = "Layers: top may import down"
PURE = "The domain is pure"
CONFIG = "Configuration is read by app and cli only"
CIRCLES = "No circles"


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    """The Python half of the house, to be spoiled."""
    shutil.copytree(HOUSE / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "pack"))
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    return tmp_path


def _lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def _plant(house: Path, modules: dict[str, str]) -> None:
    for module, text in modules.items():
        file = house / "src" / "hotline" / module
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'"""Planted."""\n\n{text}\n')


def test_the_house_as_it_stands_keeps_every_rule(copy: Path) -> None:
    """Otherwise the refusals below would prove nothing."""
    report = _lint_imports(copy)

    assert 0 == report.returncode, report.stdout


@pytest.mark.parametrize(
    ("rule", "modules"),
    [
        (LAYERS, {"domain/planted.py": "import hotline.store"}),
        (LAYERS, {"store/planted.py": "import hotline.engine"}),
        (LAYERS, {"engine/planted.py": "import hotline.voice"}),
        (LAYERS, {"speech/planted.py": "import hotline.files"}),
        (LAYERS, {"reports/planted.py": "import hotline.app"}),
        (LAYERS, {"stray/__init__.py": ""}),
        (PURE, {"domain/planted.py": "import asyncio"}),
        (PURE, {"domain/planted.py": "from time import time_ns"}),
        (PURE, {"domain/planted.py": "import random"}),
        (PURE, {"domain/planted.py": "import sqlalchemy.orm"}),
        (PURE, {"domain/planted.py": "from pathlib import Path"}),
        (PURE, {"domain/planted.py": "import logging"}),
        (CONFIG, {"engine/planted.py": "import hotline.config"}),
        (CIRCLES, {"domain/one.py": "import hotline.domain.two", "domain/two.py": "import hotline.domain.one"}),
    ],
)
def test_a_breach_of_the_import_rules_is_refused(copy: Path, rule: str, modules: dict[str, str]) -> None:
    """The rule that is named in the report is the one that was broken."""
    _plant(copy, modules)
    report = _lint_imports(copy)

    assert 1 == report.returncode, report.stdout
    assert re.search(rf"^{re.escape(rule)}.* BROKEN$", report.stdout, re.M), report.stdout


BANNED = {
    "datetime.datetime.now": "import datetime\n\nNOW = datetime.datetime.now(datetime.UTC)",
    "time.time": "import time\n\nNOW = time.time()",
    "time.monotonic": "import time\n\nNOW = time.monotonic()",
    "uuid.uuid4": "from uuid import uuid4\n\nDICE = uuid4()",
}


@pytest.mark.parametrize("name", BANNED)
@pytest.mark.parametrize(("room", "refused"), [("store", True), ("voice", True), ("engine", False), ("cli", False)])
def test_clock_and_dice_are_for_engine_and_cli(copy: Path, name: str, room: str, refused: bool) -> None:
    """Elsewhere time comes in with the input."""
    _plant(copy, {f"{room}/planted.py": BANNED[name]})
    report = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--select", "TID251", "--output-format", "concise", "src"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused == bool(report.returncode), report.stdout
    assert refused == (f"TID251 `{name}` is banned" in report.stdout), report.stdout


CLOCKLESS = ("control", "media", "netem", "sip", "sound")


@pytest.mark.parametrize("clock", ["std::time::Instant::now()", "std::time::SystemTime::now()"])
def test_a_clock_in_a_pure_crate_is_refused(tmp_path: Path, clock: str) -> None:
    """clippy.toml and the workspace's lints do it, for every crate that takes them."""
    root = tomllib.loads((HOUSE / "Cargo.toml").read_text())
    levels = root["workspace"]["lints"]["clippy"]
    assert "deny" == levels["disallowed_methods"]
    shutil.copy(HOUSE / "clippy.toml", tmp_path)
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "planted"\nversion = "0.1.0"\nedition = "2024"\n\n'
        '[lints.clippy]\ndisallowed_methods = "deny"\n\n[workspace]\n'
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text(f"pub fn now() {{\n    let _ = {clock};\n}}\n")
    report = subprocess.run(
        ["cargo", "clippy", "--quiet", "--offline"],
        cwd=tmp_path,
        env=os.environ | {"CARGO_TARGET_DIR": str(tmp_path / "target")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert report.returncode, report.stderr
    assert "use of a disallowed method" in report.stderr


@pytest.mark.parametrize("crate", CLOCKLESS)
def test_a_crate_without_a_clock_takes_the_lints_and_waives_none(crate: str) -> None:
    """A waiver in the source would open the fence silently."""
    manifest = tomllib.loads((HOUSE / "crates" / crate / "Cargo.toml").read_text())
    sources = (HOUSE / "crates" / crate / "src").rglob("*.rs")
    waivers = [str(file) for file in sources if "disallowed_methods" in file.read_text()]

    assert {"workspace": True} == manifest["lints"]
    assert not waivers


def test_the_voice_does_not_know_the_hotline() -> None:
    """The switch knows legs and sound: these four words do not occur in crates/ (ARCHITECTURE, section 2)."""
    words = re.compile(r"queue|menu|operator|survey", re.IGNORECASE)
    found = [
        f"{file.relative_to(HOUSE)}:{number}: {line.strip()}"
        for pattern in ("*/src/**/*.rs", "*/Cargo.toml")
        for file in sorted((HOUSE / "crates").glob(pattern))
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if words.search(line)
    ]

    assert not found, "\n".join(found)


def test_import_contracts_name_one_module_a_line() -> None:
    """A comma-separated list passes import-linter silently and guards nothing."""
    contracts = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lists = [value for contract in contracts for value in contract.values() if isinstance(value, list)]

    assert 4 == len(contracts)
    assert not [name for names in lists for name in names if "," in name]
