"""Facts about opening: who is on the roll, who is asked how, and what is refused."""

from __future__ import annotations

import pytest

from gateway.message import Channel
from gateway.phone import PhoneKind
from tests.polls.conftest import DAY_MS, HOUR_MS
from village import questions
from village.ground.wording import RefusalError
from village.polls import store
from village.polls.numbers import next_number
from village.polls.poll import PollKind, State
from village.polls.roll import is_untouched


async def test_every_adult_is_on_the_roll_of_an_opinion_and_every_household_on_the_other(db, booth):
    def unit(tx):
        house = booth.house(tx, "王德福", people=3)
        tx.execute("UPDATE resident SET born = '2020' WHERE id = :id", {"id": house.residents[2]})
        booth.house(tx, "李桂英", people=2)
        return booth.ask(tx), booth.ask(tx, PollKind.HOUSEHOLD, question="修不修渠")

    opinion, household = await db.write(unit)
    assert (opinion.eligible, household.eligible) == (4, 2)
    assert (opinion.number, household.number) == (20, 21)
    assert opinion.state is State.OPEN
    names = await db.read(lambda tx: [voter.name for voter in store.voters(tx, household.id)])
    assert names == ["王德福", "李桂英"]


async def test_the_marked_representative_votes_for_the_household(db, booth):
    def unit(tx):
        house = booth.house(tx, "王德福", people=3)
        tx.execute("UPDATE resident SET represents_household = 1 WHERE id = :id", {"id": house.residents[1]})
        return booth.ask(tx, PollKind.HOUSEHOLD), house

    poll, house = await db.write(unit)
    voter = await db.read(lambda tx: store.voter_of_household(tx, poll.id, house.id))
    assert voter.resident_id == house.residents[1]


async def test_a_shared_phone_is_asked_once_and_an_opted_out_one_never(db, booth):
    def unit(tx):
        house = booth.house(tx, "王德福", people=3, phones=0)
        shared = booth.phone(tx, *house.residents)
        other = booth.house(tx, "李桂英")
        booth.opt_out(tx, other.phones[0])
        poll = booth.ask(tx)
        return poll, shared, other.phones[0]

    poll, shared, _ = await db.write(unit)
    copies = await db.read(lambda tx: store.copies_of(tx, poll.id))
    assert [copy.phone_id for copy in copies] == [shared]
    on_it = await db.read(lambda tx: store.eligible_on(tx, poll.id, shared))
    assert [voter.slot for voter in on_it] == [1, 2, 3]


async def test_whoever_wants_a_call_is_rung_and_each_message_asks_its_question(db, booth, clock):
    def unit(tx):
        house = booth.house(tx, "王德福", phones=0)
        landline = booth.phone(tx, house.residents[0], kind=PhoneKind.LANDLINE)
        both = booth.house(tx, "李桂英")
        booth.wants(tx, both.phones[0], "both")
        return booth.ask(tx), landline, both.phones[0]

    poll, landline, both = await db.write(unit)
    copies = await db.read(lambda tx: store.copies_of(tx, poll.id))
    assert {(copy.phone_id, copy.channel) for copy in copies} == {
        (landline, Channel.CALL),
        (both, Channel.SMS),
        (both, Channel.CALL),
    }
    asked = await db.read(lambda tx: questions.newest(tx, both, clock.now_ms() + 1, waiting=True))
    assert (asked.kind, asked.number, asked.subject_id) == ("poll", poll.number, poll.id)


async def test_the_text_fits_one_sms_and_says_what_it_is(db, booth):
    def unit(tx):
        booth.house(tx, "王德福")
        first = booth.ask(tx)
        second = booth.ask(tx, PollKind.HOUSEHOLD, basis_id=booth.basis(tx))
        return [booth.text_of(tx, copy.message_id) for poll in (first, second) for copy in store.copies_of(tx, poll.id)]

    opinion, vote = await db.write(unit)
    assert (
        opinion == "【青山村】征求意见20(不作决议):东路口装不装减速带?1同意 2不同意 3弃权,回一个数字。12月6日9点10分止"
    )
    assert len(opinion) <= 70
    assert vote.startswith("【青山村】表决21:东路口装不装减速带?")


async def test_the_same_form_opens_once(db, booth):
    def unit(tx):
        booth.house(tx, "王德福")
        return booth.ask(tx, request="form/1"), booth.ask(tx, request="form/1"), len(store.polls(tx))

    first, again, count = await db.write(unit)
    assert (first.id, count) == (again.id, 1)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"question": " "}, "要问什么"),
        ({"question": "长" * 61}, "太长"),
        ({"options": ("东头",)}, "2到6个"),
        ({"options": ("东头", "东头")}, "一样"),
        ({"options": ("东头", "西头2号")}, "数字"),
        ({"options": ("东头", "第二个")}, "数字"),
        ({"options": ("东头", "東頭")}, "“东头”和“東頭”在短信里分不开"),
        ({"options": ("Yes", "YES。")}, "分不开"),
        ({"options": ("东头", "👍")}, "没有字"),
        ({"options": ("东头", "退订")}, "退订、求救"),
        ({"options": ("东头", "ＴＤ")}, "退订、求救"),
        ({"options": ("东头", "防火灾")}, "退订、求救"),
        ({"options": ("东头", "九个字的选项实在太长")}, "太长"),
        ({"groups": frozenset({77})}, "77"),
        ({"basis_id": 1}, "用不着依据"),
        ({"number": 19}, "20到99"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(db, booth, more, why):
    await db.write(lambda tx: booth.house(tx, "王德福"))
    with pytest.raises(RefusalError, match=why):
        await db.write(lambda tx: booth.ask(tx, **more))
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM poll").fetchone()[0]) == 0
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM message").fetchone()[0]) == 0


@pytest.mark.parametrize(
    ("question", "article"),
    [("村委会换届您选谁", "第十五条"), ("该不该罢免主任", "第十六条"), ("王家的低保给不给", "第二十七条")],
)
async def test_what_sounds_like_an_election_is_an_opinion_with_a_warning_and_never_a_vote(
    db, booth, clock, question, article
):
    from village.polls.plan import plan
    from village.polls.poll import Order

    def decides(tx):
        booth.house(tx, "王德福")
        return booth.ask(tx, PollKind.HOUSEHOLD, question=question, basis_id=booth.basis(tx))

    with pytest.raises(RefusalError, match=article):
        await db.write(decides)

    def hears(tx):
        booth.house(tx, "王德福")
        order = Order(PollKind.OPINION, question, ("甲", "乙"), clock.now_ms() + DAY_MS)
        return plan(tx, booth.means, order, clock.now_ms()), booth.ask(tx, question=question)

    planned, poll = await db.write(hears)
    assert any(article in str(warning) for warning in planned.warnings)
    assert poll.word == "征求意见"


@pytest.mark.parametrize(("households", "small"), [(4, True), (5, False)])
async def test_so_few_voters_that_nothing_could_be_shown_are_warned_of(db, booth, clock, households, small):
    from village.polls.plan import plan
    from village.polls.poll import Order

    def unit(tx):
        booth.houses(tx, households)
        order = Order(PollKind.OPINION, "东路口装不装减速带", ("装", "不装"), clock.now_ms() + DAY_MS)
        return plan(tx, booth.means, order, clock.now_ms())

    warnings = [str(warning) for warning in (await db.write(unit)).warnings]
    assert any("不公布" in warning for warning in warnings) == small
    assert not any("像是" in warning for warning in warnings)  # an ordinary question sounds like no election


@pytest.mark.parametrize("ahead_ms", [HOUR_MS - 1, -1, 61 * DAY_MS])
async def test_a_deadline_is_neither_too_near_nor_too_far(db, booth, clock, ahead_ms):
    await db.write(lambda tx: booth.house(tx, "王德福"))
    with pytest.raises(RefusalError, match="截止时间"):
        await db.write(lambda tx: booth.ask(tx, closes_ms=clock.now_ms() + ahead_ms))


async def test_a_basis_needs_both_committees(db, booth, clock):
    from village.polls import basis_store

    def enter(tx):
        booth.house(tx, "王德福")
        return basis_store.enter(tx, title="章程第12条", reference="原文", by="王建国", now_ms=clock.now_ms())

    basis_id = await db.write(enter)
    with pytest.raises(RefusalError, match="会签"):
        await db.write(lambda tx: booth.ask(tx, PollKind.HOUSEHOLD, basis_id=basis_id))
    with pytest.raises(RefusalError, match="自己会签"):
        await db.write(lambda tx: basis_store.cosign(tx, basis_id, by="王建国", now_ms=clock.now_ms()))
    await db.write(lambda tx: basis_store.cosign(tx, basis_id, by="李监督", now_ms=clock.now_ms()))
    poll = await db.write(lambda tx: booth.ask(tx, PollKind.HOUSEHOLD, basis_id=basis_id))
    assert poll.word == "表决"


async def test_numbers_rest_ninety_days_and_run_out_in_words(db, booth, clock):
    def fill(tx):
        booth.house(tx, "王德福")
        return [booth.ask(tx).number for _ in range(80)]

    assert await db.write(fill) == list(range(20, 100))
    with pytest.raises(RefusalError, match="都还在用"):
        await db.read(lambda tx: next_number(tx, clock.now_ms()))
    await clock.advance(92 * DAY_MS)
    assert await db.read(lambda tx: next_number(tx, clock.now_ms())) in range(20, 100)


async def test_a_roll_that_was_touched_is_seen(db, booth):
    def unit(tx):
        booth.houses(tx, 3)
        return booth.ask(tx)

    poll = await db.write(unit)
    assert await db.read(lambda tx: is_untouched(tx, poll.id, poll.roll_hash))
    await db.write(lambda tx: tx.execute("UPDATE poll_voter SET name = '别人' WHERE place = 2"))
    assert not await db.read(lambda tx: is_untouched(tx, poll.id, poll.roll_hash))


async def test_a_guessed_clock_opens_nothing(db, booth, clock):
    from village.polls.open_poll import open_poll
    from village.polls.poll import Order

    await db.write(lambda tx: booth.house(tx, "王德福"))
    order = Order(PollKind.OPINION, "问什么", ("要", "不要"), clock.now_ms() + DAY_MS)
    with pytest.raises(RefusalError, match="猜的"):
        await db.write(lambda tx: open_poll(tx, booth.means, order, clock.now_ms(), trusted=False))
