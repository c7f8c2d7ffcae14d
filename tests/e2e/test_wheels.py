"""The two wheels alone, in an empty environment outside the checkout, give a working demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(600)
def test_the_two_wheels_are_all_that_a_demo_needs(tmp_path: Path) -> None:
    """Nothing is taken from the checkout: neither its sources nor its target folder."""
    subprocess.run(["make", "-s", "dist"], cwd=HOUSE, check=True)
    wheels = sorted(str(wheel) for wheel in (HOUSE / "dist").glob("*.whl"))
    assert 2 == len(wheels)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [str(environment / "bin/pip"), "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", str(HOUSE / "requirements/run.txt")], check=True)
    subprocess.run([*pip, "--no-deps", *wheels], check=True)

    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": os.environ.get("LANG", "C.UTF-8")}
    programs = {program.name for program in (environment / "bin").iterdir()}
    assert {"hotline", "hotline-switch", "hotline-phone"} <= programs
    demo = subprocess.run(
        [environment / "bin/hotline", "demo", "--for", "15s", "--no-board"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == demo.returncode, demo.stdout + demo.stderr
    consistent = subprocess.run([*pip[:1], "check"], capture_output=True, text=True, check=False)
    assert 0 == consistent.returncode, consistent.stdout
