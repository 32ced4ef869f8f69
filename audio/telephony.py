"""Speech as a telephone carries it: 8 kHz and µ-law. It lives in the worker and never enters the server."""

import numpy as np
import numpy.typing as npt
import soxr

from audio.loudness import Samples

TELEPHONE_HZ = 8_000
_BIAS = 0x84  # ITU-T G.711 (11/1988), table 2a, on 14 bits of the 16
_CLIP = 8159


def resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """The samples at another rate, without the aliases that dropping samples would leave."""
    if from_hz == to_hz:
        return samples
    at_rate: Samples = soxr.resample(samples, from_hz, to_hz, quality="HQ").astype(np.float32)
    return at_rate


def to_telephone_rate(samples: Samples, rate_hz: int) -> Samples:
    """The samples at 8 kHz."""
    return resampled(samples, rate_hz, TELEPHONE_HZ)


def ulaw_table() -> npt.NDArray[np.uint8]:
    """µ-law for every 16-bit sample, indexed by the sample's bits as an unsigned number."""
    sample = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    negative = sample < 0
    size = np.minimum(np.where(negative, -sample, sample), _CLIP) + (_BIAS >> 2)
    segment = np.searchsorted(np.array([0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF]), size)
    code = (segment << 4) | ((size >> (segment + 1)) & 0x0F)
    code = np.where(segment >= 8, 0x7F, code)
    return (code ^ np.where(negative, 0x7F, 0xFF)).astype(np.uint8)


class UlawEncoder:
    """16-bit samples → µ-law through the table, which is made once."""

    def __init__(self) -> None:
        self._table = ulaw_table()

    def encoded(self, samples: npt.NDArray[np.int16]) -> bytes:
        """One byte for each sample."""
        return self._table[samples.view(np.uint16)].tobytes()
