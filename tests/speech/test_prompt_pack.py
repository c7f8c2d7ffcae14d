"""Listens to the shipped pack: every file is decoded and measured."""

import json
import math
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile  # type: ignore[import-untyped]

from hotline.speech.pack import SHIPPED, Pack, Recording
from hotline.speech.script import LANGUAGES, script
from hotline.speech.sounds import what_is_wrong

HOUSE = Path(__file__).resolve().parents[2]
BUILT = [path for path in HOUSE.glob("target/*/hotline-switch") if path.parent.name in ("release", "debug")]
SWITCH = max(BUILT, key=lambda path: path.stat().st_mtime, default=None)
RECORDINGS = Pack().recordings()
SPOKEN = {place: recording for place, recording in RECORDINGS.items() if not place.startswith("common/")}


@cache
def heard(file: Path) -> tuple[npt.NDArray[np.float64], int]:
    """The samples of a file, from -1 to 1, and their rate."""
    sound, rate = soundfile.read(file)
    return sound, rate


def level(sound: npt.NDArray[np.float64]) -> float:
    """Root mean square in dBFS."""
    return 10 * math.log10(float(np.mean(sound**2)) + 1e-12)


def spoken_level(sound: npt.NDArray[np.float64], rate: int) -> float:
    """The level of its loud 20 ms frames: pauses do not count."""
    frame = rate // 50
    frames = sound[: len(sound) // frame * frame].reshape(-1, frame)
    power = np.mean(frames**2, axis=1)
    return 10 * math.log10(float(np.mean(power[power > power.max() / 300])))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pack_says_the_script_word_for_word(language: str) -> None:
    """Nothing is missing, nothing is left over, no text was changed after it was recorded."""
    recorded = {
        place.partition("/")[2]: recording.text
        for place, recording in SPOKEN.items()
        if place.startswith(f"{language}/")
    }

    assert script(language) == recorded


def test_both_languages_have_the_same_keys() -> None:
    """A flow works in either."""
    assert script("ru").keys() == script("en").keys()


def test_every_file_is_the_one_that_was_recorded() -> None:
    """By its hash; and no file lies there that the manifest does not name."""
    assert [place for place, recording in RECORDINGS.items() if not recording.is_intact()] == []
    assert {recording.file for recording in RECORDINGS.values()} == set(SHIPPED.rglob("*.flac"))


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    """One changed byte is enough."""
    recording = RECORDINGS["ru/goodbye"]
    data = bytearray(recording.file.read_bytes())
    data[len(data) // 2] ^= 1
    copy = tmp_path / "goodbye.flac"
    copy.write_bytes(data)

    assert not Recording(file=copy, text="", voice="", duration_ms=1, sha256=recording.sha256).is_intact()


def test_every_phrase_has_the_same_level_and_is_not_clipped() -> None:
    """Spoken parts lie at -23 dBFS within 1.5 dB, peaks below -1 dBFS."""
    wrong = {}
    for place, recording in SPOKEN.items():
        sound, rate = heard(recording.file)
        loudness, peak = spoken_level(sound, rate), 20 * math.log10(float(np.abs(sound).max()))
        if abs(loudness + 23) > 1.5 or peak > -1:
            wrong[place] = (loudness, peak)

    assert not wrong


def test_every_phrase_begins_at_once_and_does_not_end_in_silence() -> None:
    """At most 0.2 s before and after the words; no hole of more than 0.6 s inside."""
    wrong = {}
    for place, recording in SPOKEN.items():
        sound, rate = heard(recording.file)
        loud = np.flatnonzero(np.abs(sound) > 10 ** (-50 / 20)) / rate
        before, after, hole = loud[0], len(sound) / rate - loud[-1], np.diff(loud).max()
        if before > 0.2 or after > 0.2 or hole > 0.6:
            wrong[place] = (before, after, hole)

    assert not wrong


def test_every_phrase_lasts_as_long_as_its_text_takes() -> None:
    """40 to 110 ms a letter and a little for the ends: nothing is cut, nothing is said twice."""
    wrong = {}
    for place, recording in SPOKEN.items():
        sound, rate = heard(recording.file)
        seconds, letters = len(sound) / rate, sum(c.isalpha() for c in recording.text)
        if not 0.1 + 0.04 * letters < seconds < 0.6 + 0.11 * letters:
            wrong[place] = (seconds, letters)
        assert recording.duration_ms == pytest.approx(seconds * 1000, abs=1)

    assert not wrong


def test_different_words_are_different_sounds() -> None:
    """No file was copied under a second name: only equal texts sound equal."""
    texts: dict[tuple[str, str], set[str]] = {}
    for place, recording in SPOKEN.items():
        texts.setdefault((place[:2], recording.sha256), set()).add(recording.text)

    assert [words for words in texts.values() if len(words) > 1] == []


def test_a_held_up_number_is_not_the_final_one() -> None:
    """What is followed by more has a melody of its own."""
    for digit in "0123456789":
        held, final = (heard(RECORDINGS[f"ru/digit-{digit}{more}"].file)[0] for more in ("-on", ""))
        assert len(held) != len(final)


def test_the_beep_is_a_tone_of_1000_hz() -> None:
    """Callers and tests know it by its pitch."""
    sound, rate = heard(RECORDINGS["common/beep"].file)
    spectrum = np.abs(np.fft.rfft(sound))

    assert np.argmax(spectrum) * rate / len(sound) == pytest.approx(1000, abs=5)
    assert level(sound) == pytest.approx(-23, abs=1.5)


def test_the_music_loops_without_a_seam() -> None:
    """From its last sample to its first is no larger a step than inside; its level is that of speech."""
    sound, rate = heard(RECORDINGS["common/hold"].file)

    assert 60 <= len(sound) / rate <= 90
    assert abs(sound[0] - sound[-1]) < np.percentile(np.abs(np.diff(sound)), 90)
    assert level(sound) == pytest.approx(-23, abs=1.5)
    assert np.abs(sound).max() < 0.9


def test_the_music_never_falls_silent_and_lies_in_the_telephones_band() -> None:
    """No second of it is more than 20 dB below the whole; 95 % of its power is within 250 to 3400 Hz."""
    sound, rate = heard(RECORDINGS["common/hold"].file)
    seconds = sound[: len(sound) // rate * rate].reshape(-1, rate)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / rate)

    assert min(level(second) for second in seconds) > level(sound) - 20
    assert power[(hertz > 250) & (hertz < 3400)].sum() > 0.95 * power.sum()


@pytest.mark.skipif(SWITCH is None, reason="the switch is not built")
@pytest.mark.parametrize("place", ["ru/demo-menu", "en/digit-8-on", "common/beep", "common/hold"])
def test_the_switch_plays_the_pack(place: str) -> None:
    """The longest and the shortest phrase, the tone and the music, at the loudness of a telephone."""
    recording = RECORDINGS[place]
    assert SWITCH
    done = subprocess.run([SWITCH, "sound", recording.file, "--json"], capture_output=True, check=True, timeout=60)
    answer = json.loads(done.stdout)

    assert answer["duration_ms"] == pytest.approx(recording.duration_ms, abs=20)
    assert answer["lufs"] == pytest.approx(-19, abs=1)


@pytest.mark.skipif(SWITCH is None, reason="the switch is not built")
def test_the_switch_refuses_what_only_looks_like_sound(tmp_path: Path) -> None:
    """The finding names the file once and says why."""
    file = tmp_path / "hello.mp3"
    file.write_bytes(b"ID3\x04" + bytes(4000))
    wrong = what_is_wrong(file, SWITCH)

    assert wrong
    assert str(file) not in wrong


def test_every_voice_names_its_licence() -> None:
    """And none of them forbids selling."""
    voices = json.loads((SHIPPED / "manifest.json").read_text())["voices"]

    assert {recording.voice for recording in RECORDINGS.values()} == set(voices)
    assert all(voice["licence"] and "NC" not in voice["licence"] for voice in voices.values())
    assert (SHIPPED / "NOTICE").is_file()


def test_the_pack_stays_small() -> None:
    """A clone and a wheel carry it."""
    assert sum(recording.file.stat().st_size for recording in RECORDINGS.values()) < 28_000_000
