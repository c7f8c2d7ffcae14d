"""`hotline call`: a test call by a real SIP phone, and in words what it heard."""

import json
import re
import subprocess
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hotline.app.exits import Exit
from hotline.cli.files import DEFAULT, Company, read
from hotline.cli.words import fail, say
from hotline.voice.numbers import e164
from hotline.voice.process import SwitchFailed, binary

__all__ = ["call", "in_words"]


def call(
    number: Annotated[str, typer.Argument(help="A number of ours, or a SIP address.")],
    company: Company = DEFAULT,
    to: Annotated[str, typer.Option(help="The server, IP:PORT; the company's by default.")] = "",
    caller: Annotated[str, typer.Option("--from", help="The caller's number.")] = "+70000000000",
    digits: Annotated[str, typer.Option(help="Keys to press; a comma waits half a second.")] = "",
    seconds: Annotated[float, typer.Option("--for", help="How long to stay, in seconds.")] = 5.0,
    tone: Annotated[int, typer.Option(help="The tone that is said, Hz.")] = 440,
) -> None:
    """Place a test call and say what was heard."""
    uri = number if number.startswith("sip:") else f"sip:{e164(number)}@{to or _server(company)}"
    try:
        phone = binary("hotline-phone")
    except SwitchFailed as failure:
        fail(str(failure), Exit.SWITCH)
    command = [str(phone), "call", uri, "--from", caller, "--tone", str(tone), "--for", f"{round(seconds * 1000)}ms"]
    command += ["--digits", digits] if digits else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE, check=False)
        ended = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        fail(f"{uri}: no end of the call within {seconds + PATIENCE:g} s", Exit.FAILED)
    except (ValueError, IndexError):
        fail(f"{uri}: the phone could not call: {done.stderr.strip() or 'it said nothing'}", Exit.FAILED)
    say(f"{uri}: {in_words(ended)}")
    if not ended.get("answered"):
        raise typer.Exit(Exit.FAILED)


def in_words(ended: dict[str, Any]) -> str:
    """The phone's summary as sentences."""
    heard = ended.get("heard") or {}
    said = []
    if ended.get("answered"):
        said.append(f"answered after {ended.get('setup_ms', 0)} ms ({ended.get('codec', 'unknown codec')})")
        said.append(_sound(heard))
    elif ended.get("early"):
        said += ["not answered, but there was sound before the answer", _sound(heard)]
    elif ended.get("rang"):
        said.append("it rang, nobody answered")
    else:
        said.append("not answered")
    if keys := ended.get("digits"):
        said.append(f"the other side pressed {keys}")
    reason = f" {ended['reason']}" if ended.get("reason") else ""
    by = {"us": "we hung up", "peer": "the other side ended it", "timeout": "it timed out"}.get(ended.get("by", ""), "")
    talked = f" after {ended.get('talk_ms', 0) / 1000:.1f} s" if ended.get("answered") else ""
    said.append(f"{by or 'ended'}{talked} ({ended.get('code', 0)}{reason})")
    return "; ".join(said) + "."


def _sound(heard: dict[str, Any]) -> str:
    if not heard.get("packets"):
        return "no sound came at all"
    loudness = heard.get("level_db", -96)
    tones = ", ".join(f"{tone['hz']} Hz" for tone in heard.get("tones", ()))
    what = (
        f"the tone{'s' if ',' in tones else ''} {tones}" if tones else "sound" if loudness > QUIET else "silence only"
    )
    lost = f", {heard['lost']} of {heard['packets'] + heard['lost']} packets lost" if heard.get("lost") else ""
    return f"heard {what} at {loudness:.0f} dB{lost}, longest gap {heard.get('gap_ms', 0)} ms"


def _server(company: Path) -> str:
    """Where the company listens, as seen from this machine."""
    loaded = read(company)
    udp = loaded.config.sip.udp if loaded.config else "127.0.0.1:5060"
    return re.sub(r"^(0\.0\.0\.0|\[?::\]?):", "127.0.0.1:", udp)


PATIENCE: Final = 40.0
QUIET: Final = -45
