"""A voice for tests: a real program that reads text and writes a WAV file, as the engines do."""

import sys
import wave
from array import array
from pathlib import Path

from hotline.domain.ids import QueueId
from hotline.domain.phrases import Phrase
from hotline.domain.settings import Enqueue, Flow, Hangup, NumberSettings, QueueSettings, Say, Settings
from hotline.speech.engines import Engine

_PROGRAM = """
import math, sys, wave
text = sys.stdin.buffer.read().decode()
if text == "crash": sys.exit("the voice has a cold")
if text == "hang": import time; time.sleep(600)
if text == "nothing": sys.exit(0)
loud = 0 if text == "silence" else 8000
tone = [0] * 2400 + [int(loud * math.sin(i / 5)) for i in range(800 * len(text))] + [0] * 4800
with wave.open(sys.argv[1], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(16000)
    out.writeframes(b"".join(s.to_bytes(2, "little", signed=True) for s in tone))
"""


def voice(folder: Path, language: str = "ru", name: str = "tester") -> Engine:
    """An installed engine: 50 ms of tone a character between two silences."""
    program = folder / f"{name}.py"
    program.write_text(_PROGRAM)
    return Engine(
        name=name,
        language=language,
        voice="tone",
        command=(sys.executable, str(program), "{wav}"),
        data=(str(program),),
        package="tester",
    )


def absent(language: str = "ru") -> Engine:
    """An engine that nobody has installed."""
    return Engine(
        name="absent", language=language, voice="x", command=("no-such-voice-program", "{wav}"), package="absent-voice"
    )


def tone_file(path: Path, seconds: float = 0.5, rate: int = 8000) -> Path:
    """A recording of the owner's: a square wave."""
    samples = array("h", [6000 if i // 10 % 2 else -6000 for i in range(int(seconds * rate))])
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return path


def company(
    *phrases: Phrase, music: Phrase | None = None, greeting: tuple[Phrase, ...] = (), language: str = "ru"
) -> Settings:
    """A company whose only flow says `phrases` and puts the caller into a queue."""
    shop = QueueId("shop")
    return Settings(
        revision=1,
        company="Test",
        language="ru",
        numbers={"+70000000001": NumberSettings(number="+70000000001", flow="main", language=language)},
        flows={
            "main": Flow(
                name="main",
                start="hello",
                nodes={
                    "hello": Say(phrases=phrases, next="wait"),
                    "wait": Enqueue(queue=shop),
                    "bye": Hangup(),
                },
            )
        },
        queues={shop: QueueSettings(name=shop, operators=(), music=music, greeting=greeting)},
        operators={},
    )
