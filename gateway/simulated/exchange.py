"""Calls in the simulated network: phones ring, are answered, hear a prompt, send keys, hang up.

Never outlives the process: a power cut ends a call. Plays nothing; it knows which clip would sound and since when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.failures import Trouble
from gateway.ground import Clock
from gateway.simulated.handset import CallView, NoCallError, Prompt
from gateway.transport import Answered, Clip, Ended, Key, LineEvent


@dataclass(slots=True)
class _Playing:
    clip: Clip
    text: str
    since_ms: int
    serial: int


class SimulatedCall:
    """Both ends of one call: `CallLine` for the gateway, and what the handset can do with it."""

    def __init__(self, number: str, clock: Clock, changed: Callable[[str], None], over: Callable[[str], None]) -> None:
        self.number = number
        self._clock = clock
        self._changed = changed
        self._over = over
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self._since_ms = clock.monotonic_ms()
        self._began_ms = clock.now_ms()
        self._playing: _Playing | None = None
        self._serial = 0
        self.answered = False
        self.ended = False

    # the gateway's end

    async def event(self) -> LineEvent:
        return await self._events.get()

    async def play(self, clip: Clip, text: str) -> None:
        if self.ended:
            return
        self._serial += 1
        self._playing = _Playing(clip, text, self._clock.monotonic_ms(), self._serial)
        self._changed(self.number)

    async def hang_up(self) -> None:
        self._end()

    # the handset's end

    def answer(self) -> None:
        """Raises NoCallError where it does not ring."""
        if self.answered or self.ended:
            raise NoCallError("it does not ring")
        self.answered = True
        self._began_ms = self._clock.now_ms()
        self._events.put_nowait(Answered())
        self._changed(self.number)

    def press(self, key: str) -> None:
        """Raises NoCallError where nobody has answered."""
        if not self.answered or self.ended:
            raise NoCallError("no call to press a key in")
        if key not in "0123456789*#" or len(key) != 1:
            raise NoCallError("no such key")
        self._events.put_nowait(Key(key))
        self._changed(self.number)

    def leave(self, trouble: Trouble | None = None) -> None:
        """The handset's side ends it: refused (busy) while it rings, hung up while it talks."""
        if not self.ended:
            self._events.put_nowait(Ended(trouble))
            self._end()

    def view(self) -> CallView:
        return CallView("talking" if self.answered else "ringing", self._began_ms, self._prompt())

    def _prompt(self) -> Prompt | None:
        if self._playing is None:
            return None
        duration_ms = round(self._playing.clip.duration_s * 1000)
        elapsed_ms = min(self._clock.monotonic_ms() - self._playing.since_ms, duration_ms)
        return Prompt(self._playing.clip.path, self._playing.text, elapsed_ms, duration_ms, self._playing.serial)

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._over(self.number)
            self._changed(self.number)


class Exchange:
    """The calls there are, at most one per phone."""

    def __init__(self, clock: Clock, changed: Callable[[str], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._calls: dict[str, SimulatedCall] = {}

    def ring(self, number: str) -> SimulatedCall | None:
        """A call that rings, or None where the phone is in one."""
        if number in self._calls:
            return None
        call = SimulatedCall(number, self._clock, self._changed, self._over)
        self._calls[number] = call
        self._changed(number)
        return call

    def _over(self, number: str) -> None:
        self._calls.pop(number, None)

    def call(self, number: str) -> SimulatedCall:
        """Raises NoCallError."""
        if number not in self._calls:
            raise NoCallError("no call on this phone")
        return self._calls[number]

    def view(self, number: str) -> CallView | None:
        call = self._calls.get(number)
        return None if call is None else call.view()

    def drop_all(self, trouble: Trouble) -> None:
        """The network is gone."""
        for call in list(self._calls.values()):
            call.leave(trouble)
