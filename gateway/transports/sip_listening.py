"""What the other end says in one call, kept where somebody asked for it and nowhere else.

baresip's module sndfile writes both directions of every call into the line's folder from the first packet on; a
recording is a stretch of that, cut out, and the rest is deleted with the call.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from gateway.transports.sip_sound import BYTES, HZ, write_wave

_HEAD = 44
"""Bytes before the samples in a file of libsndfile's, whose own count is right only after it was closed."""


class Listening:
    def __init__(self, folder: Path) -> None:
        """`folder`: where sndfile writes for this line."""
        self._folder = folder
        self._wanted: tuple[Path, int] | None = None

    def begin(self, path: Path) -> None:
        self._wanted = (path, self._so_far())

    async def end(self) -> float:
        """Write what came since `begin`; its seconds, 0.0 where nothing was wanted. Raises OSError."""
        if self._wanted is None:
            return 0.0
        (path, begin), self._wanted = self._wanted, None
        return await asyncio.to_thread(self._keep, begin, path)

    def forget(self) -> None:
        for dump in self._folder.glob("dump-*.wav"):
            dump.unlink(missing_ok=True)

    def _dump(self) -> Path | None:
        """None before the phone is answered."""
        return max(self._folder.glob("dump-*-dec.wav"), default=None)

    def _so_far(self) -> int:
        """Bytes of samples that have come."""
        dump = self._dump()
        return 0 if dump is None else max(0, dump.stat().st_size - _HEAD)

    def _keep(self, begin: int, path: Path) -> float:
        dump, samples = self._dump(), b""
        if dump is not None:
            with dump.open("rb") as heard:
                heard.seek(_HEAD + begin)
                samples = heard.read()
        samples = samples[: len(samples) // BYTES * BYTES]
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as out:
            write_wave(out, samples)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
        return len(samples) / (HZ * BYTES)
