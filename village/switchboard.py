"""Which of the planned lines are open: those that need no paper, and those whose paper is on file.

Never decides what is sent where; the gateway does that among the lines that are open.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence

from gateway.callback import HearsCallbacks
from gateway.gateway import Gateway
from gateway.lanes import LaneStatus
from gateway.transport import SmsTransport
from village.ground.clock import Clock
from village.ground.database import Database
from village.lines import NamedLine
from village.permits.store import first_opened_ms, in_force


class Switchboard:
    def __init__(
        self,
        gateway: Gateway,
        lines: Sequence[NamedLine],
        build: Callable[[NamedLine, int], SmsTransport],
        db: Database,
        clock: Clock,
    ) -> None:
        """`build`: from a line and the moment it was first opened here."""
        self._gateway = gateway
        self._build = build
        self._db = db
        self._clock = clock
        self._open: dict[str, SmsTransport] = {}
        self._settling = asyncio.Lock()
        self.lines = {line.name: line for line in lines}

    async def settle(self) -> None:
        """Open what may be open, close what may not; at start, and whenever a paper was noted or withdrawn. Two clerks
        at once are settled one after the other."""
        async with self._settling:
            await self._settle()

    async def _settle(self) -> None:
        for name, line in self.lines.items():
            allowed = line.need is None or await self._db.read(functools.partial(in_force, line=name)) is not None
            if allowed and name not in self._open:
                begun = functools.partial(first_opened_ms, line=name, now_ms=self._clock.now_ms())
                self._open[name] = self._build(line, await self._db.write(begun))
                self._gateway.open(self._open[name], line.line)
            elif not allowed and name in self._open:
                del self._open[name]
                await self._gateway.close(name)

    def is_open(self, name: str) -> bool:
        return name in self._open

    def hearing(self) -> list[LaneStatus]:
        """The lanes on which a villager's text may come in."""
        deaf = {name for name, line in self.lines.items() if not line.hears}
        return [lane for lane in self._gateway.lanes() if lane.name not in deaf]

    def called(self, name: str) -> HearsCallbacks | None:
        """The open line that a carrier's call over HTTP is for."""
        line = self._open.get(name)
        return line if hasattr(line, "callback") else None  # type: ignore[return-value]
