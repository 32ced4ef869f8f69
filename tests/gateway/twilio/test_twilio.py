"""Twilio's transport, through Twilio's own client, against the stand-in."""

from __future__ import annotations

import asyncio

import pytest

from gateway.failures import RejectedError, RetryLaterError, TransportDownError, TransportFailure, Trouble
from tests.gateway.sms_contract import Ear, SmsTransportContract, parcel
from tests.gateway.twilio.conftest import TwilioRig

pytestmark = pytest.mark.asyncio


class TestTwilioKeepsTheContract(SmsTransportContract):
    @pytest.fixture
    async def carrier_rig(self, carrier_rig: TwilioRig) -> TwilioRig:
        return carrier_rig

    @pytest.fixture
    async def ear(self, ear: Ear) -> Ear:
        return ear
