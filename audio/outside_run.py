"""One sentence through the outside program. It lives in the worker; nothing it starts outlives its time, or the worker.

Whatever the program gives is measured here before it is taken for sound: too late, too much, a failed exit, no WAV, a
WAV that ends early and silence are all refused.
"""

import ctypes
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Sequence

import numpy as np

from audio.loudness import Samples

_MOST_BYTES = 16 << 20  # 120 syllables at 48 kHz in stereo are less
_BLOCK_BYTES = 1 << 16
_LOWEST_HZ, _HIGHEST_HZ = 8_000, 48_000
_PCM, _EXTENSIBLE = 1, 0xFFFE
# Who writes to a pipe cannot come back and fill in the size: espeak-ng leaves 0x7ffff000, others 0 or 0xffffffff.
_OPEN_ENDED_BYTES = 0x7FFF_0000
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_OUR_VOICES = "ESPEAK_DATA_PATH"  # of the built-in voice; another espeak-ng with our data speaks at another speed
_LIBC = ctypes.CDLL(None)


class OutsideError(Exception):
    """The outside program did not give usable sound."""


class OutsideLateError(OutsideError):
    """It did not end in time; asking again would cost as long once more."""


def spoken(command: Sequence[str], text: str, timeout_s: float) -> tuple[Samples, int]:
    """The text in the program's voice: mono samples and their rate. Raises OutsideError."""
    samples, rate_hz = decoded(_output(command, f"{text}\n".encode(), time.monotonic() + timeout_s))
    if not np.any(samples):
        raise OutsideError("it gave silence")
    return samples, rate_hz


def decoded(body: bytes) -> tuple[Samples, int]:
    """A 16-bit WAV of one or two channels as mono samples and their rate. Raises OutsideError."""
    try:
        return _decoded(body)
    except (struct.error, ValueError) as error:
        raise OutsideError(f"it gave no sound file: {error}") from error


def _output(command: Sequence[str], text: bytes, deadline_s: float) -> bytes:
    try:
        # Its own group, so that what it starts ends with it. The worker has one thread: preexec_fn is safe here.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may repeat the text, and the text is nobody's but the village's
            env={name: value for name, value in os.environ.items() if name != _OUR_VOICES},
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise OutsideError(f"it cannot be started: {type(error).__name__}") from error
    try:
        return _exchanged(process, text, deadline_s)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _exchanged(process: "subprocess.Popen[bytes]", text: bytes, deadline_s: float) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise OutsideError("it has no pipes")
    source, sink = process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(sink, False)
    got: list[bytes] = []
    size = 0
    while True:
        left_s = deadline_s - time.monotonic()
        readable, writable, _ = select.select([source], [sink] if text else [], [], max(left_s, 0))
        if left_s <= 0 or not (readable or writable):
            raise OutsideLateError("it did not end in time")
        if writable:
            text = _written(sink, text)
            if not text:
                process.stdin.close()
        if readable:
            block = os.read(source, _BLOCK_BYTES)
            if not block:
                break
            got.append(block)
            size += len(block)
            if size > _MOST_BYTES:
                raise OutsideError("it gave more than any sentence takes")
    try:
        code = process.wait(max(deadline_s - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired as late:
        raise OutsideLateError("it did not end in time") from late
    if code:
        raise OutsideError(f"it ended with code {code}")
    return b"".join(got)


def _written(sink: int, text: bytes) -> bytes:
    """What is left of the text; a program that closed its stdin has read what it wanted."""
    try:
        return text[os.write(sink, text) :]
    except BlockingIOError:
        return text
    except BrokenPipeError:
        return b""


def _end_with_parent() -> None:
    _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _decoded(body: bytes) -> tuple[Samples, int]:
    riff, _, wave = struct.unpack_from("<4sI4s", body)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise ValueError("no RIFF/WAVE header")
    at, shape = 12, None
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        at += 8
        if name == b"fmt ":
            shape = struct.unpack_from("<HHIIHH", body, at)
        if name == b"data":
            return _samples(shape, _whole(body, at, size))
        at += size + size % 2
    raise ValueError("it has no samples")


def _whole(body: bytes, at: int, size: int) -> bytes:
    if size == 0 or size >= _OPEN_ENDED_BYTES:
        return body[at:]
    if at + size > len(body):
        raise ValueError("it ends too early")
    return body[at : at + size]


def _samples(shape: tuple[int, ...] | None, sound: bytes) -> tuple[Samples, int]:
    if shape is None:
        raise ValueError("its samples come before their format")
    tag, channels, rate_hz, _, _, bits = shape
    if tag not in (_PCM, _EXTENSIBLE) or bits != 16 or channels not in (1, 2):
        raise ValueError(f"format {tag}, {channels} channels, {bits} bits")
    if not _LOWEST_HZ <= rate_hz <= _HIGHEST_HZ:
        raise ValueError(f"{rate_hz} Hz")
    frames = np.frombuffer(sound[: len(sound) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)
    return (frames.mean(axis=1) / 32_768).astype(np.float32), rate_hz
