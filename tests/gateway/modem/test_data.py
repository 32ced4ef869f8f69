"""The same stick carries the village's data: a real connection in ModemManager, over the emulator's second port."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest

from gateway.transports.modem_bus import MESSAGING, MODEM, SMS, BusError
from tests.gateway.modem.around import Around
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.modem.emulator import Emulator
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_CONNECTED = 11
_FULL_POWER, _ON_THE_SIM = 3, 1


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


async def test_what_was_missed_while_data_ran_comes_in_once_it_has_ended(carrier_rig: ModemRig, ear: Ear) -> None:
    await carrier_rig.connect_data()
    carrier_rig.emulator.arrives_unsaid(carrier_rig.number, "9", datetime.now(UTC))
    for _ in range(8):
        await carrier_rig.clock.advance(15 * 60_000)
        await carrier_rig.transport.send(parcel(carrier_rig.number))  # the line is at work meanwhile
    assert (ear.texts, carrier_rig.emulator.kept) == ([], 1)
    await carrier_rig.end_data()
    await carrier_rig.as_time_passes(lambda: ear.texts and carrier_rig.emulator.kept == 0, minutes=2)
    assert [one.text for one in ear.texts] == ["9"]


async def test_nothing_on_the_bus_reads_the_sim_while_data_runs(carrier_rig: ModemRig, ear: Ear) -> None:
    """What ADR 12 rests on: were one of these to list it one day, the transport could use it."""
    await carrier_rig.connect_data()
    carrier_rig.emulator.arrives_unsaid(carrier_rig.number, "9", datetime.now(UTC))
    listings = carrier_rig.emulator.commands.count("AT+CMGL=4")
    (path,) = await carrier_rig.bus.modems()
    assert await carrier_rig.bus.messages(path) == []
    await carrier_rig.bus.call(path, MODEM, "Enable", "b", [True])
    with contextlib.suppress(BusError):
        await carrier_rig.bus.call(path, MODEM, "SetPowerState", "u", [_FULL_POWER])
    draft = await carrier_rig.bus.create_sms(path, carrier_rig.number, "x")
    with contextlib.suppress(BusError):
        await carrier_rig.bus.call(draft, SMS, "Store", "u", [_ON_THE_SIM])
    await carrier_rig.bus.call(path, MESSAGING, "Delete", "o", [draft])
    assert (await carrier_rig.bus.messages(path), ear.texts) == ([], [])
    assert carrier_rig.emulator.commands.count("AT+CMGL=4") == listings
    assert (await carrier_rig.modem())["State"] == _CONNECTED
    with contextlib.suppress(BusError):
        await carrier_rig.bus.call(path, MODEM, "Enable", "b", [False])
    assert (await carrier_rig.modem())["State"] < _CONNECTED  # the one thing that would: it ends the data


async def test_a_modemmanager_as_on_a_pi_takes_no_command_for_the_second_port(around: Around, rig: ModemRig) -> None:
    around.crash()
    around.debug = False
    around.start()
    await rig.answers()
    await rig.plug_in()
    while not (modems := await rig.bus.modems()):
        await rig.bus.changed.wait()
        rig.bus.changed.clear()
    (path,) = modems
    with pytest.raises(BusError) as refused:
        await rig.bus.call(path, MODEM, "Command", "su", ["+CMGL=4", 3])
    assert refused.value.name.rpartition(".")[2] == "Unauthorized"
    assert "AT+CMGL=4" not in rig.emulator.commands
