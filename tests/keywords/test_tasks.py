"""9 after a reminder is 办好了, 收到 is not; and what 办好了 comes to in words."""

from __future__ import annotations

import sqlite3
from datetime import date

import pytest

from gateway.message import State
from gateway.simulated.carrier import Carrier
from tests.keywords.conftest import LI, SHARED, WANG, Street
from tests.keywords.on_air import on_air, until
from village.commands.interpret import rehearsed
from village.keywords.commands import DoneIt, FreeText, Received
from village.keywords.grammar import read
from village.notices import tasks_store
from village.notices.notice import Channels, Notice, Order
from village.notices.send_notice import send_notice
from village.notices.stop_notice import stop_notice
from village.notices.tasks import remind_due, set_task
from village.people import changes_store, phones
from village.people.audience import Audience

DAY = 24 * 3_600_000
TEXT = "医保12月25日截止,每人400元"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("办好了", DoneIt()),
        ("我家已经交了", DoneIt()),
        ("都办完了,谢谢", DoneIt()),
        ("办好18", DoneIt(18)),
        ("办好了9", DoneIt(9, nine=True)),
        ("都办好了9", DoneIt(9, nine=True)),
        ("9办好了", DoneIt(9, nine=True)),
        ("办好了回9", DoneIt(9, nine=True)),
        ("办好了,回9", DoneIt(9, nine=True)),
        ("通知9办好了", DoneIt(9)),
        ("医保办好了", DoneIt(about="医保")),
        ("我家医保费已经交了,谢谢", DoneIt(about="医保")),
        ("交了,谢谢", DoneIt()),
        ("医保没办好", FreeText("医保没办好", ballotish=False)),
        ("建议路灯办好了", FreeText("建议路灯办好了", ballotish=False)),
        ("18办好了", DoneIt(18)),
        ("通知18我家交过了", DoneIt(18)),
        ("交了", DoneIt()),
        ("已缴费了", DoneIt()),
        ("还没交", FreeText("还没交", ballotish=False)),
        ("医保怎么办", FreeText("医保怎么办", ballotish=False)),
        ("交了钱没收据", FreeText("交了钱没收据", ballotish=False)),
    ],
)
def test_what_is_typed(text: str, command: object) -> None:
    found = read(text)
    assert found == command or (not isinstance(command, DoneIt) and not isinstance(found, DoneIt))


def test_the_digit_and_the_word_are_told_apart() -> None:
    alone, beside = ("9", "９", "回9"), ("收到", "知道了", "收到9", "9收到", "知道了9", "收到，9")
    for text, nine in [*((text, True) for text in alone), *((text, False) for text in beside)]:
        found = read(text)
        assert isinstance(found, Received)
        assert found.nine is nine


async def due(street: Street, **more: object) -> Notice:
    """Sent on the 5th, reminded of on the 22nd, and the carrier took it all."""
    notice = await street.sends(TEXT, **more)
    await street.db.write(
        lambda tx: set_task(
            tx, street.means.outbox, notice.id, what="医保", by_day=date(2026, 12, 25), by="陈会计",
            now_ms=street.clock.now_ms(),
        )
    )  # fmt: skip
    return notice


async def reminded(street: Street, **more: object) -> Notice:
    notice = await due(street, **more)
    await street.clock.advance(17 * DAY)

    def unit(tx: sqlite3.Connection) -> None:
        assert remind_due(tx, street.means, street.clock.now_ms(), trusted=True)
        street.carry(tx)

    await street.db.write(unit)
    await street.clock.advance(60_000)
    return notice


async def done(street: Street, notice: Notice) -> list[tuple[str, str]]:
    units = await street.db.read(lambda tx: tasks_store.task_units(tx, notice.id))
    return [(unit.name, unit.via) for unit in units if unit.done_ms is not None]


async def confirmed(street: Street) -> int:
    rows = await street.ask("SELECT count(*) AS n FROM notice_confirmation WHERE lapsed_ms IS NULL")
    return int(rows[0]["n"])


async def test_nine_to_the_notice_is_heard_and_nine_to_the_reminder_is_done(street: Street) -> None:
    notice = await due(street)
    assert (await street.says(WANG, "9")).intent == "confirm"
    assert await done(street, notice) == []
    await street.clock.advance(17 * DAY)

    def unit(tx: sqlite3.Connection) -> int:
        sent = remind_due(tx, street.means, street.clock.now_ms(), trusted=True)
        street.carry(tx)
        return sent

    assert await street.db.write(unit) == 3  # who said 收到 has not paid
    await street.clock.advance(60_000)
    answer = await street.says(WANG, "９")
    assert (answer.intent, answer.key) == ("confirm", "TASK_OK")
    assert answer.text == "记下了:王德福家通知1医保办好了。弄错了打88001234"
    assert await done(street, notice) == [("王德福", "sms")]
    again = await street.says(WANG, "9")
    assert again.key == "TASK_OK"
    assert await done(street, notice) == [("王德福", "sms")]


async def test_to_have_read_the_reminder_is_not_to_have_done_it(street: Street) -> None:
    notice = await reminded(street)
    answer = await street.says(LI, "收到")
    assert (answer.intent, answer.text) == ("confirm", "记下您看到通知1的提醒了。办好了请再回9")
    assert await done(street, notice) == []
    assert await confirmed(street) == 1
    await street.says(LI, "9")
    assert await done(street, notice) == [("李桂英", "sms")]
    assert (await street.says(WANG, "好的")).intent == "ignore"


async def test_a_nine_belongs_to_what_was_asked_before_it_was_written(street: Street) -> None:
    notice = await reminded(street)
    written_ms = street.clock.now_ms()
    await street.clock.advance(60_000)
    newer = await street.sends("12月24日停水")
    await street.clock.advance(60_000)
    await street.says(LI, "9", centre_ms=written_ms)
    assert await done(street, notice) == [("李桂英", "sms")]
    await street.says(WANG, "9")
    assert await done(street, notice) == [("李桂英", "sms")]
    rows = await street.ask("SELECT notice_id FROM notice_confirmation WHERE lapsed_ms IS NULL ORDER BY id")
    assert [row["notice_id"] for row in rows] == [notice.id, newer.id]


async def test_in_words_with_and_without_a_number(street: Street) -> None:
    notice = await due(street)
    assert (await street.says(WANG, "办好了")).key == "TASK_OK"
    other = await street.sends("12月8日停水")
    await street.clock.advance(60_000)
    assert (await street.says(LI, "交了")).intent == "suggestion"  # nothing is to be done about the water
    assert (await street.says(LI, f"{notice.number}交了")).key == "TASK_OK"
    assert (await street.says(LI, f"{other.number}交了")).intent == "suggestion"
    assert (await street.says(LI, "47交了")).intent == "clarify"
    assert sorted(await done(street, notice)) == [("李桂英", "sms"), ("王德福", "sms")]


@pytest.mark.parametrize(
    "text",
    [
        "办好了9",
        "都办好了9",
        "9办好了",
        "办好了回9",
        "办好了,回9",
        "医保办好了",
        "医保交了",
        "医保费交了,谢谢",
        "办好了",
    ],
)
async def test_done_in_answer_to_the_reminder(street: Street, text: str) -> None:
    """Notice 9 has something to do as well; the newest reminder asked for the 9."""
    nine = await due(street)
    await street.clock.advance(60_000)
    notice = await due(street)

    def unit(tx: sqlite3.Connection) -> None:
        tx.execute("UPDATE notice SET number = 9 WHERE id = :id", {"id": nine.id})
        tx.execute("UPDATE question SET number = 9 WHERE subject_id = :id", {"id": nine.id})
        tasks_store.mark_reminded(tx, nine.id, street.clock.now_ms())

    await street.db.write(unit)
    await street.clock.advance(17 * DAY)
    await street.db.write(
        lambda tx: (remind_due(tx, street.means, street.clock.now_ms(), trusted=True), street.carry(tx))
    )
    await street.clock.advance(60_000)
    await street.sends("明天停水")  # what came in between asks for nothing to be done
    await street.clock.advance(60_000)
    assert (await street.says(WANG, text)).key == "TASK_OK"
    assert await done(street, notice) == [("王德福", "sms")]
    assert await done(street, nine) == []


@pytest.mark.parametrize("text", ["收到9", "9收到", "收到，9", "知道了9"])
async def test_a_9_beside_the_word_for_having_read_it_is_not_done(street: Street, text: str) -> None:
    notice = await reminded(street)
    answer = await street.says(WANG, text)
    assert answer.text == "记下您看到通知1的提醒了。办好了请再回9"
    assert await done(street, notice) == []


@pytest.mark.parametrize("text", ["孩子医保交了", "电费交了", "医保没交", "医保交了吗"])
async def test_what_somebody_else_or_something_else_is_done_is_for_a_person(street: Street, text: str) -> None:
    notice = await reminded(street)
    assert (await street.says(WANG, text)).intent in ("suggestion", "clarify")
    assert await done(street, notice) == []


@pytest.mark.parametrize("text", ["9", "办好了", "办好了9"])
async def test_of_a_stopped_notice_nothing_is_done_and_that_is_said(street: Street, text: str) -> None:
    notice = await reminded(street)
    await street.db.write(
        lambda tx: stop_notice(tx, street.means, notice.id, seen_version=1, by="陈会计", now_ms=street.clock.now_ms())
    )
    answer = await street.says(WANG, text)
    assert (answer.intent, answer.key) == ("clarify", "TASK_STOPPED")
    assert answer.text == "没有记:通知1已经停发了。有事打88001234"
    assert await done(street, notice) == []
    assert await confirmed(street) == 0


def passed_on(tx: sqlite3.Connection, street: Street) -> None:
    """王德福's phone is a stranger's now."""
    at_ms, phone = street.clock.now_ms(), street.phones[WANG]
    hand = changes_store.Hand("测试", at_ms)
    household = changes_store.add_household(tx, hand, head="新住户", group_no=1)
    new = changes_store.add_resident(tx, hand, household_id=household, position=0, name="新住户")
    phones.let_go(tx, phone, street.residents["王德福"], by="测试", at_ms=at_ms)
    phones.hold(tx, phone, new, "desk", by="测试", at_ms=at_ms)


@pytest.mark.parametrize("text", ["9", "收到"])
async def test_an_answer_from_another_hand_says_nothing_for_those_the_reminder_named(street: Street, text: str) -> None:
    notice = await reminded(street)
    await street.db.write(lambda tx: passed_on(tx, street))
    answer = await street.says(WANG, text)
    assert (answer.intent, answer.key) == ("clarify", "NOQ")
    assert await done(street, notice) == []
    assert await confirmed(street) == 0
    await street.says(LI, "9")
    assert await done(street, notice) == [("李桂英", "sms")]


async def test_words_from_another_hand_are_read_by_a_person(street: Street) -> None:
    notice = await reminded(street)
    await street.db.write(lambda tx: passed_on(tx, street))
    assert (await street.says(WANG, "办好了")).intent in ("suggestion", "clarify")
    assert await done(street, notice) == []


async def test_of_two_on_one_phone_a_9_speaks_for_the_one_who_is_on_it_still(street: Street) -> None:
    people = {street.residents[name] for name in ("张建国", "张建军")}
    notice = await reminded(street, audience=Audience.residents(people))
    gone = street.residents["张建国"]
    await street.db.write(
        lambda tx: phones.let_go(tx, street.phones[SHARED], gone, by="测试", at_ms=street.clock.now_ms())
    )
    answer = await street.says(SHARED, "9")
    assert answer.text == "记下了:张建军通知1医保办好了。弄错了打88001234"
    assert await done(street, notice) == [("张建军", "sms")]


async def test_for_more_than_it_could_name_no_9_speaks(street: Street) -> None:
    def grow(tx: sqlite3.Connection) -> set[int]:
        hand = changes_store.Hand("测试", street.clock.now_ms())
        home = tx.execute("SELECT household_id FROM resident WHERE name = '张建国'").fetchone()[0]
        added = []
        for place, name in enumerate(("张一", "张二", "张三"), start=4):
            resident = changes_store.add_resident(tx, hand, household_id=home, position=place, name=name)
            phones.hold(tx, street.phones[SHARED], resident, "desk", by="测试", at_ms=hand.at_ms)
            added.append(resident)
        return {*added, *(street.residents[name] for name in ("张建国", "张建军", "张秀兰", "张小军"))}

    people = await street.db.write(grow)
    notice = await reminded(street, audience=Audience.residents(people))
    for text in ("9", "办好了"):
        answer = await street.says(SHARED, text)
        assert (answer.intent, answer.key) == ("clarify", "TASK_WHOSE")
        assert answer.text is not None
        assert answer.text.startswith("没有记:这个手机上有7人:张建国、张建军、张秀兰、张小军")
        assert answer.text.endswith("谁办好了,请打88001234")
    assert await done(street, notice) == []


async def test_of_persons_on_one_phone_words_alone_speak_for_nobody(street: Street) -> None:
    people = {street.residents[name] for name in ("张建国", "张建军", "张秀兰")}
    notice = await due(street, audience=Audience.residents(people))
    assert (await street.says(SHARED, "办好了")).intent == "suggestion"
    assert await done(street, notice) == []
    await street.clock.advance(17 * DAY)

    def unit(tx: sqlite3.Connection) -> None:
        assert remind_due(tx, street.means, street.clock.now_ms(), trusted=True) == 1
        street.carry(tx)

    await street.db.write(unit)
    await street.clock.advance(60_000)
    answer = await street.says(SHARED, "9")  # the reminder named them and asked whether all had
    assert answer.text == "记下了:张建国、张建军、张秀兰通知1医保办好了。弄错了打88001234"
    assert len(await done(street, notice)) == 3


async def test_interpret_says_it_without_doing_it(street: Street) -> None:
    notice = await reminded(street)
    for _ in range(2):
        decision = await rehearsed(street.db, street.answering, WANG, "9")
        assert decision.intent.value == "confirm"
        assert decision.reply is not None
        assert "医保办好了" in decision.reply.text
    assert await done(street, notice) == []


async def test_on_the_real_gateway(street: Street) -> None:
    """Cut off in between: one reminder on each handset, and the 9 that comes back is done."""
    street.without_calls()
    carrier = Carrier.open(None, street.clock, seed=5)
    for number in (WANG, LI, SHARED):
        carrier.add(number)
    notice = await street.db.write(
        lambda tx: send_notice(tx, street.means, Order(TEXT, Audience.everyone(), Channels()), street.clock.now_ms())
    )
    await street.db.write(
        lambda tx: set_task(
            tx, street.means.outbox, notice.id, what="医保", by_day=date(2026, 12, 25), by="陈会计",
            now_ms=street.clock.now_ms(),
        )
    )  # fmt: skip
    async with on_air(street, carrier):
        await until(street, lambda: all(carrier.thread(number) for number in (WANG, LI, SHARED)))
    await street.clock.advance(17 * DAY)
    for _ in range(4):
        await street.db.write(lambda tx: remind_due(tx, street.means, street.clock.now_ms(), trusted=True))
        async with on_air(street, carrier):
            await street.clock.advance(700)

    def came(number: str, words: str) -> int:
        return sum(words in note.text and note.text.startswith("【") for note in carrier.thread(number))

    async with on_air(street, carrier):
        await until(street, lambda: all(came(number, "提醒通知1") for number in (WANG, LI, SHARED)))
        carrier.send_from(LI, "9")
        await until(street, lambda: bool(came(LI, "记下了:李桂英家通知1医保办好了")))
    assert [came(number, "提醒通知1") for number in (WANG, LI, SHARED)] == [1, 1, 1]
    assert await done(street, notice) == [("李桂英", "sms")]
    states = await street.ask("SELECT state FROM message_state WHERE kind = 'task'")
    assert {row["state"] for row in states} <= {State.DELIVERED, State.UNKNOWN}
    carrier.close()
