"""Since when every inbound line has been up without a break, by the stopwatch: a wall clock that is put right must
not make a line that came up a minute ago seem up for hours.

Never decides whether that is long enough; `count_poll` does.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.lanes import LaneStatus
from gateway.message import Channel
from village.ground.clock import Clock
from village.polls.count_poll import UpSince


class Listening:
    """Asked every few seconds; a line that was down in between has another `since_ms` and begins anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._up: dict[str, tuple[int, int]] = {}

    def up_since_ms(self, lanes: Iterable[LaneStatus]) -> UpSince:
        now_ms, mono_ms = self._clock.now_ms(), self._clock.monotonic_ms()
        found: dict[str, int | None] = {}
        for lane in lanes:
            if lane.channel is not Channel.SMS:
                continue
            if not lane.up:
                self._up.pop(lane.name, None)
                found[lane.name] = None
                continue
            known = self._up.get(lane.name)
            if known is None or known[0] != lane.since_ms:
                known = self._up[lane.name] = (lane.since_ms, mono_ms)
            found[lane.name] = now_ms - (mono_ms - known[1])
        return found
