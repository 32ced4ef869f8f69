"""Leaders are told once what their group's doors are, in three parts at most, by day and by a clock that is known."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from gateway.message import Priority, State
from gateway.segments import count
from tests.notices.town import House, Town
from village.ground.database import Database
from village.notices import leaders_store, store
from village.notices.confirm import Via, confirm
from village.notices.correct_notice import correct_notice
from village.notices.door_words import list_text
from village.notices.doors import doors, open_doors, tick, untick
from village.notices.leaders import GroupTold, tell_leaders, told_groups
from village.notices.leaders_store import LetterRow
from village.notices.notice import Notice
from village.notices.reach_store import unit_rows
from village.notices.shift_store import shift_times
from village.notices.stop_notice import spare_phone, stop_notice
from village.notices.tick_doors import listed, tick_listed
from village.notices.who_leads import NoLeader, leaders_by_group
from village.people.audience import Audience
from village.people.changes_store import set_field
from village.people.store import everybody

HOUR = 3_600_000


def leads(tx: sqlite3.Connection, town: Town, house: House, *, person: int = 0) -> House:
    set_field(tx, town.hand, house.residents[person], "group_leader", 1)
    return house


def tell(tx: sqlite3.Connection, town: Town, *, trusted: bool = True) -> int:
    return tell_leaders(tx, town.means, town.clock.now_ms(), trusted=trusted)


def letters(tx: sqlite3.Connection, notice: Notice) -> list[LetterRow]:
    return leaders_store.letters_of(tx, notice.id, store.notice_of(tx, notice.id).version)


def texts(tx: sqlite3.Connection, town: Town) -> list[str]:
    rows = tx.execute("SELECT id FROM message_state WHERE kind = 'leader' ORDER BY id").fetchall()
    return [town.text_of(tx, row["id"]) for row in rows]


def settle(tx: sqlite3.Connection, town: Town) -> Notice:
    """Group 1 has a leader, three silent households and one without a phone; group 2 has nobody who leads."""
    leads(tx, town, town.house(tx, "李组长"))
    town.house(tx, "王德福")
    alone = town.house(tx, "李桂英", phones=0)
    set_field(tx, town.hand, alone.residents[0], "lives_alone", 1)
    town.house(tx, "张三")
    town.house(tx, "钱老汉", 2, phones=0)
    notice = town.send(tx)
    for row in town.messages(tx, notice):
        town.deliver(tx, row["id"])
    return notice


async def test_two_lists_at_most_and_the_numbers_stay(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    assert await db.write(lambda tx: tell(tx, town)) == 0  # failures are gathered first
    await town.clock.advance(2 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert await db.write(lambda tx: tell(tx, town)) == 0
    (first,) = await db.read(lambda tx: texts(tx, town))
    assert first == "【青山村】通知1还有1家没听到:1李桂英(独居)。说到一家回 上门1 1"

    def answers(tx: sqlite3.Connection) -> None:
        people = {person.name: person for person in everybody(tx)}
        confirm(tx, notice.id, via=Via.PAGE, at_ms=town.clock.now_ms(), household_id=people["李组长"].household_id)

    await db.write(answers)
    await town.clock.advance(22 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    _, second = await db.read(lambda tx: texts(tx, town))
    assert second == "【青山村】通知1又有2家没听到:2王德福 3张三。说到一家回 上门1 2"
    for _ in range(3):
        await town.clock.advance(24 * HOUR)
        assert await db.write(lambda tx: tell(tx, town)) == 0

    def look(tx: sqlite3.Connection) -> list[tuple[int, str, bool]]:
        tick_listed(tx, notice.id, 1, [1, 3], seen_version=1, by="李组长", now_ms=town.clock.now_ms())
        return [(one.number, one.name, one.told) for one in listed(tx, store.notice_of(tx, notice.id), 1)]

    assert await db.write(look) == [(1, "李桂英", True), (2, "王德福", False), (3, "张三", True)]


async def test_when_everybody_answered_nobody_is_written_to(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        leader = leads(tx, town, town.house(tx, "李组长"))
        notice = town.send(tx)
        confirm(tx, notice.id, via=Via.PAGE, at_ms=town.clock.now_ms(), household_id=leader.id)
        return notice

    await db.write(unit)
    await town.clock.advance(25 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 0


async def test_by_a_guessed_clock_and_at_night_nothing_leaves(db: Database, town: Town) -> None:
    await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(3 * HOUR)
    assert await db.write(lambda tx: tell(tx, town, trusted=False)) == 0
    await town.clock.advance(11 * HOUR)  # 23:10
    assert await db.write(lambda tx: tell(tx, town)) == 0
    await town.clock.advance(8 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1


async def test_danger_to_life_does_not_wait_for_the_morning(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        leads(tx, town, town.house(tx, "李组长"))
        town.house(tx, "李桂英", phones=0)
        town.send(tx, urgent=True)

    await town.clock.advance(14 * HOUR)
    await db.write(unit)
    await town.clock.advance(20 * 60_000)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    row = await db.read(lambda tx: tx.execute("SELECT priority FROM message_state WHERE kind = 'leader'").fetchone())
    assert row["priority"] == Priority.URGENT


async def test_without_an_sms_line_it_waits_for_one(db: Database, town: Town) -> None:
    await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(3 * HOUR)
    dumb = Town(replace(town.means, office=replace(town.means.office, texts=False)), town.clock)
    assert await db.write(lambda tx: tell(tx, dumb)) == 0
    assert await db.write(lambda tx: tell(tx, town)) == 1


async def test_the_desk_is_told_who_was_told_and_who_could_not_be(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))

    def look(tx: sqlite3.Connection):  # type: ignore[no-untyped-def]
        return told_groups(tx, store.notice_of(tx, notice.id), town.means.office, town.clock.now_ms())

    before = await db.read(look)
    assert (before[1].leader, before[1].letters, before[1].due_ms) == ("李组长", (), notice.start_ms + 2 * HOUR)
    assert str(before[2].why_not) == "花名册上没有组长"
    await town.clock.advance(2 * HOUR)

    def deliver(tx: sqlite3.Connection) -> None:
        tell(tx, town)
        row = tx.execute("SELECT id FROM message_state WHERE kind = 'leader'").fetchone()
        town.deliver(tx, row["id"])

    await db.write(deliver)
    (letter,) = (await db.read(look))[1].letters
    assert (letter.leader, letter.listed, letter.left_out, letter.state) == ("李组长", 1, 0, State.DELIVERED)
    assert letter.delivered_ms == town.clock.now_ms()
    assert "*" in letter.masked


@pytest.mark.parametrize("against", ["no_mobile", "opted_out", "calls_only", "calls_only_reads_not", "nobody"])
async def test_why_a_leader_gets_none(db: Database, town: Town, against: str) -> None:
    def unit(tx: sqlite3.Connection) -> object:
        house = town.house(tx, "李组长", phones=0 if against == "no_mobile" else 1)
        if against != "nobody":
            leads(tx, town, house)
        if against == "opted_out":
            town.opt_out(tx, house.phones[0])
        if against == "calls_only":
            town.wants(tx, house.phones[0], "call")
        if against == "calls_only_reads_not":
            set_field(tx, town.hand, house.residents[0], "cannot_read", 1)
        return leaders_by_group(everybody(tx)).get(1, NoLeader.NOBODY)

    assert await db.write(unit) is NoLeader(against.removesuffix("_reads_not"))


async def test_the_second_leader_is_taken_where_the_first_cannot_be(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> object:
        leads(tx, town, town.house(tx, "李组长", phones=0))
        second = leads(tx, town, town.house(tx, "赵副组长", people=2, phones=0))
        shared = town.phone(tx, *second.residents)
        own = town.phone(tx, second.residents[0])
        found = leaders_by_group(everybody(tx))[1]
        return found.name, found.phone.id == own, shared  # type: ignore[union-attr]

    name, own, _ = await db.write(unit)  # type: ignore[misc]
    assert (name, own) == ("赵副组长", True)


async def test_long_lists_are_cut_at_three_parts_and_say_so(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, str, LetterRow]:
        leads(tx, town, town.house(tx, "李组长"))
        for place in range(60):
            town.house(tx, f"王德福{'甲乙丙丁'[place % 4]}", phones=0)
        notice = town.send(tx)
        tell_leaders(tx, town.means, town.clock.now_ms() + 2 * HOUR, trusted=True)
        return notice, texts(tx, town)[0], letters(tx, notice)[0]

    notice, text, letter = await db.write(unit)
    assert count(text).parts == 3
    assert text.startswith("【青山村】通知1还有60家没听到:1王德福")
    assert text.endswith(f"。其余{letter.left_out}家见村委会。说到一家回 上门1 1")
    assert letter.listed + letter.left_out == 60
    assert letter.left_out > 0
    await town.clock.advance(24 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1  # the rest, and the leader's own house, in the second list
    second = (await db.read(lambda tx: letters(tx, notice)))[1]
    assert second.listed + second.left_out == letter.left_out + 1
    assert (await db.read(lambda tx: texts(tx, town)))[1].startswith(
        f"【青山村】通知1又有{letter.left_out + 1}家没听到:{letter.listed + 1}"
    )


async def test_persons_are_counted_as_persons(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> list[str]:
        leader = leads(tx, town, town.house(tx, "李组长"))
        mute = town.house(tx, "李桂英", phones=0)
        town.send(tx, audience=Audience.residents({leader.residents[0], mute.residents[0]}))
        tell_leaders(tx, town.means, town.clock.now_ms() + 2 * HOUR, trusted=True)
        return texts(tx, town)

    assert await db.write(unit) == ["【青山村】通知1还有1人没听到:1李桂英。说到一人回 上门1 1"]


async def test_a_correction_takes_the_waiting_list_back_and_begins_again(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(2 * HOUR)

    def correct(tx: sqlite3.Connection) -> list[str]:
        tell(tx, town)
        correct_notice(
            tx, town.means, notice.id, text="停水改到12月7日", due_ms=None, seen_version=1, by="陈会计",
            now_ms=town.clock.now_ms(),
        )  # fmt: skip
        return [row["state"] for row in tx.execute("SELECT state FROM message_state WHERE kind = 'leader'")]

    assert await db.write(correct) == ["withdrawn"]
    await town.clock.advance(5 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert (await db.read(lambda tx: texts(tx, town)))[1].startswith("【青山村】更正通知1还有1家没听到:1李桂英")


async def test_stopped_or_opted_out_before_it_left(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(2 * HOUR)

    def unit(tx: sqlite3.Connection) -> str:
        tell(tx, town)
        phone = tx.execute("SELECT phone_id FROM door_letter").fetchone()["phone_id"]
        spare_phone(tx, town.means.outbox, phone, town.clock.now_ms())
        return str(tx.execute("SELECT state FROM message_state WHERE kind = 'leader'").fetchone()["state"])

    assert await db.write(unit) == "withdrawn"
    await db.write(lambda tx: stop_notice(tx, town.means, notice.id, seen_version=1, by="陈", now_ms=0))
    await town.clock.advance(24 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 0


async def test_a_unit_that_fails_leaves_neither_mark_nor_message(db: Database, town: Town) -> None:
    await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(2 * HOUR)

    def cut(tx: sqlite3.Connection) -> None:
        assert tell(tx, town) == 1
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await db.write(cut)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert len(await db.read(lambda tx: texts(tx, town))) == 1


async def test_who_answered_by_phone_is_not_called_ticked(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(2 * HOUR)

    def unit(tx: sqlite3.Connection) -> tuple[int, int, list[str]]:
        tell(tx, town)
        unit_id = listed(tx, notice, 1)[0].unit_id
        tick(tx, notice.id, unit_id, seen_version=1, by="陈会计", now_ms=town.clock.now_ms())
        done = tick_listed(tx, notice.id, 1, [1], seen_version=1, by="李组长", now_ms=town.clock.now_ms())
        by = [row["ticked_by"] for row in tx.execute("SELECT ticked_by FROM door_visit")]
        return len(done.now), len(done.before), by

    assert await db.write(unit) == (0, 1, ["陈会计"])


async def test_the_stamps_move_with_the_clock(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(2 * HOUR)

    def unit(tx: sqlite3.Connection) -> tuple[int, int, int]:
        tell(tx, town)
        before = letters(tx, notice)[0].sent_ms
        shift_times(tx, 0, 5 * HOUR)
        done = tx.execute("SELECT done_ms FROM door_round").fetchone()["done_ms"]
        return before, letters(tx, notice)[0].sent_ms, done

    before, after, done = await db.write(unit)
    assert after == done == before + 5 * HOUR


async def test_a_list_of_one_long_name_still_fits(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[str, int]:
        town.house(tx, "阿卜杜热西提·阿卜杜克热木江", phones=0)
        notice = town.send(tx)
        group = unit_rows(tx, notice.id)
        return list_text(town.means.office, notice, group, first=1, more=False)

    text, fits = await db.write(unit)
    assert fits == 1
    assert count(text).parts == 1


async def test_the_sms_names_whom_the_door_list_names_in_its_order(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[list[str], list[str]]:
        leads(tx, town, town.house(tx, "李组长"))
        for place, (name, born) in enumerate(
            (("远行", None), ("年轻", "1990-01-01"), ("独居小", "1950-02-01"), ("独居老", "1940-05-01"))
        ):
            house = town.house(tx, name, phones=0)
            set_field(tx, town.hand, house.residents[0], "born", born)
            set_field(tx, town.hand, house.residents[0], "away", place == 0)
            set_field(tx, town.hand, house.residents[0], "lives_alone", place >= 2)
        notice = town.send(tx)
        tell_leaders(tx, town.means, town.clock.now_ms() + 2 * HOUR, trusted=True)
        shown = doors(tx, notice.id, town.clock.now_ms(), town.means.office).open
        return [one.name for one in listed(tx, notice, 1)], [door.name for door in shown]

    sent, shown = await db.write(unit)
    assert sent == shown == ["独居老", "独居小", "年轻", "远行"]


async def test_a_day_three_weeks_off_still_opens_the_list(db: Database, town: Town) -> None:
    """A notice of the 5th that is due on the 25th: its doors open then, and its leader is told then."""

    def unit(tx: sqlite3.Connection) -> Notice:
        leads(tx, town, town.house(tx, "李组长"))
        town.house(tx, "王德福")
        notice = town.send(tx, "医保12月25日截止", due_ms=town.clock.now_ms() + 20 * 24 * HOUR)
        for row in town.messages(tx, notice):
            town.deliver(tx, row["id"])
        return notice

    notice = await db.write(unit)

    def opened(tx: sqlite3.Connection) -> list[int]:
        return [found.notice.id for found in open_doors(tx, town.clock.now_ms(), town.means.office)]

    await town.clock.advance(19 * 24 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 0
    assert await db.read(opened) == []
    shown = await db.read(
        lambda tx: told_groups(tx, store.notice_of(tx, notice.id), town.means.office, town.clock.now_ms())
    )
    assert shown[1].due_ms == notice.due_ms
    await town.clock.advance(25 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert await db.read(opened) == [notice.id]
    await town.clock.advance(14 * 24 * HOUR)
    assert await db.read(opened) == []
    assert await db.write(lambda tx: tell(tx, town)) == 0


def told_state(tx: sqlite3.Connection) -> list[tuple[int, str]]:
    rows = tx.execute("SELECT id, state FROM message_state WHERE kind = 'leader' ORDER BY id").fetchall()
    return [(row["id"], row["state"]) for row in rows]


def look_at(tx: sqlite3.Connection, town: Town, notice: Notice) -> GroupTold:
    current = store.notice_of(tx, notice.id)
    return told_groups(tx, current, town.means.office, town.clock.now_ms())[1]


async def test_a_list_that_failed_goes_to_the_next_leader_once(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> Notice:
        leads(tx, town, town.house(tx, "李组长"))
        for name in ("王德福", "张三"):
            town.house(tx, name, phones=0)
        leads(tx, town, town.house(tx, "副组长"))
        return town.send(tx)

    notice = await db.write(unit)
    await town.clock.advance(2 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1

    def first_fails(tx: sqlite3.Connection) -> None:
        ((message_id, _),) = told_state(tx)
        town.fail(tx, message_id, "full_phone")
        units = {row.name: row for row in unit_rows(tx, notice.id)}
        tick(tx, notice.id, units["王德福"].id, seen_version=1, by="陈会计", now_ms=town.clock.now_ms())

    await db.write(first_fails)
    lost = (await db.read(lambda tx: look_at(tx, town, notice))).lost
    assert lost is not None
    assert lost.leader == "李组长"
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert await db.write(lambda tx: tell(tx, town)) == 0
    assert (await db.read(lambda tx: texts(tx, town)))[1] == "【青山村】通知1又有1家没听到:2张三。说到一家回 上门1 2"
    view = await db.read(lambda tx: look_at(tx, town, notice))
    assert [(one.leader, one.listed) for one in view.letters] == [("李组长", 2), ("副组长", 2)]
    assert view.lost is None

    def second_fails(tx: sqlite3.Connection) -> set[int]:
        message_id = told_state(tx)[1][0]
        town.move(tx, message_id, State.SENDING, State.ACCEPTED)
        later = town.clock.now_ms()
        had = leaders_store.numbers_in_hand(tx, notice.id, 1, 1, later)
        town.move(tx, message_id, State.FAILED, error="full_phone")
        assert leaders_store.numbers_in_hand(tx, notice.id, 1, 1, later) == set()
        return had

    assert await db.write(second_fails) == {1, 2}
    assert await db.write(lambda tx: tell(tx, town)) == 0
    lost = (await db.read(lambda tx: look_at(tx, town, notice))).lost
    assert lost is not None
    assert lost.leader == "副组长"


async def test_a_list_that_waits_is_taken_back_when_nobody_on_it_is_left(db: Database, town: Town) -> None:
    notice = await db.write(lambda tx: settle(tx, town))
    await town.clock.advance(24 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1

    def answer(tx: sqlite3.Connection, *names: str) -> list[tuple[int, str]]:
        for row in unit_rows(tx, notice.id):
            if row.name in names:
                confirm(tx, notice.id, via=Via.PAGE, at_ms=town.clock.now_ms(), household_id=row.household_id)
        tell(tx, town)
        return told_state(tx)

    ((_, state),) = await db.write(lambda tx: answer(tx, "王德福", "李桂英", "张三"))
    assert state == "queued"  # the leader's own household is on it
    ((_, state),) = await db.write(lambda tx: answer(tx, "李组长"))
    assert state == "withdrawn"


async def test_a_list_taken_back_from_a_leader_who_opted_out_goes_to_the_next(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> House:
        first = leads(tx, town, town.house(tx, "李组长"))
        town.house(tx, "王德福", phones=0)
        leads(tx, town, town.house(tx, "副组长"))
        town.send(tx)
        return first

    first = await db.write(unit)
    await town.clock.advance(2 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1

    def opts_out(tx: sqlite3.Connection) -> int:
        town.opt_out(tx, first.phones[0])
        spare_phone(tx, town.means.outbox, first.phones[0], town.clock.now_ms())
        return tell(tx, town)

    assert await db.write(opts_out) == 1
    assert await db.write(lambda tx: tell(tx, town)) == 0
    assert [state for _, state in await db.read(told_state)] == ["withdrawn", "queued"]


async def test_an_answer_undone_after_the_list_was_taken_back_is_told_again(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> tuple[Notice, int]:
        leader = leads(tx, town, town.house(tx, "李组长"))
        town.house(tx, "王德福", phones=0)
        notice = town.send(tx)
        confirm(tx, notice.id, via=Via.PAGE, at_ms=town.clock.now_ms(), household_id=leader.id)
        return notice, next(row.id for row in unit_rows(tx, notice.id) if row.name == "王德福")

    notice, unit_id = await db.write(unit)
    await town.clock.advance(2 * HOUR)
    assert await db.write(lambda tx: tell(tx, town)) == 1

    def tick_it(tx: sqlite3.Connection) -> None:
        tick(tx, notice.id, unit_id, seen_version=1, by="陈会计", now_ms=town.clock.now_ms())

    await db.write(tick_it)
    assert await db.write(lambda tx: tell(tx, town)) == 0
    await db.write(lambda tx: untick(tx, notice.id, unit_id, now_ms=town.clock.now_ms()))
    assert await db.write(lambda tx: tell(tx, town)) == 1
    assert [state for _, state in await db.read(told_state)] == ["withdrawn", "queued"]
