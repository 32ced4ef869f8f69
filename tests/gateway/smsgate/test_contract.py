"""The phone keeps the contract every SMS transport keeps, with calls and without."""

from __future__ import annotations

import pytest

from gateway.failures import Trouble
from gateway.message import State
from gateway.transport import Accepted
from gateway.transports.smsgate import SmsGate
from tests.gateway.sms_contract import CarrierRig, Ear, SmsTransportContract, parcel
from tests.gateway.smsgate.conftest import PhoneRig

pytestmark = pytest.mark.asyncio


class PhoneKeepsTheContract(SmsTransportContract):
    @pytest.fixture
    async def ear(self, carrier_rig: PhoneRig) -> Ear:  # type: ignore[override]
        return carrier_rig.ear

    async def test_a_dead_number_is_rejected_for_good_with_the_carriers_code(
        self, carrier_rig: CarrierRig, ear: Ear
    ) -> None:
        """The phone takes everything, and says later what came of it."""
        outcome = await self.send(carrier_rig, parcel(carrier_rig.dead_number))
        assert isinstance(outcome, Accepted)
        await carrier_rig.until(lambda: any(r.said == State.FAILED for r in ear.reports))
        report = ear.reports[-1]
        assert (report.carrier_ref, report.trouble, report.final) == (outcome.carrier_ref, Trouble.DEAD_NUMBER, True)
        assert report.code == "43"

    async def test_a_busy_carrier_is_tried_later_and_the_transport_tries_once(
        self, carrier_rig: CarrierRig, ear: Ear
    ) -> None:
        outcome = await self.send(carrier_rig, parcel(carrier_rig.busy_number))
        assert isinstance(outcome, Accepted)
        await carrier_rig.until(lambda: any(r.said == State.FAILED for r in ear.reports))
        assert (ear.reports[-1].trouble, ear.reports[-1].final) == (Trouble.CONGESTION, False)
        assert carrier_rig.texts_on(carrier_rig.busy_number) == []


class TestAPhoneThatCalls(PhoneKeepsTheContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: PhoneRig) -> PhoneRig:
        return carrier_rig


class TestAPhoneThatIsOnlyAsked(PhoneKeepsTheContract):
    @pytest.fixture
    async def carrier_rig(self, bare_rig: PhoneRig) -> PhoneRig:
        await bare_rig.begin(SmsGate(bare_rig.settings(callback_url=""), bare_rig.clock))
        return bare_rig


class TestAPhoneWhoseCallsAreSilent(PhoneKeepsTheContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: PhoneRig) -> PhoneRig:
        carrier_rig.phone.hooks_silent = True
        return carrier_rig


class TestAPhoneThatCallsTwice(PhoneKeepsTheContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: PhoneRig) -> PhoneRig:
        carrier_rig.phone.hooks_twice = True
        return carrier_rig
