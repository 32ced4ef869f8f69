"""Ballots by SMS, through the real inbox and through `interpret`: nothing guessed, nothing lost, nothing shown."""

from __future__ import annotations

import json
import os
import random
import re
import unicodedata

import pytest

from gateway.phone import Phone, PhoneKind
from tests.keywords.conftest import LI, SHARED, STRANGER, WANG
from tests.keywords.fuzz import DIGIT, KNOWN, random_text
from tests.keywords.polling import DAY_MS, HOUR_MS, opens, tally
from village.commands.interpret import rehearsed
from village.ground.normalise import normalise
from village.people import phones
from village.polls import ledger_store, store
from village.polls.close_poll import close_due
from village.polls.count_poll import LISTENED_MS, count_due
from village.polls.open_poll import open_poll
from village.polls.poll import YES_NO_ABSTAIN, Order, PollKind
from village.polls.withdraw_poll import withdraw

# the table: what is typed, and what it comes to while one poll (23: 1同意 2不同意 3弃权) is open

VOTES = {
    1: "1·１·①·⑴·1️⃣·一·壹·1.·1。·1!·投1·投 1·我选1·选1·选一·第一个·第1项·"
    "1号·TP1·tp 1·同意·赞成·贊成·我同意·我家同意·支持·tongyi·"
    "1同意·1.同意·同意1·1谢谢·1,谢谢村长·您好,我选1,谢谢·231·２３１·23#1·23 1·23-1·23.1·"
    "23/1·23*1·投231·23号选1·好的,选1·"
    "我的票投1·改成1·回1·按1·“1”·1👍·同意了·完全同意·行,同意·就选1·幺·2311·选1吧·我要投1号·二三一",
    2: "2·２·②·二·两·贰·选2·投第二个·选项2·第二·"
    "不同意·反对·我不同意·坚决反对·不赞成·不 同 意·我反對·butongyi·2不同意·2反对·"
    "232·23#2·23 2·选2谢谢·改2·第2个·GP2·232谢谢",
    3: "3·３·③·三·叁·弃权·棄權·我弃权·选3·第三个选项·233·23#3·qiquan·3弃权",
}
CLARIFIED = (
    "1和2·12·1 2·1.2·2 3 1·1、2·1或2·选1、2·11·99·1和2都行·"
    "l·O·o·I·23l·O1·Ⅱ·我不选1·不选1·别选1·不是1·不·没收到·不知道·1?·00·"
    "111·1111·12345·1❌·1票·请问1·请问选1·收到1·选1个·同意吗·不反对·同意不同意·6·5·4·选6·236·1不同意·2同意·8·7·251·991·2321·"
    "不同意修路·全家同意·我觉得1比较好·不同意在东路口装减速带,太吵·王德福同意·来不了·没水了· ·。·👍"
)
OTHERS = {
    "suggestion": "路灯坏了·3组路灯坏了·村口路灯不亮了·停水3天了·建议:路灯坏了·为什么不公开·医保在哪里交",
    "service": "01·03·查·CP·04·05·06·08·通知·投票·TP",
    "menu": "0·帮助·菜单·?",
    "confirm": "",
    "optout": "T·退订·TD·T2·092",
    "emergency": "110·119·120·救命·着火了",
    "supervise": "监督 账不公开",
    "quarantine": "点 http://a.cn/x 领钱·您的验证码是123456·请转账500元到卡上",
    "register": "123456·231111",
    "ignore": "谢谢·您好",
    "help": "求助 要车去医院",
    "offer": "0533",
    "second": "04218",
}
TABLE = (
    [(typed, "vote", choice) for choice, texts in VOTES.items() for typed in texts.split("·")]
    + [(typed, "clarify", None) for typed in CLARIFIED.split("·")]
    + [(typed, intent, None) for intent, texts in OTHERS.items() for typed in texts.split("·") if typed]
)


def test_the_table_is_long_enough():
    assert len(TABLE) >= 150
    assert len({typed for typed, _, _ in TABLE}) == len(TABLE)


async def test_the_whole_table_through_interpret(street):
    await opens(street)
    wrong = []
    for typed, intent, choice in TABLE:
        decision = await rehearsed(street.db, street.answering, WANG, typed)
        told = json.loads(decision.as_json())
        poll, voter = (23, "王德福") if intent == "vote" else (None, None)
        if (told["intent"], told["choice"], told["poll"], told["voter"]) != (intent, choice, poll, voter):
            wrong.append((typed, told))
        if intent in ("vote", "clarify"):
            assert told["reply"], typed
            assert not decision.shown or normalise(typed) == "", typed
    assert wrong == []
    assert await street.db.read(lambda tx: tx.execute("SELECT count(*) FROM ballot").fetchone()[0]) == 0


# through the real inbox


async def test_a_ballot_a_recast_and_the_same_again(street):
    poll = await opens(street)
    first = await street.says(WANG, "１")
    await street.clock.advance(60_000)
    same = await street.says(WANG, "同意")
    await street.clock.advance(60_000)
    changed = await street.says(WANG, "2")
    assert [first.key, same.key, changed.key] == ["VOTE_OK", "VOTE_SAME", "VOTE_CHG"]
    assert first.text.startswith("征求意见23收到,您选1同意。回执")
    assert changed.text.startswith("征求意见23已改:1同意改为2不同意。新回执")
    assert await tally(street, poll) == {"王德福": 2}


async def test_one_message_delivered_twice_is_one_ballot(street):
    poll = await opens(street)
    centre = street.clock.now_ms()
    await street.says(WANG, "1", centre_ms=centre)
    with pytest.raises(AssertionError):  # the inbox keeps it once
        await street.says(WANG, "1", centre_ms=centre)
    assert await street.db.read(lambda tx: len(ledger_store.ledger(tx, poll.id))) == 1


async def test_four_voters_on_one_phone_are_asked_who_and_counted_apart(street):
    poll = await opens(street)
    bare = await street.says(SHARED, "1")
    assert (bare.intent, bare.key) == ("clarify", "SHARE_ASK")
    assert bare.text == (
        "没记票:这部手机登记了4人。张建国投回2311到2313,张建军2321到2323,其余类推" if len(bare.text) > 70 else bare.text
    )
    assert "2311到2313" in bare.text
    code = await street.says(SHARED, "231")
    assert code.key == "SHARE_ASK"
    said = [await street.says(SHARED, typed) for typed in ("2311", "23 2 2", "23#3#3", "２３４１")]
    assert [one.key for one in said] == ["SHARE_OK"] * 4
    assert not any(word in one.text for one in said for word in YES_NO_ABSTAIN)
    wrong = await street.says(SHARED, "2351")
    assert wrong.key == "CL_SLOT"
    assert await tally(street, poll) == {"张建国": 1, "张建军": 2, "张秀兰": 3, "张小军": 1}


async def test_a_household_poll_takes_the_representative_alone(street):
    poll = await opens(street, PollKind.HOUSEHOLD)
    alone = await street.says(SHARED, "1")  # four hold the phone, one votes
    assert alone.key == "VOTE_OK"
    assert await tally(street, poll) == {"张建国": 1}

    def moves(tx):
        tx.execute("UPDATE phone_holder SET resident_id = :other WHERE phone_id = :phone",
                   {"other": street.residents["张秀兰"], "phone": street.phones[LI]})  # fmt: skip

    await street.db.write(moves)
    other = await street.says(LI, "2")
    assert (other.intent, other.key) == ("clarify", "HH_REP")
    assert "本户代表是张建国" in other.text
    assert (await street.ask("SELECT count(*) AS n FROM suggestion"))[0]["n"] == 0


async def test_two_polls_are_told_apart_by_their_codes(street):
    first = await opens(street)
    second = await opens(street, number=24, question="路灯装哪", options=("东头", "西头"))
    both = await street.says(WANG, "1")
    assert (both.intent, both.key) == ("clarify", "CL_POLL")
    assert "231、232或233" in both.text
    assert (await street.says(WANG, "231")).key == "VOTE_OK"
    assert (await street.says(WANG, "242")).key == "VOTE_OK"
    assert (await street.says(WANG, "251")).key == "WRONGP"
    assert await tally(street, first) == {"王德福": 1}
    assert await tally(street, second) == {"王德福": 2}


async def test_a_late_answer_never_reaches_a_newer_question(street):
    first = await opens(street, lasts_ms=2 * HOUR_MS)
    await street.clock.advance(3 * HOUR_MS)
    await street.db.write(lambda tx: close_due(tx, street.clock.now_ms(), trusted=True))

    def unit(tx):
        order = Order(PollKind.OPINION, "路灯装哪", ("东头", "西头"), street.clock.now_ms() + DAY_MS, number=24)
        return open_poll(tx, street.means, order, street.clock.now_ms())

    second = await street.db.write(unit)  # not carried yet: this phone has not been asked
    late = await street.says(WANG, "1")
    assert (late.intent, late.key) == ("closed", "CLOSED")
    assert "241或242" in late.text
    assert await tally(street, second) == {}
    assert await tally(street, first) == {}
    assert await street.db.read(lambda tx: len(ledger_store.late_ballots(tx, first.id, first.closes_ms))) == 1
    await street.db.write(street.carry)
    await street.clock.advance(60_000)
    assert (await street.says(WANG, "1")).key == "VOTE_OK"
    assert await tally(street, second) == {"王德福": 1}


async def test_what_was_sent_in_time_counts_when_it_comes_late(street):
    poll = await opens(street, lasts_ms=2 * HOUR_MS)
    sent_ms = poll.closes_ms - 60_000
    await street.clock.advance(3 * HOUR_MS)
    await street.db.write(lambda tx: close_due(tx, street.clock.now_ms(), trusted=True))
    came = await street.says(WANG, "1", centre_ms=sent_ms)
    assert (came.intent, came.key) == ("vote", "LATE_OK")
    too_late = await street.says(LI, "1", centre_ms=poll.closes_ms + 1000)
    assert (too_late.intent, too_late.key) == ("closed", "CLOSED")
    assert await tally(street, poll) == {"王德福": 1}
    await street.db.write(
        lambda tx: count_due(tx, street.means, poll.closes_ms + LISTENED_MS, trusted=True, up_since_ms={})
    )
    counted = await street.says(SHARED, "2311", centre_ms=sent_ms)
    assert (counted.intent, counted.key) == ("closed", "CLOSED")
    assert await street.db.read(lambda tx: len(ledger_store.late_ballots(tx, poll.id, poll.closes_ms))) == 2


async def test_a_centre_whose_clock_is_ahead_takes_nobodys_vote_away(street):
    """What came before the deadline was written before it, whatever the SMS centre thinks."""
    poll = await opens(street)
    await street.clock.advance(poll.closes_ms - street.clock.now_ms() - 10_000)
    told = await street.says(WANG, "231", centre_ms=poll.closes_ms + 20_000)
    assert told.key == "VOTE_OK"
    assert await tally(street, poll) == {"王德福": 1}


@pytest.mark.parametrize("typed", ["1", "231", "同意"])
async def test_a_guessed_clock_calls_nobody_late(street, typed):
    """The Pi is back after a power cut and thinks that the deadline has passed; nothing is closed by a guess."""
    poll = await opens(street)
    await street.clock.advance(poll.closes_ms - street.clock.now_ms() + 60_000)
    street.clock.set_trusted(False)
    assert (await street.says(WANG, typed)).key == "VOTE_OK"
    street.clock.set_trusted(True)
    assert (await street.says(LI, typed)).key == "CLOSED"


async def test_a_withdrawn_poll_says_so(street):
    poll = await opens(street)
    now_ms = street.clock.now_ms()
    await street.db.write(lambda tx: withdraw(tx, street.means, poll.id, why="题目写错了", by="王", now_ms=now_ms))
    answered = await street.says(WANG, "1")
    assert (answered.intent, answered.key) == ("closed", "WITHDRAWN")
    assert "题目写错了" in answered.text


async def test_who_was_not_asked_by_sms_may_answer_what_stands_on_the_page(street):
    from village.people.optout import set_opted

    await street.db.write(
        lambda tx: set_opted(tx, street.phones[WANG], "alerts", how="sms", at_ms=street.clock.now_ms())
    )
    poll = await opens(street)
    assert (await street.says(WANG, "1")).key == "VOTE_OK"
    assert await tally(street, poll) == {"王德福": 1}


async def test_an_answer_to_a_notice_is_no_ballot_and_a_ballot_no_receipt(street):
    poll = await opens(street)
    await street.sends()
    await street.clock.advance(60_000)
    assert (await street.says(WANG, "9")).intent == "confirm"
    assert (await street.says(WANG, "1")).intent == "vote"
    assert await tally(street, poll) == {"王德福": 1}


async def test_a_stranger_is_told_once_and_never_counted(street):
    poll = await opens(street)
    assert (await street.says(STRANGER, "1")).key == "UNREG"
    assert (await street.says(STRANGER, "231")).key is None
    assert await tally(street, poll) == {}


async def test_checking_tells_the_receipt_and_never_the_choice(street):
    await opens(street)
    before = await street.says(WANG, "03")
    assert before.text == "征求意见23:还没投,6日9点10分截止,投票回231、232或233"
    voted = await street.says(WANG, "2")
    receipt = re.search(r"回执(\d{5})", voted.text)[1]
    after = await street.says(WANG, "查")
    assert after.text == f"征求意见23:已投,回执{receipt}"
    shared = await street.says(SHARED, "03")
    assert shared.text.startswith("征求意见23:本机4人,投了0人")


async def test_ballots_are_answered_however_many_texts_came_before(street):
    await opens(street)
    for _ in range(9):
        await street.says(WANG, "0")
    assert (await street.says(WANG, "0")).key is None
    assert (await street.says(WANG, "1")).key == "VOTE_OK"


async def test_whoever_opts_out_gets_no_more_of_a_poll(street):
    def unit(tx):
        order = Order(PollKind.OPINION, "路灯装哪", ("东头", "西头"), street.clock.now_ms() + DAY_MS)
        return open_poll(tx, street.means, order, street.clock.now_ms())

    poll = await street.db.write(unit)
    await street.says(WANG, "T")
    states = await street.db.read(
        lambda tx: [c.state for c in store.copies_of(tx, poll.id, phone_id=street.phones[WANG])]
    )
    assert states == ["withdrawn"]


# secrecy


async def test_no_row_no_log_and_no_list_of_the_desk_shows_a_choice(street, caplog):
    """Two voters choose differently; whatever differs in the file between them is sealed or random."""
    from village.keywords.store import letters

    caplog.set_level(0)
    await opens(street)
    await street.says(WANG, "不同意")
    await street.says(LI, "同意")
    await street.says(WANG, "我不选1")
    tables = await street.ask("SELECT name FROM sqlite_master WHERE type = 'table'")
    clear = []
    for table in tables:
        for row in await street.ask(f"SELECT * FROM {table['name']}"):
            clear += [(table["name"], key, value) for key, value in dict(row).items() if isinstance(value, str)]
    named = [c for c in clear if "同意" in c[2] and c[0] != "poll"]
    assert named == []
    rows = await street.ask("SELECT * FROM interpretation WHERE intent = 'vote' ORDER BY id")
    one, other = (
        {k: v for k, v in dict(row).items() if k in ("intent", "why", "shown", "concerns", "reply_key", "person")}
        for row in rows
    )
    assert one == other
    assert one["shown"] == 0
    prints = await street.ask("SELECT text_print FROM inbox")
    assert len({bytes(row["text_print"]) for row in prints}) == len(prints)
    sealed = await street.ask("SELECT length(sealed) AS n FROM ballot")
    assert len({row["n"] for row in sealed}) == 1
    said = await street.db.read(lambda tx: letters(tx, limit=50))
    assert all(letter.sealed_text is None for letter in said)
    assert not any("同意" in record.getMessage() for record in caplog.records)


async def test_a_rehearsal_tells_nothing_of_a_ballot_and_leaves_it_standing(street):
    """`village interpret` is at hand for whoever has the village's folder: it answers as if nobody had voted."""
    poll = await opens(street)

    async def rehearses(text):
        decision = await rehearsed(street.db, street.answering, WANG, text)
        return re.sub(r"\d{5}", "#", decision.as_json())

    texts = ("1", "2", "231", "232", "同意", "不同意", "03", "236", "234#")
    before = [await rehearses(text) for text in texts]
    await street.says(WANG, "不同意")
    assert [await rehearses(text) for text in texts] == before
    assert await tally(street, poll) == {"王德福": 2}
    assert len(await street.ask("SELECT * FROM ballot")) == 1


async def test_another_phone_of_the_voters_hears_nothing_of_the_ballot_before(street):
    """A clerk can add a phone of their own to somebody's name; it must not tell what that voter chose."""
    poll = await opens(street)

    def added(tx):
        phone = phones.admit(tx, street.means.vault, Phone(STRANGER, PhoneKind.MOBILE), street.clock.now_ms())
        phones.hold(tx, phone, street.residents["王德福"], "desk", by="陈会计", at_ms=street.clock.now_ms())

    said = {}
    for chosen in ("1", "2"):
        await street.says(WANG, f"23{chosen}")
        await street.db.write(added)
        before = (await street.says(STRANGER, "03")).text
        told = await street.says(STRANGER, "231")
        again = (await street.says(STRANGER, "03")).text
        said[chosen] = [told.key, *(re.sub(r"\d{5}", "#", text) for text in (before, told.text, again))]
        assert re.search(r"\d{5}", before) is None
    assert said["1"] == said["2"]
    assert said["1"][0] == "VOTE_OK"
    assert await tally(street, poll) == {"王德福": 1}  # the last one counts, wherever it came from


# noise

OPTION_WORDS = re.compile("东|西|学校")


async def _never_votes_by_chance(street, count: int, seed: int) -> int:
    """Texts of noise while two kinds of options are open to two phones; how many were votes."""
    await opens(street, options=("东头", "西头", "学校"), question="路灯装哪")
    rng, votes = random.Random(seed), 0
    for _ in range(count):
        text = random_text(rng)
        if rng.random() < 0.2:
            text = rng.choice(("东头", "西头", "学校", "不要", "选", "东", "西头吧")) + text[: rng.randrange(6)]
            text = rng.choice(("", "", "请问", "是不是", "?")) + text + rng.choice(("", "", "?", "？", "吗", "呢"))
        decision = await rehearsed(street.db, street.answering, rng.choice((WANG, SHARED)), text)
        if decision.intent.value == "vote":
            votes += 1
            plain = normalise(text)
            assert DIGIT.search(plain) or KNOWN.search(plain) or OPTION_WORDS.search(plain), text
            assert not re.search("[没未别勿甭莫×]|请问|是不是", plain), text
            assert not re.search("[?吗呢]", unicodedata.normalize("NFKC", text)), text
    return votes


async def test_noise_never_votes_without_a_digit_or_an_options_word(street):
    """`FUZZ=100000` takes the whole measure; every run takes a share of it."""
    assert await _never_votes_by_chance(street, int(os.environ.get("FUZZ", "1500")), 20261205) > 0
