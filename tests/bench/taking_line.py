"""A carrier inside the process that takes everything at once, remembers when, and lets villagers write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from gateway.condition import Condition
from gateway.failures import CannotAskError
from gateway.transport import Accepted, Fate, Inbound, Parcel, Sink
from village.ground.clock import Clock


class TakingLine:
    name = "line"
    window = 64
    pace_ms = 0
    timeout_ms = 60_000
    reports = False

    def __init__(self) -> None:
        self._taken_s: dict[str, float] = {}
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self._progress = asyncio.Event()

    def condition(self) -> Condition:
        return Condition()

    async def run(self, sink: Sink) -> None:
        self._sink.set_result(sink)
        await asyncio.Event().wait()

    async def send(self, parcel: Parcel) -> Accepted:
        self._taken_s[parcel.to] = time.monotonic()
        self._progress.set()
        return Accepted(parcel.reference)

    async def ask(self, reference: str, began_ms: int) -> Fate:
        raise CannotAskError(reference)

    async def answered(self, texts: Sequence[tuple[str, str]], clock: Clock) -> tuple[list[float], list[float]]:
        """All of them write at once: (number, text), each number once.

        For each the milliseconds until its effect and its reply were durable, and until the carrier had the reply.
        """
        sink = await self._sink
        self._taken_s.clear()
        arrived_s = time.monotonic()
        durable_ms = await asyncio.gather(*(_durable(sink, number, text, clock.now_ms()) for number, text in texts))
        while len(self._taken_s) < len(texts):
            self._progress.clear()
            await self._progress.wait()
        return durable_ms, [(taken_s - arrived_s) * 1000 for taken_s in self._taken_s.values()]


async def _durable(sink: Sink, number: str, text: str, centre_ms: int) -> float:
    arrived_s = time.monotonic()
    await sink.received(Inbound(sender=number, text=text, centre_ms=centre_ms))
    return (time.monotonic() - arrived_s) * 1000
