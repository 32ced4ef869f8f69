"""WAV files as baresip 1.0.0 wants them: 8 kHz, mono, 16 bits. It never resamples and never judges a clip."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import BinaryIO

from gateway.failures import RetryLaterError, Trouble

HZ = 8_000
BYTES = 2
"""Of a sample."""

SILENCE_MS = 60_000
"""Follows every clip. baresip reads a file whole: a minute is a megabyte of its memory."""


def write_silence(path: Path) -> None:
    with path.open("wb") as out:
        write_wave(out, _silence())


def write_clip(clip: Path, path: Path) -> None:
    """The clip with silence behind it. Raises RetryLaterError where it is none that a phone can be told."""
    try:
        with wave.open(str(clip), "rb") as wav:
            form = (wav.getframerate(), wav.getnchannels(), wav.getsampwidth())
            samples = wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as broken:
        raise RetryLaterError(Trouble.SPEECH, "unreadable") from broken
    if form != (HZ, 1, BYTES) or not samples:
        raise RetryLaterError(Trouble.SPEECH, "not 8 kHz mono")
    with path.open("wb") as out:
        write_wave(out, samples + _silence())


def write_wave(out: BinaryIO, samples: bytes) -> None:
    with wave.open(out, "wb") as wav:
        wav.setparams((1, BYTES, HZ, 0, "NONE", ""))
        wav.writeframes(samples)


def _silence() -> bytes:
    return bytes(SILENCE_MS * HZ // 1000 * BYTES)
