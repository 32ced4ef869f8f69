"""The real ModemManager on a message bus of its own, and an emulated modem for it to drive."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant

from gateway.transports.modem import Modem, ModemSettings
from gateway.transports.modem_bus import MODEM, BusGoneError, ModemBus
from tests.gateway.conftest import LI, WANG, ZHAO
from tests.gateway.modem.around import Around
from tests.gateway.modem.emulator import Emulator
from tests.gateway.sms_contract import Ear
from village.ground.clock import MovableClock

_NAMES = itertools.count(1)
_LONGEST_S = 15
ROOT = "/org/freedesktop/ModemManager1"


@pytest.fixture
async def around(tmp_path: Path) -> AsyncIterator[Around]:
    """A bus on which ModemManager runs; one a test, for it never forgets a modem it was told of."""
    around = Around(tmp_path)
    try:
        await around.boot()
        yield around
    finally:
        around.shut_down()


@dataclass
class ModemRig:
    """What the contract wants, and the emulator for more."""

    emulator: Emulator
    transport: Modem
    bus: ModemBus
    around: Around
    clock: MovableClock
    number: str = WANG
    dead_number: str = LI
    busy_number: str = ZHAO

    async def until(self, reached: Callable[[], object], within_s: float = _LONGEST_S) -> None:
        async def watch() -> None:
            while not reached():  # noqa: ASYNC110 - a program outside is at work: there is no event to wait for
                await asyncio.sleep(0.02)

        await asyncio.wait_for(watch(), within_s)

    def texts_on(self, number: str) -> list[str]:
        return self.emulator.texts_on(number)

    def villager_sends(self, number: str, text: str) -> None:
        self.emulator.villager_sends(number, text, datetime.now(UTC))

    def take_down(self) -> None:
        self.emulator.registered = False

    def bring_back(self) -> None:
        self.emulator.registered = True

    async def plug_in(self, plugin: str = "generic", emulator: Emulator | None = None) -> None:
        emulator = emulator or self.emulator
        await emulator.plug_in()
        await self.announce(plugin, emulator)

    async def unplug(self) -> None:
        """The port dies, and then udev says so: asked for the dead port again, ModemManager forgets the modem."""
        await self.emulator.unplug()
        await self.announce()

    async def announce(self, plugin: str = "generic", emulator: Emulator | None = None) -> None:
        emulator = emulator or self.emulator
        body = [emulator.name, plugin, emulator.ports]
        await self.bus.call(ROOT, f"{ROOT[1:].replace('/', '.')}.Test", "SetProfile", "ssas", body)

    async def after_restart(self) -> None:
        """What udev does for a new ModemManager: it tells it of the sticks that are there."""
        await self.answers()
        await self.announce()

    async def answers(self) -> None:
        await _answers(self.bus)

    async def connect_data(self) -> None:
        (path,) = await self.bus.modems()
        await self.bus.call(path, f"{MODEM}.Simple", "Connect", "a{sv}", [{"apn": Variant("s", "cmnet")}])

    async def end_data(self) -> None:
        (path,) = await self.bus.modems()
        await self.bus.call(path, f"{MODEM}.Simple", "Disconnect", "o", ["/"])

    async def as_time_passes(self, reached: Callable[[], object], *, minutes: int = 20, real_s: float = 0.2) -> None:
        """The clock is moved on a quarter of a minute at a time; between, ModemManager gets real time to work."""
        for _ in range(4 * minutes):
            with contextlib.suppress(TimeoutError):
                await self.until(reached, real_s)
                return
            await self.clock.advance(15_000)
        await self.until(reached)

    async def modem(self) -> dict[str, Any]:
        """The one modem there is, as ModemManager shows it."""
        (about,) = (await self.bus.modems()).values()
        return about[MODEM]


async def _answers(bus: ModemBus) -> None:
    """ModemManager has its name on the bus a moment after it was started."""
    for _ in range(500):
        try:
            await bus.modems()
        except BusGoneError:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("ModemManager does not answer")


@contextlib.asynccontextmanager
async def running(transport: Modem) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.create_task(transport.run(ear))
    try:
        yield ear
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def settings() -> ModemSettings:
    return ModemSettings("modem", per_minute=600)


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(f"village{next(_NAMES)}-{os.getpid()}")
    emulator.errors_for = {LI: 1, ZHAO: 42}
    return emulator


@pytest.fixture
async def rig(around: Around, settings: ModemSettings, emulator: Emulator) -> AsyncIterator[ModemRig]:
    """Nothing is plugged in yet. The clock runs, and can be moved on."""
    clock = MovableClock(time.time_ns() // 1_000_000, rate=1)
    async with contextlib.AsyncExitStack() as opened:
        bus = await opened.enter_async_context(await ModemBus.connect(around.address))
        await _answers(bus)
        opened.push_async_callback(emulator.unplug)
        transport = Modem(replace(settings, bus=around.address), clock)
        rig = ModemRig(emulator, transport, bus, around, clock)
        around.after_restart = rig.after_restart
        yield rig


@pytest.fixture
async def carrier_rig(rig: ModemRig) -> ModemRig:
    await rig.plug_in()
    return rig


@pytest.fixture
async def listening(rig: ModemRig) -> AsyncIterator[Ear]:
    """The transport runs, whatever is plugged in."""
    async with running(rig.transport) as ear:
        yield ear


@pytest.fixture
async def ear(carrier_rig: ModemRig, listening: Ear) -> Ear:
    """It is plugged in and can send."""
    await carrier_rig.until(lambda: "up" in listening.link)
    listening.link.clear()
    return listening
