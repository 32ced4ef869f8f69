"""A message in the outbox, a stick that is unplugged, and the lane between them."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.failures import Trouble
from gateway.gateway import Gateway, Settings
from gateway.message import State
from tests.gateway.conftest import Recorder, Speaker, draft
from tests.gateway.modem.conftest import ModemRig
from village.ground.database import Database
from village.ground.privacy import Vault

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]


@pytest.fixture
def told() -> Recorder:
    return Recorder()


@pytest.fixture
async def gateway(carrier_rig: ModemRig, told: Recorder, db: Database, vault: Vault) -> AsyncIterator[Gateway]:
    gateway = Gateway(
        db=db,
        clock=carrier_rig.clock,
        vault=vault,
        events=told,
        sms=[carrier_rig.transport],
        calls=[],
        voice=Speaker(),
        settings=Settings(quiet=None),
    )
    await gateway.recover()
    running = asyncio.create_task(gateway.run())
    yield gateway
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _row(db: Database) -> dict[str, Any]:
    """After every unit that was begun before."""

    def unit(tx: sqlite3.Connection) -> dict[str, Any]:
        return dict(tx.execute("SELECT * FROM message").fetchone())

    return await db.write(unit)


async def test_it_waits_while_the_stick_is_away_counts_no_try_and_goes_once(
    carrier_rig: ModemRig, gateway: Gateway, told: Recorder, db: Database
) -> None:
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "")
    await carrier_rig.unplug()
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "no_device")
    await db.write(lambda tx: gateway.outbox.enqueue_many(tx, [draft(carrier_rig.number)]))
    for _ in range(10):
        await carrier_rig.clock.advance(60_000)
    waiting = await _row(db)  # it may just be looking whether the stick is there again
    assert waiting["state"] in {"queued", "sending"}
    assert (waiting["tries"], carrier_rig.emulator.sent) == (0, [])
    (lane,) = gateway.lanes()
    assert (lane.up, lane.trouble) == (False, Trouble.UNPLUGGED)
    await carrier_rig.plug_in()
    await carrier_rig.as_time_passes(lambda: any(one.after == State.DELIVERED for one in told.moves))
    done = await _row(db)
    assert (done["state"], done["tries"]) == ("delivered", 1)
    assert carrier_rig.texts_on(carrier_rig.number) == ["【青山村】通知17:停水"]
