"""Which notices are running: from their start until two weeks after the last day they speak of, in one indexed read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date

import pytest

from gateway.message import State as M
from tests.notices.town import House, Town
from village.ground.clock import beijing
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices import store
from village.notices.climb import climb_due
from village.notices.correct_notice import correct_notice
from village.notices.doors import doors, open_doors
from village.notices.leaders import tell_leaders
from village.notices.notice import Notice, Rung
from village.notices.numbers import refuse_taken
from village.notices.reach import reach, reaches
from village.notices.running import RUNS_ON_DAYS, is_running, running
from village.notices.send_notice import send_due
from village.notices.stop_notice import spare_phone, stop_notice
from village.notices.tasks import set_task

HOUR = 3_600_000
DAY = 24 * HOUR


def seen(tx: sqlite3.Connection, town: Town) -> list[int]:
    """What runs now; whether one does is the same question."""
    now_ms, office = town.clock.now_ms(), town.means.office
    found = [one.id for one in running(tx, office, now_ms)]
    assert found == [one.id for one in store.every_notice(tx) if is_running(tx, office, one, now_ms)]
    return found


def asks(tx: sqlite3.Connection, town: Town, notice: Notice, day: date) -> None:
    set_task(tx, town.means.outbox, notice.id, what="医保", by_day=day, by="陈", now_ms=town.clock.now_ms())


async def days(town: Town, number: float) -> None:
    await town.clock.advance(round(number * DAY))


async def test_it_runs_from_its_start_and_for_two_weeks_after_its_door_day(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, Notice]:
        town.house(tx, "王德福")
        return town.send(tx), town.send(tx, at_ms=town.clock.now_ms() + 40 * DAY)

    now, later = await db.write(unit)
    assert await db.read(lambda tx: seen(tx, town)) == [now.id]
    await days(town, RUNS_ON_DAYS + 1)  # a day until the door, then two weeks
    assert await db.read(lambda tx: seen(tx, town)) == [now.id]
    await town.clock.advance(1)
    assert await db.read(lambda tx: seen(tx, town)) == []
    await days(town, 30)
    await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms()))
    assert await db.read(lambda tx: seen(tx, town)) == [later.id]


async def test_the_later_of_wording_door_day_and_task_day_counts(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, Notice, Notice]:
        town.house(tx, "王德福")
        due = town.send(tx, due_ms=town.clock.now_ms() + 60 * DAY)
        task, worded = town.send(tx), town.send(tx)
        asks(tx, town, task, date(2027, 2, 20))
        return due, task, worded

    due, task, worded = await db.write(unit)
    await days(town, 12)
    await db.write(
        lambda tx: correct_notice(
            tx, town.means, worded.id, text="改了", due_ms=None, seen_version=1, by="陈", now_ms=town.clock.now_ms()
        )
    )
    await days(town, 13)
    assert await db.read(lambda tx: seen(tx, town)) == [worded.id, task.id, due.id]
    await days(town, 48)  # 73 days after the 5th of December: the 16th of February
    assert await db.read(lambda tx: seen(tx, town)) == [task.id, due.id]
    await days(town, 2)
    assert await db.read(lambda tx: seen(tx, town)) == [task.id]
    last = date(2027, 2, 20 + 8)  # the last day itself, and two weeks more
    await days(town, (last - beijing(town.clock.now_ms()).date()).days)
    assert await db.read(lambda tx: seen(tx, town)) == [task.id]
    await days(town, 7)
    assert await db.read(lambda tx: seen(tx, town)) == []


async def test_a_day_that_was_taken_back_counts_no_more(db: Database, town: Town) -> None:
    """By a correction; a stopped one never runs."""

    def unit(tx: sqlite3.Connection) -> tuple[Notice, Notice]:
        town.house(tx, "王德福")
        due = town.clock.now_ms() + 60 * DAY
        one, other = town.send(tx, due_ms=due), town.send(tx, due_ms=due)
        for notice in (one, other):
            correct_notice(
                tx, town.means, notice.id, text="改了", due_ms=None, seen_version=1, by="陈", now_ms=town.clock.now_ms()
            )
        stop_notice(tx, town.means, other.id, seen_version=2, by="陈", now_ms=town.clock.now_ms())
        return one, other

    one, _ = await db.write(unit)
    assert await db.read(lambda tx: seen(tx, town)) == [one.id]
    await days(town, 16)
    assert await db.read(lambda tx: seen(tx, town)) == []


async def test_a_phone_that_opts_out_before_a_far_day_is_spared(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        return town.house(tx, "王德福"), town.send(tx, due_ms=town.clock.now_ms() + 40 * DAY)

    house, notice = await db.write(unit)
    await days(town, 20)

    def out(tx: sqlite3.Connection) -> list[str]:
        assert spare_phone(tx, town.means.outbox, house.phones[0], town.clock.now_ms()) == 1
        return [row["state"] for row in town.messages(tx, notice)]

    assert await db.write(out) == ["withdrawn"]


async def test_the_ladder_is_climbed_before_a_far_day_after_weeks_in_the_dark(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        town.house(tx, "王德福")
        notice = town.send(tx, due_ms=town.clock.now_ms() + 40 * DAY)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])

    await db.write(unit)
    await days(town, 20)
    climbed = await db.write(lambda tx: climb_due(tx, town.means, town.clock.now_ms(), trusted=True))
    assert [(rung, messages) for _, rung, messages in climbed] == [(Rung.CALL, 1)]


async def test_a_number_rests_after_the_last_day_on_which_something_is_to_be_done(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        town.house(tx, "王德福")
        notice = town.send(tx, number=17)
        asks(tx, town, notice, date(2027, 3, 31))
        return notice

    await db.write(unit)
    await days(town, 150)
    with pytest.raises(RefusalError, match="还在用"):
        await db.read(lambda tx: refuse_taken(tx, 17, town.clock.now_ms()))
    await days(town, 60)
    await db.read(lambda tx: refuse_taken(tx, 17, town.clock.now_ms()))


async def test_many_at_once_are_what_each_would_be_alone_in_as_many_reads_as_one(db: Database, town: Town) -> None:
    """今天, the door lists, and the looks of every minute at which nothing is due."""

    def out(tx: sqlite3.Connection) -> None:
        notice = town.send(tx)
        first, second = town.messages(tx, notice)
        town.deliver(tx, first["id"])
        town.move(tx, second["id"], M.SENDING, M.FAILED, error="dead_number")

    def read(tx: sqlite3.Connection) -> list[int]:
        now_ms, office = town.clock.now_ms(), town.means.office
        found = running(tx, office, now_ms)
        assert reaches(tx, found, now_ms, office) == [reach(tx, one.id, now_ms, office) for one in found]
        lists = open_doors(tx, now_ms, office)
        assert lists == [doors(tx, one.id, now_ms, office) for one in found]
        assert all(len(one.open) == 1 and one.open[0].tried for one in lists)
        looks = (
            lambda: reaches(tx, found, now_ms, office),
            lambda: open_doors(tx, now_ms, office),
            lambda: climb_due(tx, town.means, now_ms, trusted=True),
            lambda: tell_leaders(tx, town.means, now_ms, trusted=True),
        )
        return [len(said(tx, look)) for look in looks]

    await db.write(lambda tx: [town.house(tx, name) for name in ("王德福", "李桂英")])
    await db.write(out)
    alone = await db.read(read)
    for _ in range(5):
        await db.write(out)
    assert await db.read(read) == alone


def said(tx: sqlite3.Connection, what: Callable[[], object]) -> list[str]:
    """The statements it takes."""
    statements: list[str] = []
    tx.set_trace_callback(statements.append)
    try:
        what()
    finally:
        tx.set_trace_callback(None)
    return statements


@pytest.mark.parametrize("analysed", [False, True])
async def test_ten_years_of_notices_are_not_read_to_find_those_that_run(
    db: Database, town: Town, analysed: bool
) -> None:
    """Four hundred a year, the most that ninety-nine numbers give."""

    def unit(tx: sqlite3.Connection) -> None:
        town.house(tx, "王德福")
        notice = town.send(tx)
        asks(tx, town, notice, date(2026, 12, 25))
        for one in range(1, 4001):
            at_ms = town.clock.now_ms() - 30 * DAY - one * 22 * HOUR
            tx.execute(
                "INSERT INTO notice (number, state, version, opened_with, audience, unit, by_sms, by_call, on_page,"
                " urgent, issuer, author, created_ms, start_ms) SELECT number, 'sent', 1, 1, audience, unit, 1, 1, 1,"
                " 0, issuer, author, :at, :at FROM notice WHERE id = :id",
                {"at": at_ms, "id": notice.id},
            )
            tx.execute(
                "INSERT INTO notice_version (notice_id, version, text, short_text, due_ms, author, created_ms)"
                " VALUES (last_insert_rowid(), 1, '停水', '', :due, '陈', :at)",
                {"at": at_ms, "due": at_ms + DAY if one % 3 == 0 else None},
            )
        if analysed:
            tx.execute("ANALYZE")

    await db.write(unit)

    def plans(tx: sqlite3.Connection) -> list[list[str]]:
        now_ms, office = town.clock.now_ms(), town.means.office
        assert len(running(tx, office, now_ms)) == 1
        (ran,) = said(tx, lambda: running(tx, office, now_ms))
        (spared,) = said(tx, lambda: store.unsent_to(tx, 1, now_ms))
        return [[row["detail"] for row in tx.execute("EXPLAIN QUERY PLAN " + one)] for one in (ran, spared)]

    for steps in await db.read(plans):
        indexes = {"notice_by_start", "notice_version_by_birth", "notice_version_by_due", "notice_task_by_day"}
        assert indexes <= {word for step in steps for word in step.split()}
        assert not [step for step in steps if step.startswith(("SCAN n", "SCAN v", "SCAN m", "SCAN w"))], steps
