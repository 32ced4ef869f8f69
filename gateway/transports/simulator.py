"""The simulated carrier behind the two transport contracts. Only the sample village, tests and the story may use it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from gateway.condition import Condition
from gateway.failures import TransportDownError, TransportFailure, Trouble
from gateway.ground import wait_for
from gateway.simulated.carrier import BALANCE_CODE, Carrier
from gateway.simulated.exchange import SimulatedCall
from gateway.transport import Accepted, Fate, Parcel, Sink

OPERATOR = "模拟网"
LINE = "simulator"
"""What the line is called where nobody calls it otherwise."""
BALANCE_EVERY_MS = 86_400_000
AGAIN_MS = 3_600_000
"""No sooner than this after the last time is the balance asked for because of a "no credit"."""
LOW_FEN = 1_000
"""Less than this is low, as on a real stick whose village has set nothing else (`modem_credit.py`)."""


class SimulatorSms:
    """Texts through a simulated carrier."""

    reports = True

    def __init__(
        self,
        carrier: Carrier,
        *,
        name: str = LINE,
        window: int = 64,
        pace_ms: int = 0,
        timeout_ms: int = 60_000,
    ) -> None:
        self._carrier = carrier
        self.name = name
        self.window = window
        self.pace_ms = pace_ms
        self.timeout_ms = timeout_ms
        self._condition = Condition(operator=OPERATOR, signal=80)
        self._news = carrier.topped_up(name)
        self._asked_ms = 0

    def condition(self) -> Condition:
        return self._condition

    async def run(self, sink: Sink) -> None:
        async with asyncio.TaskGroup() as rooms:
            rooms.create_task(self._carrier.attach(self.name, sink))
            rooms.create_task(self._ask_balance())

    async def _ask_balance(self) -> None:
        """Once a day, after "no credit" and when it was topped up, as a stick does, where the line is paid for."""
        while True:
            self._news.clear()
            if self._carrier.credit(self.name) is not None:
                with contextlib.suppress(TransportFailure):
                    self._asked_ms = self._carrier.clock.monotonic_ms()
                    said = await self._carrier.ussd(self.name, BALANCE_CODE)
                    fen, now_ms = self._carrier.credit(self.name), self._carrier.clock.now_ms()
                    low = fen is not None and fen < LOW_FEN
                    self._condition = replace(
                        self._condition, balance_fen=fen, balance_ms=now_ms, balance_said=said, low=low
                    )
            await wait_for(self._carrier.clock, self._news, BALANCE_EVERY_MS)

    async def send(self, parcel: Parcel) -> Accepted:
        try:
            return await self._carrier.submit(self.name, parcel)
        except TransportDownError as down:
            if down.trouble == Trouble.NO_CREDIT and self._carrier.clock.monotonic_ms() - self._asked_ms >= AGAIN_MS:
                self._news.set()
            raise

    async def ask(self, reference: str, began_ms: int) -> Fate:  # noqa: ARG002 - the carrier knows it by the reference alone
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
