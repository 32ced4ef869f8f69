"""Twilio's transport, through Twilio's own client, against the stand-in."""

from __future__ import annotations

import pytest

from tests.gateway.sms_contract import Ear, SmsTransportContract
from tests.gateway.twilio.conftest import TwilioRig

pytestmark = pytest.mark.asyncio


class TestTwilioKeepsTheContract(SmsTransportContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: TwilioRig) -> TwilioRig:
        return carrier_rig

    @pytest.fixture
    async def ear(self, ear: Ear) -> Ear:
        return ear
