"""The town every test of this room plays in."""

from __future__ import annotations

import pytest

from gateway.outbox import Outbox
from tests.notices.town import Town
from village.ground.clock import MovableClock
from village.ground.privacy import Vault
from village.notices.office import Means, Office


@pytest.fixture
def office() -> Office:
    return Office(village="青山村", signature="青山村", phone="88001234", sms_number="+8619900000110")


@pytest.fixture
def town(vault: Vault, clock: MovableClock, office: Office) -> Town:
    return Town(Means(Outbox(vault, clock), vault, office), clock)
