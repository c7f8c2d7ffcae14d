"""Where the programs under test are: built by `make build`, or named by HOTLINE_BIN."""

import os
import shutil
import sys
from pathlib import Path

__all__ = ["HOUSE", "program"]

HOUSE = Path(__file__).resolve().parent.parent.parent


def program(name: str) -> Path:
    """The path of hotline, hotline-switch or hotline-phone; FileNotFoundError says what to run when it is missing."""
    folders = [
        Path(os.environ["HOTLINE_BIN"]) if "HOTLINE_BIN" in os.environ else None,
        HOUSE / "target" / "release",
        Path(sys.executable).parent,
    ]
    for folder in folders:
        if folder is not None and (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not built: run `make build`")
    return Path(found)
