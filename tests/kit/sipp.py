"""SIPp, a peer that we did not write: a scenario, a number of calls, an exit code that counts the failures."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SCENARIOS", "SippFailed", "sipp", "sipp_running"]

SCENARIOS = Path(__file__).resolve().parent.parent / "e2e" / "sipp"


TRACES = ("-nostdin", "-trace_err", "-trace_screen", "-trace_logs")


class SippFailed(AssertionError):
    """At least one call did not go as the scenario says."""


def sipp(
    scenario: str,
    target: str,
    *,
    folder: Path,
    number: int | str = "service",
    port: int = 0,
    calls: int = 1,
    rate: int = 10,
    keys: dict[str, str] | None = None,
    timeout_s: int = 40,
) -> str:
    """Runs `scenario`.xml against `target` until `calls` have ended; returns SIPp's final screen."""
    options = {"number": number, "port": port, "calls": calls, "rate": rate, "timeout_s": timeout_s}
    with sipp_running(scenario, target, folder=folder, keys=keys, **options) as running:  # type: ignore[arg-type]
        return running()


@contextmanager
def sipp_running(
    scenario: str,
    target: str,
    *,
    folder: Path,
    number: int | str = "service",
    port: int = 0,
    calls: int = 1,
    rate: int = 10,
    keys: dict[str, str] | None = None,
    timeout_s: int = 40,
) -> Iterator[Callable[[], str]]:
    """The same beside the test; what it yields waits for the end. A scenario that answers needs its `port`."""
    here = folder / f"sipp-{scenario}"
    here.mkdir(parents=True, exist_ok=True)
    options = ["-m", calls, "-r", rate, "-s", number, "-i", "127.0.0.1", "-timeout", timeout_s, "-timeout_error"]
    options += ["-p", port] if port else []
    for key, value in (keys or {}).items():
        options += ["-key", key, value]
    process = subprocess.Popen(
        ["sipp", target, "-sf", str(SCENARIOS / f"{scenario}.xml"), *map(str, options), *TRACES],
        cwd=here,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def finish() -> str:
        said, complaint = process.communicate(timeout=timeout_s + 10)
        if process.returncode:
            errors = "\n".join(file.read_text()[-2000:] for file in here.glob("*_errors.log"))
            raise SippFailed(f"{scenario}: exit {process.returncode}\n{errors}\n{complaint[-1000:]}")
        return said

    try:
        yield finish
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
