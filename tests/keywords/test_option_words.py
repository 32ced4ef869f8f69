"""Options called by their own words: before, at and after the deadline, with one poll and with two, by friend and
stranger; and never left lying as a suggestion that others read."""

from __future__ import annotations

import pytest

from tests.keywords.conftest import LI, SHARED, STRANGER, WANG
from tests.keywords.polling import DAY_MS, HOUR_MS, closes, counts, late, opens, opens_lights, tally
from village.commands.interpret import rehearsed
from village.ground import reserved
from village.keywords.grammar import read
from village.keywords.option_words import Named, named, names_its_poll
from village.polls import store
from village.polls.poll import PollKind
from village.polls.withdraw_poll import withdraw

LIGHTS = ("东头", "西头", "学校")


async def kept(street):
    """What the desk may read as it was typed, and how many suggestions there are."""
    shown = await street.ask("SELECT id FROM interpretation WHERE shown = 1")
    suggestions = await street.ask("SELECT id FROM suggestion")
    return len(shown), len(suggestions)


# the words alone


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("东头", Named((1,), clear=True, alone=True)),
        ("東頭。", Named((1,), clear=True, alone=True)),
        ("「东头」", Named((1,), clear=True, alone=True)),
        ("我选东头吧", Named((1,), clear=True)),
        ("东头!", Named((1,), clear=True, alone=True)),
        ("好的,东头!谢谢村长", Named((1,), clear=True, alone=True)),
        ("请问东头", Named((1,))),
        ("东头好", Named((1,))),
        ("投票给 东头 ,", Named((1,), clear=True)),
        ("东头？", Named((1,))),
        ("东头?西头", Named((1, 2))),
        ("东头/西头", Named((1, 2))),
        ("东头吗", Named((1,))),
        ("东头呢", Named((1,))),
        ("不要东头", Named((1,))),
        ("东头❌", Named((1,))),
        ("东头2", Named((1,))),
        ("1东头", Named((1,), clear=True)),
        ("1.东头", Named((1,), clear=True)),
        ("东头(1)", Named((1,), clear=True)),
        ("2东头", Named((1,))),
        ("1东头1", Named((1,))),
        ("23东头", Named((1,))),
        ("东头[强]", Named((1,), clear=True, alone=True)),
        ("东头【微笑】", Named((1,), clear=True, alone=True)),
        ("路灯装东头", Named((1,), loose=True)),
        ("路灯要装在东头", Named((1,))),
        ("东头=", Named((1,))),
        ("李桂英东头", Named((1,), by_name=True)),
        ("我觉得还是装在东头比较好", Named((1,), loose=True)),
        ("学校门口的路灯坏了", None),
        ("路灯坏了", None),
        ("?", None),
        ("", None),
    ],
)
def test_what_stands_beside_a_label_decides(text, found):
    assert named(text, LIGHTS, ["李桂英"], "路灯装哪") == found


def test_the_longer_label_goes_first():
    assert named("不装", ("装", "不装")).choices == (2,)
    assert named("我家不装", ("装", "不装")) == Named((2,), clear=True)
    assert named("路灯要修一修了", ("修", "不修")) is None  # 修 stands in half of what people write


@pytest.mark.parametrize(("label", "names"), [("东头", True), ("装", False), ("不装", False), ("同意", False)])
def test_which_labels_tell_their_poll(label, names):
    assert names_its_poll(label) is names


def test_whatever_opts_out_is_reserved():
    """Two rooms know these words; neither may forget one the other knows."""
    for word in reserved.OUT | reserved.ALL_OUT | {"救命", "着火了", "中奖", "验证码", "www.a.cn"}:
        assert reserved.is_reserved(word), word
        assert type(read(word)).__name__ in ("OptOut", "Distress", "Suspicious"), word


# one poll is open


@pytest.mark.parametrize(
    ("typed", "choice"),
    [("东头", 1), ("我选东头", 1), ("投东头", 1), ("选学校吧", 3), ("東頭", 1), ("西头。", 2), ("1东头", 1),
     ("2东头", None), ("路灯装东头", None),
     ("东头和西头", None), ("不要东头", None), ("东头不好", None), ("东头好", None), ("同意", None), ("反对", None),
     ("东头？", None), ("东头?", None), ("选东头吗", None), ("东头还是西头？", None), ("王德福东头", None),
     ("我觉得东头比较好", None), ("希望装在学校门口那边", None)],
)  # fmt: skip
async def test_an_options_own_words_are_a_vote_and_nothing_near_them(street, typed, choice):
    await opens_lights(street)
    decision = await rehearsed(street.db, street.answering, WANG, typed)
    assert (decision.intent.value, decision.choice) == ("vote" if choice else "clarify", choice)
    assert not decision.shown


async def test_news_about_a_place_is_news(street):
    await opens_lights(street)
    assert (await street.says(WANG, "学校门口的路灯坏了")).intent == "suggestion"


async def test_a_longer_label_is_not_the_shorter_one_in_it(street):
    await opens(street, options=("装", "不装"))
    for typed, choice in (("装", 1), ("不装", 2), ("我家不装", 2), ("我要装", 1)):
        decision = await rehearsed(street.db, street.answering, WANG, typed)
        assert decision.choice == choice, typed


@pytest.mark.parametrize(
    "options",
    [("改", "不改"), ("听", "念"), ("好", "不好"), ("恢复", "取消"), ("收到", "没收到"), ("通知", "投票"),
     ("监督", "举报"), ("谢谢", "您好"), ("建议", "求助"), ("a", "b"), ("l", "o"), ("监督到位", "求助及时"),
     ("停", "退出")],
)  # fmt: skip
async def test_what_an_option_is_called_comes_before_what_the_word_asks(street, options):
    poll = await opens(street, options=options)
    for choice, typed in enumerate(options, 1):
        assert (await street.says(WANG, typed)).intent == "vote", typed
        assert await tally(street, poll) == {"王德福": choice}, typed
    assert (await street.says(WANG, "T")).intent == "optout"
    assert (await street.says(WANG, "120")).intent == "emergency"


async def test_words_about_an_option_are_a_suggestion_where_no_poll_is_open(street):
    assert (await street.says(WANG, "选东头")).intent == "suggestion"


async def test_a_name_and_a_label_on_a_shared_phone_are_asked_for_the_code(street):
    poll = await opens_lights(street)
    said = await street.says(SHARED, "张秀兰东头")
    assert (said.intent, said.key) == ("clarify", "SHARE_ASK")
    assert (await kept(street)) == (0, 0)
    assert await tally(street, poll) == {}


async def test_a_strangers_option_is_not_shown_to_anybody(street):
    poll = await opens_lights(street)
    await street.says(STRANGER, "东头")
    await street.says(STRANGER, "我选西头")
    await closes(street, poll)
    await street.says(STRANGER, "学校")
    await counts(street, poll)
    await street.says(STRANGER, "学校吧")
    assert await kept(street) == (0, 0)
    await street.says(STRANGER, "我是王家的女婿")
    assert await kept(street) == (1, 0)


async def test_yes_yes_to_a_question_is_asked_back_and_politeness_afterwards_is_not(street):
    """Somebody who answers a question with 可以 thinks they have voted."""
    await opens(street, lasts_ms=3 * DAY_MS)
    for typed in ("可以", "行", "好的"):
        said = await street.says(WANG, typed)
        assert (said.intent, said.key) == ("clarify", "CL_NEG"), typed
        assert "同意请只回1" in said.text
        await street.clock.advance(HOUR_MS)
        await street.db.write(lambda tx: tx.execute("DELETE FROM interpretation"))
    await street.says(WANG, "1")
    assert (await street.says(WANG, "好的")).key is None
    await street.clock.advance(30 * HOUR_MS)  # the answer to the ballot is long ago
    assert (await street.says(WANG, "好的")).key is None
    assert await kept(street) == (2, 0)


async def test_yes_yes_to_a_result_is_politeness(street):
    poll = await opens(street)
    await counts_after(street, poll)
    await street.db.write(street.carry)
    await street.clock.advance(60_000)
    assert (await street.says(WANG, "好的")).key is None


# after the deadline


@pytest.mark.parametrize(
    ("typed", "listed"),
    [("东头", 1), ("我选东头", 1), ("1", 1), ("231", 1), ("东头？", 0), ("东头和西头", 0), ("不选东头", 0), ("1和2", 0),
     ("不选1", 0), ("我觉得东头比较好", 0), ("我觉得1比较好", 0), ("同意吧", 0)],
)  # fmt: skip
async def test_after_the_deadline_every_spelling_is_closed_sealed_and_listed_where_it_names_one(street, typed, listed):
    poll = await opens_lights(street)
    await closes(street, poll)
    said = await street.says(WANG, typed)
    assert (said.intent, said.key) == ("closed", "CLOSED")
    assert await late(street, poll) == listed
    assert await kept(street) == (0, 0)
    assert await tally(street, poll) == {}


async def test_an_options_words_that_were_sent_in_time_count_when_they_come_late(street):
    poll = await opens_lights(street)
    sent_ms = poll.closes_ms - 60_000
    await closes(street, poll)
    said = await street.says(WANG, "东头", centre_ms=sent_ms)
    assert (said.intent, said.key) == ("vote", "LATE_OK")
    assert await tally(street, poll) == {"王德福": 1}


async def test_after_the_count_a_label_is_sealed_for_a_week_and_talk_is_talk(street):
    poll = await opens_lights(street)
    await counts_after(street, poll)
    assert (await street.says(WANG, "西头")).key == "CLOSED"
    assert (await street.says(WANG, "我选西头")).key == "CLOSED"
    assert await kept(street) == (0, 0)
    assert (await street.says(WANG, "我觉得装在西头不合适,晚上太黑")).intent == "suggestion"
    await street.clock.advance(8 * DAY_MS)
    assert (await street.says(LI, "西头")).intent == "suggestion"
    assert (await street.says(LI, "2")).key != "CLOSED"


async def counts_after(street, poll):
    await closes(street, poll)
    assert await counts(street, poll)


async def test_a_digit_a_month_after_the_count_answers_nothing(street):
    poll = await opens_lights(street)
    await counts_after(street, poll)
    await street.clock.advance(30 * DAY_MS)
    said = await street.says(WANG, "1")
    assert (said.intent, said.key) == ("clarify", "NOPOLL")


async def test_a_withdrawn_poll_is_answered_by_its_words_too_and_not_for_ever(street):
    poll = await opens_lights(street)
    now_ms = street.clock.now_ms()
    await street.db.write(lambda tx: withdraw(tx, street.means, poll.id, why="题目写错了", by="王", now_ms=now_ms))
    assert (await street.says(WANG, "东头")).key == "WITHDRAWN"
    await street.clock.advance(8 * DAY_MS)
    assert (await street.says(WANG, "1")).key != "WITHDRAWN"


async def test_who_read_the_question_on_the_page_is_told_that_it_is_over(street):
    poll = await opens_lights(street, asked=False)
    await closes(street, poll)
    assert (await street.says(WANG, "1")).key == "CLOSED"
    assert (await street.says(LI, "东头")).key == "CLOSED"
    assert await late(street, poll) == 2


# two polls


async def test_with_two_polls_open_a_label_of_its_own_names_its_poll(street):
    first = await opens(street)
    second = await opens_lights(street, number=24)
    assert (await street.says(WANG, "东头")).key == "VOTE_OK"
    assert (await street.says(LI, "同意")).key == "CL_POLL"
    for doubtful in ("东头？", "东头和西头", "不要东头", "同意东头", "我觉得东头比较好"):
        await street.clock.advance(HOUR_MS)  # more than so many questions back in an hour are too many
        assert (await street.says(LI, doubtful)).key == "CL_POLL", doubtful
    assert await tally(street, first) == {}
    assert await tally(street, second) == {"王德福": 1}
    assert await kept(street) == (0, 0)


async def test_with_two_polls_open_a_word_that_answers_both_answers_neither(street):
    polls = [
        await opens(street, options=("修", "不修")),
        await opens(street, number=24, options=("要", "不要")),
        await opens(street, number=25, options=("东头", "西头")),
        await opens(street, number=26, options=("东头", "北头")),
    ]
    for typed in ("要", "不要", "修", "不修", "东头"):
        assert (await street.says(WANG, typed)).key == "CL_POLL", typed
    assert [await tally(street, poll) for poll in polls] == [{}, {}, {}, {}]
    assert await kept(street) == (0, 0)


async def test_a_label_of_a_question_this_phone_was_not_asked_is_asked_back(street):
    await opens(street)
    second = await opens_lights(street, number=24, asked=False)
    said = await street.says(WANG, "东头")
    assert (said.intent, said.key) == ("clarify", "CL_POLL")
    assert await tally(street, second) == {}
    assert await kept(street) == (0, 0)


async def test_a_label_of_the_poll_that_is_over_never_reaches_the_one_that_is_open(street):
    first = await opens_lights(street, lasts_ms=2 * HOUR_MS)
    second = await opens(street, number=24, options=("东头", "北头"), question="井打哪")
    await closes(street, first)
    assert (await street.says(WANG, "东头")).key == "VOTE_OK"  # asked last, and still open
    assert (await street.says(WANG, "西头")).key == "CLOSED"
    assert await tally(street, second) == {"王德福": 1}
    assert await late(street, first) == 1


async def test_whoever_may_not_vote_is_told_so_and_read_by_nobody(street):
    await opens(street, PollKind.HOUSEHOLD)

    def moves(tx):
        tx.execute("UPDATE phone_holder SET resident_id = :other WHERE phone_id = :phone",
                   {"other": street.residents["张秀兰"], "phone": street.phones[LI]})  # fmt: skip

    await street.db.write(moves)
    for typed in ("同意", "我选同意", "同意？"):
        assert (await street.says(LI, typed)).intent == "clarify", typed
    assert await kept(street) == (0, 0)
    assert await street.db.read(lambda tx: [poll.number for poll in store.running_polls(tx)]) == [23]
