"""The modem's transport against the real ModemManager."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.message import State
from gateway.transports.modem_bus import MODEM
from gateway.transports.modem_link import Link
from gateway.transports.modem_watch import Watch
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.modem.emulator import IMEI
from tests.gateway.sms_contract import Ear, SmsTransportContract, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_ENDS_USSD = "AT+CUSD=2"


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


@pytest.mark.parametrize(
    ("cms", "kind", "trouble"),
    [
        (8, TransportDownError, Trouble.NO_CREDIT),
        (22, RetryLaterError, Trouble.FULL_PHONE),
        (28, RejectedError, Trouble.DEAD_NUMBER),
        (38, RetryLaterError, Trouble.CONGESTION),
        (96, RejectedError, Trouble.CONTENT),
        (331, TransportDownError, Trouble.NO_SIGNAL),
        (332, OutcomeUnknownError, Trouble.TIMEOUT),
        (500, RetryLaterError, Trouble.OTHER),
    ],
)
async def test_the_carriers_number_comes_through_and_finds_its_class(
    carrier_rig: ModemRig, ear: Ear, cms: int, kind: type[TransportFailure], trouble: Trouble
) -> None:
    carrier_rig.emulator.errors.append(cms)
    with pytest.raises(kind) as raised:
        await carrier_rig.transport.send(parcel(carrier_rig.number))
    assert raised.value.trouble == trouble
    await carrier_rig.transport.send(parcel(carrier_rig.number, message_id=2))  # and the next one goes


async def test_a_text_that_cannot_be_deleted_does_not_hold_up_sending(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.deaf_to_delete = True
    carrier_rig.villager_sends(carrier_rig.number, "9")
    await carrier_rig.until(lambda: ear.texts)
    await carrier_rig.transport.send(parcel(carrier_rig.number))
    await carrier_rig.until(lambda: ear.reports)
    assert len(ear.texts) == 1
    assert carrier_rig.emulator.kept == 1


async def test_a_long_text_from_a_villager_comes_whole_and_once(carrier_rig: ModemRig, ear: Ear) -> None:
    now = datetime.now(UTC)
    for part, text in ((2, "村口的涵洞塌了"), (1, "建议")):  # out of order, as it happens
        carrier_rig.emulator.villager_sends(carrier_rig.number, text, now, (7, 2, part))
        # ModemManager 1.20 drops a +CMTI that comes while it reads the one before: parts of one text come seconds apart
        await carrier_rig.until(lambda place=3 - part: f"AT+CMGR={place}" in carrier_rig.emulator.commands)
    await carrier_rig.until(lambda: ear.texts and carrier_rig.emulator.kept == 0)
    assert [one.text for one in ear.texts] == ["建议村口的涵洞塌了"]


async def test_it_knows_operator_signal_and_stick(carrier_rig: ModemRig, ear: Ear) -> None:
    condition = carrier_rig.transport.condition()
    assert (condition.operator, condition.device, condition.note) == ("CHINA MOBILE", IMEI, "")


async def test_who_rings_is_kept_and_not_answered(carrier_rig: ModemRig, ear: Ear) -> None:
    carrier_rig.emulator.ring(carrier_rig.number)
    await carrier_rig.until(lambda: ear.rings and carrier_rig.emulator.ringing is None)
    assert [ring.caller for ring in ear.rings] == [carrier_rig.number]


async def test_a_long_text_refused_in_the_middle_is_tried_again_whole_and_arrives_once(
    carrier_rig: ModemRig, ear: Ear
) -> None:
    """ModemManager does not say which part was refused. What has gone of it, no phone shows without the rest."""
    carrier_rig.emulator.refuse_part = 2
    with pytest.raises(RetryLaterError) as raised:
        await carrier_rig.transport.send(parcel(carrier_rig.number, "字" * 140))
    assert (raised.value.trouble, raised.value.code) == (Trouble.CONGESTION, "38")
    assert carrier_rig.texts_on(carrier_rig.number) == []
    assert len(carrier_rig.emulator.sent) == 1
    await carrier_rig.transport.send(parcel(carrier_rig.number, "字" * 140, attempt=2))
    assert carrier_rig.texts_on(carrier_rig.number) == ["字" * 140]
    assert (
        len({one.part[0] for one in carrier_rig.emulator.sent if one.part}) == 2
    )  # the first try's part fits no other


async def test_a_modem_that_gives_no_sign_is_asked_for_one(carrier_rig: ModemRig, ear: Ear) -> None:
    (path,) = await carrier_rig.bus.modems()
    link = Link(carrier_rig.bus, path, 0)
    fresh = await link.all()
    stale = fresh | {MODEM: fresh[MODEM] | {"SignalQuality": [66, False]}}
    watch = Watch("modem", carrier_rig.clock, asyncio.Lock())
    watch.met(fresh)
    await watch.ask_for_a_sign(link, stale, "")  # never heard: some modems know no signal
    await watch.ask_for_a_sign(link, fresh, "")
    assert _ENDS_USSD not in carrier_rig.emulator.commands
    await watch.ask_for_a_sign(link, stale, "")
    await watch.ask_for_a_sign(link, stale, "")  # not twice in a minute
    assert carrier_rig.emulator.commands.count(_ENDS_USSD) == 1
    assert not watch.mute
    carrier_rig.emulator.confused = True  # it says ERROR, but it says something, and nothing else gives cause for doubt
    await carrier_rig.clock.advance(60_000)
    await watch.ask_for_a_sign(link, stale, "")
    assert not watch.mute
    await carrier_rig.emulator.unplug()
    await carrier_rig.clock.advance(60_000)
    await watch.ask_for_a_sign(link, stale, "")
    assert watch.mute
