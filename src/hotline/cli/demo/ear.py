"""Recordings checked by ear: each side's tone must be in its own channel, and not in the other."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hotline.cli.demo.scripts import OPERATORS, SCRIPTS
from hotline.voice.process import binary

__all__ = ["Verdict", "listen"]

TONES = sorted({one.tone for one in OPERATORS} | {one.tone for one in SCRIPTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was heard in one recording."""

    path: str
    heard: tuple[int | None, ...]
    """The tone of each channel, left first."""
    wrong: str
    """Empty when it is right."""


def listen(path: Path, caller: int, operator: int | None) -> Verdict:
    """`caller` must be heard left and `operator` right; None is silence (a message has one side)."""
    command = [str(binary()), "sound", str(path), "--json", "--tones", ",".join(map(str, TONES))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        return Verdict(path=str(path), heard=(), wrong=done.stderr.strip() or "it cannot be read")
    heard = tuple(channel["hz"] for channel in json.loads(done.stdout)["channels"])
    expected = (caller, operator)
    wrong = "" if heard == expected else f"heard {heard}, not {expected}"
    return Verdict(path=str(path), heard=heard, wrong=wrong)
