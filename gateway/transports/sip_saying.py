"""What is said in one call: a clip in place of another, then silence for as long as the call lasts.

baresip's `ausrc` switches the source of every call of its process, which is why a process has one call. Debian's
version ends the call where the file ends, so silence follows every clip, and new silence follows that.
"""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from pathlib import Path

from gateway.failures import RetryLaterError, Trouble
from gateway.ground import Clock
from gateway.transport import Clip
from gateway.transports.sip_control import ControlError
from gateway.transports.sip_process import Baresip
from gateway.transports.sip_sound import SILENCE_MS, write_clip

RENEW_MS = SILENCE_MS // 2
"""Silence is put in place of silence so often."""

UNDER_WAY_MS = 300
"""What was said last is still under way for so long: in baresip, in the network, in the other phone's buffer."""


class Saying:
    """Begins with the silence baresip plays at first; `stop` before the call's files are cleared away."""

    def __init__(self, baresip: Baresip, clock: Clock) -> None:
        self._baresip = baresip
        self._clock = clock
        self._files = count(1)
        self._switching = asyncio.Lock()
        self._playing: Path | None = None
        self._said_ms = clock.monotonic_ms()
        self._stopped = False
        self._renewal: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Somebody listens."""
        self._renew(RENEW_MS)

    async def say(self, clip: Clip) -> None:
        """Raises RetryLaterError where the clip is none for a phone, or baresip does not switch to it."""
        path = self._baresip.folder / f"say-{next(self._files)}.wav"
        await asyncio.to_thread(write_clip, clip.path, path)
        await self._switch(path)
        lasts_ms = round(clip.duration_s * 1000)
        self._said_ms = self._clock.monotonic_ms() + lasts_ms
        self._renew(lasts_ms + RENEW_MS)

    @property
    def under_way_ms(self) -> int:
        """How long the end of a clip that was said to its end still needs to arrive; 0 in the middle of one."""
        left_ms = self._said_ms + UNDER_WAY_MS - self._clock.monotonic_ms()
        return left_ms if 0 < left_ms <= UNDER_WAY_MS else 0

    def stop(self) -> None:
        """Idempotent; baresip goes on with what it has until the phone is down."""
        self._stopped = True
        if self._renewal is not None:
            self._renewal.cancel()

    def clear(self) -> None:
        """Nothing of the call's clips stays behind."""
        for path in self._baresip.folder.glob("say-*.wav"):
            path.unlink(missing_ok=True)

    def _renew(self, in_ms: int) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
        if not self._stopped:
            self._renewal = asyncio.create_task(self._stay_silent(in_ms))

    async def _stay_silent(self, in_ms: int) -> None:
        while not self._stopped:
            await self._clock.sleep_ms(in_ms)
            with contextlib.suppress(RetryLaterError):  # the silence there is lasts as long again
                await self._switch(self._baresip.silence)
            in_ms = RENEW_MS

    async def _switch(self, path: Path) -> None:
        async with self._switching:
            if self._stopped:
                return  # `clear` comes after
            try:
                await self._baresip.control.ask("ausrc", f"aufile,{path}")
            except ControlError as failed:
                if self._stopped or not self._baresip.alive:
                    return
                raise RetryLaterError(Trouble.OTHER, "not switched") from failed
            if self._playing is not None:  # baresip has read it whole
                self._playing.unlink(missing_ok=True)
            self._playing = path if path != self._baresip.silence else None
