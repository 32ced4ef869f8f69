"""The simulated carrier behind the two transport contracts. Only the sample village, tests and the story may use it."""

from __future__ import annotations

import asyncio

from gateway.condition import Condition
from gateway.simulated.carrier import Carrier
from gateway.simulated.exchange import SimulatedCall
from gateway.transport import Accepted, Fate, Parcel, Sink


class SimulatorSms:
    """Texts through a simulated carrier."""

    reports = True

    def __init__(
        self,
        carrier: Carrier,
        *,
        name: str = "simulator",
        window: int = 64,
        pace_ms: int = 0,
        timeout_ms: int = 60_000,
    ) -> None:
        self._carrier = carrier
        self.name = name
        self.window = window
        self.pace_ms = pace_ms
        self.timeout_ms = timeout_ms

    def condition(self) -> Condition:
        return Condition()

    async def run(self, sink: Sink) -> None:
        await self._carrier.attach(self.name, sink)

    async def send(self, parcel: Parcel) -> Accepted:
        return await self._carrier.submit(self.name, parcel)

    async def ask(self, reference: str) -> Fate:
        return await self._carrier.ask(reference)


class SimulatorCalls:
    """Calls through a simulated carrier."""

    def __init__(self, carrier: Carrier, *, name: str = "simulator-calls", lines: int = 4, pace_ms: int = 0) -> None:
        self._carrier = carrier
        self.name = name
        self.window = lines
        self.pace_ms = pace_ms

    async def run(self, sink: Sink) -> None:  # noqa: ARG002 - nobody calls the village here yet
        await asyncio.Event().wait()

    async def dial(self, to: str, reference: str) -> SimulatedCall:
        return await self._carrier.dial(to, reference)
