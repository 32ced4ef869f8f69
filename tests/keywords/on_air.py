"""The street on the real gateway and the simulated carrier: what is queued arrives, what is texted is read."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, MissedCall, Moved, ReceivedSms
from gateway.simulated.carrier import Carrier
from gateway.transports.simulator import SimulatorSms
from tests.keywords.conftest import Street
from village.notices.events import notice_call, notice_moved

STEP_MS, MOST_STEPS = 1_000, 4_000


@dataclass
class RoomEvents:
    """As `app.py` puts them together, for texts and notices."""

    street: Street

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self.street.answering.received(tx, sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self.street.answering.rang(tx, missed)

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        notice_moved(tx, self.street.means, moved, self.street.clock.now_ms())

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        notice_call(tx, event)


@asynccontextmanager
async def on_air(street: Street, carrier: Carrier) -> AsyncIterator[None]:
    """The gateway at work until the block ends; ended in the middle of something, as by a power cut."""
    gateway = Gateway(
        db=street.db,
        clock=street.clock,
        vault=street.means.vault,
        events=RoomEvents(street),
        sms=[SimulatorSms(carrier, window=2)],
        calls=[],
        settings=Settings(),
        outbox=street.means.outbox,
    )
    await gateway.recover()
    tasks = [asyncio.create_task(carrier.run()), asyncio.create_task(gateway.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(street: Street, there: Callable[[], bool]) -> None:
    """Let the village's time pass until it is to be seen on a handset."""
    for _ in range(MOST_STEPS):
        await street.db.read(lambda _tx: None)  # the carrier's own connection belongs to this thread
        if there():
            return
        await street.clock.advance(STEP_MS)
    raise AssertionError("it never came")
