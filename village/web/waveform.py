"""The shape of a spoken clip as one SVG path: what somebody who cannot listen sees of a call.

Never plays anything and needs no third-party package: peaks of 16-bit samples are all there is to it.
"""

from __future__ import annotations

import array
import sys
import wave
from functools import lru_cache
from pathlib import Path

BARS = 64
WIDTH, HEIGHT = BARS * 3, 44
_FULL_SCALE = 32768
_LEAST = 1.0
"""Silence is still a dot: otherwise the picture seems to be missing."""


@lru_cache(maxsize=64)
def waveform(clip: Path) -> str:
    """The `d` of a path in a WIDTH x HEIGHT view box; clips are never rewritten, so a path is drawn once.

    Raises OSError and ValueError for what is no 16-bit WAV.
    """
    try:
        with wave.open(str(clip), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{clip.name}: {8 * file.getsampwidth()} bits")
            channels, raw = file.getnchannels(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as broken:
        raise ValueError(f"{clip.name}: {broken}") from broken
    samples = array.array("h")
    samples.frombytes(raw[: len(raw) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return _path(_peaks(samples, channels))


def _peaks(samples: array.array[int], channels: int) -> list[float]:
    step = max(len(samples) // BARS // channels * channels, 1)
    return [_peak(samples, bar * step, (bar + 1) * step) for bar in range(BARS)]


def _peak(samples: array.array[int], start: int, end: int) -> float:
    part = samples[start:end]
    if not part:
        return 0.0
    highest, lowest = max(part), min(part)
    return max(highest, -lowest) / _FULL_SCALE


def _path(peaks: list[float]) -> str:
    loudest = max(peaks) or 1.0
    middle = HEIGHT / 2
    bars = []
    for place, peak in enumerate(peaks):
        reach = max(peak / loudest * (middle - 2), _LEAST)
        bars.append(f"M{place * 3 + 1.5:g} {middle - reach:.1f}v{2 * reach:.1f}")
    return "".join(bars)
