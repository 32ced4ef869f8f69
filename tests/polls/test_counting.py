"""Facts about closing and counting: never early, never by a guess, once, and told in words that are true."""

from __future__ import annotations

import pytest

from tests.polls.conftest import DAY_MS
from village.ground.wording import RefusalError
from village.polls import store
from village.polls.close_poll import close_due
from village.polls.count_poll import LISTENED_MS, LONGEST_WAIT_MS, count_due, standing_receipts
from village.polls.ledger_store import fits, ledger
from village.polls.poll import PollKind, State
from village.polls.result_store import result_of
from village.polls.withdraw_poll import withdraw
from village.polls.words import result_sentence, result_sms

NO_LANES: dict[str, int | None] = {}


async def _held(db, booth, kind, houses, choices, **more):
    """A poll with these ballots, one a household, the deadline passed and counted."""

    def unit(tx):
        booth.houses(tx, houses)
        poll = booth.ask(tx, kind, **({"basis_id": booth.basis(tx)} if more.get("basis") else {}))
        for voter, choice in zip(store.voters(tx, poll.id), choices, strict=False):
            booth.votes(tx, poll, voter.id, choice)
        return poll

    poll = await db.write(unit)
    after_ms = poll.closes_ms + LISTENED_MS
    await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=True))
    await db.write(lambda tx: count_due(tx, booth.means, after_ms, trusted=True, up_since_ms=NO_LANES))

    def seen(tx):
        return store.poll_of(tx, poll.id), result_of(tx, poll.id)

    return await db.read(seen)


async def test_it_closes_after_its_deadline_and_not_by_a_guess(db, booth):
    await db.write(lambda tx: booth.house(tx, "王德福"))
    poll = await db.write(booth.ask)
    assert await db.write(lambda tx: close_due(tx, poll.closes_ms, trusted=True)) == []
    assert await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=False)) == []
    assert [p.id for p in await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=True))] == [poll.id]
    assert await db.write(lambda tx: close_due(tx, poll.closes_ms + 2, trusted=True)) == []


@pytest.mark.parametrize(
    "case",
    [
        ({"modem": -DAY_MS}, LISTENED_MS - 1, False, ()),
        ({"modem": -DAY_MS}, LISTENED_MS, True, ()),
        ({"modem": 600_000}, LISTENED_MS, False, ()),  # came up ten minutes after the deadline
        ({"modem": 600_000}, LISTENED_MS + 600_000, True, ()),
        ({"modem": -DAY_MS, "phone": None}, LISTENED_MS, False, ()),
        ({"modem": -DAY_MS, "phone": None}, LONGEST_WAIT_MS - 1, False, ()),
        ({"modem": -DAY_MS, "phone": None}, LONGEST_WAIT_MS, True, ("phone",)),
        ({"modem": LONGEST_WAIT_MS - 60_000}, LONGEST_WAIT_MS, True, ("modem",)),
        ({}, LISTENED_MS, True, ()),
    ],
)
async def test_it_waits_for_every_line_but_no_longer_than_a_day(db, booth, case):
    up_since, after_ms, counted, silent = case
    await db.write(lambda tx: booth.house(tx, "王德福"))
    poll = await db.write(booth.ask)
    await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=True))
    since = {name: None if at is None else poll.closes_ms + at for name, at in up_since.items()}
    now_ms = poll.closes_ms + after_ms
    guessed = await db.write(lambda tx: count_due(tx, booth.means, now_ms, trusted=False, up_since_ms=since))
    assert guessed == []
    done = await db.write(lambda tx: count_due(tx, booth.means, now_ms, trusted=True, up_since_ms=since))
    assert bool(done) is counted
    again = await db.write(lambda tx: count_due(tx, booth.means, now_ms, trusted=True, up_since_ms=since))
    assert again == []
    if counted:
        assert await db.read(lambda tx: result_of(tx, poll.id).silent_lanes) == silent


async def test_two_thirds_of_the_households_and_more_than_half_of_the_votes(db, booth):
    poll, result = await _held(db, booth, PollKind.HOUSEHOLD, 9, [1, 1, 1, 1, 2, 3], basis=True)
    assert (result.valid, result.passed, result.counts, result.needs_attended) == (True, True, (4, 1, 1), 6)
    assert result_sms(booth.means.office, poll, result) == (
        "【青山村】表决20通过:9户投6户,同意4,不同意1,弃权1。公示7天,有意见找监督委"
    )
    assert "依法" not in str(result_sentence(poll, result))


async def test_a_tie_fails_and_abstentions_count_against(db, booth):
    poll, result = await _held(db, booth, PollKind.HOUSEHOLD, 9, [1, 1, 1, 2, 2, 3], basis=True)
    assert (result.valid, result.passed) == (True, False)
    assert "没通过" in result_sms(booth.means.office, poll, result)


async def test_too_few_households_do_not_count(db, booth):
    poll, result = await _held(db, booth, PollKind.HOUSEHOLD, 9, [1, 1, 1, 1, 1], basis=True)
    assert (result.valid, result.passed) == (False, False)
    assert result_sms(booth.means.office, poll, result) == (
        "【青山村】表决20不算数:9户投5户,不够三分之二(6户)。另开会再议"
    )


@pytest.mark.parametrize("kind", list(PollKind))
async def test_without_a_basis_nothing_is_ever_passed_or_voted(db, booth, kind):
    poll, result = await _held(db, booth, kind, 6, [1, 1, 1, 1, 1, 2])
    said = result_sms(booth.means.office, poll, result) + str(result_sentence(poll, result))
    assert "征求意见20(不是决议)" in said
    assert not any(word in said for word in ("表决", "通过", "不算数"))


async def test_a_handful_of_ballots_shows_no_counts(db, booth):
    poll, result = await _held(db, booth, PollKind.OPINION, 6, [1, 1, 2, 2])
    said = result_sms(booth.means.office, poll, result) + str(result_sentence(poll, result))
    assert result.counts == (2, 2, 0)
    assert "4人" in said
    assert "同意" not in said


async def test_whoever_was_asked_is_told_once(db, booth):
    poll, _ = await _held(db, booth, PollKind.OPINION, 6, [1] * 6)
    copies = await db.read(lambda tx: store.copies_of(tx, poll.id, kind="result"))
    assert len({copy.phone_id for copy in copies}) == len(copies) == 6


async def test_a_late_ballot_after_the_count_is_listed_and_changes_nothing(db, booth):
    poll, before = await _held(db, booth, PollKind.OPINION, 6, [1] * 5)

    def late(tx):
        voter = store.voters(tx, poll.id)[5]
        return booth.votes(tx, store.poll_of(tx, poll.id), voter.id, 2, sent_ms=poll.closes_ms - 1)

    cast = await db.write(late)
    assert (str(cast.outcome), cast.receipt) == ("late", "")
    assert await db.read(lambda tx: result_of(tx, poll.id)) == before
    assert await db.read(lambda tx: len(standing_receipts(tx, poll))) == 5


async def test_withdrawing_tells_those_who_were_asked_and_needs_a_reason(db, booth, clock):
    await db.write(lambda tx: booth.houses(tx, 3))
    poll = await db.write(booth.ask)
    first = await db.read(lambda tx: store.copies_of(tx, poll.id)[0])
    await db.write(lambda tx: booth.deliver(tx, first.message_id))
    with pytest.raises(RefusalError, match="原因"):
        await db.write(lambda tx: withdraw(tx, booth.means, poll.id, why=" ", by="王", now_ms=clock.now_ms()))
    gone = await db.write(
        lambda tx: withdraw(tx, booth.means, poll.id, why="题目写错了", by="王建国", now_ms=clock.now_ms())
    )
    assert gone.state is State.WITHDRAWN

    def seen(tx):
        told = store.copies_of(tx, poll.id, kind="withdrawal")
        states = [copy.state for copy in store.copies_of(tx, poll.id)]
        return [(copy.phone_id, booth.text_of(tx, copy.message_id)) for copy in told], states

    told, states = await db.read(seen)
    assert told == [(first.phone_id, "【青山村】征求意见20作废,不用再回:题目写错了。已经回的不算,有事打88001234")]
    assert states == ["delivered", "withdrawn", "withdrawn"]


async def test_what_people_have_decided_cannot_be_taken_back(db, booth):
    await db.write(lambda tx: booth.houses(tx, 3))
    poll = await db.write(booth.ask)
    with pytest.raises(RefusalError, match="截止"):
        await db.write(lambda tx: withdraw(tx, booth.means, poll.id, why="不合意", by="王", now_ms=poll.closes_ms))


# a ledger that was touched


async def _waits(db, booth, choices=(1, 1, 2), number=None):
    """A poll with these ballots that is past its deadline."""

    def unit(tx):
        poll = booth.ask(tx, number=number)
        for voter, choice in zip(store.voters(tx, poll.id), choices, strict=False):
            booth.votes(tx, poll, voter.id, choice)
        return poll

    poll = await db.write(unit)
    await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=True))
    return poll


async def _due(db, booth, poll):
    after_ms = poll.closes_ms + LISTENED_MS
    return await db.write(lambda tx: count_due(tx, booth.means, after_ms, trusted=True, up_since_ms=NO_LANES))


TOUCHED = {
    "a receipt changed": ("UPDATE ballot SET receipt = '99999' WHERE poll_id = :poll AND place = 2", "ledger"),
    "a row taken out": ("DELETE FROM ballot WHERE poll_id = :poll AND place = 1", "ledger"),
    "a ballot of somebody else's": (
        "UPDATE ballot SET voter_id = voter_id + 1 WHERE poll_id = :poll AND place = 1",
        "ledger",
    ),
}


@pytest.mark.parametrize(("sql", "trouble"), TOUCHED.values(), ids=TOUCHED.keys())
async def test_a_ledger_that_was_touched_is_not_counted_and_no_other_poll_waits_for_it(db, booth, caplog, sql, trouble):
    await db.write(lambda tx: booth.houses(tx, 3))
    broken, sound = await _waits(db, booth), await _waits(db, booth)
    await db.write(lambda tx: tx.execute(sql, {"poll": broken.id}))
    for _ in range(3):  # the schedule asks every few seconds
        assert [poll.id for poll in await _due(db, booth, sound)] in ([sound.id], [])
    seen = await db.read(lambda tx: store.poll_of(tx, broken.id))
    assert (seen.state, seen.trouble) == (State.CLOSED, trouble)
    assert await db.read(lambda tx: result_of(tx, broken.id)) is None
    assert (await db.read(lambda tx: store.poll_of(tx, sound.id))).state is State.COUNTED
    assert sum("not counted" in record.getMessage() for record in caplog.records) == 1


async def test_a_ballot_that_does_not_open_is_not_counted_either_until_it_does(db, booth, vault):
    """The key was lost and is found again: nothing of it was thrown away, and then it is counted."""
    from dataclasses import replace

    from village.ground.privacy import Vault

    await db.write(lambda tx: booth.houses(tx, 3))
    poll = await _waits(db, booth)
    means = booth.means
    booth.means = replace(means, vault=Vault(b"x" * 32))
    assert await _due(db, booth, poll) == []
    assert (await db.read(lambda tx: store.poll_of(tx, poll.id))).trouble == "seal"
    booth.means = means
    assert [one.id for one in await _due(db, booth, poll)] == [poll.id]
    seen = await db.read(lambda tx: (store.poll_of(tx, poll.id), result_of(tx, poll.id)))
    assert (seen[0].trouble, seen[1].counts) == ("", (2, 1, 0))


async def test_the_published_head_is_worked_out_again_whatever_comes_after_the_count(db, booth):
    await db.write(lambda tx: booth.houses(tx, 3))
    poll = await _waits(db, booth)
    await _due(db, booth, poll)

    def late(tx):
        voter = store.voters(tx, poll.id)[0]
        return booth.votes(tx, store.poll_of(tx, poll.id), voter.id, 2, received_ms=poll.closes_ms + DAY_MS)

    await db.write(late)

    def seen(tx):
        return ledger(tx, poll.id), result_of(tx, poll.id)

    rows, result = await db.read(seen)
    assert (len(rows), result.ledger_rows) == (4, 3)
    assert fits(rows, result.ledger_rows, result.ledger_head)
    await db.write(lambda tx: tx.execute("UPDATE ballot SET sent_ms = sent_ms - 1 WHERE place = 1"))
    rows, _ = await db.read(seen)
    assert not fits(rows, result.ledger_rows, result.ledger_head)
    assert not fits(rows[:2], result.ledger_rows, result.ledger_head)


def test_a_result_of_before_learns_how_many_rows_its_head_covers():
    """A village that counted polls before the number was kept."""
    import sqlite3

    from village.ground.migrate import steps_of

    tx = sqlite3.connect(":memory:")
    first, second = steps_of("village.polls")[:2]
    tx.executescript(first.sql)
    zero = "zeroblob(32)"
    tx.execute(
        "INSERT INTO poll VALUES (1, 23, 'opinion', 'counted', 'q', '[]', '[]', NULL, 'cn-2018', 1, 1, zeroblob(16),"
        f" {zero}, 3, 'a', NULL, 1, 50, 60, 100, NULL, NULL, NULL)"
    )
    for place, received in ((1, 10), (2, 100), (3, 101)):
        tx.execute(
            "INSERT INTO ballot VALUES (:place, 1, :place, 1, x'00', '', 'sms', 9, :received, :source, 0, 'new', NULL,"
            f" {zero})",
            {"place": place, "received": received, "source": f"inbox/{place}"},
        )
    tx.execute(
        "INSERT INTO poll_result VALUES (1, '[1]', 2, 0, NULL, NULL, NULL, NULL, '[]', 'cn-2018',"
        f" {zero}, {zero}, '[]')"
    )
    tx.executescript(second.sql)
    assert tx.execute("SELECT ledger_rows FROM poll_result").fetchall() == [(2,)]
    assert tx.execute("SELECT trouble FROM poll").fetchall() == [("",)]
