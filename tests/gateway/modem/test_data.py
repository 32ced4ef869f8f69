"""The same stick carries the village's data: a real connection in ModemManager, over the emulator's second port."""

from __future__ import annotations

import pytest

from tests.gateway.modem.conftest import ModemRig
from tests.gateway.modem.emulator import Emulator
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_CONNECTED = 11


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.data_port = True
    return emulator


async def test_it_sends_and_receives_beside_the_data_and_never_ends_it(carrier_rig: ModemRig, ear: Ear) -> None:
    await carrier_rig.connect_data()
    assert (await carrier_rig.modem())["State"] == _CONNECTED
    await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.until(lambda: ear.reports)
    carrier_rig.villager_sends(carrier_rig.number, "9")
    await carrier_rig.until(lambda: ear.texts)
    listings = carrier_rig.emulator.commands.count("AT+CMGL=4")
    await carrier_rig.clock.advance(2 * 3_600_000)  # listing the SIM anew would be due
    await carrier_rig.transport.send(parcel(carrier_rig.number, message_id=2))
    carrier_rig.take_down()
    carrier_rig.emulator.loses_network()
    await carrier_rig.until(lambda: "down no_signal" in ear.link)
    await carrier_rig.clock.advance(2 * 3_600_000)  # and so would every rung
    assert (await carrier_rig.modem())["State"] == _CONNECTED
    assert carrier_rig.emulator.commands.count("AT+CMGL=4") == listings
    assert carrier_rig.around.restarts == 0
    assert carrier_rig.emulator.dialled == 1
