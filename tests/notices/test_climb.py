"""The ladder: reminder, call, second call at another time of day, then the door list; an answer ends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway import queue_store
from gateway.message import Channel, Priority, State
from tests.notices.town import House, Town
from village.ground.clock import beijing, parse_iso
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices import climb_store
from village.notices.climb import climb_due, next_step
from village.notices.confirm import Via, confirm, read_to
from village.notices.correct_notice import correct_notice
from village.notices.doors import doors
from village.notices.ladder import Ladder, due_rung, next_open_ms, other_time_ms
from village.notices.notice import Channels, Notice, Order, Rung
from village.notices.plan import plan
from village.notices.stop_notice import stop_notice
from village.people import changes_store, phones
from village.people.audience import Audience
from village.people.store import phone_by_id

HOUR = 3_600_000
OPEN = ((7 * 60, 12 * 60 + 30), (14 * 60, 21 * 60))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-12-05T08:10", "2026-12-05T18:30"),  # out in the morning, back in the evening
        ("2026-12-05T11:00", "2026-12-05T18:30"),
        ("2026-12-05T14:30", "2026-12-05T18:30"),
        ("2026-12-05T16:00", "2026-12-06T07:30"),  # half past six is too soon
        ("2026-12-05T19:00", "2026-12-06T07:30"),
        ("2026-12-05T20:59", "2026-12-06T07:30"),
    ],
)
def test_the_second_call_comes_at_another_time_of_day(first: str, second: str) -> None:
    assert other_time_ms(parse_iso(first), OPEN) == parse_iso(second)


@pytest.mark.parametrize("minute", range(0, 24 * 60, 7))
def test_whenever_the_first_call_was_the_second_is_in_open_hours_and_hours_away(minute: int) -> None:
    first_ms = parse_iso("2026-12-05T00:00") + minute * 60_000
    second_ms = other_time_ms(first_ms, OPEN)
    assert 3 * HOUR <= second_ms - first_ms <= 24 * HOUR
    assert next_open_ms(second_ms, OPEN) == second_ms


def test_after_a_long_power_cut_one_rung_is_climbed_not_all() -> None:
    times = {Rung.REMINDER: 1, Rung.CALL: 2, Rung.SECOND_CALL: None}
    assert due_rung(times, (), 10) is Rung.CALL
    assert due_rung(times, (Rung.CALL,), 10) is None  # a reminder after the call would be noise


class Steps:
    """One village, one notice, and time that goes on by the hour."""

    def __init__(self, db: Database, town: Town) -> None:
        self.db = db
        self.town = town

    async def do(self, what: Callable[[sqlite3.Connection], Any]) -> Any:
        return await self.db.write(what)

    async def climb(self) -> list[tuple[Rung, int]]:
        def unit(tx: sqlite3.Connection) -> list[tuple[Rung, int]]:
            climbed = climb_due(tx, self.town.means, self.town.clock.now_ms(), trusted=self.town.clock.trusted)
            return [(rung, messages) for _, rung, messages in climbed]

        return await self.db.write(unit)

    async def after(self, hours: float) -> list[tuple[Rung, int]]:
        """So many hours go by, looked at every quarter of an hour."""
        climbed = []
        for _ in range(round(hours * 4)):
            await self.town.clock.advance(HOUR // 4)
            climbed += await self.climb()
        return climbed

    async def newest(self, notice: Notice) -> sqlite3.Row:
        return (await self.db.read(lambda tx: self.town.messages(tx, notice)))[-1]

    async def visits(self, notice: Notice) -> int:
        now_ms = self.town.clock.now_ms()
        found = await self.db.read(lambda tx: doors(tx, notice.id, now_ms, self.town.means.office))
        return len(found.open)


@pytest.fixture
def steps(db: Database, town: Town) -> Steps:
    return Steps(db, town)


async def one_house(steps: Steps, **more: object) -> tuple[House, Notice]:
    """A household whose SMS was delivered and not answered."""

    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        house = steps.town.house(tx, "王德福")
        notice = steps.town.send(tx, **more)
        steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"])
        return house, notice

    made: tuple[House, Notice] = await steps.do(unit)
    return made


def no_answer(steps: Steps, message_id: int) -> Callable[[sqlite3.Connection], None]:
    return lambda tx: steps.town.move(tx, message_id, State.SENDING, State.FAILED, error="no_answer")


async def test_the_whole_ladder_to_the_door(steps: Steps) -> None:
    _, notice = await one_house(steps)  # Saturday 9:10
    assert await steps.after(4) == []  # 13:10 is the midday rest
    assert await steps.after(1) == [(Rung.REMINDER, 1)]
    reminder = await steps.newest(notice)
    text = await steps.db.read(lambda tx: steps.town.text_of(tx, reminder["id"]))
    assert text == "【青山村】还没收到您的回音。通知1:12月6日周日早8点到下午3点停水,请存水。收到请回9,想听电话念回0201"
    await steps.do(lambda tx: steps.town.deliver(tx, reminder["id"]))
    assert await steps.after(3) == []
    assert await steps.after(1) == [(Rung.CALL, 1)]  # 18:00 and a little: four hours after the reminder
    call = await steps.newest(notice)
    assert call["channel"] == Channel.CALL
    await steps.do(no_answer(steps, call["id"]))
    assert await steps.visits(notice) == 0  # a second call is still to come
    assert await steps.after(13) == []
    climbed = await steps.after(2)  # Sunday, half past seven
    assert climbed == [(Rung.SECOND_CALL, 1)]
    assert beijing(steps.town.clock.now_ms()).day == 6
    await steps.do(no_answer(steps, (await steps.newest(notice))["id"]))
    assert await steps.after(48) == []
    assert await steps.visits(notice) == 1


@pytest.mark.parametrize(("due_h", "visited"), [(None, 0), (2, 1)])
async def test_whom_the_first_call_missed_is_visited_only_when_no_second_is_to_come(
    steps: Steps, due_h: int | None, visited: int
) -> None:
    due_ms = None if due_h is None else steps.town.clock.now_ms() + due_h * HOUR

    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        notice = steps.town.send(tx, due_ms=due_ms)
        steps.town.fail(tx, steps.town.messages(tx, notice)[0]["id"])
        return notice

    notice = await steps.do(unit)
    call = await steps.newest(notice)
    assert call["channel"] == Channel.CALL
    await steps.do(no_answer(steps, call["id"]))
    assert await steps.visits(notice) == visited


@pytest.mark.parametrize("rung", [Rung.FIRST, Rung.REMINDER, Rung.CALL])
async def test_an_answer_at_any_rung_ends_it(steps: Steps, rung: Rung) -> None:
    house, notice = await one_house(steps)
    seen: list[Rung] = [Rung.FIRST]
    while rung not in seen:
        seen += [climbed for climbed, _ in await steps.after(0.25)]
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[0])
    )
    later = await steps.after(40)
    assert [messages for _, messages in later] == [0] * len(later)
    assert await steps.visits(notice) == 0


async def test_what_waits_for_somebody_who_has_answered_is_taken_back(steps: Steps) -> None:
    house, notice = await one_house(steps)
    await steps.after(5)
    reminder = await steps.newest(notice)
    assert reminder["state"] == State.QUEUED
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.PAGE, at_ms=steps.town.clock.now_ms(), household_id=house.id)
    )
    await steps.climb()
    assert (await steps.newest(notice))["state"] == State.WITHDRAWN


@pytest.mark.parametrize(("more", "made"), [({}, False), ({"urgent": True}, True), ({"persons": True}, True)], ids=str)
async def test_the_first_call_is_not_made_to_a_household_that_has_answered(
    steps: Steps, more: dict[str, object], made: bool
) -> None:
    """But in danger to life, and where persons were addressed: a child's 9 does not clear the grandmother. The first
    SMS goes out in any case."""

    def unit(tx: sqlite3.Connection) -> Notice:
        house = steps.town.house(tx, "王德福", people=3, phones=3)
        steps.town.wants(tx, house.phones[1], "call")
        whom = {"audience": Audience.residents(house.residents)} if more.get("persons") else more
        notice = steps.town.send(tx, **whom)
        steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"])
        confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[0])
        return notice

    notice = await steps.do(unit)
    await steps.climb()
    assert sorted(await states(steps, notice)) == [
        ("call", "queued" if made else "withdrawn"), ("sms", "delivered"), ("sms", "queued"),
    ]  # fmt: skip


async def test_what_somebody_asks_to_be_read_is_read_though_the_household_has_answered(steps: Steps) -> None:
    house, notice = await one_house(steps)

    def unit(tx: sqlite3.Connection) -> None:
        now_ms = steps.town.clock.now_ms()
        confirm(tx, notice.id, via=Via.SMS, at_ms=now_ms, phone_id=house.phones[0])
        phone = phone_by_id(tx, house.phones[0])
        assert phone is not None
        read_to(tx, steps.town.means, notice, phone, now_ms)

    await steps.do(unit)
    await steps.climb()
    assert await states(steps, notice) == [("sms", "delivered"), ("call", "queued")]


async def test_what_is_on_the_page_only_climbs_nothing(steps: Steps) -> None:
    await one_house_on_the_page(steps)
    assert await steps.after(30) == []
    assert await steps.db.read(lambda tx: tx.execute("SELECT count(*) FROM notice_rung").fetchone()[0]) == 0


async def one_house_on_the_page(steps: Steps) -> Notice:
    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        return steps.town.send(tx, channels=Channels(sms=False, call=False))

    made: Notice = await steps.do(unit)
    return made


async def test_a_failed_sms_rings_nobody_whose_household_has_answered_on_another_phone(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        house = steps.town.house(tx, "王德福", people=2, phones=2)
        notice = steps.town.send(tx)
        first, second = steps.town.messages(tx, notice)
        steps.town.deliver(tx, first["id"])
        confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[0])
        steps.town.fail(tx, second["id"])
        return notice

    notice = await steps.do(unit)
    assert (await steps.newest(notice))["channel"] == Channel.SMS


@pytest.mark.parametrize("rungs", [None, ()])
async def test_the_call_after_a_failed_sms_is_taken_back_once_they_answer(
    steps: Steps, rungs: tuple[Rung, ...] | None
) -> None:
    """Before any rung was climbed, and where the notice has none."""

    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        house = steps.town.house(tx, "王德福")
        notice = steps.town.send(tx, rungs=rungs)
        steps.town.move(tx, steps.town.messages(tx, notice)[0]["id"], State.SENDING, State.UNKNOWN)
        return house, notice

    house, notice = await steps.do(unit)
    call = await steps.newest(notice)
    assert (call["channel"], call["state"]) == (Channel.CALL, State.QUEUED)
    await steps.climb()
    assert (await steps.newest(notice))["state"] == State.QUEUED
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[0])
    )
    await steps.climb()
    assert (await steps.newest(notice))["state"] == State.WITHDRAWN


async def test_the_call_after_a_failed_sms_is_the_call_of_the_ladder(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        notice = steps.town.send(tx)
        steps.town.fail(tx, steps.town.messages(tx, notice)[0]["id"])
        return notice

    notice = await steps.do(unit)
    await steps.do(no_answer(steps, (await steps.newest(notice))["id"]))
    assert await steps.after(10) == [(Rung.REMINDER, 0), (Rung.CALL, 0)]
    assert await steps.after(13) == [(Rung.SECOND_CALL, 1)]


async def test_listening_to_the_call_is_hearing_and_nobody_rings_again(steps: Steps) -> None:
    _, notice = await one_house(steps)
    climbed = await steps.after(9)
    assert climbed[-1] == (Rung.CALL, 1)
    call = await steps.newest(notice)
    await steps.do(lambda tx: steps.town.listen(tx, call["id"]))
    assert [messages for _, messages in await steps.after(24)] == [0]
    assert await steps.visits(notice) == 0


async def test_a_childs_nine_does_not_clear_the_grandmother(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        house = steps.town.house(tx, "王德福", people=2, phones=2)
        notice = steps.town.send(tx, audience=Audience.residents(house.residents))
        for message in steps.town.messages(tx, notice):
            steps.town.deliver(tx, message["id"])
        return house, notice

    house, notice = await steps.do(unit)
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[1])
    )
    assert await steps.after(5) == [(Rung.REMINDER, 1)]
    assert (await steps.newest(notice))["phone"] == house.phones[0]
    climbed = await steps.after(4)
    assert climbed == [(Rung.CALL, 1)]
    assert (await steps.newest(notice))["phone"] == house.phones[0]


async def test_a_cut_in_the_middle_climbs_the_rung_once_and_whole(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, notice = await one_house(steps)
    await steps.town.clock.advance(5 * HOUR)

    def cut(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as dark:
        dark.setattr("village.notices.climb.climb_store.climb", cut)
        with pytest.raises(OSError, match="power"):
            await steps.climb()
    assert len(await steps.db.read(lambda tx: steps.town.messages(tx, notice))) == 1
    assert await steps.climb() == [(Rung.REMINDER, 1)]
    assert await steps.climb() == []


async def test_while_the_clock_is_guessed_nobody_is_reminded(steps: Steps) -> None:
    await one_house(steps)
    steps.town.clock.set_trusted(False)
    assert await steps.after(30) == []


async def test_a_stopped_notice_climbs_no_further(steps: Steps) -> None:
    _, notice = await one_house(steps)
    await steps.do(
        lambda tx: stop_notice(
            tx, steps.town.means, notice.id, seen_version=1, by="陈", now_ms=steps.town.clock.now_ms()
        )
    )
    assert await steps.after(30) == []


async def test_a_correction_begins_at_the_first_rung_again(steps: Steps) -> None:
    _, notice = await one_house(steps)
    assert await steps.after(5) == [(Rung.REMINDER, 1)]

    def unit(tx: sqlite3.Connection) -> None:
        correct_notice(
            tx, steps.town.means, notice.id, text="停水改到12月7日", due_ms=None, seen_version=1, by="陈",
            now_ms=steps.town.clock.now_ms(),
        )  # fmt: skip
        for message in steps.town.messages(tx, notice, 2):
            steps.town.deliver(tx, message["id"])

    await steps.do(unit)  # 14:10
    assert await steps.after(4.25) == [(Rung.REMINDER, 1)]
    text = await steps.db.read(lambda tx: steps.town.text_of(tx, steps.town.messages(tx, notice, 2)[-1]["id"]))
    assert "更正" in text


async def test_who_opted_out_meanwhile_is_left_alone(steps: Steps) -> None:
    house, _ = await one_house(steps)
    await steps.do(lambda tx: steps.town.opt_out(tx, house.phones[0]))
    assert [messages for _, messages in await steps.after(30)] == [0, 0, 0]


@pytest.mark.parametrize("fails", [False, True])
async def test_whoever_chose_sms_is_reminded_and_never_rung(steps: Steps, fails: bool) -> None:
    """An SMS by default is no such choice: the other household is rung."""

    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        chose, other = steps.town.house(tx, "王德福"), steps.town.house(tx, "李桂英")
        steps.town.wants(tx, chose.phones[0], "sms")
        notice = steps.town.send(tx)
        for message in steps.town.messages(tx, notice):
            (steps.town.fail if fails else steps.town.deliver)(tx, message["id"])
        return other, notice

    other, notice = await steps.do(unit)
    climbed = await steps.after(10)
    assert climbed == ([(Rung.REMINDER, 0), (Rung.CALL, 0)] if fails else [(Rung.REMINDER, 2), (Rung.CALL, 1)])
    rows = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    assert [row["phone"] for row in rows if row["channel"] == Channel.CALL] == other.phones


@pytest.mark.parametrize("error", ["dead_number", "content/30", "unreadable"])
async def test_where_nobody_can_be_there_nobody_rings(steps: Steps, error: str) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        notice = steps.town.send(tx)
        steps.town.fail(tx, steps.town.messages(tx, notice)[0]["id"], error)
        return notice

    await steps.do(unit)
    assert await steps.after(10) == [(Rung.REMINDER, 0), (Rung.CALL, 0)]


async def test_a_number_that_the_first_call_found_dead_is_not_rung_again(steps: Steps) -> None:
    _, notice = await one_house(steps)
    await steps.after(10)
    call = await steps.newest(notice)
    await steps.do(lambda tx: steps.town.fail(tx, call["id"], "dead_number"))
    assert await steps.after(14) == [(Rung.SECOND_CALL, 0)]


async def test_a_shared_phone_is_reminded_while_one_of_its_households_has_not_answered(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[House, House, Notice]:
        one, other = steps.town.house(tx, "王德福"), steps.town.house(tx, "李桂英", phones=0)
        phones.hold(tx, one.phones[0], other.residents[0], "desk", by="测试", at_ms=steps.town.clock.now_ms())
        notice = steps.town.send(tx)
        steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"])
        return one, other, notice

    one, other, notice = await steps.do(unit)
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.PAGE, at_ms=steps.town.clock.now_ms(), household_id=one.id)
    )
    assert await steps.after(5) == [(Rung.REMINDER, 1)]
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.PAGE, at_ms=steps.town.clock.now_ms(), household_id=other.id)
    )
    later = await steps.after(24)
    assert [messages for _, messages in later] == [0] * len(later)


def passed_on(town: Town, tx: sqlite3.Connection, house: House) -> House:
    """The household gives its phone away, to people the notice never went to."""
    at_ms = town.clock.now_ms()
    other = town.house(tx, "新住户", phones=0)
    phones.let_go(tx, house.phones[0], house.residents[0], by="测试", at_ms=at_ms)
    phones.hold(tx, house.phones[0], other.residents[0], "desk", by="测试", at_ms=at_ms)
    return other


async def test_a_phone_that_changed_hands_is_left_alone_and_the_new_one_climbs_on(steps: Steps) -> None:
    house, notice = await one_house(steps)

    def unit(tx: sqlite3.Connection) -> int:
        passed_on(steps.town, tx, house)
        return steps.town.phone(tx, house.residents[0])

    new = await steps.do(unit)
    assert await steps.after(5) == [(Rung.REMINDER, 1)]
    reminder = await steps.newest(notice)
    await steps.do(lambda tx: steps.town.deliver(tx, reminder["id"]))
    assert await steps.after(5) == [(Rung.CALL, 1)]
    rows = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    assert [(row["phone"], row["channel"]) for row in rows] == [
        (house.phones[0], Channel.SMS), (new, Channel.SMS), (new, Channel.CALL),
    ]  # fmt: skip


async def test_a_phone_registered_after_the_first_call_gets_the_second(steps: Steps) -> None:
    house, notice = await one_house(steps)
    climbed = await steps.after(10)
    assert climbed[-1] == (Rung.CALL, 1)
    await steps.do(no_answer(steps, (await steps.newest(notice))["id"]))

    def unit(tx: sqlite3.Connection) -> int:
        passed_on(steps.town, tx, house)
        return steps.town.phone(tx, house.residents[0])

    new = await steps.do(unit)
    assert await steps.after(14) == [(Rung.SECOND_CALL, 1)]
    assert (await steps.newest(notice))["phone"] == new


async def test_a_call_that_waits_for_a_phone_passed_on_meanwhile_is_taken_back(steps: Steps) -> None:
    house, notice = await one_house(steps)
    climbed = await steps.after(10)
    assert climbed[-1] == (Rung.CALL, 1)
    await steps.do(lambda tx: passed_on(steps.town, tx, house))
    await steps.climb()
    assert (await steps.newest(notice))["state"] == State.WITHDRAWN


@pytest.mark.parametrize("persons", [False, True])
async def test_who_left_or_died_is_not_rung(steps: Steps, persons: bool) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        house = steps.town.house(tx, "王德福", people=2, phones=2)
        whom = Audience.residents(house.residents) if persons else None
        notice = steps.town.send(tx, audience=whom)
        for message in steps.town.messages(tx, notice):
            steps.town.deliver(tx, message["id"])
        changes_store.leave(tx, steps.town.hand, house.residents[0])
        return house, notice

    house, notice = await steps.do(unit)
    assert await steps.after(10) == [(Rung.REMINDER, 1), (Rung.CALL, 1)]
    rows = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    assert {row["phone"] for row in rows[2:]} == {house.phones[1]}


async def test_who_moved_to_another_household_is_still_the_person_who_was_addressed(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        house, other = steps.town.house(tx, "王德福", people=2, phones=1), steps.town.house(tx, "李桂英", phones=0)
        notice = steps.town.send(tx, audience=Audience.residents(house.residents[:1]))
        steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"])
        changes_store.set_field(tx, steps.town.hand, house.residents[0], "household_id", other.id)
        return house, notice

    house, notice = await steps.do(unit)
    assert await steps.after(10) == [(Rung.REMINDER, 1), (Rung.CALL, 1)]
    await steps.climb()
    assert (await steps.newest(notice))["state"] == State.QUEUED
    said = await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=house.phones[0])
    )
    assert said.units == 1


async def test_a_failed_sms_rings_no_phone_that_changed_hands(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        house = steps.town.house(tx, "王德福")
        notice = steps.town.send(tx)
        passed_on(steps.town, tx, house)
        steps.town.fail(tx, steps.town.messages(tx, notice)[0]["id"])
        return notice

    notice = await steps.do(unit)
    assert (await steps.newest(notice))["channel"] == Channel.SMS


async def test_a_new_phone_of_a_household_that_knew_the_old_words_hears_that_they_changed(steps: Steps) -> None:
    house, notice = await one_house(steps)

    def unit(tx: sqlite3.Connection) -> None:
        correct_notice(
            tx, steps.town.means, notice.id, text="停水改到12月7日", due_ms=None, seen_version=1, by="陈",
            now_ms=steps.town.clock.now_ms(),
        )  # fmt: skip
        passed_on(steps.town, tx, house)
        steps.town.phone(tx, house.residents[0])

    await steps.do(unit)
    assert await steps.after(5) == [(Rung.REMINDER, 1)]
    text = await steps.db.read(lambda tx: steps.town.text_of(tx, steps.town.messages(tx, notice, 2)[-1]["id"]))
    assert "更正" in text


async def test_danger_climbs_in_minutes_and_at_night(steps: Steps) -> None:
    steps.town.clock.step_wall(14 * HOUR)  # ten past eleven at night
    _, notice = await one_house(steps, urgent=True)
    climbed = []
    for _ in range(61):
        await steps.town.clock.advance(60_000)
        for rung, messages in await steps.climb():
            climbed.append((rung, messages))
            newest = await steps.newest(notice)
            priority = await steps.db.read(
                lambda tx, newest=newest: tx.execute(
                    "SELECT priority FROM message WHERE id = ?", (newest["id"],)
                ).fetchone()[0]
            )
            assert priority == Priority.URGENT
            if rung is not Rung.REMINDER:
                await steps.do(no_answer(steps, newest["id"]))
    assert climbed == [(Rung.REMINDER, 1), (Rung.CALL, 1), (Rung.SECOND_CALL, 1)]
    assert await steps.visits(notice) == 1


@pytest.mark.parametrize("sent", ["16:55", "17:05", "20:00", "23:40"])
async def test_after_the_night_the_reminder_comes_first_and_the_call_hours_later(steps: Steps, sent: str) -> None:
    steps.town.clock.step_wall(parse_iso(f"2026-12-05T{sent}") - steps.town.clock.now_ms())
    _, notice = await one_house(steps)
    told, climbed = {}, {}
    for _ in range(4 * 24):
        now_ms = steps.town.clock.now_ms()
        step = await steps.db.read(lambda tx, now_ms=now_ms: next_step(tx, steps.town.means.office, notice, now_ms))
        if step is not None and step.rung is not None:
            told[step.rung] = step.at_ms
        for rung, messages in await steps.after(0.25):
            climbed[rung] = steps.town.clock.now_ms()
            assert messages == (0 if rung is Rung.SECOND_CALL else 1)  # its first call still waits
    assert list(climbed)[:2] == [Rung.REMINDER, Rung.CALL]
    assert climbed[Rung.CALL] - climbed[Rung.REMINDER] >= 4 * HOUR - HOUR // 4
    assert climbed[Rung.CALL] < notice.door_ms(24)
    for rung, at_ms in climbed.items():
        assert 0 <= at_ms - told[rung] <= HOUR // 4  # as the desk had said


async def test_a_short_morning_before_the_door_still_holds_both(steps: Steps) -> None:
    steps.town.clock.step_wall(parse_iso("2026-12-05T20:00") - steps.town.clock.now_ms())
    await one_house(steps, due_ms=parse_iso("2026-12-06T10:00"))
    assert await steps.after(11.25) == [(Rung.REMINDER, 1)]
    assert await steps.after(1) == [(Rung.CALL, 1)]


async def test_a_night_before_the_door_brings_the_call_nearer_rather_than_losing_it(steps: Steps) -> None:
    steps.town.clock.step_wall(parse_iso("2026-12-05T14:00") - steps.town.clock.now_ms())
    await one_house(steps, due_ms=parse_iso("2026-12-06T02:00"))
    assert await steps.after(3) == [(Rung.REMINDER, 1)]
    assert await steps.after(3) == [(Rung.CALL, 1)]  # four hours later the office is shut


async def test_after_a_night_in_the_dark_the_call_alone_and_the_desk_says_so(steps: Steps) -> None:
    _, notice = await one_house(steps)
    await steps.town.clock.advance(11 * HOUR)
    now_ms = steps.town.clock.now_ms()
    step = await steps.db.read(lambda tx: next_step(tx, steps.town.means.office, notice, now_ms))
    assert step is not None
    assert (step.rung, step.at_ms) == (Rung.CALL, now_ms)
    assert await steps.climb() == [(Rung.CALL, 1)]
    assert await steps.climb() == []


async def test_rungs_can_be_left_out(steps: Steps) -> None:
    await one_house(steps, rungs=())
    assert await steps.after(30) == []
    with pytest.raises(RefusalError):
        Rung.chosen(["second_call"])
    assert Rung.chosen(["call", "reminder"]) == (Rung.REMINDER, Rung.CALL)
    assert Rung.chosen(["none"]) == ()
    assert Ladder(remind_after_h=0, call_after_h=0).rungs == ()
    assert Ladder(remind_after_h=0).rungs == (Rung.CALL, Rung.SECOND_CALL)


async def test_a_village_without_call_lines_only_reminds(steps: Steps) -> None:
    office = replace(steps.town.means.office, calls=False)
    steps.town.means = replace(steps.town.means, office=office)
    await one_house(steps)
    assert await steps.after(30) == [(Rung.REMINDER, 1)]


async def test_whose_first_sms_left_late_is_reminded_as_long_after_it_and_once(steps: Steps) -> None:
    office = replace(steps.town.means.office, calls=False)
    steps.town.means = replace(steps.town.means, office=office)

    def unit(tx: sqlite3.Connection) -> tuple[list[House], Notice]:
        houses = [steps.town.house(tx, name) for name in ("王德福", "李桂英", "张满仓")]
        notice = steps.town.send(tx)
        steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"])
        return houses, notice

    houses, notice = await steps.do(unit)
    assert await steps.after(5.5) == [(Rung.REMINDER, 1)]  # the line carries only the first, until 14:40

    def leave(tx: sqlite3.Connection) -> None:
        for message in steps.town.messages(tx, notice)[1:3]:
            steps.town.deliver(tx, message["id"])
        confirm(tx, notice.id, via=Via.SMS, at_ms=steps.town.clock.now_ms(), phone_id=houses[2].phones[0])

    await steps.do(leave)
    assert await steps.after(3.75) == []
    assert await steps.after(0.5) == [(Rung.REMINDER, 1)]
    assert (await steps.newest(notice))["phone"] == houses[1].phones[0]
    assert await steps.after(20) == []
    kept = await steps.db.read(lambda tx: tx.execute("SELECT messages FROM notice_rung").fetchall())
    assert [row["messages"] for row in kept] == [2]


async def test_a_late_reminder_waits_for_the_morning(steps: Steps) -> None:
    office = replace(steps.town.means.office, calls=False)
    steps.town.means = replace(steps.town.means, office=office)
    steps.town.clock.step_wall(parse_iso("2026-12-05T14:00") - steps.town.clock.now_ms())

    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        return steps.town.send(tx)

    notice = await steps.do(unit)
    assert await steps.after(4.5) == [(Rung.REMINDER, 0)]
    await steps.do(lambda tx: steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"]))  # 18:30
    assert await steps.after(12.25) == []
    assert await steps.after(0.25) == [(Rung.REMINDER, 1)]


async def test_little_time_before_everybody_must_know_brings_the_rungs_nearer(steps: Steps) -> None:
    due_ms = steps.town.clock.now_ms() + 2 * HOUR
    _, notice = await one_house(steps, due_ms=due_ms)
    assert await steps.after(0.5) == [(Rung.REMINDER, 1)]
    assert await steps.after(0.5) == [(Rung.CALL, 1)]
    assert await steps.after(24) == []  # and no second call: somebody goes
    assert await steps.visits(notice) == 1


@pytest.mark.parametrize("due_h", [6, None])
async def test_after_a_power_cut_nobody_is_rung_about_what_is_over(steps: Steps, due_h: int | None) -> None:
    due_ms = None if due_h is None else steps.town.clock.now_ms() + due_h * HOUR
    _, notice = await one_house(steps, due_ms=due_ms)
    await steps.town.clock.advance((due_h or 24) * HOUR)
    now_ms = steps.town.clock.now_ms()
    assert await steps.db.read(lambda tx: next_step(tx, steps.town.means.office, notice, now_ms)) is None
    assert await steps.climb() == []
    assert await steps.visits(notice) == 1


async def test_an_sms_that_fails_once_the_door_list_is_open_rings_nobody(steps: Steps) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        steps.town.house(tx, "王德福")
        return steps.town.send(tx)

    notice = await steps.do(unit)
    await steps.town.clock.advance(24 * HOUR)
    await steps.do(lambda tx: steps.town.fail(tx, steps.town.messages(tx, notice)[0]["id"]))
    assert (await steps.newest(notice))["channel"] == Channel.SMS


@pytest.mark.parametrize("due_h", [6, None])
async def test_what_a_rung_queued_does_not_outlive_the_opening_of_the_door_list(
    steps: Steps, due_h: int | None
) -> None:
    due_ms = None if due_h is None else steps.town.clock.now_ms() + due_h * HOUR

    def unit(tx: sqlite3.Connection) -> Notice:
        for name in ("王德福", "李桂英"):
            steps.town.house(tx, name)
        notice = steps.town.send(tx, due_ms=due_ms)
        first, second = steps.town.messages(tx, notice)
        steps.town.deliver(tx, first["id"])
        steps.town.fail(tx, second["id"])
        return notice

    notice = await steps.do(unit)
    await steps.after(10)

    def ends(tx: sqlite3.Connection) -> list[int]:
        rows = steps.town.messages(tx, notice)[2:]
        return [tx.execute("SELECT expires_ms FROM message WHERE id = ?", (row["id"],)).fetchone()[0] for row in rows]

    found = await steps.db.read(ends)
    assert found == [notice.door_ms(24)] * 3  # the call after the failed SMS, the reminder, the call


async def test_the_desk_knows_what_comes_next_and_what_it_may_cost(steps: Steps) -> None:
    _, notice = await one_house(steps)

    async def step() -> Any:
        now_ms = steps.town.clock.now_ms()
        return await steps.db.read(lambda tx: next_step(tx, steps.town.means.office, notice, now_ms))

    first = await step()
    assert (first.rung, first.at_ms, first.phones) == (Rung.REMINDER, parse_iso("2026-12-05T14:00"), 1)
    await steps.after(5)
    assert (await step()).rung is Rung.CALL
    await steps.after(26)
    assert await step() is None
    order = Order("明天12月6日停水", Audience.everyone(), Channels())
    made = await steps.db.read(lambda tx: plan(tx, steps.town.means, order, steps.town.clock.now_ms()))
    assert made.steps == (Rung.REMINDER, Rung.CALL, Rung.SECOND_CALL)
    assert made.more_fen == 10 + 2 * 15


# whose first SMS has not left


async def waiting_house(steps: Steps, **more: object) -> tuple[House, Notice]:
    """A household whose SMS waits in the queue."""

    def unit(tx: sqlite3.Connection) -> tuple[House, Notice]:
        return steps.town.house(tx, "王德福"), steps.town.send(tx, **more)

    made: tuple[House, Notice] = await steps.do(unit)
    return made


async def states(steps: Steps, notice: Notice) -> list[tuple[str, str]]:
    rows = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    return [(row["channel"], row["state"]) for row in rows]


async def test_whose_sms_has_not_left_is_rung_by_the_last_call_instead(steps: Steps) -> None:
    """The line is down all day: no call while a second one is to come, then the call and not both."""
    _, notice = await waiting_house(steps)
    assert await steps.after(10) == [(Rung.REMINDER, 0), (Rung.CALL, 0)]
    assert await states(steps, notice) == [("sms", "queued")]
    assert await steps.after(13) == [(Rung.SECOND_CALL, 1)]
    assert await states(steps, notice) == [("sms", "queued"), ("call", "queued")]
    assert not await text_may_go(steps, notice)
    await steps.do(lambda tx: steps.town.listen(tx, steps.town.messages(tx, notice)[1]["id"]))
    assert await states(steps, notice) == [("sms", "withdrawn"), ("call", "delivered")]
    await steps.after(4)
    assert await steps.visits(notice) == 0


async def text_may_go(steps: Steps, notice: Notice) -> bool:
    """Whether a line that is back would carry the SMS that waits."""
    rows = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    (text,) = [row for row in rows if row["channel"] == Channel.SMS and row["state"] == State.QUEUED]
    due = await steps.db.read(
        lambda tx: tx.execute("SELECT due_ms FROM message_state WHERE id = ?", (text["id"],)).fetchone()[0]
    )
    return bool(due <= steps.town.clock.now_ms())


async def last_call(steps: Steps, **more: object) -> tuple[House, Notice, int]:
    """A household whose SMS has not left and for which the last call waits instead; the call's id."""
    house, notice = await waiting_house(steps, rungs=(Rung.CALL,), **more)
    assert await steps.after(9) == [(Rung.CALL, 1)]
    assert await states(steps, notice) == [("sms", "queued"), ("call", "queued")]
    assert not await text_may_go(steps, notice)
    return house, notice, (await steps.newest(notice))["id"]


async def test_the_sms_goes_after_all_when_the_call_it_gave_way_to_reached_nobody(steps: Steps) -> None:
    _, notice, call = await last_call(steps)
    await steps.do(lambda tx: steps.town.move(tx, call, State.SENDING))
    await steps.climb()
    assert not await text_may_go(steps, notice)  # it rings
    await steps.do(lambda tx: steps.town.move(tx, call, State.QUEUED, State.SENDING))  # busy, and once more
    assert not await text_may_go(steps, notice)
    await steps.do(lambda tx: steps.town.move(tx, call, State.FAILED, error="no_answer"))
    assert await text_may_go(steps, notice)
    await steps.climb()
    assert await text_may_go(steps, notice)
    await steps.after(16)
    assert await steps.visits(notice) == 1  # the line was down to the end


async def test_with_both_lines_down_the_call_ends_and_the_sms_is_still_there(steps: Steps) -> None:
    """Both on one stick: the call expires where the door list opens, the SMS waits on for its three days."""
    _, notice, call = await last_call(steps)
    await steps.after(15)
    assert steps.town.clock.now_ms() >= notice.door_ms(24)
    assert not await text_may_go(steps, notice)  # the call may have begun a moment before
    await steps.do(lambda tx: steps.town.move(tx, call, State.EXPIRED))
    assert await text_may_go(steps, notice)
    assert await states(steps, notice) == [("sms", "queued"), ("call", "expired")]


async def test_what_a_restart_lets_go_too_early_is_held_again_while_the_call_waits(steps: Steps) -> None:
    """At its start the gateway lets every retry go that is put off further than its own table goes."""
    _, notice, _ = await last_call(steps)

    def restart(tx: sqlite3.Connection) -> None:
        tx.execute("UPDATE message SET tries = 1 WHERE channel = 'sms'")
        queue_store.bring_forward(tx, steps.town.clock.now_ms() + 2 * HOUR, steps.town.clock.now_ms())

    await steps.do(restart)
    assert await text_may_go(steps, notice)
    await steps.climb()
    assert not await text_may_go(steps, notice)


async def test_an_sms_held_back_for_a_call_that_is_taken_back_goes(steps: Steps) -> None:
    """They have answered by the page: the call is not made, the words still come to the phone."""
    house, notice, _ = await last_call(steps)
    await steps.do(
        lambda tx: confirm(tx, notice.id, via=Via.PAGE, at_ms=steps.town.clock.now_ms(), household_id=house.id)
    )
    await steps.climb()
    assert await states(steps, notice) == [("sms", "queued"), ("call", "withdrawn")]
    assert await text_may_go(steps, notice)


async def test_whose_sms_left_between_the_calls_is_rung_by_the_second(steps: Steps) -> None:
    _, notice = await waiting_house(steps)
    assert await steps.after(10) == [(Rung.REMINDER, 0), (Rung.CALL, 0)]
    await steps.do(lambda tx: steps.town.deliver(tx, steps.town.messages(tx, notice)[0]["id"]))
    assert await steps.after(13) == [(Rung.SECOND_CALL, 1)]
    assert await states(steps, notice) == [("sms", "delivered"), ("call", "queued")]


@pytest.mark.parametrize("more", [{"rungs": (Rung.CALL,)}, {"due_ms": parse_iso("2026-12-05T20:00")}])
async def test_where_no_second_call_comes_the_first_is_the_last(steps: Steps, more: dict[str, object]) -> None:
    """None was wanted, or the door list opens before it."""
    _, notice = await waiting_house(steps, **more)
    assert (await steps.after(9))[-1] == (Rung.CALL, 1)
    assert await states(steps, notice) == [("sms", "queued"), ("call", "queued")]
    assert not await text_may_go(steps, notice)


async def test_where_the_sms_line_was_given_up_the_first_call_rings_at_once(steps: Steps) -> None:
    _, notice = await waiting_house(steps)
    office = replace(steps.town.means.office, texts=False)
    steps.town.means = replace(steps.town.means, office=office)
    assert await steps.after(9) == [(Rung.CALL, 1)]
    assert await states(steps, notice) == [("sms", "withdrawn"), ("call", "queued")]


async def test_a_line_that_is_only_slow_keeps_what_it_carries(steps: Steps) -> None:
    """Due in two hours: at the last call one SMS left a moment ago and the next one is about to."""

    def unit(tx: sqlite3.Connection) -> Notice:
        for name in ("王德福", "李桂英", "张满仓"):
            steps.town.house(tx, name)
        return steps.town.send(tx, due_ms=steps.town.clock.now_ms() + 2 * HOUR)

    notice = await steps.do(unit)
    await steps.town.clock.advance(55 * 60_000)

    def unit2(tx: sqlite3.Connection) -> None:
        first, second, _ = steps.town.messages(tx, notice)
        steps.town.deliver(tx, first["id"])
        steps.town.move(tx, second["id"], State.SENDING)

    await steps.do(unit2)
    await steps.town.clock.advance(6 * 60_000)
    assert await steps.climb() == [(Rung.CALL, 1)]  # the one that has it
    assert await states(steps, notice) == [
        ("sms", "delivered"), ("sms", "sending"), ("sms", "queued"), ("call", "queued"),
    ]  # fmt: skip


async def test_what_is_being_sent_at_the_last_call_is_left_to_it_and_rung_when_it_fails(steps: Steps) -> None:
    _, notice = await waiting_house(steps, rungs=(Rung.CALL,))
    (text,) = await steps.db.read(lambda tx: steps.town.messages(tx, notice))
    await steps.do(lambda tx: steps.town.move(tx, text["id"], State.SENDING))
    assert (await steps.after(9))[-1] == (Rung.CALL, 0)
    await steps.do(lambda tx: steps.town.move(tx, text["id"], State.FAILED, error="no_signal"))
    assert await states(steps, notice) == [("sms", "failed"), ("call", "queued")]


async def test_danger_rings_whoever_has_no_sms_yet_and_leaves_the_sms_its_chance(steps: Steps) -> None:
    _, notice = await waiting_house(steps, urgent=True)
    for _ in range(11):
        await steps.town.clock.advance(60_000)
        await steps.climb()
    assert await states(steps, notice) == [("sms", "queued"), ("call", "queued")]


async def test_a_reminder_that_waits_gives_way_to_the_call(steps: Steps) -> None:
    _, notice = await one_house(steps)
    assert (await steps.after(10))[-1] == (Rung.CALL, 1)
    assert await states(steps, notice) == [("sms", "delivered"), ("sms", "withdrawn"), ("call", "queued")]


async def test_the_looks_of_every_minute_read_the_queue_and_not_the_messages_of_years(db: Database) -> None:
    def plan(tx: sqlite3.Connection) -> list[str]:
        asked: list[str] = []
        tx.set_trace_callback(asked.append)
        climb_store.queued_for_nobody(tx)
        climb_store.texts_beside_calls(tx, 1)
        tx.set_trace_callback(None)
        return [row["detail"] for sql in asked for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}")]

    steps = await db.read(plan)
    assert sum("message_open" in step for step in steps) == 2
    assert not [step for step in steps if step.startswith("SCAN")]
