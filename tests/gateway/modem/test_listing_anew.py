"""Texts that ModemManager did not see come in the end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.transports.modem import Modem, ModemSettings
from tests.gateway.modem.conftest import ModemRig, running
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_REGISTERED = 8


async def test_two_texts_within_two_milliseconds_both_arrive(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.villager_sends(carrier_rig.number, "9")
    carrier_rig.villager_sends(carrier_rig.dead_number, "同意")
    await carrier_rig.as_time_passes(lambda: carrier_rig.emulator.kept == 0)
    assert sorted(one.text for one in ear.texts) == ["9", "同意"]


async def test_a_long_text_whose_second_part_was_missed_comes_whole(carrier_rig: ModemRig, ear: Ear) -> None:
    now = datetime.now(UTC)
    for part, text in ((1, "建议"), (2, "村口的涵洞"), (3, "塌了")):
        carrier_rig.emulator.villager_sends(carrier_rig.number, text, now, (7, 3, part))
    await carrier_rig.as_time_passes(lambda: ear.texts and carrier_rig.emulator.kept == 0)
    assert [one.text for one in ear.texts] == ["建议村口的涵洞塌了"]


async def test_what_arrived_while_nobody_listened_is_found_within_the_hour(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.arrives_unsaid(carrier_rig.number, "9", datetime.now(UTC))
    await carrier_rig.clock.advance(3_600_000)
    await carrier_rig.until(lambda: ear.texts and carrier_rig.emulator.kept == 0)


async def test_meanwhile_the_line_waits_and_is_not_said_to_be_down(carrier_rig: ModemRig, ear: Ear) -> None:
    ear.link.clear()
    listings = carrier_rig.emulator.commands.count("AT+CMGL=4")
    await carrier_rig.clock.advance(3_600_000)
    await carrier_rig.until(lambda: carrier_rig.emulator.commands.count("AT+CMGL=4") > listings)
    assert (await carrier_rig.modem())["State"] < _REGISTERED
    await carrier_rig.transport.send(parcel(carrier_rig.number))
    assert ear.link == []


async def test_a_stick_that_was_at_work_before_us_is_listed_soon(carrier_rig: ModemRig) -> None:
    """As after a restart of the village's server: the modem is enabled, and what it missed before is on its SIM."""
    async with running(carrier_rig.transport) as before:
        await carrier_rig.until(lambda: "up" in before.link)
    carrier_rig.emulator.arrives_unsaid(carrier_rig.number, "9", datetime.now(UTC))
    again = Modem(ModemSettings("again", bus=carrier_rig.around.address), carrier_rig.clock)
    async with running(again) as ear:
        await carrier_rig.as_time_passes(lambda: ear.texts, minutes=1)
    assert before.texts == []
