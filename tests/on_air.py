"""A village on the real gateway and the simulated carrier, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.choosing import Line
from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, Events, MissedCall, Moved, ReceivedSms
from gateway.simulated.carrier import Carrier
from gateway.transports.simulator import SimulatorCalls, SimulatorSms
from tests.gateway.conftest import Speaker
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.notices.events import notice_call, notice_moved, task_call
from village.notices.office import Means

STEP_MS, MOST_STEPS = 1_000, 4_000


@dataclass
class NoticeEvents:
    """As `app.py` puts them together, as far as notices go; what comes in, a room adds."""

    means: Means
    clock: MovableClock

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None: ...

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None: ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        notice_moved(tx, self.means, moved, self.clock.now_ms())

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        notice_call(tx, event)
        task_call(tx, self.means, event)


@asynccontextmanager
async def on_air(
    db: Database,
    clock: MovableClock,
    means: Means,
    carrier: Carrier,
    events: Events,
    *,
    calls: bool = False,
    sms: Line | None = None,
) -> AsyncIterator[None]:
    """The gateway at work until the block ends; ended in the middle of something, as by a power cut. `sms`: what the
    village says of its line for texts."""
    gateway = Gateway(
        db=db,
        clock=clock,
        vault=means.vault,
        events=events,
        sms=[SimulatorSms(carrier, window=2)],
        calls=[SimulatorCalls(carrier)] if calls else [],
        voice=Speaker(),
        settings=Settings(),
        outbox=means.outbox,
        lines={"simulator": sms or Line()},
    )
    await gateway.recover()
    tasks = [asyncio.create_task(carrier.run()), asyncio.create_task(gateway.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(db: Database, clock: MovableClock, there: Callable[[sqlite3.Connection], bool]) -> None:
    """Let the village's time pass until the village knows it."""
    await _pass(clock, lambda: db.read(there))


async def until_a_phone(db: Database, clock: MovableClock, shows: Callable[[], bool]) -> None:
    """Let the village's time pass until it is to be seen on a handset."""

    async def seen() -> bool:
        await db.read(lambda _tx: None)  # the carrier's own connection belongs to this thread
        return shows()

    await _pass(clock, seen)


async def _pass(clock: MovableClock, reached: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(MOST_STEPS):
        if await reached():
            return
        await clock.advance(STEP_MS)
    raise AssertionError("it never came")
