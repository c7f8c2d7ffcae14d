"""Renders the shipped prompt pack: ``make prompts``, or ``make prompts ARGS="--only ru/voicemail"``.

Needs the voices named in `VOICES` (Debian: rhvoice, rhvoice-russian, rhvoice-english of non-free).
Writes lossless masters and ``manifest.json`` under ``src/hotline/speech/pack``. The voices are
deterministic: the same version renders the same sound again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]

HOUSE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOUSE / "src"), str(HOUSE / "tools")]

import music  # noqa: E402

from hotline.speech.engines import ENGINES, Engine  # noqa: E402
from hotline.speech.script import LANGUAGES, script  # noqa: E402

PACK = HOUSE / "src" / "hotline" / "speech" / "pack"
LEVEL_DBFS = -23.0
"""Of the spoken parts (root mean square), the level of EBU R 128; the switch brings it to a telephone's."""
PEAK = 10 ** (-1.0 / 20)
MARGIN_S = 0.06
GLUE_S = 0.01
"""After a part of a number: the rest follows in the same breath; digits of a code keep their pauses."""
FADE_S = 0.005

Sound = npt.NDArray[np.float64]

VOICES: dict[str, dict[str, str]] = {
    "rhvoice irina": {
        "engine": "RHVoice 1.14.0 (Debian 1.14.0-2~bpo12+1)",
        "engine_licence": "GPL-3.0-or-later (LGPL-2.1-or-later without MAGE); not shipped, not linked",
        "licence": "GPL-2.0-or-later",
        "copyright": "Olga Yakovleva",
        "source": "Debian package rhvoice-russian, voices/irina",
    },
    "rhvoice slt": {
        "engine": "RHVoice 1.14.0 (Debian 1.14.0-2~bpo12+1)",
        "engine_licence": "GPL-3.0-or-later (LGPL-2.1-or-later without MAGE); not shipped, not linked",
        "licence": "CMU (festvox.org, permissive)",
        "copyright": "Artem Plaksin, Zvonimir Stanecic; speaker SLT of the CMU ARCTIC recordings",
        "source": "Debian package rhvoice-english, voices/slt",
    },
    "hotline": {
        "engine": "tools/music.py, tools/prompts.py",
        "licence": "Apache-2.0",
        "copyright": "the Hotline authors",
        "source": "synthesised by our own script",
    },
}


def main() -> None:
    """Renders everything that is asked for and writes the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="render only keys that begin so, e.g. ru/wait- or common/")
    wanted = parser.parse_args().only
    manifest_file = PACK / "manifest.json"
    kept: dict[str, Any] = json.loads(manifest_file.read_text())["sounds"] if wanted else {}

    jobs = {
        f"{language}/{key}": (language, key, text)
        for language in LANGUAGES
        for key, text in script(language).items()
        if f"{language}/{key}".startswith(wanted)
    }
    sounds = {place: entry for place, entry in kept.items() if _is_in_script(place)}
    with ThreadPoolExecutor(2) as pool:
        sounds |= zip(jobs, pool.map(lambda job: _speak(*job), jobs.values()), strict=True)
    if "common/".startswith(wanted[:7]):
        sounds |= _common()

    manifest = {"version": 1, "voices": VOICES, "sounds": dict(sorted(sounds.items()))}
    manifest_file.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    _remove_strangers(set(sounds))
    total = sum((PACK / f"{place}.flac").stat().st_size for place in sounds)
    seconds = sum(entry["duration_ms"] for entry in sounds.values()) / 1000
    print(f"{len(sounds)} sounds, {seconds:.0f} s, {total / 1e6:.1f} MB")


def _is_in_script(place: str) -> bool:
    language, _, key = place.partition("/")
    return language == "common" or key in script(language)


def _speak(language: str, key: str, text: str) -> dict[str, Any]:
    engine = _engine(language)
    goes_on = key.endswith("-on")
    follower = {"ru": " ноль.", "en": " zero."}[language]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        engine.render(text + follower if goes_on else text, Path(file.name))
        sound, rate = soundfile.read(file.name)
    if goes_on:
        sound = _before_the_pause(sound, rate, f"{language}/{key}")
    after = GLUE_S if goes_on and key.startswith("number-") else MARGIN_S
    return _keep(f"{language}/{key}", _finished(sound, rate, after), rate, text, f"{engine.name} {engine.voice}")


def _common() -> dict[str, dict[str, Any]]:
    t = np.arange(round(0.4 * music.RATE)) / music.RATE
    beep = _finished(np.sin(2 * np.pi * 1000 * t), music.RATE)
    piece = music.compose()
    piece *= min(10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(piece**2)), PEAK / np.max(np.abs(piece)))
    return {
        "common/beep": _keep("common/beep", beep, music.RATE, "a tone of 1000 Hz, 400 ms", "hotline"),
        "common/hold": _keep("common/hold", piece, music.RATE, "hold music, loops without a seam", "hotline"),
    }


def _engine(language: str) -> Engine:
    for engine in ENGINES:
        if engine.language == language and f"{engine.name} {engine.voice}" in VOICES:
            if not engine.installed():
                sys.exit(f"the pack's voice {engine.voice} is not installed: {engine.package}")
            return engine
    raise AssertionError(f"no voice is named for {language}")


def _before_the_pause(sound: Sound, rate: int, place: str) -> Sound:
    """What stands before the longest silence inside: the word with its voice held up."""
    loud = np.flatnonzero(np.abs(sound) > 10 ** (-45 / 20))
    gaps = np.diff(loud)
    widest = int(np.argmax(gaps))
    if gaps[widest] < 0.05 * rate:
        sys.exit(f"{place}: no pause to cut at")
    return sound[: loud[widest] + round(MARGIN_S * rate)]


def _finished(sound: Sound, rate: int, after_s: float = MARGIN_S) -> Sound:
    """Trimmed, at the common level, without a click at its ends."""
    loud = np.flatnonzero(np.abs(sound) > 10 ** (-50 / 20))
    sound = sound[max(0, loud[0] - round(MARGIN_S * rate)) : loud[-1] + round(after_s * rate)]
    pad = round(MARGIN_S * rate)
    sound = np.concatenate([np.zeros(max(0, pad - loud[0])), sound])
    sound = sound * min(10 ** ((LEVEL_DBFS - _spoken_dbfs(sound, rate)) / 20), PEAK / np.max(np.abs(sound)))
    fade = round(FADE_S * rate)
    sound[:fade] *= np.linspace(0, 1, fade)
    sound[-fade:] *= np.linspace(1, 0, fade)
    return np.asarray(sound)


def _spoken_dbfs(sound: Sound, rate: int) -> float:
    """The level of the 20 ms frames that lie within 25 dB of the loudest one."""
    frame = rate // 50
    frames = sound[: len(sound) // frame * frame].reshape(-1, frame)
    power = np.mean(frames**2, axis=1)
    return float(10 * np.log10(np.mean(power[power > np.max(power) / 10**2.5])))


def _keep(place: str, sound: Sound, rate: int, text: str, voice: str) -> dict[str, Any]:
    file = PACK / f"{place}.flac"
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, np.round(sound * 32767).astype(np.int16), rate, compression_level=1.0)
    return {
        "text": text,
        "voice": voice,
        "duration_ms": len(sound) * 1000 // rate,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def _remove_strangers(places: set[str]) -> None:
    for file in PACK.rglob("*.flac"):
        if file.relative_to(PACK).with_suffix("").as_posix() not in places:
            file.unlink()


if __name__ == "__main__":
    main()
