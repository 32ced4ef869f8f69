"""How the lines stand towards each other: every lane tells, every lane reads. Held in memory alone.

Never decides who takes what (`choosing.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.choosing import Line, Share, Way, share
from gateway.message import Channel


class Board:
    def __init__(self) -> None:
        self._ways: dict[str, Way] = {}
        self._wakes: dict[str, Callable[[], None]] = {}

    def enter(self, name: str, channel: Channel, line: Line, now_ms: int, wake: Callable[[], None]) -> None:
        """A new line, thought to be up until it says otherwise."""
        self._ways[name] = Way(
            name, channel, line.rank, up=True, since_ms=now_ms, broke=False, kinds=line.kinds, abroad=line.abroad
        )
        self._wakes[name] = wake
        self._changed()

    def leave(self, name: str) -> None:
        """The line is closed for good."""
        self._ways.pop(name, None)
        self._wakes.pop(name, None)
        self._changed()

    def tell(self, name: str, *, up: bool, now_ms: int) -> None:
        """A line that has left says nothing any more."""
        way = self._ways.get(name)
        if way is None or way.up == up:
            return
        lost_ms = way.lost_ms(now_ms)
        if up:
            self._ways[name] = replace(way, up=True, since_ms=now_ms, down_ms=lost_ms)
        else:
            self._ways[name] = replace(way, up=False, since_ms=now_ms if lost_ms is None else lost_ms, down_ms=None)
        self._changed()

    def tell_broke(self, name: str, *, broke: bool) -> None:
        way = self._ways.get(name)
        if way is not None and way.broke != broke:
            self._ways[name] = replace(way, broke=broke)
            self._changed()

    def is_broke(self, name: str) -> bool:
        return self._ways[name].broke

    def share(self, name: str, now_ms: int) -> Share:
        return share(self._ways[name], self._ways.values(), now_ms)

    def ways(self) -> tuple[Way, ...]:
        """Every line there is; also read from the writer's thread, so it is copied in one go."""
        return tuple(self._ways.values())

    def _changed(self) -> None:
        for wake in list(self._wakes.values()):
            wake()
