"""Composes the hold music: 24 bars in C, 72 beats a minute, 80 seconds that loop without a seam.

Our own piece, made of sine partials by this script and nothing else. It is written for the ear of a
telephone: melody and chords lie between 250 and 2500 Hz, notes are soft and sparse, and nothing
sounds like speech or like a line signal. Every tail that runs over the end is folded back to the
beginning, so the loop has no seam.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 24_000
BEAT = 60 / 72
BARS = 24
LENGTH = round(BARS * 4 * BEAT * RATE)

Sound = npt.NDArray[np.float64]

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# One chord a bar, eight bars three times; the last time leads home.
_CHORDS = [
    *("C4 E4 G4 B4", "A3 C4 E4 G4", "F4 A4 C5 E5", "G4 B4 D5 E5"),
    *("E4 G4 B4 D5", "A3 C4 E4 G4", "D4 F4 A4 C5", "G4 B4 D5 F5"),
    *("C4 E4 G4 B4", "A3 C4 E4 G4", "F4 A4 C5 E5", "G4 B4 D5 E5"),
    *("A3 C4 E4 G4", "E4 G4 B4 D5", "F4 A4 C5 E5", "G4 B4 D5 F5"),
    *("F4 A4 C5 E5", "G4 B4 D5 E5", "E4 G4 B4 D5", "A3 C4 E4 G4"),
    *("D4 F4 A4 C5", "G4 B4 D5 F5", "C4 E4 G4 B4", "G4 B4 D5 F5"),
]

# (beat within the bar, note, beats held); a dash is a bar of rest.
_MELODY = [
    "0:E5:2 2:G5:1.5", "0:C6:3", "0:A5:1 1:G5:1 2:E5:2", "0:D5:3",
    "0:G5:1.5 1.5:A5:0.5 2:B5:2", "0:C6:2 2:A5:2", "0:F5:1 1:E5:1 2:D5:2", "-",
    "0:E5:2 2:G5:1 3:A5:1", "0:E6:3", "0:C6:1 1:A5:1 2:G5:2", "0:E5:1.5 1.5:D5:2.5",
    "0:C5:1 1:E5:1 2:A5:2", "0:G5:2 2:B5:2", "0:A5:1.5 1.5:G5:0.5 2:E5:2", "0:D5:3",
    "0:C6:2 2:A5:1 3:C6:1", "0:B5:2 2:G5:2", "0:G5:1 1:E5:1 2:B5:2", "0:A5:3",
    "0:F5:1 1:A5:1 2:C6:2", "0:B5:1.5 1.5:A5:0.5 2:G5:2", "0:E5:4", "-",
]  # fmt: skip


def compose() -> Sound:
    """The whole piece, one loop, mono at `RATE`, not yet levelled."""
    piece = np.zeros(LENGTH)
    for bar, (chord, melody) in enumerate(zip(_CHORDS, _MELODY, strict=True)):
        notes = chord.split()
        for eighth, step in enumerate((0, 2, 1, 3, 2, 1, 3, 2)):
            _add(piece, bar * 4 + eighth / 2, _pluck(_hertz(notes[step]), 1.6), 0.16)
        for note in notes[:3]:
            _add(piece, bar * 4, _pad(_hertz(note) * 2, 4.6), 0.035)
        if melody == "-":
            continue
        for entry in melody.split():
            beat, note, held = entry.split(":")
            _add(piece, bar * 4 + float(beat), _bell(_hertz(note), float(held)), 0.30)
    return piece


def _add(piece: Sound, beat: float, sound: Sound, gain: float) -> None:
    """Mixes a sound in at a beat; what runs over the end goes on at the beginning."""
    start = round(beat * BEAT * RATE)
    places = (start + np.arange(len(sound))) % len(piece)
    np.add.at(piece, places, gain * sound)


def _hertz(note: str) -> float:
    semitone = 12 * int(note[1]) + _SEMITONES[note[0]]
    return float(440.0 * 2 ** ((semitone - (12 * 4 + 9)) / 12))


def _time(beats: float) -> Sound:
    return np.arange(round(beats * BEAT * RATE)) / RATE


def _pluck(hertz: float, beats: float) -> Sound:
    """A soft plucked string: four partials, the higher the shorter."""
    t = _time(beats)
    tone = sum(np.sin(2 * np.pi * hertz * k * t) * np.exp(-t * (2.2 + 1.8 * k)) / k**1.6 for k in (1, 2, 3, 4))
    return _soften(np.asarray(tone), 0.006)


def _bell(hertz: float, beats: float) -> Sound:
    """The melody's voice, an electric piano: a round tone with a little shimmer at its start."""
    t = _time(beats + 1.5)
    body = np.sin(2 * np.pi * hertz * t + 0.9 * np.exp(-t * 5) * np.sin(2 * np.pi * hertz * 2 * t))
    warmth = 0.25 * np.sin(2 * np.pi * hertz * 0.5 * t)
    return _soften((body + warmth) * np.exp(-t * 1.5), 0.012)


def _pad(hertz: float, beats: float) -> Sound:
    """A breath behind the chord: two partials a shade apart, swelling and fading."""
    t = _time(beats)
    swell = np.sin(np.pi * t / t[-1]) ** 2
    return np.asarray((np.sin(2 * np.pi * hertz * t) + np.sin(2 * np.pi * hertz * 1.003 * t)) * swell)


def _soften(tone: Sound, attack_s: float) -> Sound:
    """No click at either end."""
    rise = round(attack_s * RATE)
    tone[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    fall = min(len(tone), RATE // 10)
    tone[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fall) / fall)
    return tone
