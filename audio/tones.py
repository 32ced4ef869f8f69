"""The siren and the chime, computed. It lives in the worker, gives samples at any rate, and never speaks.

Both stay between 300 and 1 400 Hz: a telephone carries 300 to 3 400 Hz, and old ears lose the high tones first. The
siren is a fast wail and deliberately not the minute-long signals of civil air defence (防空警报), which mean something
else.
"""

import math

import numpy as np
import numpy.typing as npt

from audio.loudness import Samples
from audio.sound import Tone

Curve = npt.NDArray[np.float64]

SIREN_LOW_HZ, SIREN_HIGH_HZ = 650.0, 1_300.0
SIREN_WAILS_PER_S = 2.0
CHIME_HZ = (659.26, 523.25)  # e″ and c″, falling: the door bell everybody knows
_SECOND_NOTE_AFTER_S = 0.7
_FADE_S = 0.35  # until a struck note has lost two thirds
_EDGE_S = 0.01  # a tone that starts or stops at once clicks


def tone(kind: Tone, rate_hz: int) -> Samples:
    """`kind.duration_s` of the tone, not yet levelled, at `rate_hz` samples a second."""
    at_s = np.arange(round(kind.duration_s * rate_hz)) / rate_hz
    sound = _siren(at_s, rate_hz) if kind is Tone.SIREN else _chime(at_s)
    edge = np.minimum(1.0, np.minimum(at_s, at_s[::-1]) / _EDGE_S)
    samples: Samples = (0.5 * sound * edge).astype(np.float32)
    return samples


def _siren(at_s: Curve, rate_hz: int) -> Curve:
    up_and_down = 1 - np.abs(1 - 2 * np.mod(at_s * SIREN_WAILS_PER_S, 1))
    frequency_hz = SIREN_LOW_HZ + (SIREN_HIGH_HZ - SIREN_LOW_HZ) * up_and_down
    return np.sin(2 * math.pi * np.cumsum(frequency_hz) / rate_hz)


def _chime(at_s: Curve) -> Curve:
    first, second = (
        _struck(at_s - begins_s, hz) for begins_s, hz in zip((0.0, _SECOND_NOTE_AFTER_S), CHIME_HZ, strict=True)
    )
    return first + second


def _struck(since_s: Curve, hz: float) -> Curve:
    since_s = np.maximum(since_s, 0)
    rise = np.minimum(1.0, since_s / _EDGE_S)
    return np.sin(2 * math.pi * hz * since_s) * rise * np.exp(-since_s / _FADE_S)
