"""Speech to one stated loudness. It lives in the worker, works on samples, and never changes their timing."""

from dataclasses import dataclass
from math import log10

import numpy as np
import numpy.typing as npt

from audio.sound import LEVEL_DBFS, PEAK_LIMIT_DBFS

Samples = npt.NDArray[np.float32]

_FRAME_S = 0.02
_ACTIVE_WITHIN_DB = 30.0  # a frame this far under the loudest one is a pause, not speech
_LARGEST_GAIN_DB = 30.0  # more would only lift noise
_KNEE = 0.8  # of the peak limit; below it nothing is touched


@dataclass(slots=True)
class Loudness:
    """What has been measured of a clip so far: energy of its speech (pauses left out) and its peak."""

    energy: float = 0.0
    active_samples: int = 0
    peak: float = 0.0

    def add(self, samples: Samples, rate_hz: int) -> None:
        """Take the next piece into account."""
        energy, active_samples = _active(samples, rate_hz)
        self.energy += energy
        self.active_samples += active_samples
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))

    @property
    def level_dbfs(self) -> float:
        return _decibels(self.energy / self.active_samples, 10) if self.active_samples else -120.0

    @property
    def peak_dbfs(self) -> float:
        return _decibels(self.peak, 20)


def levelled(samples: Samples, rate_hz: int) -> Samples:
    """The samples with their speech at LEVEL_DBFS and no peak above PEAK_LIMIT_DBFS."""
    energy, active_samples = _active(samples, rate_hz)
    if not active_samples:
        return samples
    gain_db = min(LEVEL_DBFS - _decibels(energy / active_samples, 10), _LARGEST_GAIN_DB)
    return _limited(samples * np.float32(10 ** (gain_db / 20)))


def pcm16(samples: Samples) -> npt.NDArray[np.int16]:
    """The samples as 16-bit integers."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


def _limited(samples: Samples) -> Samples:
    limit = 10 ** (PEAK_LIMIT_DBFS / 20)
    knee = limit * _KNEE
    size = np.abs(samples)
    bent = knee + (limit - knee) * np.tanh((size - knee) / (limit - knee))
    return np.where(size > knee, np.copysign(bent, samples), samples).astype(np.float32)


def _active(samples: Samples, rate_hz: int) -> tuple[float, int]:
    frame = int(rate_hz * _FRAME_S)
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    if not whole.size:
        return 0.0, 0
    energies = np.sum(np.square(whole, dtype=np.float64), axis=1)
    loudest = float(energies.max())
    if loudest <= 0:
        return 0.0, 0
    active = energies > loudest * 10 ** (-_ACTIVE_WITHIN_DB / 10)
    return float(energies[active].sum()), int(active.sum()) * frame


def _decibels(ratio: float, factor: int) -> float:
    return factor * log10(ratio) if ratio > 0 else -120.0
