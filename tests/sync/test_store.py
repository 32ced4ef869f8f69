"""The contract, on the village's ledger in sqlite3."""

from __future__ import annotations

import pytest

from sync.kinds import CountyBegan, CountyNotice, Writer
from sync.ledger import Peer
from sync.record import Head, Stamp, make_record
from sync.store import SqliteLedger, waiting
from tests.sync.ledger_contract import *  # noqa: F403
from tests.sync.samples import COUNTY, START_MS, VILLAGE, records


def county_records(count):
    head, made = Head.before(COUNTY.public.log), []
    for place in range(count):
        body = CountyNotice(place, f"第{place}号", "县应急局", START_MS, None, ()) if place else CountyBegan("某县")
        record = make_record(head, Stamp(b"c" * 8, place, START_MS + place, True), body)
        head = record.head
        made.append(record)
    return made


@pytest.fixture
def written():
    return records(10)


@pytest.fixture
def received():
    return county_records(10)


@pytest.fixture
async def own(db):
    def ledger(tx):
        return SqliteLedger(tx, VILLAGE.public.log, COUNTY.public.log, writer=Writer.VILLAGE)

    await db.write(lambda tx: ledger(tx).set_peer(Peer(Head.before(COUNTY.public.log), 0, None, 0, "")))

    async def run(unit):
        return await db.write(lambda tx: unit(ledger(tx)))

    return run


async def test_what_waits_is_counted_with_and_without_a_county(db, own):
    def write(ledger):
        for record in records(4):
            ledger.add_own(record)

    await own(write)
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 4

    def acked(ledger):
        from dataclasses import replace

        ledger.set_peer(replace(ledger.peer(), acked_seq=3))

    await own(acked)
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 1


async def test_nobody_to_speak_to_is_said(db):
    with pytest.raises(LookupError):
        await db.read(lambda tx: SqliteLedger(tx, VILLAGE.public.log).peer())
