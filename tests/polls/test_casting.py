"""Facts about ballots: the last one in time counts, whatever order they came in, and none shows its choice."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.outbox import Outbox
from tests.polls.conftest import DAY_MS, Booth
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.notices.office import Means, Office
from village.polls import ledger_store, store
from village.polls.cast_ballot import Outcome
from village.polls.count_poll import standing_receipts, tally
from village.polls.standing import standing
from village.schema import PACKAGES


async def _opened(db, booth, houses=3):
    def unit(tx):
        booth.houses(tx, houses)
        poll = booth.ask(tx)
        return poll, [voter.id for voter in store.voters(tx, poll.id)]

    return await db.write(unit)


async def test_the_same_choice_again_keeps_the_receipt_and_another_gets_a_new_one(db, booth, clock):
    poll, (voter, *_) = await _opened(db, booth)
    first = await db.write(lambda tx: booth.votes(tx, poll, voter, 1))
    await clock.advance(1000)
    same = await db.write(lambda tx: booth.votes(tx, poll, voter, 1))
    await clock.advance(1000)
    changed = await db.write(lambda tx: booth.votes(tx, poll, voter, 2))
    assert (first.outcome, same.outcome, changed.outcome) == (Outcome.NEW, Outcome.SAME, Outcome.CHANGED)
    assert first.receipt == same.receipt != changed.receipt
    assert changed.before == 1
    assert len(first.receipt) == 5
    assert await db.read(lambda tx: store.turnout(tx, poll.id).cast) == 1


async def test_the_same_message_twice_is_one_ballot(db, booth):
    poll, (voter, *_) = await _opened(db, booth)
    first = await db.write(lambda tx: booth.votes(tx, poll, voter, 1, source="inbox/7"))
    again = await db.write(lambda tx: booth.votes(tx, poll, voter, 2, source="inbox/7"))
    assert (first.outcome, first.receipt) == (again.outcome, again.receipt)
    assert await db.read(lambda tx: len(ledger_store.ledger(tx, poll.id))) == 1


async def test_one_that_was_written_earlier_and_comes_later_changes_nothing(db, booth, clock):
    poll, (voter, *_) = await _opened(db, booth)
    now_ms = clock.now_ms()
    await db.write(lambda tx: booth.votes(tx, poll, voter, 1, sent_ms=now_ms + 5000))
    late = await db.write(lambda tx: booth.votes(tx, poll, voter, 2, sent_ms=now_ms + 1000))
    assert late.outcome is Outcome.EARLIER
    stands = await db.read(lambda tx: standing(tx, booth.means.vault, poll, voter))
    assert (stands.choice, stands.receipt) == (1, late.receipt)


async def test_after_the_deadline_it_is_kept_and_not_counted(db, booth):
    poll, (voter, *_) = await _opened(db, booth)
    late = await db.write(lambda tx: booth.votes(tx, poll, voter, 1, sent_ms=poll.closes_ms + 1))
    delayed = await db.write(
        lambda tx: booth.votes(tx, poll, voter, 2, sent_ms=poll.closes_ms, received_ms=poll.closes_ms + 60_000)
    )
    assert (late.outcome, late.receipt) == (Outcome.LATE, "")
    assert (delayed.outcome, delayed.delayed) == (Outcome.NEW, True)
    rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    result = tally(booth.means.vault, poll, rows)
    assert (result.counts, result.attended, result.late) == ((0, 1, 0), 1, 1)


async def test_a_ballot_that_a_guess_ahead_of_the_time_called_late_counts_once_the_clock_is_right(db, booth):
    """After a short power cut a Pi without network thinks it is up to ten minutes later than it is (ADR 5)."""
    from village.polls.shift_store import shift_times

    poll, (one, other, _) = await _opened(db, booth)
    guess_ms, ahead_ms = poll.closes_ms + 4 * 60_000, 9 * 60_000
    texted = await db.write(
        lambda tx: booth.votes(tx, poll, one, 1, sent_ms=guess_ms, received_ms=guess_ms, trusted=False)
    )
    called = await db.write(
        lambda tx: booth.votes(tx, poll, other, 2, sent_ms=guess_ms, received_ms=guess_ms, receipt="73041")
    )
    assert (texted.outcome, called.outcome) == (Outcome.NEW, Outcome.LATE)
    rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert tally(booth.means.vault, poll, rows).counts == (0, 0, 0)
    await db.write(lambda tx: shift_times(tx, guess_ms - 60_000, -ahead_ms))
    rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert tally(booth.means.vault, poll, rows).counts == (1, 1, 0)
    listed = await db.read(lambda tx: standing_receipts(tx, poll))
    assert listed == sorted([texted.receipt, "73041"])


async def test_a_ledger_that_was_touched_is_seen(db, booth, clock):
    poll, voters = await _opened(db, booth)
    for voter in voters:
        await db.write(lambda tx, voter=voter: booth.votes(tx, poll, voter, 1))
    assert await db.read(lambda tx: ledger_store.is_unbroken(ledger_store.ledger(tx, poll.id)))
    await db.write(lambda tx: tx.execute("UPDATE ballot SET receipt = '99999' WHERE place = 2"))
    assert not await db.read(lambda tx: ledger_store.is_unbroken(ledger_store.ledger(tx, poll.id)))


async def test_a_ballot_cannot_be_moved_to_another_voter(db, booth):
    import pytest

    from village.ground.privacy import SealBrokenError
    from village.polls.sealing import open_choice

    poll, (one, other, _) = await _opened(db, booth)
    await db.write(lambda tx: booth.votes(tx, poll, one, 1))
    sealed = await db.read(lambda tx: ledger_store.ledger(tx, poll.id)[0].sealed)
    with pytest.raises(SealBrokenError):
        open_choice(booth.means.vault, poll.id, other, sealed)


async def test_every_sealed_choice_is_of_one_length_and_no_repr_shows_it(db, booth):
    poll, voters = await _opened(db, booth)
    casts = [
        await db.write(lambda tx, voter=voter, choice=choice: booth.votes(tx, poll, voter, choice))
        for choice, voter in enumerate(voters, 1)
    ]
    rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert len({len(row.sealed) for row in rows}) == 1
    assert {repr(one) for one in casts} == {"Cast(new)"}
    stands = await db.read(lambda tx: standing(tx, booth.means.vault, poll, voters[1]))
    assert "2" not in repr(stands)


async def test_a_guessed_time_moves_with_the_clock_and_the_centres_does_not(db, booth, clock):
    from village.polls.shift_store import shift_times

    poll, (one, other, _) = await _opened(db, booth)
    now_ms = clock.now_ms()
    await db.write(lambda tx: booth.votes(tx, poll, one, 1))
    await db.write(lambda tx: booth.votes(tx, poll, other, 1, sent_ms=now_ms - 5000))
    await db.write(lambda tx: shift_times(tx, now_ms - 60_000, DAY_MS))
    rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert [row.sent_ms for row in rows] == [now_ms + DAY_MS, now_ms - 5000]
    assert {row.received_ms for row in rows} == {now_ms + DAY_MS}
    assert ledger_store.is_unbroken(rows)
    assert await db.read(lambda tx: store.poll_of(tx, poll.id).closes_ms) == poll.closes_ms


_START_MS = parse_iso("2026-12-05T09:10:00")
_BALLOTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(-3600, 1800)), max_size=25
)  # voter, choice, seconds before the deadline (negative) or after it


def _reference(ballots):
    """A plain count: per voter the last in time, ties by the order they came in."""
    stands = {}
    for place, (voter, choice, second) in enumerate(ballots):
        if second <= 0 and (voter not in stands or (second, place) >= stands[voter][0]):
            stands[voter] = ((second, place), choice)
    return tuple(sum(choice == option for _, choice in stands.values()) for option in (1, 2, 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), _BALLOTS)
async def test_any_order_duplication_delay_and_crash_gives_the_plain_count(data, ballots):
    """Each ballot may come twice; after some the program dies and starts again on the same file."""
    seconds = [ballot[::2] for ballot in ballots]
    order = (
        data.draw(st.permutations(range(len(ballots)))) if len(set(seconds)) == len(seconds) else range(len(ballots))
    )
    twice = data.draw(st.sets(st.integers(0, max(len(ballots) - 1, 0))))
    crashes = data.draw(st.sets(st.integers(0, max(len(ballots) - 1, 0)), max_size=3))
    clock, vault = MovableClock(_START_MS), Vault(b"k" * 32)
    office = Office(village="青山村", signature="青山村")
    booth = Booth(Means(Outbox(vault, clock), vault, office), clock)
    with tempfile.TemporaryDirectory() as folder:
        db = await _database(Path(folder), clock)
        try:
            poll, voters = await _opened(db, booth, 5)
            for step, place in enumerate(order):
                voter, choice, second = ballots[place]

                def one(tx, voter=voter, choice=choice, second=second, place=place):
                    sent_ms = poll.closes_ms + second * 1000
                    booth.votes(tx, poll, voters[voter], choice, sent_ms=sent_ms, source=f"inbox/{place}")

                def dies(tx, one=one):
                    one(tx)
                    raise KeyError("the power went")

                if step in crashes:
                    with contextlib.suppress(KeyError):
                        await db.write(dies)
                    await db.close()
                    db = await _database(Path(folder), clock)
                await db.write(one)
                if place in twice:
                    await db.write(one)
            rows = await db.read(lambda tx: ledger_store.ledger(tx, poll.id))
            result = tally(vault, poll, rows)
            turnout = await db.read(lambda tx: store.turnout(tx, poll.id).cast)
        finally:
            await db.close()
    assert result.counts == _reference(ballots)
    assert result.attended == sum(result.counts) == turnout
    assert result.late == sum(second > 0 for _, _, second in ballots)
    assert ledger_store.is_unbroken(rows)


async def _database(folder: Path, clock: MovableClock) -> Database:
    return await Database.open(folder / "village.db", lambda tx: migrate(tx, PACKAGES, clock.now_ms()) and None)
