"""The one bit of sound that Python touches: cutting silence off what a voice has rendered."""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path

__all__ = ["trim"]

SILENCE = 100
"""Samples (16 bit) below this are silence: -50 dBFS."""


def trim(path: Path, *, margin_ms: int = 60) -> int:
    """Cuts the silence at both ends of a 16 bit WAV file down to `margin_ms`; its new length in ms.

    0 means that there is no sound in it at all: the file is left as it was.
    """
    with wave.open(str(path), "rb") as source:
        form = source.getparams()
        samples = array("h", source.readframes(form.nframes))
    if sys.byteorder == "big":
        samples.byteswap()
    if form.sampwidth != 2 or form.nchannels != 1:
        raise ValueError("a voice renders 16 bit mono")
    first = next((i for i, sample in enumerate(samples) if abs(sample) > SILENCE), None)
    if first is None:
        return 0
    last = next(i for i in range(len(samples) - 1, -1, -1) if abs(samples[i]) > SILENCE)
    margin = form.framerate * margin_ms // 1000
    kept = samples[max(0, first - margin) : last + 1 + margin]
    if sys.byteorder == "big":
        kept.byteswap()
    with wave.open(str(path), "wb") as target:
        target.setparams(form)
        target.writeframes(kept.tobytes())
    return len(kept) * 1000 // form.framerate
