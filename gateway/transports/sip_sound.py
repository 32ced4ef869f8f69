"""WAV files as baresip 1.0.0 wants and writes them: 8 kHz, mono, 16 bits. It never resamples and never judges a clip.

Debian's version ends the call where the file ends, so a minute of silence follows everything that is said.
"""

from __future__ import annotations

import os
import wave
from pathlib import Path

from gateway.failures import RetryLaterError, Trouble

HZ = 8_000
_BYTES = 2
SILENCE_MS = 60_000


def write_silence(path: Path) -> None:
    _write(path, b"")


def write_clip(clip: Path, path: Path) -> None:
    """The clip with a minute of silence behind it. Raises RetryLaterError where it is none that a phone can be told."""
    try:
        with wave.open(str(clip), "rb") as wav:
            form = (wav.getframerate(), wav.getnchannels(), wav.getsampwidth())
            samples = wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as broken:
        raise RetryLaterError(Trouble.SPEECH, "unreadable") from broken
    if form != (HZ, 1, _BYTES) or not samples:
        raise RetryLaterError(Trouble.SPEECH, "not 8 kHz mono")
    _write(path, samples)


def _write(path: Path, samples: bytes) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, _BYTES, HZ, 0, "NONE", ""))
        wav.writeframes(samples + bytes(SILENCE_MS * HZ // 1000 * _BYTES))


_HEAD = 44
"""Bytes before the samples in a file of libsndfile's, whose own count is right only after it was closed."""


def heard_file(folder: Path) -> Path | None:
    """What the other end says in the call under way; None where there is none yet."""
    return max(folder.glob("dump-*-dec.wav"), default=None)


def heard_so_far(folder: Path) -> int:
    """Bytes of samples that have come from the other end."""
    path = heard_file(folder)
    return 0 if path is None else max(0, path.stat().st_size - _HEAD)


def keep(folder: Path, begin: int, end: int, path: Path) -> float:
    """What came between two counts of `heard_so_far`, as a file of its own; returns its seconds."""
    source = heard_file(folder)
    samples = b""
    if source is not None:
        with source.open("rb") as dump:
            dump.seek(_HEAD + begin)
            samples = dump.read((end - begin) // _BYTES * _BYTES)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as out:
        with wave.open(out, "wb") as wav:
            wav.setparams((1, _BYTES, HZ, 0, "NONE", ""))
            wav.writeframes(samples)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)
    return len(samples) / (HZ * _BYTES)


def forget(folder: Path) -> None:
    """Nothing that was said in a call stays where nobody asked for it."""
    for dump in folder.glob("dump-*.wav"):
        dump.unlink(missing_ok=True)
