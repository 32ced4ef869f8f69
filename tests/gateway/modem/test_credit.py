"""The balance, asked of an emulated carrier through the real ModemManager."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.failures import TransportDownError, Trouble
from gateway.transports.modem import ModemSettings
from gateway.transports.modem_credit import CreditSettings
from tests.gateway.modem.conftest import ModemRig
from tests.gateway.modem.emulator import Emulator
from tests.gateway.sms_contract import Ear, parcel

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_DAY_MS = 86_400_000


@pytest.fixture
def settings() -> ModemSettings:
    return ModemSettings("modem", per_minute=600, credit=CreditSettings("*100#", low_fen=1_000))


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.balance = "当前可用余额为12.30元"
    return emulator


async def test_it_is_known_soon_after_the_start_and_asked_again_the_next_day(rig: ModemRig, ear: Ear) -> None:
    await rig.until(lambda: rig.transport.condition().balance_fen == 1230)
    condition = rig.transport.condition()
    assert (condition.balance_said, condition.low) == ("当前可用余额为12.30元", False)
    assert condition.balance_ms is not None
    rig.emulator.balance = "当前可用余额为9.99元"
    await rig.clock.advance(_DAY_MS)
    await rig.until(lambda: rig.transport.condition().balance_fen == 999)
    assert rig.transport.condition().low
    assert rig.emulator.codes == ["*100#", "*100#"]


async def test_a_sentence_nobody_understands_is_kept_as_it_is(rig: ModemRig, ear: Ear) -> None:
    await rig.until(lambda: rig.transport.condition().balance_said)
    rig.emulator.balance = "系统忙，请稍后再试"
    await rig.clock.advance(_DAY_MS)
    await rig.until(lambda: rig.transport.condition().balance_said == "系统忙，请稍后再试")
    assert (rig.transport.condition().balance_fen, rig.transport.condition().low) == (None, False)


async def test_no_credit_is_a_reason_to_look_but_not_at_every_message(rig: ModemRig, ear: Ear) -> None:
    await rig.until(lambda: rig.transport.condition().balance_said)
    rig.emulator.balance = "余额-0.20元"
    await rig.clock.advance(2 * 3_600_000)
    for n in (1, 2, 3):
        rig.emulator.errors.append(10)
        with pytest.raises(TransportDownError) as raised:
            await rig.transport.send(parcel(rig.number, message_id=n))
        assert raised.value.trouble == Trouble.NO_CREDIT
        await rig.clock.advance(30_000)
        await rig.until(lambda: rig.transport.condition().balance_fen == -20)
    assert rig.transport.condition().low
    assert len(rig.emulator.codes) == 2


async def test_a_code_the_carrier_does_not_know_leaves_the_line_as_it_was(rig: ModemRig, ear: Ear) -> None:
    await rig.until(lambda: rig.transport.condition().balance_said)
    rig.emulator.balance = None
    await rig.clock.advance(_DAY_MS)
    await rig.until(lambda: len(rig.emulator.codes) == 2)
    await rig.transport.send(parcel(rig.number))
    assert rig.transport.condition().balance_fen == 1230  # what was known is still the last that was known


class TestByText:
    @pytest.fixture
    def settings(self) -> ModemSettings:
        return ModemSettings("modem", per_minute=600, credit=CreditSettings(text=("10086", "YE"), low_fen=1_000))

    async def test_the_short_number_is_asked_and_its_answer_read_and_kept(self, rig: ModemRig, ear: Ear) -> None:
        await rig.until(lambda: rig.emulator.texts_on("10086") == ["YE"])
        rig.villager_sends(rig.number, "余额99元")  # a villager is no carrier
        await rig.until(lambda: ear.texts)
        rig.emulator.villager_sends("10086", "尊敬的客户，您的话费余额8.80元。", datetime.now(UTC))
        await rig.as_time_passes(lambda: rig.transport.condition().balance_fen is not None)
        assert (rig.transport.condition().balance_fen, rig.transport.condition().low) == (880, True)
        assert "10086" in [one.sender for one in ear.texts]
        assert rig.emulator.sent[0].wants_report is False
        assert ear.reports == []
