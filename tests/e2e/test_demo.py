"""The demo without a terminal: it ends by itself, and only ends well if every virtual call did."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_runs_and_leaves_records_behind(tmp_path: Path) -> None:
    """In a folder of its own; `hotline report today` then prints its calls."""
    hotline = str(Path(sys.executable).parent / "hotline")
    demo = _run([hotline, "demo", "--for", "15s", "--no-board"], tmp_path)
    report = _run([hotline, "report", "today"], tmp_path)

    assert "answered" in demo
    assert "answered" in report


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
