"""The modem's transport against the real ModemManager."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.message import State
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.sms_contract import Ear, SmsTransportContract, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]


@pytest.fixture
async def ear(carrier_rig: ModemRig) -> AsyncIterator[Ear]:
    ear = Ear()
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    await carrier_rig.until(lambda: "up" in ear.link)
    yield ear
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


class TestModemKeepsTheContract(SmsTransportContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: ModemRig) -> ModemRig:
        return carrier_rig

    @pytest.fixture
    async def ear(self, ear: Ear) -> Ear:
        return ear


async def test_what_came_in_is_deleted_from_the_sim(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.villager_sends(carrier_rig.number, "9", datetime(2026, 12, 5, 1, 10, tzinfo=UTC))
    await carrier_rig.until(lambda: ear.texts and carrier_rig.emulator.kept == 0)
    assert ear.texts[0].centre_ms == datetime(2026, 12, 5, 1, 10, tzinfo=UTC).timestamp() * 1000


async def test_a_long_text_is_sent_in_parts_of_one_reference_and_reported_once(carrier_rig: ModemRig, ear: Ear) -> None:
    accepted = await carrier_rig.transport.send(parcel(carrier_rig.number, "字" * 140))
    await carrier_rig.until(lambda: ear.reports)
    assert [one.carrier_ref for one in ear.reports] == [accepted.carrier_ref]
    assert ear.reports[0].said == State.DELIVERED
    assert len({one.part[0] for one in carrier_rig.emulator.sent if one.part}) == 1


async def test_who_rings_is_kept_and_not_answered(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.ring(carrier_rig.number)
    await carrier_rig.until(lambda: ear.rings and carrier_rig.emulator.ringing is None)
    assert [ring.caller for ring in ear.rings] == [carrier_rig.number]
