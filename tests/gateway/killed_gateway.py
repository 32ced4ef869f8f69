"""A gateway and its simulated carrier as a process of their own, made to be killed. Run by test_killed.py.

Prints a line for each thing that happens, so that whoever kills it need not wait on a clock.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, Channel, Draft, MissedCall, Moved, Priority, ReceivedSms
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import Faults
from gateway.transports.simulator import SimulatorSms
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault

PEOPLE = [f"+861990000{n:04d}" for n in range(40)]
RATE = 40


class Telling:
    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        print("received", flush=True)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None: ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        print(f"{moved.before}-{moved.after}", flush=True)

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None: ...


async def main(folder: Path, began_s: float, seed: int) -> None:
    since_ms = round((time.time() - began_s) * 1000 * RATE)
    clock = MovableClock(parse_iso("2026-12-05T09:10") + since_ms, rate=RATE)
    db = await Database.open(folder / "village.db", lambda tx: migrate(tx, ["gateway"], 0) and None)
    carrier = Carrier.open(
        folder / "carrier.db",
        clock,
        seed=seed,
        faults=Faults(congest=0.1, hang=0.05, duplicate=0.2, lose_report=0.05, reorder_ms=2000),
    )
    sms = SimulatorSms(carrier, window=8, timeout_ms=20_000)
    settings = Settings(quiet=None)
    gateway = Gateway(db=db, clock=clock, vault=Vault(b"k" * 32), events=Telling(), sms=[sms], settings=settings)
    await gateway.recover()

    def notice(tx: sqlite3.Connection) -> None:
        if tx.execute("SELECT count(*) FROM message").fetchone()[0] == 0:
            gateway.outbox.enqueue_many(tx, [_draft(number) for number in PEOPLE])

    await db.write(notice)
    print("ready", flush=True)
    rooms = [asyncio.create_task(carrier.run()), asyncio.create_task(gateway.run())]
    while await db.read(_unsettled):
        await clock.sleep_ms(2000)
    print("done", flush=True)
    for room in rooms:
        room.cancel()


def _draft(number: str) -> Draft:
    return Draft(
        to=number,
        channel=Channel.SMS,
        kind="notice",
        priority=Priority.NOTICE,
        reference="notice/1/1",
        text=f"给{number}",
    )


def _unsettled(tx: sqlite3.Connection) -> int:
    where = "state NOT IN ('accepted', 'delivered')"
    return int(tx.execute(f"SELECT count(*) FROM message WHERE {where}").fetchone()[0])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
