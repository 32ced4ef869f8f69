"""The real ModemManager on a message bus of its own, and an emulated modem for it to drive."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.transports.modem import Modem, ModemSettings
from gateway.transports.modem_bus import BusGoneError, ModemBus
from tests.gateway.conftest import LI, WANG, ZHAO
from tests.gateway.modem.emulator import Emulator
from village.ground.clock import SystemClock

_NAMES = itertools.count(1)
_LONGEST_S = 15


@pytest.fixture
def modem_bus(tmp_path: Path) -> Iterator[str]:
    """The address of a bus on which ModemManager runs; one a test, for it never forgets a modem it was told of."""
    folder = tmp_path
    address = f"unix:path={folder / 'bus'}"
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(
            subprocess.Popen(
                ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address"],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(daemon.terminate)
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        with (folder / "ModemManager.log").open("wb") as said:
            manager = stack.enter_context(
                subprocess.Popen(
                    ["ModemManager", "--test-session", "--test-enable", "--test-no-udev", "--no-auto-scan", "--debug"],
                    env={
                        **os.environ,
                        "DBUS_SESSION_BUS_ADDRESS": address,
                        "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin",
                    },
                    stdout=said,
                    stderr=said,
                )
            )
        stack.callback(manager.terminate)
        yield address


@dataclass
class ModemRig:
    """What the contract wants, and the emulator for more."""

    emulator: Emulator
    transport: Modem
    bus: ModemBus
    number: str = WANG
    dead_number: str = LI
    busy_number: str = ZHAO

    async def until(self, reached: Callable[[], object]) -> None:
        async def watch() -> None:
            while not reached():  # noqa: ASYNC110 - a program outside is at work: there is no event to wait for
                await asyncio.sleep(0.02)

        await asyncio.wait_for(watch(), _LONGEST_S)

    def texts_on(self, number: str) -> list[str]:
        return self.emulator.texts_on(number)

    def villager_sends(self, number: str, text: str) -> None:
        self.emulator.villager_sends(number, text, datetime.now(UTC))

    def take_down(self) -> None:
        self.emulator.registered = False

    def bring_back(self) -> None:
        self.emulator.registered = True

    async def plug_in(self) -> None:
        await self.emulator.plug_in()
        await self.bus.call(
            "/org/freedesktop/ModemManager1",
            "org.freedesktop.ModemManager1.Test",
            "SetProfile",
            "ssas",
            [self.emulator.name, "generic", [f"abstract:{self.emulator.name}"]],
        )


async def connected(address: str) -> ModemBus:
    """ModemManager has its name on the bus a moment after it was started."""
    bus = await ModemBus.connect(address)
    for _ in range(500):
        try:
            await bus.modems()
        except BusGoneError:
            await asyncio.sleep(0.02)
        else:
            return bus
    raise AssertionError("ModemManager does not answer")


@pytest.fixture
async def carrier_rig(modem_bus: str) -> AsyncIterator[ModemRig]:
    emulator = Emulator(f"village{next(_NAMES)}-{os.getpid()}")
    emulator.errors_for = {LI: 1, ZHAO: 42}
    async with await connected(modem_bus) as bus:
        transport = Modem(ModemSettings("modem", per_minute=600, bus=modem_bus), SystemClock())
        rig = ModemRig(emulator, transport, bus)
        await rig.plug_in()
        try:
            yield rig
        finally:
            await emulator.unplug()
