"""A modem that hangs, in the three ways they do, and the ladder that gets it back."""

from __future__ import annotations

import pytest

from gateway.failures import OutcomeUnknownError, TransportDownError
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]


async def test_no_network_until_its_radio_was_off_and_on(rig: ModemRig, listening: Ear) -> None:
    """The plugin is one that can switch a radio off; the generic one cannot."""
    await rig.plug_in("zte")
    await rig.until(lambda: "up" in listening.link)
    listening.link.clear()
    rig.emulator.stuck = True
    rig.emulator.loses_network()
    await rig.until(lambda: "down no_signal" in listening.link)
    assert rig.transport.condition().note == "searching"
    await rig.as_time_passes(lambda: rig.transport.condition().note == "resetting", minutes=4)
    assert "AT+CFUN=4" not in rig.emulator.commands
    listening.link.clear()
    await rig.as_time_passes(lambda: "up" in listening.link, minutes=7)
    assert rig.emulator.stuck is False
    assert rig.transport.condition().note == ""
    await rig.transport.send(parcel(rig.number))


async def test_a_generic_stick_is_asked_anew_instead(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.registered = False
    carrier_rig.emulator.loses_network()
    (first,) = await carrier_rig.bus.modems()
    await carrier_rig.until(lambda: "down no_signal" in ear.link)
    reached = "AT+CGMI"  # the first thing a modem is asked that ModemManager does not know
    carrier_rig.emulator.commands.clear()
    await carrier_rig.as_time_passes(lambda: reached in carrier_rig.emulator.commands, minutes=20)
    carrier_rig.bring_back()
    await carrier_rig.as_time_passes(lambda: "up" in ear.link, minutes=2)
    assert list(await carrier_rig.bus.modems()) != [first]
    assert carrier_rig.around.restarts == 0
    assert carrier_rig.transport.condition().note == ""


async def test_it_answers_error_to_everything(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.confused = True
    with pytest.raises(TransportDownError):
        await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "resetting")
    await _climbed_back(carrier_rig, ear)


async def test_it_answers_nothing_at_all(carrier_rig: ModemRig, ear: Ear) -> None:
    """ModemManager's own patience is real time here: half a minute until it gives the modem up."""
    carrier_rig.emulator.silent = True
    with pytest.raises(OutcomeUnknownError):
        await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "resetting")
    assert ear.link[-1:] == ["down unplugged"]
    with pytest.raises(TransportDownError):  # the next one waits, and counts no try
        await carrier_rig.transport.send(parcel(carrier_rig.number, message_id=2))
    await _climbed_back(carrier_rig, ear)
    await carrier_rig.transport.send(parcel(carrier_rig.number, message_id=2))
    assert len(carrier_rig.texts_on(carrier_rig.number)) == 1


async def _climbed_back(rig: ModemRig, ear: Ear) -> None:
    """The clock is moved on until the ladder has got it back; what was sent meanwhile to it is found."""
    rig.villager_sends(rig.number, "9")
    ear.link.clear()
    await rig.as_time_passes(lambda: "up" in ear.link, real_s=2)
    await rig.until(lambda: ear.texts and rig.emulator.kept == 0)
