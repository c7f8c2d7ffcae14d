"""Knocking at the running engine's door."""

import json
import socket
from pathlib import Path
from typing import Any, Final

from hotline.app.exits import Exit
from hotline.cli.words import fail
from hotline.config import Config

__all__ = ["ask", "is_open"]


def ask(config: Config, **asked: Any) -> dict[str, Any]:
    """The engine's answer. Ends with a sentence when no engine is running or it refuses."""
    answer = _asked(config, asked)
    if not answer["ok"] and "sentence" in answer:
        fail(answer["sentence"], Exit.FAILED)
    return answer


def is_open(folder: Path) -> bool:
    """Whether an engine answers for the data folder `folder`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        try:
            door.connect(str(folder / "run" / "engine.sock"))
        except OSError:
            return False
    return True


def _asked(config: Config, asked: dict[str, Any]) -> dict[str, Any]:
    path = config.folders.run / "engine.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(PATIENCE)
        try:
            door.connect(str(path))
            door.sendall(json.dumps(asked).encode() + b"\n")
            line = door.makefile("rb").readline()
        except (FileNotFoundError, ConnectionRefusedError):
            fail(f"no engine is running for {config.file}: start one with `hotline serve {config.file}`", Exit.AWAY)
        except TimeoutError:
            fail("the engine does not answer", Exit.AWAY)
        except OSError as error:
            fail(f"the engine cannot be asked: {error.strerror}: {path}", Exit.AWAY)
    try:
        answer = json.loads(line)
    except ValueError:
        fail("the engine ended while it was asked", Exit.AWAY)
    return dict(answer)


PATIENCE: Final = 60.0
"""Seconds; a reload may have to render new texts."""
