"""The street on the real gateway and the simulated carrier: what is queued arrives, what is texted is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gateway.message import MissedCall, ReceivedSms
from gateway.simulated.carrier import Carrier
from tests import on_air as air
from tests.keywords.conftest import Street


class StreetEvents(air.NoticeEvents):
    """As `app.py` puts them together, for texts and notices."""

    def __init__(self, street: Street) -> None:
        super().__init__(street.means, street.clock)
        self._street = street

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self._street.answering.received(tx, sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self._street.answering.rang(tx, missed)


def on_air(street: Street, carrier: Carrier) -> AbstractAsyncContextManager[None]:
    return air.on_air(street.db, street.clock, street.means, carrier, StreetEvents(street))


async def until(street: Street, there: Callable[[], bool]) -> None:
    await air.until_a_phone(street.db, street.clock, there)
