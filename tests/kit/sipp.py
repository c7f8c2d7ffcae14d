"""SIPp, a peer that we did not write: a scenario, a number of calls, an exit code that counts the failures."""

import subprocess
from pathlib import Path

__all__ = ["SCENARIOS", "SippFailed", "sipp"]

SCENARIOS = Path(__file__).resolve().parent.parent / "e2e" / "sipp"


TRACES = ("-nostdin", "-trace_err", "-trace_screen", "-trace_logs")


class SippFailed(AssertionError):
    """At least one call did not go as the scenario says."""


def sipp(
    scenario: str,
    target: str,
    *,
    number: str,
    folder: Path,
    calls: int = 1,
    rate: int = 10,
    keys: dict[str, str] | None = None,
    timeout_s: int = 40,
) -> str:
    """Runs `scenario`.xml against `target` until `calls` have ended; returns SIPp's final screen."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-m", calls, "-r", rate, "-s", number, "-i", "127.0.0.1", "-timeout", timeout_s, "-timeout_error"]
    for key, value in (keys or {}).items():
        options += ["-key", key, value]
    done = subprocess.run(
        ["sipp", target, "-sf", str(SCENARIOS / f"{scenario}.xml"), *map(str, options), *TRACES],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_s + 10,
        check=False,
    )
    if done.returncode:
        errors = "\n".join(file.read_text()[-2000:] for file in folder.glob("*_errors.log"))
        raise SippFailed(f"{scenario}: exit {done.returncode}\n{errors}\n{done.stderr[-1000:]}")
    return done.stdout
