"""Unplugged, plugged in again, two sticks at once, and ModemManager itself gone."""

from __future__ import annotations

import asyncio
import os

import pytest

from gateway.failures import OutcomeUnknownError, TransportDownError, Trouble
from gateway.transports import modem_bus
from gateway.transports.modem import Modem, ModemSettings
from tests.gateway.conftest import LI
from tests.gateway.modem.conftest import ModemRig, running
from tests.gateway.modem.emulator import IMEI, OTHER_IMEI, Emulator
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]


async def test_before_a_stick_is_plugged_in_there_is_no_device(rig: ModemRig, listening: Ear) -> None:
    await rig.until(lambda: "down unplugged" in listening.link)
    assert rig.transport.condition().note == "no_device"
    with pytest.raises(TransportDownError) as raised:
        await rig.transport.send(parcel(rig.number))
    assert raised.value.trouble == Trouble.UNPLUGGED


async def test_unplugged_it_says_so_and_plugged_in_again_it_sends_what_waited_once(
    carrier_rig: ModemRig, ear: Ear
) -> None:
    (first,) = await carrier_rig.bus.modems()
    await carrier_rig.unplug()
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "no_device")
    assert ear.link[-1:] == ["down unplugged"]
    with pytest.raises(TransportDownError) as raised:  # certainly not taken: the outbox counts no try
        await carrier_rig.transport.send(parcel(carrier_rig.number))
    assert raised.value.trouble == Trouble.UNPLUGGED
    ear.link.clear()
    await carrier_rig.plug_in()
    await carrier_rig.until(lambda: "up" in ear.link)
    assert list(await carrier_rig.bus.modems()) != [first]  # another path, the same stick
    assert carrier_rig.transport.condition().device == IMEI
    await carrier_rig.transport.send(parcel(carrier_rig.number, attempt=2))
    assert len(carrier_rig.texts_on(carrier_rig.number)) == 1


async def test_a_port_that_dies_without_a_word_of_udev_takes_nothing_and_counts_no_try(
    carrier_rig: ModemRig, ear: Ear
) -> None:
    await carrier_rig.emulator.unplug()
    with pytest.raises((TransportDownError, OutcomeUnknownError)) as raised:
        await carrier_rig.transport.send(parcel(carrier_rig.number))
    assert isinstance(raised.value, TransportDownError)
    await carrier_rig.until(lambda: ear.link[-1:] == ["down unplugged"])
    ear.link.clear()
    await carrier_rig.plug_in()
    await carrier_rig.until(lambda: "up" in ear.link)
    await carrier_rig.transport.send(parcel(carrier_rig.number, attempt=2))
    assert len(carrier_rig.texts_on(carrier_rig.number)) == 1


async def test_modemmanager_crashes_in_the_middle_of_a_message(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.silent = True
    sending = asyncio.create_task(carrier_rig.transport.send(parcel(carrier_rig.number)))
    await carrier_rig.until(lambda: carrier_rig.emulator.unanswered)
    carrier_rig.around.crash()
    with pytest.raises(OutcomeUnknownError) as raised:  # it may have gone: never again by itself
        await sending
    assert raised.value.trouble == Trouble.INTERRUPTED
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "no_device")


async def test_modemmanager_crashes_and_comes_back(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.around.crash()
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "no_device")
    assert ear.link[-1:] == ["down unplugged"]
    ear.link.clear()
    carrier_rig.villager_sends(carrier_rig.number, "9")  # nobody hears it come
    carrier_rig.around.start()
    await carrier_rig.answers()
    await carrier_rig.announce()
    await carrier_rig.until(lambda: "up" in ear.link)
    await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.until(lambda: ear.texts and carrier_rig.emulator.kept == 0)
    assert carrier_rig.texts_on(carrier_rig.number) == ["【青山村】通知17:停水"]


async def test_modemmanager_itself_hangs_and_comes_to(
    carrier_rig: ModemRig, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modem_bus, "LOOK_S", 1)
    await carrier_rig.until(lambda: carrier_rig.clock.next_due_ms is not None)  # it waits for something to happen
    carrier_rig.around.freeze()
    try:
        await carrier_rig.clock.advance(15_000)
        await carrier_rig.until(lambda: ear.link[-1:] == ["down unplugged"])
    finally:
        carrier_rig.around.freeze(frozen=False)
    await carrier_rig.as_time_passes(lambda: "up" in ear.link, minutes=2)
    await carrier_rig.transport.send(parcel(carrier_rig.number))


async def test_two_sticks_are_told_apart_by_their_imei(rig: ModemRig) -> None:
    other = Emulator(f"other-{os.getpid()}", OTHER_IMEI)
    first = Modem(ModemSettings("a", device=IMEI, bus=rig.around.address), rig.clock)
    second = Modem(ModemSettings("b", device=OTHER_IMEI, bus=rig.around.address), rig.clock)
    async with running(first) as one, running(second) as two:
        await rig.plug_in()
        await rig.until(lambda: "up" in one.link)
        assert "up" not in two.link
        await rig.plug_in(emulator=other)
        await rig.until(lambda: "up" in two.link)
        await second.send(parcel(LI))
        assert (rig.texts_on(LI), len(other.texts_on(LI))) == ([], 1)
        await rig.unplug()
        await rig.until(lambda: one.link[-1:] == ["down unplugged"])
        assert second.condition().note == ""
    await other.unplug()


async def test_the_bus_itself_goes_away(carrier_rig: ModemRig) -> None:
    nowhere = Modem(ModemSettings("modem", bus="unix:path=/nonexistent/bus"), carrier_rig.clock)
    with pytest.raises(TransportDownError) as raised:
        await nowhere.run(Ear())
    assert raised.value.trouble == Trouble.UNPLUGGED


async def test_polkit_does_not_allow_it(rig: ModemRig, listening: Ear) -> None:
    rig.around.denied.add("org.freedesktop.ModemManager1.Device.Control")
    await rig.plug_in()
    await rig.until(lambda: "org.freedesktop.ModemManager1.Device.Control" in rig.around.asked)
    assert "up" not in listening.link
    rig.around.denied.clear()
    await rig.clock.advance(60_000)
    await rig.until(lambda: "up" in listening.link)


async def test_it_asks_polkit_for_what_the_villages_user_has_to_be_allowed(carrier_rig: ModemRig, ear: Ear) -> None:
    """The list that stands in ADR 12."""
    await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.emulator.unplug()
    with pytest.raises(TransportDownError):
        await carrier_rig.transport.send(parcel(carrier_rig.number, message_id=2))
    await carrier_rig.as_time_passes(lambda: carrier_rig.around.restarts)
    asked = {action.removeprefix("org.freedesktop.ModemManager1.") for action in carrier_rig.around.asked}
    assert asked == {"Control", "Device.Control", "Messaging", "USSD"}
