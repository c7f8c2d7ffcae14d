"""PostgreSQL from Debian's package, on a free port and in a folder of its own, for as long as a test session."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["postgres_running", "programs"]


def programs() -> Path | None:
    """Where the server's programs lie; the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgres_running() -> Iterator[str]:
    """The URL of a server's maintenance database; it keeps nothing."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-pg-"))
    port = _free_port()
    bin_ = programs()
    assert bin_ is not None
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    _as_postgres(bin_ / "initdb", "-D", data, "-U", "hotline", "-A", "trust", "-N", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _as_postgres(bin_ / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://hotline@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _as_postgres(*command: str | Path) -> None:
    """The server refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*prefix, *map(str, command)], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
