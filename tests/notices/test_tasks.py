"""Something to be done by a day: one reminder three days before to those who have not done it, and who has."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date

import pytest

from gateway.message import CallEvent, CallStep, State
from gateway.phone import PhoneKind
from gateway.script import Chosen, End, HungUp, Listen, Machine, Played, Pressed, Say, Script, Silence, Why
from gateway.segments import count
from tests.notices.town import House, Town
from village.ground.clock import beijing
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices import store, tasks_store
from village.notices.confirm import Via, confirm
from village.notices.correct_notice import correct_notice
from village.notices.done import Done, mark_done, undo_done
from village.notices.events import task_call
from village.notices.notice import Channels, Notice
from village.notices.shift_store import shift_times
from village.notices.spoken import GOODBYE, greeting
from village.notices.stop_notice import spare_phone, stop_notice
from village.notices.task_words import ASKING, MOST_NAMES, reminder_script, reminder_text
from village.notices.tasks import drop_task, remind_due, set_task, task_view
from village.people import phones
from village.people.audience import Audience

HOUR = 3_600_000
DAY = 24 * HOUR
LAST = date(2026, 12, 25)


def task(tx: sqlite3.Connection, town: Town, notice: Notice, by_day: date = LAST) -> None:
    """The notice itself has arrived."""
    for row in town.messages(tx, notice):
        if row["state"] == State.QUEUED:
            town.deliver(tx, row["id"])
    set_task(tx, town.means.outbox, notice.id, what="医保", by_day=by_day, by="陈会计", now_ms=town.clock.now_ms())


def remind(tx: sqlite3.Connection, town: Town, *, trusted: bool = True) -> int:
    return remind_due(tx, town.means, town.clock.now_ms(), trusted=trusted)


def reminders(tx: sqlite3.Connection, town: Town) -> list[tuple[str, str]]:
    rows = tx.execute(
        "SELECT id, state FROM message_state WHERE kind = 'task' AND channel = 'sms' ORDER BY id"
    ).fetchall()
    return [(town.text_of(tx, row["id"]), row["state"]) for row in rows]


def calls(tx: sqlite3.Connection, town: Town) -> list[tuple[int, Script]]:
    """Every reminder that is a call: its message, and what it says."""
    rows = tx.execute("SELECT id FROM message_state WHERE kind = 'task' AND channel = 'call' ORDER BY id").fetchall()
    return [(row["id"], Script.from_json(town.text_of(tx, row["id"]))) for row in rows]


def walk(made: Script, *keys: str) -> tuple[list[str], list[tuple[str, str]]]:
    """What one call says, and which keys answered in which node; each is pressed until it does."""
    machine, said, chosen, pressed = Machine(made), [], [], list(keys)
    todo = list(machine.begin())
    while todo:
        match todo.pop(0):
            case Say(lines, _):
                said += lines
                todo += machine.on(Played())
            case Listen():
                answered = machine.on(Pressed(pressed[0])) if pressed else []
                del pressed[: len(answered[:1])]
                todo += answered or machine.on(Silence())
            case Chosen(key, node):
                chosen.append((node, key))
    return said, chosen


def settle(tx: sqlite3.Connection, town: Town) -> tuple[Notice, list[House]]:
    """Sent on the 5th, by the 25th: three days before is the 22nd."""
    houses = [town.house(tx, name) for name in ("王德福", "李桂英", "张三")]
    houses.append(town.house(tx, "无机", phones=0))
    notice = town.send(tx, "医保12月25日截止,每人400元")
    task(tx, town, notice)
    return notice, houses


async def until_the_22nd(town: Town, hour: int = 7) -> None:
    now = beijing(town.clock.now_ms())
    then = now.replace(day=22, hour=hour, minute=5)
    await town.clock.advance(round((then - now).total_seconds() * 1000))


async def test_three_days_before_those_who_have_not_done_it(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: settle(tx, town))

    def some(tx: sqlite3.Connection) -> None:
        units = store.units_of(tx, notice.id)
        mark_done(
            tx, town.means.outbox, notice.id, [units[houses[0].id, None]], via=Done.DESK, by="陈会计",
            now_ms=town.clock.now_ms(),
        )  # fmt: skip
        confirm(tx, notice.id, via=Via.PAGE, at_ms=town.clock.now_ms(), household_id=houses[1].id)
        town.opt_out(tx, houses[2].phones[0])

    await db.write(some)
    await until_the_22nd(town, hour=6)
    assert await db.write(lambda tx: remind(tx, town)) == 0
    await town.clock.advance(HOUR)
    assert await db.write(lambda tx: remind(tx, town, trusted=False)) == 0
    assert await db.write(lambda tx: remind(tx, town)) == 1
    for _ in range(4):
        assert await db.write(lambda tx: remind(tx, town)) == 0
        await town.clock.advance(DAY)
    # who knows of it has not paid; who opted out, has no phone, or has done it is left in peace
    assert await db.read(lambda tx: reminders(tx, town)) == [
        ("【青山村】提醒通知1:医保12月25日截止,您家还没办。办好了回9,不会办打88001234", "queued")
    ]


async def test_off_at_that_hour_it_reminds_when_it_is_up_again_but_not_after_the_day(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)
    await town.clock.advance(2 * DAY)
    assert await db.write(lambda tx: remind(tx, town)) == 3

    def again(tx: sqlite3.Connection) -> None:
        task(tx, town, notice, date(2026, 12, 29))

    await db.write(again)
    await town.clock.advance(8 * DAY)
    assert await db.write(lambda tx: remind(tx, town)) == 0


async def test_it_never_overtakes_the_notice_and_goes_when_that_has_left(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, list[int]]:
        for name in ("王德福", "李桂英"):
            town.house(tx, name)
        notice = town.send(tx, "医保12月25日截止,每人400元")
        set_task(tx, town.means.outbox, notice.id, what="医保", by_day=LAST, by="陈会计", now_ms=town.clock.now_ms())
        return notice, [row["id"] for row in town.messages(tx, notice)]

    notice, (first, second) = await db.write(unit)
    await db.write(lambda tx: town.deliver(tx, first))
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 1
    assert await db.write(lambda tx: remind(tx, town)) == 0
    view = await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))
    assert view.task is not None
    assert view.task.reminded_ms is None
    assert (view.sent, view.would_reach) == (1, 1)
    await town.clock.advance(HOUR)
    await db.write(lambda tx: town.deliver(tx, second))
    assert await db.write(lambda tx: remind(tx, town)) == 1
    assert await db.write(lambda tx: remind(tx, town)) == 0
    view = await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))
    assert view.task is not None
    assert view.task.reminded_ms == town.clock.now_ms()
    assert view.sent == 2


async def test_a_call_that_waits_holds_it_for_a_day_and_no_longer(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        house = town.house(tx, "王德福")
        town.wants(tx, house.phones[0], "call")
        notice = town.send(tx, "医保12月25日截止,每人400元")
        set_task(tx, town.means.outbox, notice.id, what="医保", by_day=LAST, by="陈会计", now_ms=town.clock.now_ms())
        assert [row["channel"] for row in town.messages(tx, notice)] == ["call"]
        return notice

    await db.write(unit)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 0
    await town.clock.advance(DAY)
    assert await db.write(lambda tx: remind(tx, town)) == 1


async def test_sent_or_set_within_the_three_days_there_is_none(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[bool, bool]:
        town.house(tx, "王德福")
        late = town.send(tx, "医保12月7日截止")
        task(tx, town, late, date(2026, 12, 7))
        early = town.send(tx, "合疗12月9日截止")
        task(tx, town, early, date(2026, 12, 9))
        views = [task_view(tx, notice.id, town.means.office, town.clock.now_ms()) for notice in (late, early)]
        return views[0].too_late, views[1].too_late

    assert await db.write(unit) == (True, False)
    await town.clock.advance(DAY)
    assert await db.write(lambda tx: remind(tx, town)) == 1
    assert "合疗" not in (await db.read(lambda tx: reminders(tx, town)))[0][0]  # the clerk called both 医保
    assert (await db.read(lambda tx: reminders(tx, town)))[0][0].startswith("【青山村】提醒通知2:医保12月9日截止")


async def test_done_while_the_reminder_waits_withdraws_it(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> list[str]:
        assert remind(tx, town) == 3
        unit_id = store.units_of(tx, notice.id)[houses[1].id, None]
        now_ms = town.clock.now_ms()
        marked = mark_done(tx, town.means.outbox, notice.id, [unit_id], via=Done.LIST, by="陈会计", now_ms=now_ms)
        assert (len(marked.now), marked.before) == (1, 0)
        again = mark_done(tx, town.means.outbox, notice.id, [unit_id], via=Done.DESK, by="李", now_ms=now_ms)
        assert (len(again.now), again.before) == (0, 1)
        return [state for _, state in reminders(tx, town)]

    assert sorted(await db.write(unit)) == ["queued", "queued", "withdrawn"]


async def test_a_shared_phone_is_named_for_and_not_withdrawn_for_one_alone(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, list[int]]:
        house = town.house(tx, "王德福", people=3, phones=0)
        town.phone(tx, *house.residents)
        notice = town.send(tx, "打流感疫苗", audience=Audience.residents(house.residents))
        task(tx, town, notice)
        return notice, list(store.units_of(tx, notice.id).values())

    notice, units = await db.write(unit)
    await until_the_22nd(town)

    def more(tx: sqlite3.Connection) -> list[list[str]]:
        remind(tx, town)
        seen = []
        for unit_id in units:
            mark_done(tx, town.means.outbox, notice.id, [unit_id], via=Done.DESK, now_ms=town.clock.now_ms())
            seen.append([state for _, state in reminders(tx, town)])
        return seen

    assert await db.write(more) == [["queued"], ["queued"], ["withdrawn"]]
    text = (await db.read(lambda tx: reminders(tx, town)))[0][0]
    assert text == "【青山村】提醒通知1:医保12月25日截止,王德福、王德福1、王德福2还没办。都办好了回9,不会办打88001234"


async def test_stopped_dropped_or_opted_out_takes_back_what_waits(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> list[list[str]]:
        remind(tx, town)
        seen = []
        spare_phone(tx, town.means.outbox, houses[0].phones[0], town.clock.now_ms())
        seen.append(sorted(state for _, state in reminders(tx, town)))
        stop_notice(tx, town.means, notice.id, seen_version=1, by="陈会计", now_ms=town.clock.now_ms())
        seen.append(sorted(state for _, state in reminders(tx, town)))
        return seen

    assert await db.write(unit) == [["queued", "queued", "withdrawn"], ["withdrawn"] * 3]


async def test_dropping_the_day_reminds_nobody_and_forgets_nothing(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> tuple[int, int]:
        unit_id = next(iter(store.units_of(tx, notice.id).values()))
        mark_done(tx, town.means.outbox, notice.id, [unit_id], via=Done.DESK, now_ms=town.clock.now_ms())
        drop_task(tx, town.means.outbox, notice.id)
        return remind(tx, town), task_view(tx, notice.id, town.means.office, town.clock.now_ms()).done

    assert await db.write(unit) == (0, 1)


async def test_another_day_is_reminded_of_anew(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> list[str]:
        remind(tx, town)
        task(tx, town, notice, date(2026, 12, 31))
        return [state for _, state in reminders(tx, town)]

    assert await db.write(unit) == ["withdrawn"] * 3
    await town.clock.advance(6 * DAY)
    assert await db.write(lambda tx: remind(tx, town)) == 3
    view = await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))
    assert (view.sent, view.delivered) == (3, 0)


async def test_paid_stays_paid_when_the_words_are_corrected(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: settle(tx, town))

    def unit(tx: sqlite3.Connection) -> tuple[int, int]:
        unit_id = store.units_of(tx, notice.id)[houses[0].id, None]
        mark_done(tx, town.means.outbox, notice.id, [unit_id], via=Done.DESK, now_ms=town.clock.now_ms())
        correct_notice(
            tx, town.means, notice.id, text="医保12月25日截止,每人420元", due_ms=None, seen_version=1, by="陈",
            now_ms=town.clock.now_ms(),
        )  # fmt: skip
        done = task_view(tx, notice.id, town.means.office, town.clock.now_ms()).done
        undo_done(tx, notice.id, unit_id, now_ms=town.clock.now_ms())
        return done, task_view(tx, notice.id, town.means.office, town.clock.now_ms()).done

    assert await db.write(unit) == (1, 0)


@pytest.mark.parametrize(
    ("what", "by_day", "why"),
    [("", LAST, "办什么要写"), ("医" * 13, LAST, "办什么要写"), ("医保", date(2026, 12, 4), "不能是过去的日子")],
)
async def test_what_cannot_be_set(db: Database, town: Town, what: str, by_day: date, why: str) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        town.house(tx, "王德福")
        notice = town.send(tx)
        set_task(tx, town.means.outbox, notice.id, what=what, by_day=by_day, by="陈", now_ms=town.clock.now_ms())

    with pytest.raises(RefusalError, match=why):
        await db.write(unit)


async def test_a_household_it_was_not_sent_to_cannot_be_ticked(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))
    with pytest.raises(RefusalError):
        await db.write(lambda tx: mark_done(tx, town.means.outbox, notice.id, [999], via=Done.DESK, now_ms=0))


async def test_without_a_line_and_at_night_it_waits(db: Database, town: Town) -> None:
    await db.write(lambda tx: settle(tx, town))
    await until_the_22nd(town, hour=13)
    assert await db.write(lambda tx: remind(tx, town)) == 0
    await town.clock.advance(HOUR)
    dumb = Town(replace(town.means, office=replace(town.means.office, texts=False, calls=False)), town.clock)
    assert await db.write(lambda tx: remind(tx, dumb)) == 0
    assert await db.write(lambda tx: remind(tx, town)) == 3


async def test_the_stamps_move_and_the_day_does_not(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))

    def unit(tx: sqlite3.Connection) -> tuple[int, bool]:
        before = tasks_store.task_of(tx, notice.id)
        shift_times(tx, 0, DAY)
        after = tasks_store.task_of(tx, notice.id)
        assert before is not None
        assert after is not None
        return after.set_ms - before.set_ms, after.by_day == before.by_day

    assert await db.write(unit) == (DAY, True)


async def test_a_reminder_names_all_it_asks_for_in_three_parts_at_most(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: settle(tx, town))
    found = await db.read(lambda tx: tasks_store.task_of(tx, notice.id))
    assert found is not None
    office = replace(town.means.office, signature="阿勒泰库木村委会", phone="057188001234")
    long = replace(found, what="城乡居民基本医疗保险费")
    for names in (["阿卜杜热西提·阿卜杜克热木"], ["阿卜杜热西提·阿卜杜克热木", "王德福", "李桂英"]):
        for unit in ("household", "person"):
            text = reminder_text(office, replace(notice, number=88, unit=type(notice.unit)(unit)), long, names)
            assert count(text).parts <= (1 if len(names) == 1 else 2), text
            assert len(names) == 1 or all(name in text for name in names)
            assert "回9" in text
    most = reminder_text(office, replace(notice, number=88), long, ["阿卜杜热西提·阿卜杜克热木"] * MOST_NAMES)
    assert most.count("阿卜杜热西提·阿卜杜克热木家") == MOST_NAMES
    assert count(most).parts <= 3
    many = reminder_text(office, replace(notice, number=88), long, ["王德福"] * (MOST_NAMES + 1))
    assert "回9" not in many
    assert "谁办好了,打057188001234说一声" in many


# by a call


def on_the_phone(tx: sqlite3.Connection, town: Town, **more: object) -> tuple[Notice, list[House]]:
    """A landline, a mobile whose owner wants calls, and one that reads SMS."""
    houses = [town.house(tx, name, phones=0) for name in ("王德福", "李桂英")] + [town.house(tx, "张三")]
    houses[0].phones.append(town.phone(tx, houses[0].residents[0], kind=PhoneKind.LANDLINE))
    houses[1].phones.append(town.phone(tx, houses[1].residents[0]))
    town.wants(tx, houses[1].phones[0], "call")
    notice = town.send(tx, "医保12月25日截止,每人400元", **more)
    task(tx, town, notice)
    return notice, houses


def press(tx: sqlite3.Connection, town: Town, message_id: int, made: Script, *keys: str) -> None:
    """What the gateway tells of one call."""
    town.move(tx, message_id, State.SENDING)
    for node, key in walk(made, *keys)[1]:
        event = CallEvent(message_id, "task", "", CallStep.KEY, key, town.clock.now_ms(), node=node)
        task_call(tx, town.means, event)
    town.move(tx, message_id, State.DELIVERED)


async def test_whoever_is_reached_by_calls_is_called_once_with_the_same_sentence(db: Database, town: Town) -> None:
    await db.write(lambda tx: on_the_phone(tx, town))
    await until_the_22nd(town, hour=6)
    assert await db.write(lambda tx: remind(tx, town)) == 0
    await town.clock.advance(HOUR)
    assert await db.write(lambda tx: remind(tx, town)) == 3
    assert await db.write(lambda tx: remind(tx, town)) == 0
    assert len(await db.read(lambda tx: reminders(tx, town))) == 1
    (_, made), _ = await db.read(lambda tx: calls(tx, town))
    sentence = "提醒通知1：医保12月25日截止，您家还没办。"
    ask, more = "办好了按9。", "不会办打88001234，再听一遍按星号。"
    said, chosen = walk(made)
    assert said == [
        greeting(town.means.office), sentence, sentence, ask, more, ask, more, GOODBYE,
    ]  # fmt: skip
    assert chosen == []
    said, chosen = walk(made, "*", "9")
    assert said[3:] == [ask, sentence, ask, "记下了：王德福家医保办好了。弄错了打88001234，再见。"]
    assert chosen == [("ask", "*"), ("ask", "9")]


async def test_nine_in_the_call_is_done_and_nobody_else_of_the_household_is_called(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        house = town.house(tx, "王德福", people=2, phones=2)
        for phone in house.phones:
            town.wants(tx, phone, "call")
        town.wants(tx, town.house(tx, "李桂英").phones[0], "call")
        notice = town.send(tx, "医保12月25日截止,每人400元")
        task(tx, town, notice)
        return notice

    notice = await db.write(unit)
    await until_the_22nd(town)

    def ring(tx: sqlite3.Connection) -> tuple[list[tuple[str, str]], list[str], list[tuple[str, str]]]:
        assert remind(tx, town) == 3
        first, *_ = calls(tx, town)
        press(tx, town, *first, "9")
        units = [(unit.name, unit.via) for unit in tasks_store.task_units(tx, notice.id) if unit.done_ms is not None]
        states = tx.execute("SELECT state FROM message_state WHERE kind = 'task' ORDER BY id").fetchall()
        told = tx.execute("SELECT via FROM notice_confirmation WHERE lapsed_ms IS NULL").fetchall()
        return units, [row["state"] for row in states], [row["via"] for row in told]

    assert await db.write(ring) == ([("王德福", "call")], ["delivered", "withdrawn", "queued"], ["call"])


async def test_a_key_before_the_question_means_nothing(db: Database, town: Town) -> None:
    """In a call about a notice 9 says 听清楚了: whoever presses it out of habit has not said that it is done."""
    notice, _ = await db.write(lambda tx: on_the_phone(tx, town))
    found = await db.read(lambda tx: tasks_store.task_of(tx, notice.id))
    assert found is not None
    made = reminder_script(town.means.office, notice, found, ["王德福"])
    for name, node in made.nodes.items():
        assert ("9" in node.answers) is (name in ("ask", "more", "last")), name
    assert made.nodes["ask"].whole
    machine = Machine(made)
    machine.begin()
    for _ in range(4):  # all through the greeting and both readings
        assert not [one for one in machine.on(Pressed("9")) if isinstance(one, Chosen)]
        machine.on(Played())
        machine.on(Silence())
    await until_the_22nd(town)

    def early(tx: sqlite3.Connection) -> int:
        remind(tx, town)
        (message_id, _), _ = calls(tx, town)
        event = CallEvent(message_id, "task", "", CallStep.KEY, "9", town.clock.now_ms(), node="matter")
        task_call(tx, town.means, event)
        return sum(unit.done_ms is not None for unit in tasks_store.task_units(tx, notice.id))

    assert await db.write(early) == 0


async def test_a_nine_right_after_its_clause_counts_though_he_hangs_up_at_once(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: on_the_phone(tx, town))
    found = await db.read(lambda tx: tasks_store.task_of(tx, notice.id))
    assert found is not None
    made = reminder_script(town.means.office, notice, found, ["王德福"])

    def asked() -> Machine:
        machine = Machine(made)
        machine.begin()
        for _ in range(3):
            machine.on(Played())
            machine.on(Silence())
        return machine

    machine = asked()
    assert machine.on(Pressed("9")) == []  # the clause is not over: it has not said yet what the key means
    assert machine.on(Played())[:1] == [Chosen("9", "ask")]
    machine = asked()
    machine.on(Played())
    assert machine.on(Pressed("9"))[0] == Chosen("9", "ask")
    assert machine.on(HungUp()) == [End(Why.HUNG_UP)]
    machine = asked()
    machine.on(Played())
    assert machine.on(Silence()) == [Say(("不会办打88001234，再听一遍按星号。",), slow=False)]
    assert machine.on(Pressed("9"))[0] == Chosen("9", "more")  # in the middle of the words that follow
    assert {"ask", "more"} < ASKING


async def test_a_stopped_notice_takes_down_nothing_from_a_call_either(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: on_the_phone(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> tuple[int, int]:
        remind(tx, town)
        (message_id, made), _ = calls(tx, town)
        town.move(tx, message_id, State.SENDING)
        stop_notice(tx, town.means, notice.id, seen_version=1, by="陈会计", now_ms=town.clock.now_ms())
        for node, key in walk(made, "9")[1]:
            event = CallEvent(message_id, "task", "", CallStep.KEY, key, town.clock.now_ms(), node=node)
            task_call(tx, town.means, event)
        told = tx.execute("SELECT count(*) FROM notice_confirmation").fetchone()[0]
        return sum(unit.done_ms is not None for unit in tasks_store.task_units(tx, notice.id)), told

    assert await db.write(unit) == (0, 0)


async def test_a_call_that_finds_somebody_elses_hand_does_nothing_for_those_it_named(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: on_the_phone(tx, town))
    await until_the_22nd(town)

    def unit(tx: sqlite3.Connection) -> int:
        remind(tx, town)
        at_ms = town.clock.now_ms()
        other = town.house(tx, "新住户", phones=0)
        phones.let_go(tx, houses[0].phones[0], houses[0].residents[0], by="测试", at_ms=at_ms)
        phones.hold(tx, houses[0].phones[0], other.residents[0], "desk", by="测试", at_ms=at_ms)
        press(tx, town, *calls(tx, town)[0], "9")
        return sum(unit.done_ms is not None for unit in tasks_store.task_units(tx, notice.id))

    assert await db.write(unit) == 0


async def test_persons_on_one_phone_are_named_and_of_too_many_no_nine_is_asked(db: Database, town: Town) -> None:
    notice, _ = await db.write(lambda tx: on_the_phone(tx, town))
    found = await db.read(lambda tx: tasks_store.task_of(tx, notice.id))
    assert found is not None
    office, names = town.means.office, ["王德福", "李桂英"]
    said, chosen = walk(reminder_script(office, notice, found, names, slow=True), "9")
    assert said[1] == "提醒通知1：医保12月25日截止，王德福家、李桂英家还没办。"
    assert said[-2:] == [
        "都办好了按9。",
        "记下了：王德福家、李桂英家医保办好了。弄错了打88001234，再见。",
    ]
    assert chosen == [("ask", "9")]
    many = reminder_script(replace(office, phone=""), notice, found, ["王德福"] * (MOST_NAMES + 1))
    said, chosen = walk(many, "9")
    assert chosen == []
    assert said[3] == "谁办好了，到村委会说一声，再听一遍按星号。"


async def test_without_a_call_line_a_mobile_is_sent_an_sms_after_all(db: Database, town: Town) -> None:
    await db.write(lambda tx: on_the_phone(tx, town))
    mute = Town(replace(town.means, office=replace(town.means.office, calls=False)), town.clock)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, mute)) == 2
    assert await db.read(lambda tx: calls(tx, town)) == []


async def test_where_the_notice_makes_no_calls_neither_does_its_reminder(db: Database, town: Town) -> None:
    await db.write(lambda tx: on_the_phone(tx, town, channels=Channels(call=False)))
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, town)) == 2
    assert await db.read(lambda tx: calls(tx, town)) == []


async def test_without_an_sms_line_whoever_may_be_called_is_called(db: Database, town: Town) -> None:
    notice, houses = await db.write(lambda tx: on_the_phone(tx, town))
    await db.write(lambda tx: town.wants(tx, houses[2].phones[0], "sms"))
    dumb = Town(replace(town.means, office=replace(town.means.office, texts=False)), town.clock)
    await until_the_22nd(town)
    assert await db.write(lambda tx: remind(tx, dumb)) == 2
    view = await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))
    assert (view.sent, view.calls, view.heard) == (0, 2, 0)
    (first, made), _ = await db.read(lambda tx: calls(tx, town))
    await db.write(lambda tx: press(tx, town, first, made))
    view = await db.read(lambda tx: task_view(tx, notice.id, town.means.office, town.clock.now_ms()))
    assert (view.calls, view.heard) == (2, 1)
