"""What every ledger has to do; the village's and the county's each run all of it on their own storage.

A test module defines `ledgers`, a fixture of two functions that run a unit on a fresh ledger, and imports these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sync.ledger import Ledger
from sync.record import START
from tests.sync.samples import records

Run = Callable[[Callable[[Ledger], Any]], Awaitable[Any]]
"""Runs a unit on the ledger and returns what it returned, once that is kept."""


async def test_an_empty_log_stands_before_its_first_record(own: Run):
    head = await own(lambda ledger: ledger.own_head())
    assert (head.seq, head.hash) == (0, START)
    assert await own(lambda ledger: ledger.own_hash(0)) == START
    assert await own(lambda ledger: ledger.own_hash(1)) is None
    assert await own(lambda ledger: ledger.own_after(0, 10)) == []


async def test_what_is_written_is_read_back_in_order(own: Run, written):
    made = written

    def write(ledger: Ledger) -> None:
        for record in made:
            ledger.add_own(record)

    await own(write)
    assert await own(lambda ledger: ledger.own_head()) == made[-1].head
    assert await own(lambda ledger: ledger.own_after(0, 100)) == made
    assert await own(lambda ledger: ledger.own_after(3, 2)) == made[3:5]
    assert await own(lambda ledger: ledger.own_hash(4)) == made[3].hash


async def test_the_other_side_is_remembered(own: Run):
    peer = await own(lambda ledger: ledger.peer())
    assert (peer.head.seq, peer.acked_seq, peer.spoke_ms, peer.went_back, peer.frozen) == (0, 0, None, 0, "")
    changed = replace(peer, acked_seq=7, spoke_ms=5, went_back=1, frozen="fork")
    await own(lambda ledger: ledger.set_peer(changed))
    assert await own(lambda ledger: ledger.peer()) == changed


async def test_their_records_are_kept_beyond_a_gap_and_found_by_place(own: Run, received):
    made = received
    await own(lambda ledger: ledger.keep([made[0], made[1], made[4], made[5], made[8]]))
    assert await own(lambda ledger: ledger.pending_ranges(0)) == [(1, 2), (5, 6), (9, 9)]
    assert await own(lambda ledger: ledger.pending_ranges(2)) == [(5, 6), (9, 9)]
    assert await own(lambda ledger: ledger.pending_after(2, 2)) == [made[4], made[5]]
    known = await own(lambda ledger: ledger.peer_hashes(2, 6))
    assert known == {2: made[1].hash, 5: made[4].hash, 6: made[5].hash}


async def test_the_head_is_known_though_its_record_was_never_kept(own: Run, received):
    """A village begins to read the county's log in the middle."""
    peer = await own(lambda ledger: ledger.peer())
    await own(lambda ledger: ledger.set_peer(replace(peer, head=received[6].head)))
    assert await own(lambda ledger: ledger.peer_hashes(5, 9)) == {7: received[6].hash}


async def test_both_branches_of_a_fork_are_kept(own: Run, received):
    other = records(1, seed=99)[0]
    await own(lambda ledger: ledger.keep(received[:1]))

    def twice(ledger: Ledger) -> None:
        ledger.keep_fork(replace(received[0], hash=other.hash))
        ledger.keep_fork(replace(received[0], hash=other.hash))

    await own(twice)
    assert await own(lambda ledger: ledger.peer_hashes(1, 1)) == {1: received[0].hash}
