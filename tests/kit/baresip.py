"""baresip, a phone that we did not write: config folder, control socket, what it heard as a WAV file."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.events import Event, EventLog
from tests.kit.sound import write_tone

__all__ = ["Baresip", "baresip_running"]

MODULES = Path("/usr/lib/baresip/modules")

CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
call_max_calls 4
audio_player aubridge,sink
audio_source aufile,{folder}/tone.wav
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
ausrc_format s16
auplay_format s16
rtp_ports {rtp}-{rtp_end}
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {folder}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip:
    """One phone with one account; it says a tone and keeps what it hears."""

    def __init__(
        self, folder: Path, name: str, *, port: int, hz: int, auto_answer: bool = False, account: str = ""
    ) -> None:
        """`port` to `port + 3` are its own; `account` adds parameters such as `;auth_pass=...;regint=60`."""
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.name, self.port = name, port
        write_tone(self.folder / "tone.wav", hz=hz, seconds=60)
        rtp = 30_000 + (port % 1000) * 20
        (self.folder / "config").write_text(
            CONFIG.format(folder=self.folder, port=port, control=port + 3, rtp=rtp, rtp_end=rtp + 19, modules=MODULES)
        )
        mode = "auto" if auto_answer else "manual"
        (self.folder / "accounts").write_text(
            f"<sip:{name}@127.0.0.1:{port};transport=udp>{account};audio_codecs=PCMA/8000/1;answermode={mode}\n"
        )
        (self.folder / "contacts").touch()
        self.events = EventLog()
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            ["baresip", "-f", self.folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._started = threading.Event()
        self._console = threading.Thread(target=self._read_console, daemon=True)
        self._console.start()
        if not self._started.wait(10):
            self.close()
            raise AssertionError(f"baresip did not start: {(self.folder / 'log').read_text()}")
        self._control = socket.create_connection(("127.0.0.1", port + 3))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def uri(self) -> str:
        """Where it can be called."""
        return f"sip:{self.name}@127.0.0.1:{self.port}"

    def dial(self, uri: str) -> None:
        """Places a call."""
        self._command("dial", uri)

    def press(self, key: str) -> None:
        """One key, as RFC 4733."""
        self._command("sndcode", key)

    def hang_up(self) -> None:
        """Ends the current call."""
        self._command("hangup")

    def expect(self, kind: str, *, within_s: float = 5) -> Event:
        """The next event of this type, such as CALL_ESTABLISHED."""
        return self.events.take(lambda event: event.get("type") == kind, within_s, f"{self.name} {kind}")

    def heard(self) -> Path:
        """The WAV file of what it heard in its last call (complete when the call has ended)."""
        return max(self.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_mtime)

    def close(self) -> None:
        """Ends the phone."""
        if hasattr(self, "_control"):
            self._control.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._console.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _command(self, command: str, params: str = "") -> None:
        line = json.dumps({"command": command, "params": params, "token": command}).encode()
        self._control.sendall(b"%d:%s," % (len(line), line))
        answer = self.events.take(
            lambda event: bool(event.get("response")) and event.get("token") == command, 5, f"answer to {command}"
        )
        assert answer["ok"], answer

    def _read_console(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._log.write(line)
            self._log.flush()
            if b"baresip is ready" in line:
                self._started.set()

    def _read(self) -> None:
        """Netstrings: LENGTH:JSON,"""
        waiting = b""
        while True:
            try:
                some = self._control.recv(65_536)
            except OSError:
                return  # closed by the test
            if not some:
                return
            waiting += some
            while b":" in waiting:
                length, rest = waiting.split(b":", 1)
                if len(rest) <= int(length):
                    break
                self.events.add(json.loads(rest[: int(length)]))
                waiting = rest[int(length) + 1 :]


@contextmanager
def baresip_running(folder: Path, name: str, **options: object) -> Iterator[Baresip]:
    """A phone for one test."""
    phone = Baresip(folder, name, **options)  # type: ignore[arg-type]
    try:
        yield phone
    finally:
        phone.close()
