"""Who has confirmed what: an answer belongs to the wording it answered."""

from __future__ import annotations

import pytest

from gateway.message import State as M
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices.confirm import confirm, read_to
from village.notices.correct_notice import correct_notice
from village.notices.notice import Channels
from village.notices.reach import reach
from village.notices.stop_notice import stop_notice
from village.people import phones
from village.people.audience import Audience
from village.people.store import phone_by_id

MINUTE = 60_000


def confirmed(tx, town, notice) -> int:
    return reach(tx, notice.id, town.clock.now_ms(), town.means.office).funnel.confirmed


def correct(tx, town, notice):
    return correct_notice(
        tx, town.means, notice.id, text="改到12月7日", due_ms=None, seen_version=1, by="李", now_ms=town.clock.now_ms()
    )


async def test_one_answer_speaks_for_the_household_once(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲", people=2, phones=2)
        notice = town.send(tx)
        for row in town.messages(tx, notice):
            town.deliver(tx, row["id"])
        said = [
            confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=phone)
            for phone in (house.phones[0], house.phones[1], house.phones[0])
        ]
        return said, confirmed(tx, town, notice)

    said, count = await db.write(unit)
    assert [(one.counted, one.units, one.already) for one in said] == [
        (True, 1, False),
        (True, 1, True),
        (True, 1, True),
    ]
    assert count == 1


async def test_a_shared_phone_speaks_for_all_it_serves(db: Database, town) -> None:
    def unit(tx):
        first, second = town.house(tx, "甲", phones=0), town.house(tx, "乙", phones=0)
        shared = town.phone(tx, first.residents[0], second.residents[0])
        notice = town.send(tx)
        return confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=shared), confirmed(
            tx, town, notice
        )

    said, count = await db.write(unit)
    assert (said.units, count) == (2, 2)


async def test_a_late_answer_to_the_old_words_never_confirms_the_new(db: Database, town) -> None:
    house = await db.write(lambda tx: town.house(tx, "甲"))
    notice = await db.write(town.send)
    old = (await db.read(lambda tx: town.messages(tx, notice)))[0]["id"]
    await db.write(lambda tx: town.deliver(tx, old))
    await town.clock.advance(10 * MINUTE)
    answered_ms = town.clock.now_ms()
    await town.clock.advance(MINUTE)
    await db.write(lambda tx: correct(tx, town, notice))
    new = (await db.read(lambda tx: town.messages(tx, notice, 2)))[0]["id"]
    await db.write(lambda tx: town.deliver(tx, new))
    await town.clock.advance(MINUTE)

    def by_question(tx):
        return confirm(tx, notice.id, via="sms", at_ms=answered_ms, phone_id=house.phones[0], message_id=old)

    def by_time(tx):
        return confirm(tx, notice.id, via="sms", at_ms=answered_ms, phone_id=house.phones[0])

    for late in (by_question, by_time, by_question):
        said = await db.write(late)
        assert (said.version, said.counted) == (1, False)
        assert await db.read(lambda tx: confirmed(tx, town, notice)) == 0
    said = await db.write(
        lambda tx: confirm(
            tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0], message_id=new
        )
    )
    assert (said.version, said.counted) == (2, True)
    assert await db.read(lambda tx: confirmed(tx, town, notice)) == 1


async def test_an_answer_sent_before_the_correction_reached_the_phone_is_for_the_old_words(db: Database, town) -> None:
    house = await db.write(lambda tx: town.house(tx, "甲"))
    notice = await db.write(town.send)
    old = (await db.read(lambda tx: town.messages(tx, notice)))[0]["id"]
    await db.write(lambda tx: town.deliver(tx, old))
    await town.clock.advance(MINUTE)
    await db.write(lambda tx: correct(tx, town, notice))  # made, but still in the queue
    await town.clock.advance(MINUTE)
    said = await db.write(
        lambda tx: confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0])
    )
    assert (said.version, said.counted) == (1, False)


async def test_a_correction_lapses_what_was_confirmed(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])
        confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0])
        before = confirmed(tx, town, notice)
        made = correct(tx, town, notice)
        return before, made.lapsed, confirmed(tx, town, notice)

    assert await db.write(unit) == (1, 1, 0)


async def test_key_nine_confirms_and_listening_alone_does_not(db: Database, town) -> None:
    def unit(tx):
        for name in ("甲", "乙", "丙"):
            house = town.house(tx, name)
            town.wants(tx, house.phones[0], "call")
        notice = town.send(tx)
        first, second, third = town.messages(tx, notice)
        town.listen(tx, first["id"], key="9")
        town.listen(tx, second["id"])
        town.listen(tx, third["id"], key="*")
        return reach(tx, notice.id, town.clock.now_ms(), town.means.office).funnel

    funnel = await db.write(unit)
    assert (funnel.confirmed, funnel.heard, funnel.delivered) == (1, 2, 3)


async def test_a_notice_read_on_request_can_be_confirmed_in_the_call(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])
        call = read_to(tx, town.means, notice, phone_by_id(tx, house.phones[0]), town.clock.now_ms())
        again = read_to(tx, town.means, notice, phone_by_id(tx, house.phones[0]), town.clock.now_ms())
        town.listen(tx, call, key="9")
        priority = tx.execute("SELECT priority FROM message WHERE id = :id", {"id": call}).fetchone()[0]
        return call != again, priority, confirmed(tx, town, notice)

    assert await db.write(unit) == (True, 20, 1)


async def test_a_stopped_notice_is_not_read_out(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        stopped = stop_notice(tx, town.means, notice.id, seen_version=1, by="李", now_ms=town.clock.now_ms()).notice
        read_to(tx, town.means, stopped, phone_by_id(tx, house.phones[0]), town.clock.now_ms())

    with pytest.raises(RefusalError, match="停发"):
        await db.write(unit)


async def test_a_stranger_confirms_for_nobody(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "甲")
        stranger = town.phone(tx)
        notice = town.send(tx)
        return confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=stranger)

    said = await db.write(unit)
    assert (said.units, said.already) == (0, False)


@pytest.mark.parametrize("by_call", [False, True])
async def test_a_new_holders_nine_does_not_speak_for_the_household_before(db: Database, town, by_call: bool) -> None:
    def unit(tx):
        house, other = town.house(tx, "甲"), town.house(tx, "乙", phones=0)
        if by_call:
            town.wants(tx, house.phones[0], "call")
        notice = town.send(tx, audience=Audience.households([house.id]))
        now_ms = town.clock.now_ms()
        phones.let_go(tx, house.phones[0], house.residents[0], by="测试", at_ms=now_ms)
        phones.hold(tx, house.phones[0], other.residents[0], "desk", by="测试", at_ms=now_ms)
        (row,) = town.messages(tx, notice)
        if by_call:
            town.listen(tx, row["id"], key="9")
        else:
            town.deliver(tx, row["id"])
            confirm(tx, notice.id, via="sms", at_ms=now_ms, phone_id=house.phones[0], message_id=row["id"])
        return confirmed(tx, town, notice)

    assert await db.write(unit) == 0


async def test_a_phone_without_a_copy_speaks_for_its_holders_household(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        town.opt_out(tx, house.phones[0])
        notice = town.send(tx)
        return confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0])

    assert (await db.write(unit)).units == 1


async def test_persons_confirm_one_by_one(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲", people=2, phones=2)
        notice = town.send(tx, audience=Audience.residents(house.residents), channels=Channels(page=False))
        by_person = confirm(tx, notice.id, via="page", at_ms=town.clock.now_ms(), resident_id=house.residents[0])
        return by_person.units, confirmed(tx, town, notice)

    assert await db.write(unit) == (1, 1)


async def test_a_failed_sms_whose_call_was_confirmed_counts(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "甲")
        notice = town.send(tx)
        town.move(tx, town.messages(tx, notice)[0]["id"], M.SENDING, M.FAILED, error="full_phone")
        town.listen(tx, town.messages(tx, notice)[1]["id"], key="9")
        return confirmed(tx, town, notice)

    assert await db.write(unit) == 1
