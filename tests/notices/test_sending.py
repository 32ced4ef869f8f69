"""Sending, stopping and correcting: each one unit, and each exactly once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import store as gateway_store
from gateway.message import Channel, Draft, Priority
from gateway.message import State as M
from gateway.phone import PhoneKind
from village import questions
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices import store
from village.notices.confirm import note_asked
from village.notices.correct_notice import correct_notice, plan_correction
from village.notices.doors import doors
from village.notices.notice import Channels, Order, State, UnitKind
from village.notices.numbers import REST_MS
from village.notices.plan import plan
from village.notices.send_notice import send_due, send_notice
from village.notices.stop_notice import stop_notice
from village.notices.ways import NoWay
from village.people import phones
from village.people.audience import Audience
from village.people.changes_store import leave

HOUR = 3_600_000


async def test_a_notice_and_its_messages_are_kept_together(db: Database, town) -> None:
    def unit(tx):
        for n in range(3):
            town.house(tx, f"户{n}", people=2, phones=2)
        town.house(tx, "无机户", phones=0)
        return town.send(tx)

    notice = await db.write(unit)
    assert (notice.number, notice.state, notice.version, notice.unit) == (1, State.SENT, 1, UnitKind.HOUSEHOLD)
    rows = await db.read(lambda tx: town.messages(tx, notice))
    assert len(rows) == 6
    assert {row["state"] for row in rows} == {"queued"}
    text = await db.read(lambda tx: town.text_of(tx, rows[0]["id"]))
    assert text == "【青山村】通知1:12月6日周日早8点到下午3点停水,请存水。收到请回9,想听电话念回0201"


async def test_every_household_is_sent_one_message_before_any_gets_its_second(db: Database, town) -> None:
    def unit(tx):
        houses = [town.house(tx, f"户{n}", people=2, phones=2) for n in range(4)]
        return houses, town.send(tx)

    houses, notice = await db.write(unit)
    rows = await db.read(lambda tx: town.messages(tx, notice))
    assert [row["phone"] for row in rows[:4]] == [house.phones[0] for house in houses]


async def test_an_answer_finds_the_notice_that_asked(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "王德福")
        notice = town.send(tx)
        town.move(tx, town.messages(tx, notice)[0]["id"], M.SENDING, M.ACCEPTED)
        return notice, questions.newest(tx, house.phones[0], town.clock.now_ms() + 5000, kinds={"notice"})

    notice, question = await db.write(unit)
    assert (question.subject_id, question.number) == (notice.id, notice.number)


async def test_the_same_form_sends_once(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    first = await db.write(lambda tx: town.send(tx, request="form-1"))
    again = await db.write(lambda tx: town.send(tx, request="form-1"))
    assert first.id == again.id
    assert len(await db.read(lambda tx: town.messages(tx, first))) == 1


async def test_who_opted_out_gets_nothing_and_goes_on_the_door_list(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "王德福")
        town.opt_out(tx, house.phones[0])
        return town.send(tx)

    notice = await db.write(unit)
    assert await db.read(lambda tx: town.messages(tx, notice)) == []
    row = await db.read(lambda tx: tx.execute("SELECT no_way FROM notice_unit").fetchone())
    assert row["no_way"] == "opted_out"


async def test_an_audience_of_nobody_is_refused_and_leaves_nothing(db: Database, town) -> None:
    with pytest.raises(RefusalError, match="花名册里没有这样的人"):
        await db.write(lambda tx: town.send(tx, audience=Audience.party()))
    assert await db.read(store.numbers_in_use) == []


@pytest.mark.parametrize("text", ["", "  \n ", "水" * 1001])
async def test_what_cannot_be_sent_is_refused_in_words(db: Database, town, text: str) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    with pytest.raises(RefusalError) as refused:
        await db.write(lambda tx: town.send(tx, text=text))
    assert refused.value.status == 422


async def test_an_sms_no_carrier_takes_is_refused_unless_a_short_one_is_written(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    with pytest.raises(RefusalError, match="最多8条"):
        await db.write(lambda tx: town.send(tx, "水" * 520))
    with pytest.raises(RefusalError, match="最多8条"):
        await db.read(lambda tx: plan(tx, town.means, Order("水" * 520, Audience.everyone(), Channels()), 0))
    notice = await db.write(lambda tx: town.send(tx, "水" * 1000, short_text="12月6日停水,全文看公开栏"))
    with pytest.raises(RefusalError, match="最多8条"):
        await db.write(lambda tx: correct(tx, town, notice, "水" * 900))
    assert (await db.read(lambda tx: store.notice_of(tx, notice.id))).version == 1


async def test_what_is_planned_is_listed_the_nearest_first(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    now_ms = town.clock.now_ms()
    later, sooner = [await db.write(lambda tx, h=h: town.send(tx, at_ms=now_ms + h * HOUR)) for h in (48, 2)]
    assert [notice.id for notice in await db.read(store.planned)] == [sooner.id, later.id]


async def test_a_planned_notice_waits_and_freezes_its_people_when_it_goes(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    at_ms = town.clock.now_ms() + HOUR
    notice = await db.write(lambda tx: town.send(tx, at_ms=at_ms))
    assert notice.state is State.PLANNED
    assert not notice.on_page
    assert await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms())) == []
    await db.write(lambda tx: town.house(tx, "新来户"))
    await town.clock.advance(HOUR)
    (gone,) = await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms()))
    assert gone.state is State.SENT
    assert gone.on_page
    assert len(await db.read(lambda tx: town.messages(tx, notice))) == 2
    assert await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms())) == []


async def test_a_planned_notice_the_village_slept_through_is_not_sent(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    now = town.clock.now_ms()
    notice = await db.write(lambda tx: town.send(tx, at_ms=now + HOUR, due_ms=now + 2 * HOUR))
    await town.clock.advance(3 * HOUR)
    later = town.clock.now_ms()
    assert await db.write(lambda tx: send_due(tx, town.means, later, trusted=True)) == []
    stopped = await db.read(lambda tx: store.notice_of(tx, notice.id))
    assert (stopped.state, stopped.stopped_by, stopped.on_page) == (State.STOPPED, "", False)


async def test_with_a_guessed_clock_nothing_is_too_late(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    now = town.clock.now_ms()
    await db.write(lambda tx: town.send(tx, at_ms=now + HOUR, due_ms=now + 2 * HOUR))
    await town.clock.advance(3 * HOUR)
    assert len(await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms(), trusted=False))) == 1


async def test_numbers_go_round_and_rest_ninety_days(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    numbers = [(await db.write(town.send)).number for _ in range(99)]
    assert numbers == list(range(1, 100))
    with pytest.raises(RefusalError, match="1号能再用"):
        await db.write(town.send)
    urgent = await db.write(lambda tx: town.send(tx, urgent=True))
    assert urgent.number == 1
    await town.clock.advance(REST_MS)
    assert (await db.write(town.send)).number == 2


async def test_a_wished_number_is_given_while_it_is_free(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    assert (await db.write(lambda tx: town.send(tx, number=17))).number == 17
    assert (await db.write(town.send)).number == 18
    with pytest.raises(RefusalError, match="17还在用"):
        await db.write(lambda tx: town.send(tx, number=17))


async def test_stopping_kills_what_has_not_left(db: Database, town) -> None:
    def unit(tx):
        for n in range(4):
            town.house(tx, f"户{n}")
        notice = town.send(tx)
        ids = [row["id"] for row in town.messages(tx, notice)]
        town.deliver(tx, ids[0])
        town.move(tx, ids[1], M.SENDING)
        stopped = stop_notice(tx, town.means, notice.id, seen_version=1, by="李会计", now_ms=town.clock.now_ms())
        return notice, stopped

    notice, stopped = await db.write(unit)
    assert (stopped.withdrawn, stopped.gone) == (2, 2)
    assert (stopped.notice.state, stopped.notice.stopped_by) == (State.STOPPED, "李会计")
    states = [row["state"] for row in await db.read(lambda tx: town.messages(tx, notice))]
    assert states == ["delivered", "sending", "withdrawn", "withdrawn"]
    again = await db.write(
        lambda tx: stop_notice(tx, town.means, notice.id, seen_version=1, by="别人", now_ms=town.clock.now_ms())
    )
    assert (again.withdrawn, again.notice.stopped_by) == (0, "李会计")


def correct(tx, town, notice, text="停水改到12月7日周一早8点到下午3点", *, seen_version=1, by="李会计"):
    return correct_notice(
        tx, town.means, notice.id, text=text, due_ms=None, seen_version=seen_version, by=by, now_ms=town.clock.now_ms()
    )


async def test_exactly_those_who_may_have_the_old_words_are_corrected(db: Database, town) -> None:
    """One phone in every state a message can be in, and what each is told."""
    told = {
        "queued": "notice", "sending": "correction", "accepted": "correction", "delivered": "correction",
        "unknown": "correction", "failed": "notice", "expired": "notice",
    }  # fmt: skip

    def unit(tx):
        houses = {state: town.house(tx, f"户{state}") for state in told}
        notice = town.send(tx, channels=Channels(call=False))
        by_phone = {row["phone"]: row["id"] for row in town.messages(tx, notice)}
        steps = {
            "queued": [], "sending": [M.SENDING], "accepted": [M.SENDING, M.ACCEPTED],
            "delivered": [M.SENDING, M.ACCEPTED, M.DELIVERED], "unknown": [M.SENDING, M.UNKNOWN],
            "failed": [M.SENDING, M.ACCEPTED, M.FAILED], "expired": [M.EXPIRED],
        }  # fmt: skip
        for state, house in houses.items():
            town.move(tx, by_phone[house.phones[0]], *steps[state])
        planned = plan_correction(tx, town.means.office, notice)
        made = correct(tx, town, notice)
        kinds = {row["phone"]: row["kind"] for row in town.messages(tx, notice, 2)}
        texts = {row["kind"]: town.text_of(tx, row["id"]) for row in town.messages(tx, notice, 2)}
        return made, planned, {state: kinds[house.phones[0]] for state, house in houses.items()}, texts

    made, planned, kinds, texts = await db.write(unit)
    assert kinds == told
    assert (made.corrected, made.renewed) == (planned.corrected, planned.renewed) == (4, 3)
    assert texts["correction"] == "【青山村】更正通知1:停水改到12月7日周一早8点到下午3点,前一条作废。收到请回9"
    assert texts["notice"].startswith("【青山村】通知1:停水改到12月7日")


@pytest.mark.parametrize("steps", [[M.SENDING], [M.SENDING, M.ACCEPTED], [M.SENDING, M.UNKNOWN]])
async def test_old_words_on_their_way_are_never_tried_again(db: Database, town, steps: list[M]) -> None:
    """The carrier has them already; should it give them back (no signal, never seen), they end there."""

    def unit(tx):
        for name in ("停", "改"):
            town.house(tx, name)
        stopped, corrected = town.send(tx), town.send(tx)
        ids = [row["id"] for notice in (stopped, corrected) for row in town.messages(tx, notice)]
        for message_id in ids:
            town.move(tx, message_id, *steps)
        stop_notice(tx, town.means, stopped.id, seen_version=1, by="李会计", now_ms=town.clock.now_ms())
        correct(tx, town, corrected)
        return [gateway_store.known(tx, message_id).standing.stopped for message_id in ids]

    assert await db.write(unit) == [True] * 4


async def test_a_call_that_was_picked_up_counts_as_told(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "王德福")
        town.wants(tx, house.phones[0], "call")
        notice = town.send(tx)
        (call,) = town.messages(tx, notice)
        assert call["channel"] == "call"
        town.listen(tx, call["id"])
        correct(tx, town, notice)
        return town.messages(tx, notice, 2), town.text_of(tx, town.messages(tx, notice, 2)[0]["id"])

    (row,), script = await db.write(unit)
    assert (row["channel"], row["kind"]) == ("call", "correction")
    assert "更正通知，前一次说的作废。停水改到" in script


async def test_a_phone_that_fetched_the_text_is_corrected_too(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "王德福")
        guest = town.phone(tx)
        notice = town.send(tx)
        reply = town.means.outbox.enqueue(
            tx,
            Draft(
                to="+8619911112222", channel=Channel.SMS, kind="reply", priority=Priority.REPLY, reference="r", text="x"
            ),
        )
        note_asked(tx, notice, guest, channel=Channel.SMS, message_id=reply, now_ms=town.clock.now_ms())
        town.deliver(tx, reply)
        correct(tx, town, notice)
        return guest, {row["phone"]: row["kind"] for row in town.messages(tx, notice, 2)}

    guest, kinds = await db.write(unit)
    assert kinds[guest] == "correction"


async def test_two_clerks_at_once_the_second_sees_the_first(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    notice = await db.write(town.send)
    await db.write(lambda tx: correct(tx, town, notice, "第一次改,12月7日停水"))
    with pytest.raises(RefusalError, match="刚刚被人改过") as refused:
        await db.write(lambda tx: correct(tx, town, notice, "第二次改,12月8日停水", by="王主任"))
    assert refused.value.status == 409
    with pytest.raises(RefusalError, match="刚刚被人改过"):
        await db.write(
            lambda tx: stop_notice(tx, town.means, notice.id, seen_version=1, by="王主任", now_ms=town.clock.now_ms())
        )


async def test_the_same_correction_asked_for_twice_is_made_once(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "王德福"))
    notice = await db.write(town.send)
    first = await db.write(lambda tx: correct(tx, town, notice))
    again = await db.write(lambda tx: correct(tx, town, notice))
    assert first.notice.version == again.notice.version == 2
    assert (again.corrected, again.renewed) == (first.corrected, first.renewed)
    assert len(await db.read(lambda tx: town.messages(tx, notice, 2))) == 1


async def test_a_stopped_notice_lives_again_when_it_is_corrected(db: Database, town) -> None:
    def unit(tx):
        houses = [town.house(tx, "甲"), town.house(tx, "乙")]
        notice = town.send(tx)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])
        stop_notice(tx, town.means, notice.id, seen_version=1, by="李会计", now_ms=town.clock.now_ms())
        made = correct(tx, town, notice)
        return houses, made, {row["phone"]: row["kind"] for row in town.messages(tx, notice, 2)}

    houses, made, kinds = await db.write(unit)
    assert made.notice.state is State.SENT
    assert kinds == {houses[0].phones[0]: "correction", houses[1].phones[0]: "notice"}


async def test_a_third_wording_corrects_whoever_has_any_older_one(db: Database, town) -> None:
    def unit(tx):
        houses = [town.house(tx, "甲"), town.house(tx, "乙")]
        notice = town.send(tx)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])
        correct(tx, town, notice)
        second = {row["phone"]: row["id"] for row in town.messages(tx, notice, 2)}
        town.fail(tx, second[houses[0].phones[0]], "dead_number")
        correct(tx, town, notice, "第三次,12月8日停水", seen_version=2)
        return houses, {row["phone"]: row["kind"] for row in town.messages(tx, notice, 3)}

    houses, kinds = await db.write(unit)
    assert kinds == {houses[0].phones[0]: "correction", houses[1].phones[0]: "notice"}


async def test_an_old_copy_that_arrives_after_all_is_corrected(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        (old,) = town.messages(tx, notice)
        town.move(tx, old["id"], M.SENDING, M.QUEUED)  # first try: congestion
        correct(tx, town, notice)
        assert [row["kind"] for row in town.messages(tx, notice, 2)] == ["notice"]
        town.move(tx, old["id"], M.DELIVERED)  # the carrier had it all the same
        return house, notice, town.messages(tx, notice, 2)

    _, _, rows = await db.write(unit)
    assert [(row["kind"], row["state"]) for row in rows] == [("notice", "withdrawn"), ("correction", "queued")]


async def test_who_opted_out_since_is_told_at_the_door(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        town.deliver(tx, town.messages(tx, notice)[0]["id"])
        town.opt_out(tx, house.phones[0])
        made = correct(tx, town, notice)
        return made, town.messages(tx, notice, 2)

    made, rows = await db.write(unit)
    assert rows == []
    assert made.no_way == 1


async def test_who_left_the_village_since_is_corrected_where_they_were_told(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        town.house(tx, "乙")
        notice = town.send(tx)
        for row in town.messages(tx, notice):
            town.deliver(tx, row["id"])
        leave(tx, town.hand, house.residents[0])
        correct(tx, town, notice)
        return {row["kind"] for row in town.messages(tx, notice, 2)}, len(town.messages(tx, notice, 2))

    assert await db.write(unit) == ({"correction"}, 2)


def passed_on(tx, town, house):
    """The household gives its phone away, to people the notice never went to."""
    at_ms = town.clock.now_ms()
    other = town.house(tx, "新住户", phones=0)
    phones.let_go(tx, house.phones[0], house.residents[0], by="测试", at_ms=at_ms)
    phones.hold(tx, house.phones[0], other.residents[0], "desk", by="测试", at_ms=at_ms)


async def test_a_phone_passed_on_hears_of_the_correction_and_answers_for_nobody_it_left(db: Database, town) -> None:
    """Its new holder listens to the call whole; the household that had the old words is told at the door."""

    def unit(tx):
        house, other = town.house(tx, "甲"), town.house(tx, "乙")
        for one in (house, other):
            town.wants(tx, one.phones[0], "call")
        notice = town.send(tx)
        for row in town.messages(tx, notice):
            town.listen(tx, row["id"])
        passed_on(tx, town, house)
        made, again = correct(tx, town, notice), correct(tx, town, notice)
        rows = town.messages(tx, notice, 2)
        for row in rows:
            town.listen(tx, row["id"], key="9")
        visit = doors(tx, notice.id, town.clock.now_ms(), town.means.office).open
        return made, again, [(row["kind"], row["phone"]) for row in rows], [door.name for door in visit], house, other

    made, again, told, visit, house, other = await db.write(unit)
    assert sorted(told) == [("correction", phone) for phone in sorted(house.phones + other.phones)]
    assert visit == ["甲"]
    assert made.no_way == again.no_way == 1


async def test_old_words_that_arrive_after_all_on_a_phone_passed_on_clear_nobody(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx, channels=Channels(sms=False))
        (old,) = town.messages(tx, notice)
        town.move(tx, old["id"], M.SENDING, M.QUEUED)
        correct(tx, town, notice)
        passed_on(tx, town, house)
        town.move(tx, old["id"], M.DELIVERED)  # the carrier had put it through all the same
        town.listen(tx, town.messages(tx, notice, 2)[-1]["id"], key="9")
        return town.messages(tx, notice, 2), doors(tx, notice.id, town.clock.now_ms(), town.means.office).open

    rows, visit = await db.write(unit)
    assert [(row["kind"], row["state"]) for row in rows] == [("notice", "withdrawn"), ("correction", "delivered")]
    assert [door.name for door in visit] == ["甲"]


async def test_a_planned_notice_is_simply_rewritten(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "甲"))
    notice = await db.write(lambda tx: town.send(tx, at_ms=town.clock.now_ms() + HOUR))
    made = await db.write(lambda tx: correct(tx, town, notice))
    assert (made.notice.state, made.corrected, made.renewed) == (State.PLANNED, 0, 0)
    await town.clock.advance(HOUR)
    (gone,) = await db.write(lambda tx: send_due(tx, town.means, town.clock.now_ms()))
    assert not gone.corrected
    (row,) = await db.read(lambda tx: town.messages(tx, gone))
    assert row["kind"] == "notice"


async def test_nothing_changed_is_refused(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "甲"))
    notice = await db.write(town.send)
    with pytest.raises(RefusalError, match="没有改动"):
        await db.write(lambda tx: correct(tx, town, notice, notice.text))


async def test_a_full_phone_is_rung_and_a_dead_number_is_not(db: Database, town) -> None:
    def unit(tx):
        houses = [town.house(tx, "甲"), town.house(tx, "乙")]
        notice = town.send(tx)
        first, second = town.messages(tx, notice)
        town.fail(tx, first["id"], "full_phone")
        town.fail(tx, second["id"], "dead_number/1")
        return houses, [(row["phone"], row["channel"]) for row in town.messages(tx, notice) if row["channel"] == "call"]

    houses, calls = await db.write(unit)
    assert calls == [(houses[0].phones[0], "call")]


async def test_a_stopped_notice_climbs_no_further(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "甲")
        notice = town.send(tx)
        (row,) = town.messages(tx, notice)
        town.move(tx, row["id"], M.SENDING)
        stop_notice(tx, town.means, notice.id, seen_version=1, by="李会计", now_ms=town.clock.now_ms())
        town.move(tx, row["id"], M.FAILED, error="full_phone")
        return town.messages(tx, notice)

    assert len(await db.write(unit)) == 1


async def test_a_plan_says_what_sending_then_does(db: Database, town) -> None:
    def unit(tx):
        for n in range(3):
            town.house(tx, f"户{n}", people=2, phones=2)
        caller = town.house(tx, "老人")
        town.wants(tx, caller.phones[0], "both")
        shared = town.house(tx, "合用", people=2, phones=0)
        town.phone(tx, *shared.residents)
        town.house(tx, "无机户", phones=0)
        order = Order("水" * 80, Audience.everyone(), Channels())
        made = plan(tx, town.means, order, town.clock.now_ms())
        before = tx.total_changes
        plan(tx, town.means, order, town.clock.now_ms())
        assert tx.total_changes == before
        return made, send_notice(tx, town.means, order, town.clock.now_ms())

    made, notice = await db.write(unit)
    rows = await db.read(lambda tx: town.messages(tx, notice))
    parts = await db.read(lambda tx: [row[0] for row in tx.execute("SELECT parts FROM message WHERE channel = 'sms'")])
    assert (made.number, made.units, made.people, made.phones) == (notice.number, 6, 10, 8)
    assert (made.sms, made.calls) == (8, 1) == (
        sum(row["channel"] == "sms" for row in rows), sum(row["channel"] == "call" for row in rows),
    )  # fmt: skip
    assert made.parts == sum(parts) == 16
    assert made.fen == 16 * 10 + 15 * -(-made.call_seconds // 60)
    assert [unit.name for unit in made.no_way] == ["无机户"]
    sms = next(row["id"] for row in rows if row["channel"] == "sms")
    assert await db.read(lambda tx: town.text_of(tx, sms)) == made.text
    assert made.minutes >= 2
    assert str(made.as_json())


async def test_what_is_urgent_goes_out_at_night(db: Database, town) -> None:
    await town.clock.advance(17 * HOUR)  # 02:10
    order = Order("山洪，马上上山", Audience.everyone(), Channels(), urgent=True)

    def unit(tx):
        town.house(tx, "甲")
        town.wants(tx, town.house(tx, "乙").phones[0], "call")
        made = plan(tx, town.means, order, town.clock.now_ms())
        notice = send_notice(tx, town.means, order, town.clock.now_ms())
        return made, notice, [row["priority"] for row in tx.execute("SELECT priority FROM message")]

    made, notice, priorities = await db.write(unit)
    assert made.starts_ms == town.clock.now_ms()
    assert made.done_ms < town.clock.now_ms() + HOUR
    assert "夜里、午休也会响" in str(made.warnings[0])
    assert notice.urgent
    assert priorities == [Priority.URGENT] * 2
    assert Priority.URGENT.wakes_people


async def test_what_can_wait_for_a_time_is_not_urgent(db: Database, town) -> None:
    order = Order("山洪", Audience.everyone(), Channels(), urgent=True, at_ms=town.clock.now_ms() + HOUR)
    await db.write(lambda tx: town.house(tx, "甲"))
    for refuse in (plan, send_notice):
        with pytest.raises(RefusalError, match="不能定时间"):
            await db.write(lambda tx, refuse=refuse: refuse(tx, town.means, order, town.clock.now_ms()))


@pytest.mark.parametrize(
    ("lines", "channels", "no_line"),
    [
        ({"texts": False, "calls": False}, set(), ["甲", "座机户", "听电话的"]),
        ({"texts": True, "calls": False}, {"sms"}, ["座机户"]),
        ({"texts": False, "calls": True}, {"call"}, []),
    ],
)
async def test_without_a_line_nothing_is_promised_and_nothing_waits(
    db: Database, town, lines: dict[str, bool], channels: set[str], no_line: list[str]
) -> None:
    """Copies that no line can take would all go out on the day a line is there."""
    town.means = replace(town.means, office=replace(town.means.office, **lines))

    def unit(tx):
        town.house(tx, "甲")
        landline = town.house(tx, "座机户", phones=0)
        town.phone(tx, landline.residents[0], kind=PhoneKind.LANDLINE)
        town.wants(tx, town.house(tx, "听电话的").phones[0], "call")
        town.house(tx, "无机户", phones=0)
        order = Order("12月6日停水", Audience.everyone(), Channels())
        made = plan(tx, town.means, order, town.clock.now_ms())
        return made, send_notice(tx, town.means, order, town.clock.now_ms())

    made, notice = await db.write(unit)
    rows = await db.read(lambda tx: town.messages(tx, notice))
    assert (made.sms, made.calls) == tuple(sum(row["channel"] == name for row in rows) for name in ("sms", "call"))
    assert {row["channel"] for row in rows} == channels
    assert [unit.name for unit in made.no_way if unit.no_way is NoWay.NO_LINE] == no_line
    assert made.fen == made.parts * 10 + made.calls * 15 * -(-made.call_seconds // 60)
    assert [str(warning) for warning in made.warnings] == [
        f"村里还没有接{what}的线路，这条{none}"
        for kind, what, none in (("texts", "短信", "一条短信也不发"), ("calls", "打电话", "一个电话也不打"))
        if not lines[kind]
    ]
    now_ms = town.clock.now_ms()
    listed = await db.read(lambda tx: doors(tx, notice.id, now_ms, town.means.office))
    told = {door.name: [str(step) for step in door.tried] for door in listed.open}
    assert told == {"无机户": ["没有电话"], **{name: ["还没有接线路"] for name in no_line}}


async def test_a_notice_for_the_page_alone_needs_no_line(db: Database, town) -> None:
    town.means = replace(town.means, office=replace(town.means.office, texts=False, calls=False))

    def unit(tx):
        town.house(tx, "甲")
        notice = town.send(tx, channels=Channels(sms=False, call=False))
        made = plan(tx, town.means, Order("停水", Audience.everyone(), notice.channels), town.clock.now_ms())
        return made, doors(tx, notice.id, town.clock.now_ms(), town.means.office)

    made, listed = await db.write(unit)
    assert (made.no_way, listed.open) == ((), ())
    assert "线路" not in str(made.as_json())


async def test_a_correction_waits_for_no_line_and_uses_one_that_has_come(db: Database, town) -> None:
    without = replace(town.means, office=replace(town.means.office, texts=False, calls=False))

    def correct(tx, means, notice, text):
        return correct_notice(
            tx, means, notice.id, text=text, due_ms=None, seen_version=notice.version, by="李会计",
            now_ms=town.clock.now_ms(),
        )  # fmt: skip

    def unit(tx):
        town.house(tx, "甲")
        notice = send_notice(tx, without, Order("12月6日停水", Audience.everyone(), Channels()), town.clock.now_ms())
        first = correct(tx, without, notice, "12月7日停水")
        assert town.messages(tx, notice) == []
        second = correct(tx, town.means, first.notice, "12月8日停水")
        return first, second, tx.execute("SELECT no_way FROM notice_unit").fetchall()

    first, second, rows = await db.write(unit)
    assert (first.corrected, first.renewed, first.no_way) == (0, 0, 1)
    assert (second.corrected, second.renewed, second.no_way) == (0, 1, 0)
    assert [row["no_way"] for row in rows] == [None]


async def test_an_evening_plan_counts_the_night(db: Database, town) -> None:
    await db.write(lambda tx: [town.house(tx, f"户{n}") for n in range(10)])
    await town.clock.advance(11 * HOUR + 49 * 60_000)  # 20:59
    order = Order("12月6日停水", Audience.everyone(), Channels())
    made = await db.read(lambda tx: plan(tx, town.means, order, town.clock.now_ms()))
    assert made.minutes == 1 + 10 * 60 + 1
