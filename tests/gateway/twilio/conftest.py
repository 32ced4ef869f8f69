"""Twilio's real client and the village's transport on one side, the stand-in on the other, a clock moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from gateway.callback import Callback
from gateway.transports.twilio_client import Wire
from gateway.transports.twilio_sms import TwilioSettings, TwilioSms
from tests.gateway.conftest import LI, WANG, ZHAO
from tests.gateway.sms_contract import Ear
from tests.gateway.twilio.stand_in import ACCOUNT, NUMBER, PUBLIC, TOKEN, StandIn, standing_in
from village.ground.clock import MovableClock

_LONGEST_S = 60


class Traffic:
    """How many requests of ours are under way: the clock stands still while Twilio thinks."""

    def __init__(self) -> None:
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.begun = asyncio.Event()

    @contextlib.contextmanager
    def one(self) -> Any:
        self._under_way += 1
        self._idle.clear()
        self.begun.set()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    @property
    def under_way(self) -> int:
        return self._under_way

    async def over(self) -> None:
        await asyncio.wait_for(self._idle.wait(), _LONGEST_S)


@pytest.fixture
async def traffic(monkeypatch: pytest.MonkeyPatch) -> Traffic:
    traffic, request = Traffic(), Wire.request

    async def counted(self: Wire, *args: Any, **more: Any) -> Any:
        with traffic.one():
            return await request(self, *args, **more)

    monkeypatch.setattr(Wire, "request", counted)
    return traffic


@pytest.fixture
async def stand_in(clock: MovableClock) -> AsyncIterator[StandIn]:
    async with standing_in(clock) as stand_in:
        yield stand_in


def settings(**more: Any) -> TwilioSettings:
    values: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": NUMBER}
    return TwilioSettings(**(values | more))


class TwilioRig:
    """What the contract wants, and the stand-in for more. `progresses`: messages go their way by themselves."""

    number, dead_number, busy_number = WANG, LI, ZHAO

    def __init__(self, stand_in: StandIn, clock: MovableClock, traffic: Traffic) -> None:
        self.stand_in = stand_in
        self.clock = clock
        self.traffic = traffic
        self.progresses = True
        self.transport = self.another()
        stand_in.number_errors |= {LI: 21211, ZHAO: 21611}

    def another(self, *, timeout_s: float = 20, **more: Any) -> TwilioSms:
        return TwilioSms(settings(**more), self.clock, base=self.stand_in.address, timeout_s=timeout_s)

    async def until(self, reached: Callable[[], object], *, step_ms: int = 500) -> None:
        """Time passes, but not while a request is under way."""
        async with asyncio.timeout(_LONGEST_S):
            while not reached():
                await self.let_pass(step_ms)

    async def let_pass(self, duration_ms: int) -> None:
        await self.traffic.over()
        if self.progresses:
            self.stand_in.progress()
        await self.clock.advance(duration_ms)
        await self.traffic.over()

    def texts_on(self, number: str) -> list[str]:
        return self.stand_in.texts_on(number)

    def villager_sends(self, number: str, text: str) -> None:
        self.stand_in.villager_sends(number, text)

    def take_down(self) -> None:
        self.stand_in.take_down()

    def bring_back(self) -> None:
        self.stand_in.bring_back()


@pytest.fixture
async def carrier_rig(stand_in: StandIn, clock: MovableClock, traffic: Traffic) -> TwilioRig:
    return TwilioRig(stand_in, clock, traffic)


@contextlib.asynccontextmanager
async def running(transport: TwilioSms, ear: Ear, rig: TwilioRig) -> AsyncIterator[None]:
    """The transport listens, and is up."""
    listening = asyncio.create_task(transport.run(ear))
    try:
        await rig.until(lambda: "up" in ear.link)
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


@pytest.fixture
async def ear(carrier_rig: TwilioRig) -> AsyncIterator[Ear]:
    ear = Ear()
    async with running(carrier_rig.transport, ear, carrier_rig):
        yield ear


@contextlib.asynccontextmanager
async def public(stand_in: StandIn, transport: TwilioSms) -> AsyncIterator[None]:
    """A web server that carries calls to the transport, behind a proxy that writes addresses of its own."""

    async def carry(request: web.Request) -> web.Response:
        said = Callback(
            what=request.match_info["what"],
            query=request.rel_url.raw_query_string,
            headers={key.lower(): value for key, value in request.headers.items()},
            body=await request.read(),
            peer=request.remote or "",
        )
        if request.match_info["name"] != transport.name:
            raise web.HTTPNotFound
        answer = await transport.callback(said)
        return web.Response(status=answer.status, content_type=answer.content_type, body=answer.body)

    app = web.Application()
    app.router.add_post("/callbacks/{name}/{what}", carry)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        stand_in.village_is_at(PUBLIC, f"http://{host}:{port}")
        yield
    finally:
        await runner.cleanup()
