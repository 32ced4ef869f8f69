"""Facts about the exchange: whatever is cut, doubled or reordered, both ends come to hold the same, nothing twice."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import journal
from sync.bundle import make_payload
from sync.envelope import context_for, seal, sign
from sync.exchange import answer, freeze, next_bundle, open_bundle, settled, take
from sync.failures import AckError, BundleError, ForeignLogError, ForkError
from sync.keys import SigningKey
from sync.kinds import CountyNotice, HealthNoted, Writer
from sync.ledger import Peer
from sync.record import Head, Record
from sync.store import SqliteLedger
from tests.sync.samples import COUNTY, START_MS, VILLAGE, records
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.migrate import migrate
from village.schema import PACKAGES

CLOCK = MovableClock(START_MS)


@dataclass
class End:
    """One side: a real file, its key, the other's, and what it was told, in order."""

    path: Path
    key: SigningKey
    other: SigningKey
    writer: Writer
    told: list[Record] = field(default_factory=list)
    db: Database | None = None

    async def open(self) -> None:
        self.db = await Database.open(self.path, lambda tx: migrate(tx, PACKAGES, START_MS) and None)

        def begin(tx) -> None:
            ledger = self.ledger(tx)
            with contextlib.suppress(LookupError):
                ledger.peer()
                return
            ledger.set_peer(Peer(Head.before(self.other.public.log), 0, None, 0, ""))

        await self.db.write(begin)

    async def dies(self) -> None:
        """Whatever was not committed is gone; the file is opened again."""
        assert self.db is not None
        await self.db.close()
        await self.open()

    def ledger(self, tx) -> SqliteLedger:
        return SqliteLedger(tx, self.key.public.log, self.other.public.log, writer=self.writer)

    async def run(self, unit):
        assert self.db is not None
        return await self.db.write(lambda tx: unit(self.ledger(tx)))

    async def write(self, number: int) -> None:
        body = (
            HealthNoted("0.1.0", number, 1, 0, 100, START_MS)
            if self.writer is Writer.VILLAGE
            else CountyNotice(number + 1, f"第{number}号", "县应急局", START_MS, None, ())
        )
        await self.run(lambda ledger: journal.append(ledger, CLOCK, b"b" * 8, body))

    def opened(self, sealed: bytes):
        theirs = Writer.COUNTY if self.writer is Writer.VILLAGE else Writer.VILLAGE
        return open_bundle(sealed, self.key, {self.other.public.key_id: self.other.public}.get, theirs).bundle

    async def asks(self, limit: int = 3) -> bytes:
        return await self.run(lambda ledger: next_bundle(ledger, self.key, self.other.sealing, limit=limit))

    async def answers(self, sealed: bytes) -> bytes:
        bundle = self.opened(sealed)

        def unit(ledger):
            said, taken = answer(ledger, bundle, self.key, self.other.sealing, now_ms=START_MS)
            return said, taken.records

        said, fresh = await self.run(unit)
        self.told += fresh
        return said

    async def hears(self, sealed: bytes):
        bundle = self.opened(sealed)
        taken = await self.run(lambda ledger: take(ledger, bundle, now_ms=START_MS, believe_less=True))
        self.told += taken.records
        return taken

    async def own(self) -> list[Record]:
        return await self.run(lambda ledger: ledger.own_after(0, 10_000))

    async def settled(self) -> bool:
        return await self.run(settled)


@contextlib.asynccontextmanager
async def two():
    with tempfile.TemporaryDirectory() as folder:
        village = End(Path(folder) / "v.db", VILLAGE, COUNTY, Writer.VILLAGE)
        county = End(Path(folder) / "c.db", COUNTY, VILLAGE, Writer.COUNTY)
        await village.open()
        await county.open()
        try:
            yield village, county
        finally:
            await village.db.close()
            await county.db.close()


async def exchange(village: End, county: End) -> int:
    """Until both are settled; how many requests it took."""
    for count in range(1, 100):
        taken = await village.hears(await county.answers(await village.asks()))
        if await village.settled() and not taken.records:
            return count
    raise AssertionError("never settled")


async def equal(village: End, county: End) -> None:
    assert county.told == await village.own()
    assert village.told == await county.own()


async def test_an_idle_exchange_is_one_small_request():
    async with two() as (village, county):
        asked = await village.asks()
        said = await county.answers(asked)
        await village.hears(said)
        assert await exchange(village, county) == 1
        assert len(asked) + len(said) < 1000


async def test_both_directions_travel_in_one_exchange():
    async with two() as (village, county):
        for number in range(8):
            await village.write(number)
        await county.write(1)
        await exchange(village, county)
        await equal(village, county)
        assert await county.settled()


class _Cut(Exception):
    """The power, or the line."""


_WAYS = ("whole", "lost request", "lost answer", "cut in county", "cut in village")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("village writes"), st.integers(0, 50)),
        st.tuples(st.just("county writes"), st.integers(0, 50)),
        st.tuples(st.just("exchange"), st.sampled_from(_WAYS)),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.just("old answer"), st.integers(0, 30)),
        st.tuples(st.just("dies"), st.sampled_from(["village", "county"])),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS)
async def test_any_cut_duplication_or_reordering_leaves_both_sides_equal(steps):
    async with two() as (village, county):
        asked: list[bytes] = []
        said: list[bytes] = []
        for what, how in steps:
            match what:
                case "village writes":
                    await village.write(how)
                case "county writes":
                    await county.write(how)
                case "again" if asked:  # a request comes a second time, late
                    said.append(await county.answers(asked[how % len(asked)]))
                case "old answer" if said:  # a proxy gives an answer of earlier
                    await village.hears(said[how % len(said)])
                case "dies":
                    await (village if how == "village" else county).dies()
                case "exchange":
                    asked.append(await village.asks())
                    if how == "lost request":
                        continue
                    if how == "cut in county":
                        with pytest.raises(_Cut):
                            await _cut_while_taking(county, asked[-1])
                        await county.dies()
                        continue
                    said.append(await county.answers(asked[-1]))
                    if how == "cut in village":
                        with pytest.raises(_Cut):
                            await _cut_while_taking(village, said[-1])
                        await village.dies()
                    elif how == "whole":
                        await village.hears(said[-1])
        await exchange(village, county)
        await equal(village, county)
        for end, other in ((village, county), (county, village)):
            head = (await end.run(lambda ledger: ledger.peer())).head
            assert head == await other.run(lambda ledger: ledger.own_head())


async def _cut_while_taking(end: End, sealed: bytes) -> None:
    bundle = end.opened(sealed)

    def unit(ledger):
        take(ledger, bundle, now_ms=START_MS, believe_less=True)
        raise _Cut

    await end.run(unit)


async def test_what_comes_beyond_a_gap_waits_and_is_told_once_the_gap_is_filled():
    async with two() as (village, county):
        for number in range(6):
            await village.write(number)
        own = await village.own()

        def bundle(first, last):
            before = own[first - 2].head if first > 1 else Head.before(VILLAGE.public.log)
            payload = make_payload(before, own[first - 1 : last], COUNTY.sealing.key_id, None)
            return seal(sign(payload, VILLAGE, context_for(COUNTY.sealing.key_id)), COUNTY.sealing)

        await county.answers(bundle(5, 6))
        await county.answers(bundle(3, 3))
        assert county.told == []
        assert await county.run(lambda ledger: ledger.pending_ranges(0)) == [(3, 3), (5, 6)]
        await county.answers(bundle(1, 2))
        assert county.told == own[:3]
        await county.answers(bundle(2, 4))
        assert county.told == own
        await county.answers(bundle(1, 6))
        assert county.told == own


async def test_a_copied_card_is_noticed_and_both_branches_are_kept():
    async with two() as (village, county):
        await village.write(1)
        await exchange(village, county)
        before = await village.run(lambda ledger: ledger.own_head())
        clone = records(2, seed=5, head=before)
        payload = make_payload(before, clone, COUNTY.sealing.key_id, None)
        from_clone = seal(sign(payload, VILLAGE, context_for(COUNTY.sealing.key_id)), COUNTY.sealing)
        await county.answers(from_clone)
        await village.write(2)
        sealed = await village.asks()
        with pytest.raises(ForkError):
            await county.answers(sealed)
        await county.run(lambda ledger: freeze(ledger, county.opened(sealed)))
        forks = await county.db.read(lambda tx: tx.execute("SELECT count(*) FROM peer_fork").fetchone()[0])
        assert forks == 1
        assert (await county.run(lambda ledger: ledger.peer())).frozen == "fork"
        with pytest.raises(ForkError):  # nothing more until a person has decided
            await county.answers(from_clone)


async def test_a_branch_that_follows_another_record_is_kept_as_proof_and_a_frozen_log_grows_no_more():
    """A copied card whose own branch was never seen at its first step."""
    async with two() as (village, county):
        await village.write(1)
        await exchange(village, county)
        apart = await village.run(lambda ledger: ledger.own_head())
        clone = records(30, seed=5, head=apart)
        await village.write(2)
        await exchange(village, county)

        def from_clone(first):
            payload = make_payload(clone[first - 1].head, clone[first:], COUNTY.sealing.key_id, None)
            return seal(sign(payload, VILLAGE, context_for(COUNTY.sealing.key_id)), COUNTY.sealing)

        for first in (1, 2, 3):
            sealed = from_clone(first)
            if first == 1:
                with pytest.raises(ForkError):
                    await county.answers(sealed)
            await county.run(lambda ledger, sealed=sealed: freeze(ledger, county.opened(sealed)))
        kept = await county.db.read(lambda tx: tx.execute("SELECT hash FROM peer_fork").fetchall())
        assert [bytes(row[0]) for row in kept] == [clone[1].hash]


async def test_a_county_from_an_older_backup_is_noticed_and_sent_everything_again(tmp_path):
    async with two() as (village, county):
        await village.write(1)
        await exchange(village, county)
        await county.db.close()
        backup = county.path.read_bytes()
        await county.open()
        for number in range(4):
            await village.write(number)
        await exchange(village, county)
        await county.db.close()
        county.path.write_bytes(backup)
        county.told = (await village.own())[:1]
        await county.open()
        await exchange(village, county)
        await equal(village, county)
        assert (await village.run(lambda ledger: ledger.peer())).went_back == 1


async def test_a_village_from_an_older_backup_is_told_that_its_county_has_more():
    async with two() as (village, county):
        await village.write(1)
        await exchange(village, county)
        await village.db.close()
        backup = village.path.read_bytes()
        await village.open()
        await village.write(2)
        await exchange(village, county)
        await village.db.close()
        village.path.write_bytes(backup)
        await village.open()
        said = await county.answers(await village.asks())
        with pytest.raises(AckError):
            await village.hears(said)


async def test_another_villages_log_under_this_key_is_refused():
    async with two() as (village, county):
        foreign = records(2, key=SigningKey.from_seed(b"z" * 32))
        payload = make_payload(Head.before(foreign[0].log), foreign, COUNTY.sealing.key_id, None)
        sealed = seal(sign(payload, VILLAGE, context_for(COUNTY.sealing.key_id)), COUNTY.sealing)
        with pytest.raises(ForeignLogError):
            await county.answers(sealed)
        await village.write(1)  # and the next good one goes on
        await exchange(village, county)
        await equal(village, county)


async def test_an_acknowledgement_of_what_was_never_written_is_refused():
    async with two() as (village, county):
        await village.write(1)
        await exchange(village, county)
        await county.run(lambda ledger: ledger.set_peer(_ahead(ledger.peer())))
        said = await county.run(lambda ledger: next_bundle(ledger, COUNTY, VILLAGE.sealing))
        with pytest.raises(BundleError) as refused:
            await village.hears(said)
        assert refused.value.name == "ack"


def _ahead(peer: Peer) -> Peer:
    from dataclasses import replace

    return replace(peer, head=Head(peer.head.log, 1, 9, b"x" * 32))
