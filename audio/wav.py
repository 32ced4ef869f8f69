"""WAV files of this house: mono, 16-bit or µ-law, sealed with a checksum behind the samples. It never judges loudness.

The seal sits in a chunk of its own after the samples, where every player skips it: one file, one rename, and a clip
that a power cut truncated is known for what it is. Its checksum covers every byte of the file, the header too: one
flipped bit in the rate would otherwise play every word at another speed. It names the clip, so that a whole file under
another's name is found out as well.
"""

import json
import os
import struct
import zlib
from array import array
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from audio.failures import WavError

_SEAL_ID = b"ejia"
_NO_CRC = b"0" * 8
_LONGEST_TAIL_BYTES = 1 << 12
_BLOCK_BYTES = 1 << 18
_SAMPLES_PER_BAR = 300  # enough to find a bar's loudest moment to the eye, few enough for a Pi


class Encoding(StrEnum):
    """How a sample is stored."""

    PCM16 = "pcm16"
    ULAW = "ulaw"

    @property
    def sample_bytes(self) -> int:
        return 2 if self is Encoding.PCM16 else 1


_FORMAT_TAGS = {Encoding.PCM16: 1, Encoding.ULAW: 7}


@dataclass(frozen=True, slots=True)
class Seal:
    """What the maker measured, and which clip it made; `crc32` is of the whole file, its own digits taken as zeros."""

    crc32: int
    level_dbfs: float
    peak_dbfs: float
    name: str


@dataclass(frozen=True, slots=True)
class Wav:
    """Where the samples of a WAV file are and what they are."""

    path: Path
    rate_hz: int
    encoding: Encoding
    frames: int
    samples_at: int
    seal: Seal | None

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz


class WavWriter:
    """Samples into a sealed WAV, piece by piece, so that a long text never has to be in memory."""

    def __init__(self, file: BinaryIO, rate_hz: int, encoding: Encoding) -> None:
        self._file, self._rate_hz, self._encoding = file, rate_hz, encoding
        self._crc32 = 0
        self._sample_bytes = 0
        self._file.write(_header(rate_hz, encoding, 0, 0))

    @property
    def frames(self) -> int:
        return self._sample_bytes // self._encoding.sample_bytes

    def write(self, samples: bytes) -> None:
        """Append samples that are already encoded."""
        self._crc32 = zlib.crc32(samples, self._crc32)
        self._sample_bytes += len(samples)
        self._file.write(samples)

    def finish(self, level_dbfs: float, peak_dbfs: float, name: str) -> None:
        """Seal the file as the clip of this name and put it on the disk."""
        facts = {"crc32": _NO_CRC.decode(), "level_dbfs": level_dbfs, "peak_dbfs": peak_dbfs, "name": name}
        seal = json.dumps(facts).encode()
        seal += b" " * (len(seal) % 2)
        tail = b"\0" * (self._sample_bytes % 2) + _SEAL_ID + struct.pack("<I", len(seal)) + seal
        header = _header(self._rate_hz, self._encoding, self._sample_bytes, len(tail))
        crc32 = zlib.crc32(tail, zlib.crc32(header, self._crc32))
        self._file.write(tail.replace(_NO_CRC, f"{crc32:08x}".encode(), 1))
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        os.fsync(self._file.fileno())


def read_wav(path: Path) -> Wav:
    """The shape of a WAV file. Raises WavError where it is damaged or of another kind, OSError where there is none."""
    with path.open("rb") as file:
        try:
            return _parsed(path, file, path.stat().st_size)
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise WavError(f"{path.name} is not a sound file of this house: {error}") from error


def verified(path: Path) -> tuple[Wav, Seal]:
    """The shape and seal of a WAV file that is, byte for byte, what was sealed. Raises WavError otherwise."""
    wav = read_wav(path)
    if wav.seal is None:
        raise WavError(f"{path.name} carries no seal")
    crc32, left = 0, wav.frames * wav.encoding.sample_bytes
    with path.open("rb") as file:
        header = file.read(wav.samples_at)
        while left and (block := file.read(min(left, _BLOCK_BYTES))):
            crc32, left = zlib.crc32(block, crc32), left - len(block)
        tail = file.read(_LONGEST_TAIL_BYTES)
    tail = tail.replace(f"{wav.seal.crc32:08x}".encode(), _NO_CRC, 1)
    if left or zlib.crc32(tail, zlib.crc32(header, crc32)) != wav.seal.crc32:
        raise WavError(f"{path.name} is not what was written")
    return wav, wav.seal


def envelope(path: Path, bars: int = 60) -> list[int]:
    """How loud the file is along its length: `bars` numbers from 0 to 100, for drawing. Raises WavError, OSError."""
    wav = read_wav(path)
    size = wav.encoding.sample_bytes
    peaks = []
    with path.open("rb") as file:
        for bar in range(bars):
            first, last = wav.frames * bar // bars, wav.frames * (bar + 1) // bars
            file.seek(wav.samples_at + first * size)
            peaks.append(_peak(file.read((last - first) * size), wav.encoding))
    return [round(100 * peak / 32_768) for peak in peaks]


def _peak(samples: bytes, encoding: Encoding) -> int:
    step = (
        len(samples) // encoding.sample_bytes // _SAMPLES_PER_BAR | 1
    )  # odd: an even one can miss every crest of a tone
    if encoding is Encoding.ULAW:
        return max((_ulaw_size(code) for code in samples[::step]), default=0)
    return max(map(abs, array("h", samples)[::step]), default=0)


def _ulaw_size(code: int) -> int:
    code = ~code & 0x7F  # ITU-T G.711: complement, then segment and step; the sign does not matter here
    return (((code & 0x0F) << 3) + 0x84 << (code >> 4)) - 0x84


def _header(rate_hz: int, encoding: Encoding, sample_bytes: int, tail_bytes: int) -> bytes:
    size = encoding.sample_bytes
    shape = struct.pack("<HHIIHH", _FORMAT_TAGS[encoding], 1, rate_hz, rate_hz * size, size, size * 8)
    if encoding is not Encoding.PCM16:  # every other format must say its extension's size and its number of samples
        shape += struct.pack("<H", 0)
    fact = b"" if encoding is Encoding.PCM16 else b"fact" + struct.pack("<II", 4, sample_bytes)
    body = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + fact + b"data" + struct.pack("<I", sample_bytes)
    return b"RIFF" + struct.pack("<I", len(body) + sample_bytes + tail_bytes) + body


def _parsed(path: Path, file: BinaryIO, file_bytes: int) -> Wav:
    riff, _, wave = struct.unpack("<4sI4s", file.read(12))
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise ValueError("no RIFF/WAVE header")
    shape: tuple[int, ...] | None = None
    samples_at = sample_bytes = 0
    seal: Seal | None = None
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        here = file.tell()
        if here + size > file_bytes:
            raise ValueError("it ends too early")
        if name == b"fmt ":
            shape = struct.unpack("<HHIIHH", file.read(16))
        elif name == b"data":
            samples_at, sample_bytes = here, size
        elif name == _SEAL_ID:
            written = json.loads(file.read(size))
            seal = Seal(
                int(written["crc32"], 16),
                float(written["level_dbfs"]),
                float(written["peak_dbfs"]),
                str(written["name"]),
            )
        file.seek(here + size + size % 2)
    if shape is None or not samples_at:
        raise ValueError("it has no samples")
    tag, channels, rate_hz, _, sample_size, _ = shape
    encoding = {tag: encoding for encoding, tag in _FORMAT_TAGS.items()}[tag]
    if channels != 1 or sample_size != encoding.sample_bytes or not rate_hz:
        raise ValueError("it is not mono 16-bit or µ-law")
    return Wav(path, rate_hz, encoding, sample_bytes // sample_size, samples_at, seal)
