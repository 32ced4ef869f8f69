"""Notices on the real gateway and the simulated carrier: sent, delivered, answered, rung, visited."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date

import pytest

from gateway.choosing import Line as LineSaid
from gateway.message import ReceivedSms
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import Rule
from tests import on_air as air
from tests.notices.town import Town
from village import questions
from village.ground.database import Database
from village.notices import store, tasks_store
from village.notices.climb import climb_due
from village.notices.confirm import Via, confirm
from village.notices.correct_notice import correct_notice
from village.notices.doors import doors
from village.notices.ladder import next_open_ms
from village.notices.notice import Channels, Notice, Rung
from village.notices.reach import Funnel, reach
from village.notices.tasks import remind_due, set_task
from village.people.phones import set_home_only
from village.people.store import phone_by_fingerprint, phone_by_id


class Answers(air.NoticeEvents):
    """A 9 is bound through its question."""

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        phone = phone_by_fingerprint(tx, self.means.vault.fingerprint(sms.sender))
        assert phone is not None
        at_ms = sms.centre_ms or sms.received_ms
        question = questions.newest(tx, phone.id, at_ms, kinds={"notice"})
        assert question is not None
        confirm(tx, question.subject_id, via=Via.SMS, at_ms=at_ms, phone_id=phone.id, message_id=question.message_id)


@dataclass
class Line:
    db: Database
    town: Town
    carrier: Carrier

    async def until(self, there: Callable[[sqlite3.Connection], bool]) -> None:
        await air.until(self.db, self.town.clock, there)

    async def until_a_phone(self, shows: Callable[[], bool]) -> None:
        await air.until_a_phone(self.db, self.town.clock, shows)

    async def funnel(self, notice_id: int) -> Funnel:
        now_ms = self.town.clock.now_ms()
        return (await self.db.read(lambda tx: reach(tx, notice_id, now_ms, self.town.means.office))).funnel


def on_air(line: Line, sms: LineSaid | None = None) -> AbstractAsyncContextManager[None]:
    means, clock = line.town.means, line.town.clock
    return air.on_air(line.db, clock, means, line.carrier, Answers(means, clock), calls=True, sms=sms)


@pytest.fixture
async def line(db: Database, town: Town) -> AsyncIterator[Line]:
    carrier = Carrier.open(None, town.clock, seed=7)
    yield Line(db, town, carrier)
    carrier.close()


def settled(tx: sqlite3.Connection, town: Town, notice: Notice) -> bool:
    texts = [row["state"] for row in town.messages(tx, notice) if row["channel"] == "sms"]
    return all(state in ("delivered", "unknown") for state in texts)


def rung(carrier: Carrier, called: str) -> bool:
    """Pick up whenever it rings, listen to the greeting, press 9; True once the village has said thanks."""
    call = carrier.call(called)
    if call is None:
        return False
    if call.state == "ringing":
        carrier.answer(called)
    elif call.prompt is not None and "记下了" in call.prompt.text:
        return True
    elif call.prompt is not None and call.prompt.text.startswith("通知。"):
        carrier.press(called, "9")
    return False


def number(place: int) -> str:
    """The town gives its mobiles out in this order."""
    return f"+86199{place:08}"


async def test_a_day_of_one_notice(line: Line) -> None:
    """Four households: one answers, one is rung and listens, one has a dead number, one has no phone."""
    db, town, carrier = line.db, line.town, line.carrier

    def people(tx):  # type: ignore[no-untyped-def]
        houses = [town.house(tx, name, phones=0 if name == "无机" else 1) for name in ("回", "听", "空号", "无机")]
        town.wants(tx, houses[1].phones[0], "call")
        return town.send(tx)

    notice = await db.write(people)
    for place in (1, 2, 3):
        carrier.add(number(place))
    carrier.set_rule(number(3), Rule(dead=True))

    def view(tx: sqlite3.Connection) -> Funnel:
        return reach(tx, notice.id, town.clock.now_ms(), town.means.office).funnel

    async with on_air(line):
        await line.until_a_phone(lambda: bool(carrier.thread(number(1))))
        assert carrier.thread(number(1))[-1].text.endswith("收到请回9,想听电话念回0201")
        await line.until(lambda tx: town.messages(tx, notice)[0]["state"] == "delivered")
        carrier.send_from(number(1), "9")
        await line.until_a_phone(lambda: rung(carrier, number(2)))
        await line.until(lambda tx: view(tx).confirmed == 2)
        await line.until(lambda tx: view(tx).unreached == 2)
    listed = await db.read(lambda tx: doors(tx, notice.id, town.clock.now_ms(), town.means.office))
    assert {door.name: str(door.tried[0]) for door in listed.open} == {"空号": "短信1 空号", "无机": "没有电话"}


async def test_a_correction_overtakes_the_notice_and_a_late_nine_confirms_nothing(line: Line) -> None:
    db, town, carrier = line.db, line.town, line.carrier
    notice = await db.write(lambda tx: (town.house(tx, "甲"), town.send(tx))[1])
    carrier.add(number(1))
    async with on_air(line):
        await line.until(lambda tx: settled(tx, town, notice))
        written_ms = town.clock.now_ms()
        await town.clock.advance(60_000)
        now_ms = town.clock.now_ms()
        await db.write(
            lambda tx: correct_notice(
                tx, town.means, notice.id, text="改到12月7日", due_ms=None, seen_version=1, by="李", now_ms=now_ms
            )
        )
        await line.until_a_phone(lambda: len(carrier.thread(number(1))) == 2)
        assert "更正通知1:改到12月7日,前一条作废" in carrier.thread(number(1))[-1].text
        carrier.send_from(number(1), "9", at_ms=written_ms)
        await line.until(lambda tx: bool(tx.execute("SELECT 1 FROM notice_confirmation").fetchone()))
        assert (await line.funnel(notice.id)).confirmed == 0
        carrier.send_from(number(1), "9")
        await line.until(lambda tx: reach(tx, notice.id, town.clock.now_ms(), town.means.office).funnel.confirmed == 1)


async def test_a_power_cut_in_the_middle_sends_nobody_two_copies(line: Line) -> None:
    db, town, carrier = line.db, line.town, line.carrier
    notice = await db.write(lambda tx: ([town.house(tx, f"户{n}") for n in range(12)], town.send(tx))[1])
    for place in range(1, 13):
        carrier.add(number(place))
    for _ in range(4):
        async with on_air(line):
            await town.clock.advance(700)
    async with on_air(line):
        done = ("delivered", "unknown")
        await line.until(
            lambda tx: all(row["state"] in done for row in town.messages(tx, notice) if row["channel"] == "sms")
        )
    assert max(len(carrier.thread(number(place))) for place in range(1, 13)) == 1
    assert (await db.read(lambda tx: store.notice_of(tx, notice.id))).version == 1


async def test_a_call_reminds_of_the_day_and_its_nine_is_done(line: Line) -> None:
    """He presses 9 while it speaks, as in a call about a notice, and again when he is asked; 17 days lie in between."""
    db, town, carrier = line.db, line.town, line.carrier

    def people(tx: sqlite3.Connection) -> Notice:
        town.wants(tx, town.house(tx, "王德福").phones[0], "call")
        notice = town.send(tx, "医保12月25日截止,每人400元")
        set_task(
            tx, town.means.outbox, notice.id, what="医保", by_day=date(2026, 12, 25), by="陈",
            now_ms=town.clock.now_ms(),
        )  # fmt: skip
        return notice

    notice = await db.write(people)
    carrier.add(number(1))
    async with on_air(line):
        await line.until_a_phone(lambda: rung(carrier, number(1)))
        await line.until(lambda tx: town.messages(tx, notice)[0]["state"] == "delivered")
    await town.clock.advance(17 * 24 * 3_600_000)
    assert await db.write(lambda tx: remind_due(tx, town.means, town.clock.now_ms(), trusted=True)) == 1
    said: list[str] = []

    def listening() -> bool:
        call = carrier.call(number(1))
        if call is None:
            return bool(said)
        if call.state == "ringing":
            carrier.answer(number(1))
        elif call.prompt is not None and call.prompt.text not in said:
            said.append(call.prompt.text)
            carrier.press(number(1), "9")
        return False

    async with on_air(line):
        await line.until_a_phone(listening)
        await line.until(
            lambda tx: tx.execute("SELECT state FROM message_state WHERE kind = 'task'").fetchone()[0] == "delivered"
        )
    assert [words[:5] for words in said] == ["您好，青山", "提醒通知1", "办好了按9", "记下了：王"]
    units = await db.read(lambda tx: tasks_store.task_units(tx, notice.id))
    assert [(unit.name, unit.via) for unit in units if unit.done_ms is not None] == [("王德福", "call")]


def med(tx: sqlite3.Connection, town: Town) -> Notice:
    """The notice itself has arrived."""
    notice = town.send(tx, "医保12月25日截止,每人400元")
    set_task(
        tx, town.means.outbox, notice.id, what="医保", by_day=date(2026, 12, 25), by="陈", now_ms=town.clock.now_ms()
    )
    for row in town.messages(tx, notice):
        town.deliver(tx, row["id"])
    return notice


def task_states(tx: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = tx.execute("SELECT channel, state FROM message_state WHERE kind = 'task' ORDER BY id").fetchall()
    return [(row["channel"], row["state"]) for row in rows]


async def test_a_nine_counts_though_he_hangs_up_with_it(line: Line) -> None:
    """He hears 办好了按9, presses in the words that follow, and is gone in the same moment."""
    db, town, carrier = line.db, line.town, line.carrier

    def people(tx: sqlite3.Connection) -> Notice:
        town.wants(tx, town.house(tx, "王德福").phones[0], "call")
        return med(tx, town)

    notice = await db.write(people)
    carrier.add(number(1))
    await town.clock.advance(17 * 24 * 3_600_000)
    assert await db.write(lambda tx: remind_due(tx, town.means, town.clock.now_ms(), trusted=True)) == 1

    def impatient() -> bool:
        call = carrier.call(number(1))
        if call is not None and call.state == "ringing":
            carrier.answer(number(1))
        elif call is not None and call.prompt is not None and call.prompt.text.startswith("不会办"):
            carrier.press(number(1), "9")
            carrier.hang_up(number(1))
            return True
        return False

    async with on_air(line):
        await line.until_a_phone(impatient)
        await line.until(lambda tx: task_states(tx) == [("call", "delivered")])
    units = await db.read(lambda tx: tasks_store.task_units(tx, notice.id))
    assert [(unit.name, unit.via) for unit in units if unit.done_ms is not None] == [("王德福", "call")]


async def test_a_reminder_that_a_full_phone_does_not_take_is_followed_by_one_call(line: Line) -> None:
    db, town, carrier = line.db, line.town, line.carrier
    await db.write(lambda tx: (town.house(tx, "王德福"), med(tx, town)))
    carrier.add(number(1))
    carrier.set_full(number(1), True)
    await town.clock.advance(17 * 24 * 3_600_000)

    async def minute() -> list[tuple[str, str]]:
        await db.write(lambda tx: remind_due(tx, town.means, town.clock.now_ms(), trusted=True))
        return await db.read(task_states)

    def tried(tx: sqlite3.Connection) -> tuple[str, int, int]:
        return tuple(tx.execute("SELECT state, tries, due_ms FROM message_state WHERE kind = 'task'").fetchone())

    assert await minute() == [("sms", "queued")]
    for _ in range(12):  # hours lie between two tries: the line is off the air meanwhile
        before = await db.read(tried)
        if before[0] == "failed":
            break
        due_ms = next_open_ms(max(before[2], town.clock.now_ms()), town.means.office.open_hours)
        await town.clock.advance(due_ms - town.clock.now_ms())
        async with on_air(line):
            await line.until(lambda tx, was=before: (now := tried(tx)) != was and now[0] in ("queued", "failed"))
    assert await minute() == [("sms", "failed"), ("call", "queued")]
    async with on_air(line):
        await line.until_a_phone(lambda: carrier.call(number(1)) is not None)
    assert [channel for channel, _ in await minute()] == ["sms", "call"]


async def test_whose_number_stays_at_home_is_visited_where_every_line_leaves_the_country(line: Line) -> None:
    db, town, carrier = line.db, line.town, line.carrier

    def people(tx: sqlite3.Connection) -> Notice:
        houses = [town.house(tx, name) for name in ("出国", "在家")]
        phone = phone_by_id(tx, houses[1].phones[0])
        assert phone is not None
        vault, outbox = town.means.vault, town.means.outbox
        set_home_only(tx, vault, outbox, phone, True, by="测试", at_ms=town.clock.now_ms())
        return town.send(tx, channels=Channels(call=False))

    notice = await db.write(people)
    for place in (1, 2):
        carrier.add(number(place))
    async with on_air(line, LineSaid(abroad=True)):
        await line.until(lambda tx: {row["state"] for row in town.messages(tx, notice)} == {"delivered", "failed"})
    await town.clock.advance(25 * 3_600_000)
    assert carrier.thread(number(2)) == []
    listed = await db.read(lambda tx: doors(tx, notice.id, town.clock.now_ms(), town.means.office))
    assert {door.name: [str(words) for words in door.tried] for door in listed.open}["在家"] == ["短信1 不走国外线路"]


async def test_both_lines_back_at_the_same_moment_bring_the_last_call_and_not_the_sms_too(line: Line) -> None:
    """One stick carries both and was out all day; the power fails while the phone rings."""
    db, town, carrier = line.db, line.town, line.carrier

    def people(tx: sqlite3.Connection) -> Notice:
        town.house(tx, "王德福")
        return town.send(tx, rungs=(Rung.CALL,))

    notice = await db.write(people)
    carrier.add(number(1))
    await town.clock.advance(9 * 3_600_000)
    climbed = await db.write(lambda tx: climb_due(tx, town.means, town.clock.now_ms(), trusted=True))
    assert [(rung, messages) for _, rung, messages in climbed] == [(Rung.CALL, 1)]
    async with on_air(line):
        await line.until_a_phone(lambda: (call := carrier.call(number(1))) is not None and call.state == "ringing")
    async with on_air(line):
        await line.until_a_phone(lambda: rung(carrier, number(1)))
        await line.until(lambda tx: town.messages(tx, notice)[1]["state"] == "delivered")
        await town.clock.advance(60_000)
    rows = await db.read(lambda tx: town.messages(tx, notice))
    assert [(row["channel"], row["state"]) for row in rows] == [("sms", "withdrawn"), ("call", "delivered")]
    assert carrier.thread(number(1)) == []
