"""A phone that stands in, the village's door it calls at, and the transport between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from gateway.transports.smsgate import SmsGate, SmsGateSettings
from tests.gateway.conftest import LI, WANG, ZHAO
from tests.gateway.sms_contract import Ear
from tests.gateway.smsgate.phone import KEY, PASSWORD, USER, Phone
from village.ground.clock import MovableClock
from village.web import callbacks

_LARGEST_STEP_MS = 2_000

DEAD = "Delivery result from SC +8619900000000: 67"
RATE_LIMITED = "Send result: RESULT_RIL_REQUEST_RATE_LIMITED (The radio denied it)"


@dataclass
class PhoneRig:
    """What the contract wants, and the phone for more."""

    phone: Phone
    transport: SmsGate
    clock: MovableClock
    door: str
    ear: Ear = field(default_factory=Ear)
    number: str = WANG
    dead_number: str = LI
    busy_number: str = ZHAO
    _running: asyncio.Task[None] | None = None

    def settings(self, **more: object) -> SmsGateSettings:
        values: dict[str, object] = {
            "name": "phone",
            "url": self.phone.url,
            "user": USER,
            "password": PASSWORD,
            "callback_url": self.door,
            "signing_key": KEY,
        }
        return SmsGateSettings(**(values | more))  # type: ignore[arg-type]

    async def until(self, reached: Callable[[], object], *, within_ms: int = 300_000) -> None:
        """Time passes until it is so."""
        end_ms = self.clock.monotonic_ms() + within_ms
        step_ms = 100
        while self.clock.monotonic_ms() < end_ms:
            if reached():
                return
            await self.let_pass(step_ms, step_ms=step_ms)
            step_ms = min(step_ms + 10, _LARGEST_STEP_MS)
        pytest.fail("it never came to that")

    async def let_pass(self, duration_ms: int, *, step_ms: int = _LARGEST_STEP_MS) -> None:
        """Time passes, and stands still while the sockets are busy."""
        for passed in range(0, duration_ms, step_ms):
            await self.breathe()
            await self.clock.advance(min(step_ms, duration_ms - passed))
        await self.breathe()

    async def breathe(self) -> None:
        """Until nobody has said anything for a few turns."""
        quiet = 0
        while quiet < 3:
            said = len(self.phone.requests) + len(self.phone.calls)
            await asyncio.sleep(0.001)
            busy = self.phone.in_flight or said != len(self.phone.requests) + len(self.phone.calls)
            quiet = 0 if busy else quiet + 1

    def texts_on(self, number: str) -> list[str]:
        return self.phone.texts_on(number)

    def villager_sends(self, number: str, text: str) -> None:
        self.phone.villager_sends(number, text)

    def take_down(self) -> None:
        self.phone.kill()

    def bring_back(self) -> None:
        self.phone.start()

    async def begin(self, transport: SmsGate | None = None) -> None:
        """Start (again), as the server does: nothing is left of the transport before."""
        await self.end()
        if transport is not None:
            self.transport = transport
        self._running = asyncio.create_task(self.transport.run(self.ear))
        await self.until(lambda: "up" in self.ear.link)

    async def end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None
        self.ear.link.clear()


@pytest.fixture
async def bare_rig(clock: MovableClock) -> AsyncIterator[PhoneRig]:
    """Everything there, nothing started but the phone."""
    phone = Phone(clock)
    await phone.install()
    rig: PhoneRig
    app = web.Application()
    app.add_routes(callbacks.routes(lambda name: rig.transport if name == rig.transport.name else None))
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door = f"http://127.0.0.1:{runner.addresses[0][1]}"
    phone.fails = {LI: DEAD, ZHAO: RATE_LIMITED}
    settings = SmsGateSettings("phone", phone.url, USER, PASSWORD, callback_url=door, signing_key=KEY)
    rig = PhoneRig(phone, SmsGate(settings, clock), clock, door)
    yield rig
    await rig.end()
    await phone.close()
    await runner.cleanup()


@pytest.fixture
async def carrier_rig(bare_rig: PhoneRig) -> PhoneRig:
    await bare_rig.begin()
    return bare_rig
