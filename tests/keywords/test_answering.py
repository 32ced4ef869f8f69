"""From an SMS that comes in to what is done and answered, through the real inbox, roster, notices and outbox."""

import random

import pytest

from tests.keywords.conftest import LI, SHARED, STRANGER, WANG, WATER
from tests.keywords.fuzz import random_text
from village.community import store as community
from village.keywords import store
from village.keywords.answering import AnswerSettings
from village.keywords.replies import fits
from village.notices.correct_notice import correct_notice
from village.notices.notice import Channels, Order
from village.notices.send_notice import send_notice
from village.notices.stop_notice import stop_notice
from village.people.audience import Audience
from village.people.registration import issue
from village.people.store import phone_by_id

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000


async def confirmed(street, *, lapsed=False):
    rows = await street.ask("SELECT * FROM notice_confirmation WHERE (lapsed_ms IS NOT NULL) = :lapsed", lapsed=lapsed)
    return [(row["notice_id"], row["version"], row["phone_id"], row["via"]) for row in rows]


# 9


@pytest.mark.parametrize(
    "text", ["9", "９", "收到", "收到了,谢谢村长", "SD", "知道了", "好的", "收到1通知", "停水知道了"]
)
async def test_a_nine_confirms_the_newest_notice_without_an_answer(street, text):
    notice = await street.sends()
    await street.clock.advance(MINUTE)
    answer = await street.says(WANG, text.replace("收到1通知", f"收到通知{notice.number}"))
    assert (answer.intent, answer.text) == ("confirm", None)
    assert await confirmed(street) == [(notice.id, 1, street.phones[WANG], "sms")]
    assert answer.row["concerns"] == f"notice/{notice.id}"
    assert not answer.row["shown"]


async def test_what_is_due_months_later_is_answered_by_its_number_until_then(street):
    notice = await street.sends(due_ms=street.clock.now_ms() + 60 * 24 * HOUR)
    await street.clock.advance(20 * 24 * HOUR)
    await street.sends("明天停水")
    await street.clock.advance(20 * 24 * HOUR)
    assert (await street.says(WANG, f"收到通知{notice.number}")).intent == "confirm"
    assert await confirmed(street) == [(notice.id, 1, street.phones[WANG], "sms")]


async def test_an_acknowledgement_is_sent_where_the_village_wants_it(street):
    street.settings = AnswerSettings(acknowledge=True)
    notice = await street.sends()
    await street.clock.advance(MINUTE)
    answer = await street.says(WANG, "9")
    assert answer.text == f"已记下您收到通知{notice.number}。再听回02{notice.number:02},看更多回01"


async def test_a_late_nine_never_reaches_a_newer_notice(street):
    first = await street.sends("第一条停水")
    await street.clock.advance(10 * MINUTE)
    written_ms = street.clock.now_ms()
    await street.clock.advance(10 * MINUTE)
    await street.sends("第二条停电")
    await street.clock.advance(MINUTE)
    await street.says(WANG, "9", centre_ms=written_ms)
    assert [row[0] for row in await confirmed(street)] == [first.id]


async def test_after_a_correction_the_old_answer_does_not_confirm_the_new_words(street):
    notice = await street.sends()
    await street.clock.advance(10 * MINUTE)
    written_ms = street.clock.now_ms()
    await street.clock.advance(MINUTE)

    def correct(tx):
        correct_notice(
            tx, street.means, notice.id, text="12月7日周一停水", short_text="", due_ms=None, seen_version=1, by="测试",
            now_ms=street.clock.now_ms(),
        )  # fmt: skip
        street.carry(tx)

    await street.db.write(correct)
    await street.clock.advance(MINUTE)
    late = await street.says(WANG, "9", centre_ms=written_ms)
    assert late.key == "STALE"
    assert await confirmed(street) == []
    again = await street.says(WANG, "9")
    assert again.text is None
    assert await confirmed(street) == [(notice.id, 2, street.phones[WANG], "sms")]


async def test_a_nine_with_nothing_asked_is_clarified(street):
    answer = await street.says(WANG, "9")
    assert (answer.intent, answer.key) == ("clarify", "NOQ")


async def test_a_notice_still_in_the_queue_was_not_asked(street):
    await street.sends()
    written_ms = street.clock.now_ms() - HOUR
    answer = await street.says(WANG, "9", centre_ms=written_ms)
    assert answer.intent == "clarify"
    assert await confirmed(street) == []


async def test_good_confirms_nothing_once_something_else_was_answered(street):
    await street.sends()
    await street.clock.advance(MINUTE)
    await street.says(WANG, "路灯坏了")
    await street.clock.advance(MINUTE)
    answer = await street.says(WANG, "好的")
    assert (answer.intent, answer.text) == ("ignore", None)
    assert await confirmed(street) == []


async def test_what_was_heard_of_something_else_is_kept_as_words(street):
    await street.sends()
    await street.clock.advance(MINUTE)
    answer = await street.says(WANG, "医保知道了")
    assert answer.intent == "suggestion"
    assert await confirmed(street) == []


# 01, 0117, 02, 0217, 020


async def test_01_lists_what_stands_and_0117_reads_it(street):
    notice = await street.sends("停水通知。12月6日早8点到下午3点")
    stopped = await street.sends("打疫苗")
    await street.db.write(
        lambda tx: stop_notice(tx, street.means, stopped.id, seen_version=1, by="x", now_ms=street.clock.now_ms())
    )
    await street.clock.advance(MINUTE)
    listed = await street.says(WANG, "01")
    assert listed.text == f"{notice.number}停水通知(明天)。看全文回01{notice.number:02},听回02{notice.number:02}"
    whole = await street.says(WANG, f"01{notice.number:02}")
    assert whole.key == "NOTICE"
    assert "12月6日早8点到下午3点" in whole.text
    assert (await street.says(WANG, f"01{stopped.number:02}")).key == "NO_NOTICE"
    assert (await street.says(WANG, "0188")).key == "NO_NOTICE"


async def test_a_text_fetched_with_0117_can_be_answered_and_is_corrected_too(street):
    notice = await street.sends(channels=Channels(sms=False, call=False, page=True))
    await street.clock.advance(MINUTE)
    await street.says(WANG, f"01{notice.number:02}")
    await street.db.write(street.carry)
    await street.clock.advance(MINUTE)
    assert (await street.says(WANG, "9")).intent == "confirm"
    assert [row[0] for row in await confirmed(street)] == [notice.id]
    kinds = await street.ask("SELECT kind FROM notice_copy WHERE phone_id = :phone", phone=street.phones[WANG])
    assert [row["kind"] for row in kinds] == ["asked"]


async def test_a_notice_for_others_is_not_read_out_to_everybody(street):
    only_li = Audience.residents({street.residents["李桂英"]})
    notice = await street.sends("低保复核", audience=only_li, channels=Channels(page=False))
    await street.clock.advance(MINUTE)
    assert (await street.says(WANG, f"01{notice.number:02}")).key == "NO_NOTICE"
    assert (await street.says(WANG, f"02{notice.number:02}")).key == "NO_NOTICE"
    assert (await street.says(WANG, "01")).text == "最近没有通知。提意见回04,帮助回0"
    assert (await street.says(LI, f"01{notice.number:02}")).key == "NOTICE"


async def test_02_calls_once_and_020_takes_it_back(street):
    notice = await street.sends()
    await street.clock.advance(MINUTE)
    assert (await street.says(WANG, "02")).text == "好,马上用88001234打给您念,接听不花钱"
    assert (await street.says(WANG, f"02{notice.number:02}")).key == "CALL"
    calls = await street.ask("SELECT state, priority FROM message_state WHERE channel = 'call'")
    assert [(row["state"], row["priority"]) for row in calls] == [("queued", 20)]
    waiting = await street.says(LI, "听")
    assert waiting.text == "线路忙,排在您前面1人,约2分钟后打给您。不用打了回020"
    assert (await street.says(LI, "020")).text == "好,不打了。想听再回02"
    assert (await street.says(LI, "020")).text.startswith("没有等着打给您的电话")
    calls = await street.ask("SELECT state FROM message_state WHERE channel = 'call' ORDER BY id")
    assert [row["state"] for row in calls] == ["queued", "withdrawn"]


async def test_02_without_a_line_or_a_notice_says_so(street):
    assert (await street.says(WANG, "02")).key == "NO_CALL"
    await street.sends()
    street.without_calls()
    assert (await street.says(WANG, "02")).text == "现在还不能打电话念。看通知回01,要人念请打88001234"


# registration and opting out


async def test_a_stranger_is_told_once_a_day_and_registers_with_his_code(street):
    first = await street.says(STRANGER, "1")
    assert first.text == "这个号码没登记,这条没算票。请到村委会领6位码发回来;在外地打88001234"
    assert (await street.says(STRANGER, "你们是谁")).text is None
    code = await street.db.write(
        lambda tx: issue(tx, street.means.vault, street.residents["王德福"], by="测试", at_ms=street.clock.now_ms())
    )
    done = await street.says(STRANGER, code)
    assert (done.intent, done.text) == ("register", "登记成功:王德福,3组。收通知和表决。号码只给村委会用。退订回T")
    assert not done.row["shown"]
    assert (await street.says(STRANGER, "0")).intent == "menu"
    await street.clock.advance(24 * HOUR)
    assert (await street.says("+8619911112222", "1")).key == "UNREG"


async def test_three_wrong_codes_and_no_more_answers(street):
    answers = [await street.says(STRANGER, code) for code in ("111111", "111112", "111113", "111114")]
    assert [answer.key for answer in answers] == ["REG_BAD", "REG_BAD", "REG_BAD", None]
    assert "还能试2次" in answers[0].text
    assert "今天不能再试了" in answers[2].text


@pytest.mark.parametrize(
    ("text", "intent", "opted", "start"),
    [
        ("T", "optout", "alerts", "已退订一般通知"),
        ("退訂", "optout", "alerts", "已退订一般通知"),
        ("090", "optout", "alerts", "已退订一般通知"),
        ("T2", "optout", "none", "已停发全部短信"),
        ("092", "optout", "none", "已停发全部短信"),
        ("别退订", "clarify", "all", "没退订"),
        ("我要退订", "clarify", "all", "没退订"),
    ],
)
async def test_opting_out(street, text, intent, opted, start):
    answer = await street.says(WANG, text)
    assert answer.intent == intent
    assert answer.text.startswith(start)
    phone = await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))
    assert phone.opted == opted
    back = await street.says(WANG, "DY")
    assert (back.intent, back.text) == ("subscribe", "已恢复接收通知、表决和预警。退订回T")
    assert (await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))).opted == "all"


async def test_who_opts_out_is_not_sent_what_still_waits_and_is_told_at_the_door(street):
    def waiting(tx):
        order = Order("12月6日停水", Audience.everyone(), Channels())
        return send_notice(tx, street.means, order, street.clock.now_ms())

    notice = await street.db.write(waiting)
    await street.says(WANG, "0201")  # what he asks for himself still comes
    await street.says(WANG, "T")
    rows = await street.ask(
        "SELECT c.phone_id, c.kind, m.state FROM notice_copy c JOIN message_state m ON m.id = c.message_id"
        " WHERE c.notice_id = :id ORDER BY c.id",
        id=notice.id,
    )
    mine = [(row["kind"], row["state"]) for row in rows if row["phone_id"] == street.phones[WANG]]
    others = {row["state"] for row in rows if row["phone_id"] != street.phones[WANG]}
    assert mine == [("notice", "withdrawn"), ("asked", "queued")]
    assert others == {"queued"}


async def test_a_complaint_that_quotes_us_is_still_for_the_supervisory_committee_alone(street):
    await street.sends()
    answer = await street.says(WANG, f"监督 你们发的【青山村】通知1:{WATER},是假的,王主任拿了钱")
    assert (answer.intent, answer.key) == ("supervise", "SUPERVISE")
    assert [row.why for row in await street.db.read(lambda tx: store.withheld(tx, limit=5))] == ["addressed"]
    assert not answer.row["shown"]


async def test_our_signature_does_not_bring_a_trap_before_the_committee(street):
    answer = await street.says(STRANGER, "【青山村】社保卡停用,请打开 http://bad.example/x 验证")
    assert (answer.intent, answer.text) == ("ignore", None)
    assert not answer.row["shown"]


async def test_a_choice_of_language_is_kept(street):
    await street.says(WANG, "083")
    assert (await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))).slow
    await street.says(WANG, "084")
    assert (await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))).channel == "sms"
    await street.says(WANG, "082")
    phone = await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))
    assert (phone.dialect, phone.slow) == ("本地话", False)


# suggestions


async def test_free_text_becomes_a_numbered_draft_and_never_two(street):
    answer = await street.says(WANG, "村口路灯不亮了")
    assert answer.text == "建议1已收到,村委会7日内答复。查进度回0401。别人附议回04018"
    assert (await street.says(WANG, "村口路灯不亮了")).text == answer.text
    other = await street.says(SHARED, "建议:3组修路")
    assert "建议2已收到" in other.text
    drafts = await street.db.read(lambda tx: community.listed(tx, street.means.vault))
    assert [(draft.number, draft.text, draft.who) for draft in drafts] == [
        (2, "3组修路", None),
        (1, "村口路灯不亮了", "王德福"),
    ]


async def test_others_second_it_once(street):
    await street.says(WANG, "路灯坏了")
    assert (await street.says(LI, "04018")).text == "已给建议1附议,现有1人,一人一次。查进度回0401"
    assert (await street.says(LI, "附议1")).text == "已给建议1附议,现有1人,一人一次。查进度回0401"
    assert (await street.says(WANG, "04018")).key == "LIKE_OWN"
    assert (await street.says(LI, "04998")).key == "SUG_NONE"
    progress = await street.says(LI, "0401")
    assert progress.text == "建议1:12月5日收到,有1人附议,还没答复。急的事打88001234。附议回04018"


async def test_a_call_for_help_of_neighbours_is_kept_for_a_person(street):
    answer = await street.says(WANG, "求助 要车去镇医院")
    assert (answer.intent, answer.key) == ("help", "HELP_OK")
    drafts = await street.db.read(lambda tx: community.listed(tx, street.means.vault))
    assert [(draft.kind, draft.text) for draft in drafts] == [("help", "要车去镇医院")]


async def test_a_hundred_suggestions_are_all_kept(street):
    for at in range(101):
        if at % 4 == 0:
            await street.clock.advance(2 * HOUR)
        await street.says(WANG, f"第{at}个想法是种树")
    rows = await street.ask("SELECT count(*) AS n, count(number) AS numbered, max(number) AS most FROM suggestion")
    assert (rows[0]["n"], rows[0]["numbered"], rows[0]["most"]) == (101, 99, 99)


# what is not for the committee


async def test_words_for_the_supervisory_committee_are_seen_by_it_alone(street):
    answer = await street.says(WANG, "监督 三组的账不公开")
    assert answer.text == "收到,只转给村务监督委员会。也可打12345政务热线或12388纪检举报"
    assert await street.db.read(lambda tx: store.letters(tx, limit=9)) == []
    assert await street.db.read(lambda tx: community.listed(tx, street.means.vault)) == []
    kept = await street.db.read(lambda tx: store.withheld(tx, limit=9))
    assert [(one.why, one.who, street.means.vault.open(one.text)) for one in kept] == [
        ("addressed", "王德福", "监督 三组的账不公开")
    ]
    file = b"".join(path.read_bytes() for path in street.db.path.parent.iterdir())
    assert "三组的账".encode() not in file


@pytest.mark.parametrize(
    ("text", "answered"),
    [("领补贴点 http://abc.top/1", False), ("把验证码123456告诉我", False), ("会计让我请转账500元", True)],
)
async def test_what_looks_like_a_trap_is_kept_aside(street, text, answered):
    answer = await street.says(WANG, text)
    assert answer.intent == "quarantine"
    assert (answer.text is not None) == answered
    assert await street.db.read(lambda tx: store.letters(tx, limit=9)) == []
    assert len(await street.db.read(lambda tx: store.withheld(tx, limit=9))) == 1
    assert (await street.says(STRANGER, text)).text is None


# who is never answered


@pytest.mark.parametrize("sender", ["10086", "95588", "106900001234567", "VILLAGE", "12306", "CMCC-BANK"])
async def test_robots_are_stored_and_never_answered(street, sender):
    answer = await street.says(sender, "9")
    assert (answer.intent, answer.text) == ("ignore", None)


async def test_our_own_words_that_come_back_are_not_answered(street):
    await street.sends()
    for text in ("【青山村】通知17:停水", "转:【青山村】您好", "Fw:【青山村】 收到请回9"):
        answer = await street.says(WANG, text)
        assert (answer.intent, answer.text) == ("ignore", None)
    menu = (await street.says(LI, "0")).text
    echo = await street.says(LI, menu)
    assert (echo.intent, echo.text) == ("ignore", None)
    assert await confirmed(street) == []


async def test_our_own_number_is_not_answered(street):
    assert (await street.says("+8619900000110", "9")).intent == "ignore"


async def test_random_texts_are_all_taken_in(street):
    """`says` fails where a text left trouble in the inbox."""
    await street.sends()
    rng = random.Random(11)
    for _ in range(150):
        await street.clock.advance(rng.randrange(2 * HOUR))
        text = random_text(rng).encode("utf-8", "ignore").decode()
        answer = await street.says(rng.choice([WANG, LI, SHARED, STRANGER, "10086"]), text or "。")
        assert answer.text is None or answer.key == "NOTICE" or fits(f"【青山村】{answer.text}")
    assert (await street.ask("SELECT count(*) AS n FROM interpretation"))[0]["n"] == 150


async def test_who_floods_us_is_told_once_and_still_heard(street):
    keys = [(await street.says(WANG, f"第{at}条建议内容")).key for at in range(9)]
    assert keys == ["SUG_OK"] * 5 + ["THROT", None, None, None]
    assert len(await street.db.read(lambda tx: community.listed(tx, street.means.vault))) == 9
    await street.sends()
    await street.clock.advance(SECOND)
    assert (await street.says(WANG, "T")).text is None
    assert (await street.db.read(lambda tx: phone_by_id(tx, street.phones[WANG]))).opted == "alerts"
    await street.clock.advance(HOUR)
    assert (await street.says(WANG, "0")).key == "MENU"


async def test_a_phone_of_four_may_ask_four_times_as_much(street):
    keys = [(await street.says(SHARED, f"第{at}条建议内容")).key for at in range(21)]
    assert keys == ["SUG_OK"] * 20 + ["THROT"]


# help


@pytest.mark.parametrize("text", ["110", "１２０", "119!", "着火了"])
async def test_a_cry_for_help_rings_the_one_on_duty(street, text):
    street.settings = AnswerSettings(duty_phone="13900001111")
    answer = await street.says(WANG, text)
    assert answer.intent == "emergency"
    assert answer.text == "发到这里报不了警!马上打110、119、120;不能出声发短信到12110。值班干部正给您打电话"
    alarms = await street.db.read(store.open_alarms)
    assert [(alarm.who, alarm.rung) for alarm in alarms] == [("王德福(3组)", True)]
    rung = await street.ask("SELECT channel, priority FROM message_state WHERE kind = 'duty' ORDER BY channel")
    assert [(row["channel"], row["priority"]) for row in rung] == [("call", 0), ("sms", 0)]
    await street.says(WANG, text)
    assert len(await street.ask("SELECT 1 FROM message_state WHERE kind = 'duty'")) == 2


async def test_a_stranger_in_need_is_answered_too_and_nothing_untrue_is_said(street):
    await street.says(STRANGER, "1")
    answer = await street.says(STRANGER, "120")
    assert answer.key == "POLICE"
    assert "正给您打电话" not in answer.text
    assert [alarm.rung for alarm in await street.db.read(store.open_alarms)] == [False]


async def test_a_cry_for_help_is_answered_however_much_somebody_wrote(street):
    for at in range(8):
        await street.says(WANG, f"第{at}条建议内容")
    assert (await street.says(WANG, "110")).key == "POLICE"


# the same message twice


async def test_the_same_row_handed_over_again_changes_nothing(street):
    await street.says(WANG, "路灯坏了")

    def again(tx):
        from gateway.inbox import Inbox
        from tests.keywords.conftest import Events

        inbox = Inbox(street.means.vault, street.clock, Events(street.answering))
        assert inbox.hand_over(tx, 1)

    await street.db.write(again)
    assert len(await street.db.read(lambda tx: community.listed(tx, street.means.vault))) == 1
    assert len(await street.ask("SELECT 1 FROM message_state")) == 1


SERVICES = {
    "MENU": "0 ?",
    "LATEST": "01",
    "NOPOLL": "03 1 同意 投票",
    "SUG_HOW": "04",
    "HELP_HOW": "05",
    "BOOK": "06 061",
    "PARTY": "07 071 072",
    "LANG": "08",
    "OUT_HOW": "09",
    "SUG_REC": "040",
    "SUG_LIST": "041",
    "HELP_NONE": "0533 05338 05337",
    "WRONGP": "231 2311",
    "NOQ": "7 8",
    "UNK": "12 我不选1 👍 085",
    "CL_LETTER": "l",
    "REG_HOW": "注册",
    "DISCLOSE": "公开",
    "MYDATA": "我的信息",
    "SUPER_HOW": "监督",
}
"""What is answered, and to what."""


async def test_every_service_answers_something(street):
    asked = [(text, key) for key, texts in SERVICES.items() for text in texts.split()]
    for at, (text, key) in enumerate(asked):
        if at % 4 == 0:
            await street.clock.advance(6 * HOUR)
        answer = await street.says(WANG, text)
        assert answer.key == key, text
