"""Sound files for tests: a tone written, a tone found."""

import math
import struct
import subprocess
import wave
from pathlib import Path

__all__ = ["channels_of", "level_db", "loudest_tone", "write_tone"]

RATE = 8000


def write_tone(file: Path, *, hz: float, seconds: float, level: float = 0.3) -> None:
    """Mono, 16 bit, 8 kHz; `level` of full scale."""
    samples = (int(32_767 * level * math.sin(2 * math.pi * hz * n / RATE)) for n in range(int(seconds * RATE)))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def channels_of(file: Path) -> list[list[int]]:
    """The channels of any sound file, at 8 kHz, decoded by a program that we did not write."""
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=channels", "-of", "csv=p=0", str(file)]
    count = int(subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip())
    decode = ["ffmpeg", "-v", "error", "-i", str(file), "-ar", str(RATE), "-f", "s16le", "-"]
    raw = subprocess.run(decode, capture_output=True, check=True).stdout
    samples = struct.unpack(f"<{len(raw) // 2}h", raw)
    return [list(samples[channel::count]) for channel in range(count)]


def level_db(samples: list[int]) -> float:
    """RMS in dB of full scale; -96 for digital silence."""
    mean = sum(sample * sample for sample in samples) / max(1, len(samples))
    return 20 * math.log10(math.sqrt(mean) / 32_768) if mean >= 1 else -96.0


def loudest_tone(samples: list[int], candidates: list[int]) -> int:
    """Which of the candidates (Hz) carries most power (Goertzel)."""
    return max(candidates, key=lambda hz: _power(samples, hz))


def _power(samples: list[int], hz: float) -> float:
    turn = 2 * math.cos(2 * math.pi * hz / RATE)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    return before * before + last * last - turn * before * last
