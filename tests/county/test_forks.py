"""Two logs under one key: noticed, proven and frozen in one commit; and a village that is revoked meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sync import envelope
from sync.bundle import make_payload
from sync.exchange import open_signed
from sync.failures import ForkError, RevokedError
from sync.kinds import Writer
from sync.record import Head, Record
from tests.county.test_ledger import add_village
from tests.sync.samples import COUNTY, VILLAGE, records
from village.county import store
from village.county.core import core
from village.county.evidence import export
from village.county.exchanging import Exchanging

START = Head.before(VILLAGE.public.log)
KNOWN = {VILLAGE.public.key_id: VILLAGE.public}
LOG = records(5)


def signed(before: Head, made: Sequence[Record]) -> bytes:
    payload = make_payload(before, made, COUNTY.sealing.key_id, None)
    return envelope.sign(payload, VILLAGE, envelope.context_for(COUNTY.sealing.key_id))


def sealed(before: Head, made: Sequence[Record]) -> bytes:
    return envelope.seal(signed(before, made), COUNTY.sealing)


def branch(seed: int, count: int = 2) -> list[Record]:
    """Another log that begins where ours does after its second record."""
    return records(count, seed=seed, head=LOG[1].head)


@pytest.fixture
async def county(db, clock):
    await db.write(core(add_village))
    exchanging = Exchanging(db, clock, COUNTY)
    await exchanging.take(sealed(START, LOG))
    return exchanging


async def count(db, table: str) -> int:
    return int(await db.read(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


async def forks(db) -> list[bytes]:
    return await db.read(lambda tx: [row[0] for row in tx.execute("SELECT signed FROM fork_evidence ORDER BY id")])


async def refused(county, made: Sequence[Record]) -> None:
    with pytest.raises(ForkError):
        await county.take(sealed(LOG[1].head, made))


async def test_a_fork_is_frozen_proven_and_set_aside_in_one_commit(county, db):
    other, before = branch(7), db.commits
    await refused(county, other)
    assert db.commits == before + 1
    (village,) = await db.read(core(store.villages))
    assert (village.frozen, village.head_seq) == ("fork", 5)
    assert [one.reason for one in await db.read(core(store.set_aside))] == ["fork"]
    (kept,) = await forks(db)
    opened = open_signed(kept, COUNTY.sealing, KNOWN.get, Writer.VILLAGE)
    assert opened.bundle.records == tuple(other)


async def test_the_log_as_it_stands_is_exported_without_the_other_branch(county, db):
    before = await db.read(core(lambda c: export(c, COUNTY.public, COUNTY.sealing, 1)))
    await refused(county, branch(7))
    assert await db.read(core(lambda c: export(c, COUNTY.public, COUNTY.sealing, 1))) == before


async def test_whoever_has_a_copied_key_fills_no_disk(county, db):
    for seed in range(7, 40):
        await refused(county, branch(seed))
    assert await forks(db) == [signed(LOG[1].head, branch(7))]
    assert await count(db, "record_fork") == len(branch(7))


async def test_a_long_branch_is_kept_as_it_was_signed(db, clock):
    await db.write(core(add_village))
    county = Exchanging(db, clock, COUNTY)
    await county.take(sealed(START, records(300)))
    other = records(300, seed=7)
    with pytest.raises(ForkError):
        await county.take(sealed(START, other))
    assert await count(db, "record_fork") < 50
    assert await forks(db) == [signed(START, other)]


async def test_what_follows_another_record_than_ours_is_proven_too(county, db):
    """The branches part at our head, so that no place is taken twice."""
    other = records(2, seed=7, head=records(5, seed=7)[-1].head)
    with pytest.raises(ForkError):
        await county.take(sealed(records(5, seed=7)[-1].head, other))
    assert await count(db, "record_fork") == 1
    assert len(await forks(db)) == 1


async def test_the_same_fork_again_and_what_is_none_are_no_new_evidence(county, db):
    other = branch(7)
    for made in (other, LOG[2:], other[:1]):
        await refused(county, made)
    await db.write(core(lambda c: store.thaw(c, 1)))
    await refused(county, other)
    assert await forks(db) == [signed(LOG[1].head, other)]


async def test_the_next_fork_after_a_thaw_is_proven_too(county, db):
    await refused(county, branch(7))
    await db.write(core(lambda c: store.thaw(c, 1)))
    await county.take(sealed(LOG[-1].head, records(1, seed=3, head=LOG[-1].head)))
    await refused(county, branch(99))
    assert await forks(db) == [signed(LOG[1].head, branch(7)), signed(LOG[1].head, branch(99))]


class RevokedOnceRead:
    """The county's own file; the clerk revokes the village right after somebody has looked it up."""

    def __init__(self, db) -> None:
        self._db = db

    async def read(self, unit):
        found = await self._db.read(unit)
        await self._db.write(core(lambda c: store.revoke(c, 1, 5)))
        return found

    async def write(self, unit):
        return await self._db.write(unit)


async def test_a_village_that_is_revoked_meanwhile_is_not_served(county, db, clock):
    late = Exchanging(RevokedOnceRead(db), clock, COUNTY)
    with pytest.raises(RevokedError):
        await late.take(sealed(LOG[-1].head, records(1, seed=3, head=LOG[-1].head)))
    (village,) = await db.read(core(store.villages))
    assert village.head_seq == 5
    assert [(one.reason, one.village_no) for one in await db.read(core(store.set_aside))] == [("revoked", 1)]
