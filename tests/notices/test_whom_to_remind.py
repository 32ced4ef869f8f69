"""A reminder that was taken back comes again, one that reached nobody is followed by a call; nobody is told twice."""

from __future__ import annotations

import sqlite3
from datetime import date

import pytest

from gateway.message import State
from tests.notices.test_tasks import (
    DAY,
    HOUR,
    LAST,
    calls,
    on_the_phone,
    remind,
    reminders,
    settle,
    task,
    until_the_22nd,
)
from tests.notices.town import House, Town
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices import store, tasks_store
from village.notices.correct_notice import correct_notice
from village.notices.done import Done, mark_done, undo_done
from village.notices.notice import Channels, Notice, Rung
from village.notices.stop_notice import spare_phone, stop_notice
from village.notices.tasks import Fate, TaskView, drop_task, set_task, task_view
from village.people import optout, phones

MINUTE = 60_000


def done(tx: sqlite3.Connection, town: Town, notice: Notice, *houses: House) -> list[int]:
    units = store.units_of(tx, notice.id)
    ids = [units[house.id, None] for house in houses]
    mark_done(tx, town.means.outbox, notice.id, ids, via=Done.DESK, by="陈会计", now_ms=town.clock.now_ms())
    return [int(unit) for unit in ids]


def undone(tx: sqlite3.Connection, town: Town, notice: Notice, unit_ids: list[int]) -> None:
    for unit_id in unit_ids:
        undo_done(tx, notice.id, unit_id, now_ms=town.clock.now_ms())


def move_day(tx: sqlite3.Connection, town: Town, notice: Notice, *days: date, seen: str | None = None) -> None:
    for day in days:
        set_task(
            tx, town.means.outbox, notice.id, what="医保", by_day=day, by="陈会计", now_ms=town.clock.now_ms(),
            seen=seen,
        )  # fmt: skip


async def view_of(db: Database, town: Town, notice: Notice) -> TaskView:
    return await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))


async def reminded(db: Database, town: Town) -> tuple[Notice, list[House]]:
    notice, houses = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 3
    return notice, houses


async def again(db: Database, town: Town) -> int:
    await town.clock.advance(MINUTE)
    return await db.write(lambda tx: remind(tx, town))


# taken back, and needed after all


async def test_done_by_mistake_and_undone_is_reminded_after_all_and_once(db: Database, town: Town) -> None:
    notice, houses = await reminded(db, town)
    ids = await db.write(lambda tx: done(tx, town, notice, houses[0]))
    assert await again(db, town) == 0
    view = await view_of(db, town, notice)
    assert (view.sent, view.waiting, ids[0] in view.fates) == (2, 2, False)  # what was taken back reminded nobody
    await db.write(lambda tx: undone(tx, town, notice, ids))
    assert (await view_of(db, town, notice)).would_reach == 1
    assert await again(db, town) == 1
    assert await again(db, town) == 0
    view = await view_of(db, town, notice)
    assert (view.sent, view.would_reach, view.fates[store.UnitId(ids[0])]) == (3, 0, Fate.WAITING)


async def test_whoever_had_his_reminder_is_not_reminded_because_a_tick_was_undone(db: Database, town: Town) -> None:
    notice, houses = await reminded(db, town)

    def unit(tx: sqlite3.Connection) -> None:
        for row in tx.execute("SELECT id FROM message_state WHERE kind = 'task'").fetchall():
            town.deliver(tx, row["id"])
        undone(tx, town, notice, done(tx, town, notice, houses[0]))

    await db.write(unit)
    assert await again(db, town) == 0


async def test_ticked_before_the_day_of_reminding_and_undone_after_it_is_reminded(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: settle(tx, town))
    ids = await db.write(lambda tx: done(tx, town, notice, houses[0]))
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 2
    assert await again(db, town) == 0
    await db.write(lambda tx: undone(tx, town, notice, ids))
    assert await again(db, town) == 1
    assert await again(db, town) == 0


async def test_a_stopped_notice_that_a_correction_revives_reminds_when_its_words_have_left(
    db: Database, town: Town
) -> None:
    notice, _ = await reminded(db, town)

    def unit(tx: sqlite3.Connection) -> None:
        now_ms = town.clock.now_ms()
        stop_notice(tx, town.means, notice.id, seen_version=1, by="陈会计", now_ms=now_ms)
        assert remind(tx, town) == 0
        correct_notice(
            tx, town.means, notice.id, text="医保12月25日截止,每人380元", due_ms=None, seen_version=1, by="陈会计",
            now_ms=now_ms,
        )  # fmt: skip

    await db.write(unit)
    assert await again(db, town) == 0  # the new words go first
    await db.write(lambda tx: [town.deliver(tx, row["id"]) for row in town.messages(tx, notice, 2)])
    assert await again(db, town) == 3
    assert await again(db, town) == 0


async def test_a_day_moved_away_and_back_is_reminded_of_and_the_page_does_not_say_too_late(
    db: Database, town: Town
) -> None:
    notice, _ = await reminded(db, town)
    await db.write(lambda tx: move_day(tx, town, notice, date(2026, 12, 28), LAST))
    view = await view_of(db, town, notice)
    assert (view.too_late, view.would_reach, view.sent) == (False, 3, 0)
    assert await again(db, town) == 3
    view = await view_of(db, town, notice)
    assert (view.sent, view.would_reach) == (3, 0)
    assert await again(db, town) == 0


async def test_dropped_and_set_again_reminds_again(db: Database, town: Town) -> None:
    notice, _ = await reminded(db, town)
    await db.write(lambda tx: (drop_task(tx, town.means.outbox, notice.id), move_day(tx, town, notice, LAST)))
    assert await again(db, town) == 3


async def test_a_day_first_set_within_three_days_is_not_reminded_of_and_says_why(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town)[0])
    await db.write(lambda tx: drop_task(tx, town.means.outbox, notice.id))
    await until_the_22nd(town)
    await db.write(lambda tx: move_day(tx, town, notice, LAST))
    assert await again(db, town) == 0
    view = await view_of(db, town, notice)
    assert (view.too_late, view.just_sent) == (True, False)


async def test_after_the_last_day_nothing_comes_again(db: Database, town: Town) -> None:
    notice, houses = await reminded(db, town)
    ids = await db.write(lambda tx: done(tx, town, notice, houses[0]))
    await town.clock.advance(4 * DAY)
    await db.write(lambda tx: undone(tx, town, notice, ids))
    assert await again(db, town) == 0
    view = await view_of(db, town, notice)
    assert (view.over, view.would_reach) == (True, 0)


async def test_who_opted_out_and_comes_back_is_reminded(db: Database, town: Town) -> None:
    _, houses = await reminded(db, town)
    phone = houses[0].phones[0]

    def leave(tx: sqlite3.Connection) -> None:
        town.opt_out(tx, phone)
        spare_phone(tx, town.means.outbox, phone, town.clock.now_ms())

    await db.write(leave)
    assert await again(db, town) == 0
    await db.write(lambda tx: optout.set_opted(tx, phone, "all", how="desk", at_ms=town.clock.now_ms()))
    assert await again(db, town) == 1


# another's hand


async def test_what_waits_for_a_phone_that_was_passed_on_is_taken_back(db: Database, town: Town) -> None:
    notice, houses = await reminded(db, town)

    def pass_on(tx: sqlite3.Connection) -> None:
        at_ms = town.clock.now_ms()
        other = town.house(tx, "新住户", phones=0)
        phones.hold(tx, houses[0].phones[0], other.residents[0], "desk", by="测试", at_ms=at_ms)
        phones.let_go(tx, houses[0].phones[0], houses[0].residents[0], by="测试", at_ms=at_ms)

    await db.write(pass_on)
    assert await db.write(lambda tx: remind(tx, town, trusted=False)) == 0  # a guessed clock takes back as well
    assert sorted(state for _, state in await db.read(lambda tx: reminders(tx, town))) == [
        "queued", "queued", "withdrawn",
    ]  # fmt: skip
    assert await again(db, town) == 0
    new = await db.write(lambda tx: town.phone(tx, houses[0].residents[0]))
    await db.write(lambda tx: town.phone(tx, houses[1].residents[0]))
    assert await again(db, town) == 1  # who was not told is, on his new phone; who was, is not told on another
    assert new in {one.phone_id for one in await db.read(lambda tx: tasks_store.reminders_of(tx, notice.id))}
    assert await again(db, town) == 0


async def test_of_two_on_one_phone_the_one_who_stays_is_reminded_in_words_that_name_him_alone(
    db: Database, town: Town
) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, int, list[int]]:
        houses = [town.house(tx, name, phones=0) for name in ("王德福", "李桂英")]
        people = [house.residents[0] for house in houses]
        phone = town.phone(tx, *people)
        notice = town.send(tx, "医保12月25日截止,每人400元")
        task(tx, town, notice)
        return notice, phone, people

    _, phone, people = await db.write(unit)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 1
    await db.write(lambda tx: phones.let_go(tx, phone, people[0], by="测试", at_ms=town.clock.now_ms()))
    assert await again(db, town) == 1
    assert await again(db, town) == 0
    told = await db.read(lambda tx: reminders(tx, town))
    assert [(state, "王德福" in text) for text, state in told] == [("withdrawn", True), ("queued", False)]


# reached nobody


def lose(tx: sqlite3.Connection, town: Town, error: str, *, state: State = State.FAILED) -> int:
    """The first reminder that waits."""
    row = tx.execute("SELECT id FROM message_state WHERE kind = 'task' AND state = 'queued' ORDER BY id").fetchone()
    town.move(tx, row["id"], State.SENDING, state, error=error)
    return int(row["id"])


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
async def test_one_call_follows_an_sms_that_failed(db: Database, town: Town, state: State) -> None:
    notice, _ = await reminded(db, town)
    await db.write(lambda tx: lose(tx, town, "no_signal", state=state))
    view = await view_of(db, town, notice)
    assert sorted(view.fates.values()) == sorted(
        [Fate.LOST if state is State.FAILED else Fate.UNKNOWN, Fate.WAITING, Fate.WAITING]
    )
    assert await again(db, town) == 1
    assert await again(db, town) == 0
    ((_, made),) = await db.read(lambda tx: calls(tx, town))
    assert made.nodes["ask"].says == ("办好了按9。",)


@pytest.mark.parametrize("error", ["dead_number", "dead_number/1", "content"])
async def test_where_a_call_would_end_the_same_there_is_none(db: Database, town: Town, error: str) -> None:
    notice, _ = await reminded(db, town)
    await db.write(lambda tx: lose(tx, town, error))
    assert await again(db, town) == 0
    assert Fate.LOST in (await view_of(db, town, notice)).fates.values()


async def test_who_refuses_calls_or_was_told_on_another_phone_is_not_rung(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        shy, two = town.house(tx, "王德福"), town.house(tx, "李桂英", people=2, phones=2)
        town.wants(tx, shy.phones[0], "sms")
        assert len(two.phones) == 2
        task(tx, town, town.send(tx, "医保12月25日截止,每人400元"))

    await db.write(unit)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 3
    await db.write(lambda tx: (lose(tx, town, "no_signal"), lose(tx, town, "no_signal")))
    assert await again(db, town) == 0


async def test_no_call_where_the_notice_makes_none(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        town.house(tx, "王德福")
        task(tx, town, town.send(tx, "医保12月25日截止,每人400元", channels=Channels(call=False)))

    await db.write(unit)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 1
    await db.write(lambda tx: lose(tx, town, "no_signal"))
    assert await again(db, town) == 0


@pytest.mark.parametrize("rungs", [None, (Rung.REMINDER, Rung.CALL)])
async def test_a_call_nobody_took_is_made_once_more_at_another_time_of_day(
    db: Database, town: Town, rungs: tuple[Rung, ...] | None
) -> None:
    notice, _ = await db.write(lambda tx: on_the_phone(tx, town, rungs=rungs))
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 3

    def nobody(tx: sqlite3.Connection) -> None:
        for message_id, _ in calls(tx, town):
            if tasks_store.asked_by(tx, message_id) is not None:
                row = tx.execute("SELECT state FROM message_state WHERE id = :id", {"id": message_id}).fetchone()
                if row["state"] == State.QUEUED:
                    town.fail(tx, message_id, "no_answer")

    await db.write(nobody)
    made = []
    for _ in range(3 * 24):
        await town.clock.advance(HOUR)
        made.append(await db.write(lambda tx: remind(tx, town)))
        await db.write(nobody)
    assert [n for n in made if n] == ([2] if rungs is None else [])
    if rungs is None:
        assert made.index(2) >= 9  # rung in the morning: again in the evening
    view = await view_of(db, town, notice)
    assert (view.calls, view.heard) == (4 if rungs is None else 2, 0)


async def test_a_dead_number_is_not_rung_a_second_time(db: Database, town: Town) -> None:
    await db.write(lambda tx: on_the_phone(tx, town))
    await until_the_22nd(town)

    def dead(tx: sqlite3.Connection) -> None:
        assert remind(tx, town) == 3
        for message_id, _ in calls(tx, town):
            town.fail(tx, message_id, "dead_number/1")

    await db.write(dead)
    for _ in range(2 * 24):
        await town.clock.advance(HOUR)
        assert await db.write(lambda tx: remind(tx, town)) == 0


# two clerks


async def test_an_old_page_does_not_put_a_day_back(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town)[0])
    page = await db.read(lambda tx: tasks_store.task_of(tx, notice.id))
    assert page is not None
    await db.write(lambda tx: move_day(tx, town, notice, date(2026, 12, 31), seen=page.seen))
    with pytest.raises(RefusalError, match="刚刚陈会计改过：医保，最晚12月31日") as refused:
        await db.write(lambda tx: move_day(tx, town, notice, LAST, seen=page.seen))
    assert refused.value.status == 409
    with pytest.raises(RefusalError, match="改过"):
        await db.write(lambda tx: drop_task(tx, town.means.outbox, notice.id, seen=page.seen))
    with pytest.raises(RefusalError, match="改过"):
        await db.write(lambda tx: move_day(tx, town, notice, LAST, seen=""))
    await db.write(lambda tx: move_day(tx, town, notice, date(2026, 12, 31), seen=page.seen))  # the same, sent twice
    await db.write(lambda tx: drop_task(tx, town.means.outbox, notice.id))
    with pytest.raises(RefusalError, match="去掉了"):
        await db.write(lambda tx: move_day(tx, town, notice, LAST, seen=page.seen))
    await db.write(lambda tx: move_day(tx, town, notice, LAST, seen=""))
