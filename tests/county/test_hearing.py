"""A village that is silent is seen to be silent, whoever carries its old bundles to the county again."""

from __future__ import annotations

import pytest

from sync import envelope
from sync.bundle import Ack, make_payload
from sync.record import START
from tests.county.test_forks import LOG, sealed
from tests.county.test_forks import START as BEGINNING
from tests.county.test_ledger import add_village
from tests.sync.samples import COUNTY, VILLAGE
from village.county import hearing, store
from village.county.core import core
from village.county.exchanging import Exchanging
from village.county.noticing import CountyLog

DAY_MS = 86_400_000


@pytest.fixture
async def county(db, clock):
    await db.write(core(add_village))
    return Exchanging(db, clock, COUNTY)


async def spoke_ms(db) -> int | None:
    (village,) = await db.read(core(store.villages))
    return village.spoke_ms


async def heard_a_day_later(county, db, clock, bundle: bytes) -> bool:
    """Whether the county believes that the village has just spoken."""
    await clock.advance(DAY_MS)
    await county.take(bundle)
    return await spoke_ms(db) == clock.now_ms()


def idle() -> bytes:
    """Nothing new: where the village's log stands, sealed anew."""
    return sealed(LOG[-1].head, [])


async def test_what_is_sealed_anew_was_said_now_and_what_came_before_was_not(county, db, clock):
    news, first, second = sealed(BEGINNING, LOG), idle(), idle()
    assert await heard_a_day_later(county, db, clock, news)
    assert await heard_a_day_later(county, db, clock, first)
    assert await heard_a_day_later(county, db, clock, second)
    for again in (first, news, second, first):
        assert not await heard_a_day_later(county, db, clock, again)
    assert await heard_a_day_later(county, db, clock, idle())


async def test_an_answer_that_was_lost_makes_a_village_say_the_same_again(county, db, clock):
    assert await heard_a_day_later(county, db, clock, sealed(BEGINNING, LOG))
    assert await heard_a_day_later(county, db, clock, sealed(BEGINNING, LOG))


async def test_what_is_older_than_what_is_known_says_nothing_about_now(county, db, clock):
    early, idle_then = sealed(BEGINNING, LOG[:3]), sealed(LOG[2].head, [])
    assert await heard_a_day_later(county, db, clock, early)
    assert await heard_a_day_later(county, db, clock, sealed(LOG[2].head, LOG[3:]))
    assert not await heard_a_day_later(county, db, clock, early)
    assert not await heard_a_day_later(county, db, clock, idle_then)  # kept back until now by whoever carries it


async def test_what_acknowledges_less_than_is_known_is_older_too(county, db, clock):
    log = CountyLog(COUNTY, clock)
    await db.write(lambda tx: log.begin(tx, "某县"))
    first = await db.read(lambda tx: tx.execute("SELECT hash FROM own_record").fetchone()[0])

    def acknowledges(seq: int, hash_: bytes) -> bytes:
        ack = Ack(COUNTY.public.log, 1, seq, hash_)
        payload = make_payload(BEGINNING, [], COUNTY.sealing.key_id, ack)
        context = envelope.context_for(COUNTY.sealing.key_id)
        return envelope.seal(envelope.sign(payload, VILLAGE, context), COUNTY.sealing)

    kept_back = acknowledges(0, START)
    assert await heard_a_day_later(county, db, clock, acknowledges(0, START))
    assert await heard_a_day_later(county, db, clock, acknowledges(1, first))
    assert not await heard_a_day_later(county, db, clock, kept_back)


async def test_of_a_month_of_silence_no_more_is_kept(county, db, clock, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_HEARD", 5)
    for _ in range(12):
        assert await heard_a_day_later(county, db, clock, sealed(BEGINNING, []))
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM heard").fetchone()[0]) == 5
