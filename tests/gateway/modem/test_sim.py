"""A locked SIM, a blocked one and none at all, through the real ModemManager."""

from __future__ import annotations

import pytest

from gateway.failures import TransportDownError
from gateway.transports.modem import ModemSettings
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_PIN = "2468"


@pytest.fixture
def settings() -> ModemSettings:
    return ModemSettings("modem", per_minute=600, pin=_PIN)


async def _plugged_in_locked(rig: ModemRig, pin: str) -> None:
    rig.emulator.pin = pin
    await rig.plug_in()


async def _again(rig: ModemRig) -> None:
    """The stick loses its power and gets it back."""
    before = set(await rig.bus.modems())
    await rig.unplug()
    await rig.plug_in()
    while not set(await rig.bus.modems()) - before:
        await rig.bus.changed.wait()
        rig.bus.changed.clear()


async def test_the_right_pin_opens_it_and_it_sends(rig: ModemRig, listening: Ear) -> None:
    await _plugged_in_locked(rig, _PIN)
    await rig.until(lambda: "up" in listening.link)
    assert rig.emulator.pins == [_PIN]
    await rig.transport.send(parcel(rig.number))


async def test_a_pin_that_was_right_is_given_again_after_a_replug(rig: ModemRig, listening: Ear) -> None:
    await _plugged_in_locked(rig, _PIN)
    await rig.until(lambda: "up" in listening.link)
    listening.link.clear()
    await _again(rig)
    await rig.until(lambda: "up" in listening.link)
    assert rig.emulator.pins == [_PIN, _PIN]


async def test_a_wrong_pin_is_tried_once_and_never_again(rig: ModemRig, listening: Ear) -> None:
    await _plugged_in_locked(rig, "1357")
    await rig.until(lambda: rig.transport.condition().note == "pin_wrong")
    await _again(rig)
    for _ in range(3):
        await rig.clock.advance(60_000)
    await rig.until(lambda: rig.transport.condition().note == "pin_wrong")
    assert rig.emulator.pins == [_PIN]
    assert rig.emulator.pin_tries == 2
    with pytest.raises(TransportDownError):
        await rig.transport.send(parcel(rig.number))


async def test_the_last_try_is_a_persons(rig: ModemRig, listening: Ear) -> None:
    rig.emulator.pin_tries = 1
    await _plugged_in_locked(rig, _PIN)
    await rig.until(lambda: rig.transport.condition().note == "pin_wanted")
    await rig.clock.advance(60_000)
    await rig.until(lambda: rig.transport.condition().note == "pin_wanted")
    assert rig.emulator.pins == []


async def test_a_stick_that_tells_no_number_of_tries_gets_one(rig: ModemRig, listening: Ear) -> None:
    rig.emulator.tries_told = False
    await _plugged_in_locked(rig, "1357")
    await rig.until(lambda: rig.transport.condition().note == "pin_wrong")
    assert rig.emulator.pins == [_PIN]


async def test_a_blocked_sim_wants_its_puk(rig: ModemRig, listening: Ear) -> None:
    rig.emulator.pin_tries = 0
    await _plugged_in_locked(rig, _PIN)
    await rig.until(lambda: rig.transport.condition().note == "puk_wanted")
    assert rig.emulator.pins == []
    assert "up" not in listening.link


async def test_no_sim_says_so_and_one_put_in_later_is_found(rig: ModemRig, listening: Ear) -> None:
    rig.emulator.sim_in = False
    await rig.plug_in()
    await rig.until(lambda: rig.transport.condition().note == "no_sim")
    assert "up" not in listening.link
    rig.emulator.sim_in = True
    await rig.clock.advance(6 * 60_000)  # the ladder has ModemManager ask again
    await rig.until(lambda: "up" in listening.link)


class TestWithoutAPin:
    @pytest.fixture
    def settings(self) -> ModemSettings:
        return ModemSettings("modem")

    async def test_a_locked_sim_waits_for_one(self, rig: ModemRig, listening: Ear) -> None:
        await _plugged_in_locked(rig, _PIN)
        await rig.until(lambda: rig.transport.condition().note == "pin_wanted")
        assert rig.emulator.pins == []


async def test_settings_show_no_pin() -> None:
    assert _PIN not in repr(ModemSettings("modem", pin=_PIN))
