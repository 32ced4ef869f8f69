"""Pasted names, what is to be done by a day, and the leaders' letters, on the desk's pages."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from audio.speech import Speech
from gateway.message import CallEvent, CallStep, State
from gateway.outbox import Outbox
from tests.notices.town import Town
from tests.web.kit.browser import Browser, Page
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.notices import tasks_store
from village.notices.correct_notice import correct_notice
from village.notices.done import Done, mark_done
from village.notices.events import task_call
from village.notices.leaders import tell_leaders
from village.notices.notice import Notice
from village.notices.office import Means, Office
from village.notices.stop_notice import stop_notice
from village.notices.tasks import remind_due
from village.people.audience import Audience
from village.people.changes_store import set_field
from village.web import desk_accounts, desk_notices
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.gate import Role
from village.web.kit.serving import listening
from village.web.kit.store import set_role

KEY = b"v" * 32
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HOUR = 3_600_000
LIST = (
    "#接龙\n通知1收到请接龙\n例 1. 张三\n1. 王德福\n2. 李桂英 3组\n3、张三家 全家知道\n4．🌸幸福一家(王德福1)\n"
    "5. 李桂英\n6. 小芳\n7. 赵田禾 没收到短信\n8. 孙大娘 2组"
)


@dataclass
class Desk:
    browser: Browser
    db: Database
    town: Town
    notice: Notice

    async def look(self, text: str = LIST, path: str = "/notices/1/jielong") -> Page:
        page = await self.browser.get(path)
        return await self.browser.submit(page, path, text=text)

    async def count(self, page: Page, *units: int, path: str = "/notices/1/jielong") -> Page:
        fields = [*carried(page, path + "/count"), *[("unit", str(unit)) for unit in units]]
        return await self.browser.post(path + "/count", fields)

    async def confirmed(self) -> list[tuple[str, str, str]]:
        rows = await self.db.read(
            lambda tx: tx.execute(
                "SELECT u.name, c.via, c.recorded_by FROM notice_confirmation c JOIN notice_unit u ON u.id = c.unit_id"
                " WHERE c.lapsed_ms IS NULL ORDER BY u.place"
            ).fetchall()
        )
        return [tuple(row) for row in rows]

    async def done(self) -> list[str]:
        units = await self.db.read(lambda tx: tasks_store.task_units(tx, self.notice.id))
        return [unit.name for unit in units if unit.done_ms is not None]

    async def unit(self, name: str, group: int | None = None) -> int:
        units = await self.db.read(lambda tx: tasks_store.task_units(tx, self.notice.id))
        return next(one.unit_id for one in units if one.name == name and group in (None, one.group_no))


def carried(page: Page, action: str) -> list[tuple[str, str]]:
    """Every hidden field of the form, the repeated ones too."""
    body = re.search(rf'<form[^>]*action="{action}".*?</form>', page.text, re.S)
    assert body is not None, page.text
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body[0])


def ticked(page: Page) -> list[int]:
    return [int(value) for value in re.findall(r'name="unit" value="(\d+)" checked', page.text)]


@pytest.fixture
def town(vault: Vault, clock: MovableClock) -> Town:
    return Town(Means(Outbox(vault, clock), vault, Office("青山村", "青山村", "88001234", "19900000110")), clock)


@pytest.fixture
async def desk(db: Database, clock: MovableClock, town: Town, tmp_path: Path) -> AsyncIterator[Desk]:
    def prepare(tx):  # type: ignore[no-untyped-def]
        leader = town.house(tx, "李组长", group=1)
        set_field(tx, town.hand, leader.residents[0], "group_leader", 1)
        town.house(tx, "王德福", group=1, people=2)
        town.house(tx, "李桂英", group=1, phones=0)
        town.house(tx, "张三", group=2)
        town.house(tx, "孙大娘", group=3)
        town.house(tx, "李桂英", group=3, phones=0)
        town.house(tx, "赵田禾", group=3)
        return first_visit_code(tx, KEY), town.send(tx, "医保12月25日截止,每人400元")

    code, notice = await db.write(prepare)
    speech, accounts = Speech(tmp_path / "clips"), Accounts(db, clock, KEY)
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        rail=[RailEntry("/", say("今天")), RailEntry("/notices", say("送达"))],
        routes=[
            *desk_notices.routes(db, clock, town.means, speech),
            *desk_accounts.routes(accounts),
        ],
    )
    async with listening(app) as (address,):
        browser = Browser(address.url)
        first = await browser.get("/first")
        password = "qingshan lvshui"
        await browser.submit(first, "/first", code=code, name="陈会计", password=password, password_again=password)
        yield Desk(browser, db, town, notice)
        await browser.close()
    await speech.close()
    accounts.close()


# 接龙


async def test_who_has_not_answered_is_shown_unticked_with_a_word_why(desk: Desk) -> None:
    page = await desk.look("#接龙\n1.王德福 @赵田禾\n还没接龙的：\n1.张三\n2.李桂英")
    assert ticked(page) == [await desk.unit("王德福")]
    assert "写在“还没有回的”下面" in page.text
    assert "是别人@他的" in page.text
    assert "叫李桂英的不止一个" in page.text


async def test_a_pasted_list_is_looked_at_and_then_counted(desk: Desk) -> None:
    page = await desk.look()
    assert page.status == 200
    sure = ticked(page)
    assert sure == [await desk.unit("王德福"), await desk.unit("李桂英", 3), await desk.unit("张三")]
    assert "叫李桂英的不止一个" in page.text
    assert "写的组和花名册不一样" in page.text
    assert "后面还写了别的话" in page.text
    assert "6. 小芳" not in page.text.split("没对上")[0]
    assert "小芳" in page.text
    assert await desk.confirmed() == []
    after = await desk.count(page, *sure, await desk.unit("李桂英", 1))
    assert after.path == "/notices/1"
    assert "记下4户收到（微信群）。1个没对上，没有记：小芳" in after.text
    assert "微信群 4" in after.text
    assert await desk.confirmed() == [
        ("王德福", "wechat", "陈会计"),
        ("李桂英", "wechat", "陈会计"),
        ("张三", "wechat", "陈会计"),
        ("李桂英", "wechat", "陈会计"),
    ]
    again = await desk.look()
    assert ticked(again) == []
    assert "记过的 4 个" in again.text or "记过的 5 个" in again.text


async def test_one_form_counts_once_and_two_clerks_do_not_count_twice(desk: Desk) -> None:
    first, second = await desk.look("1.王德福\n2.张三"), await desk.look("1.王德福")
    pages = await asyncio.gather(desk.count(first, *ticked(first)), desk.count(second, *ticked(second)))
    assert all(page.status == 200 for page in pages)
    repeated = await desk.count(first, *ticked(first))
    assert repeated.path == "/notices/1"
    assert "记下" not in repeated.text.split("<h1>")[0] or "以前就记过" not in repeated.text
    assert [name for name, _, _ in await desk.confirmed()] == ["王德福", "张三"]


async def test_corrected_in_between_counts_nobody_and_says_so(desk: Desk) -> None:
    page = await desk.look("1.王德福")
    await desk.db.write(
        lambda tx: correct_notice(
            tx, desk.town.means, 1, text="医保12月28日截止", due_ms=None, seen_version=1, by="李",
            now_ms=desk.town.clock.now_ms(),
        )
    )  # fmt: skip
    after = await desk.count(page, *ticked(page))
    assert after.status == 409
    assert "通知1刚刚更正过，名单里的人回的是旧的，什么都没有记" in after.text
    assert "1.王德福" in after.text  # nothing typed is lost
    assert await desk.confirmed() == []


async def test_what_cannot_be_counted(desk: Desk) -> None:
    page = await desk.look("1.王德福")
    assert (await desk.count(page)).status == 422
    assert (await desk.count(await desk.look("1.王德福"), 999)).status == 404
    assert (await desk.look("")).status == 422
    assert (await desk.look("王" * 20_001)).status == 422
    assert (await desk.browser.get("/notices/99/jielong")).status == 404
    page = await desk.look("1.王德福")
    await desk.db.write(lambda tx: stop_notice(tx, desk.town.means, 1, seen_version=1, by="李", now_ms=0))
    assert (await desk.count(page, *ticked(page))).status == 409
    assert await desk.confirmed() == []


async def test_a_wrong_one_is_taken_back_and_an_own_answer_is_not(desk: Desk) -> None:
    page = await desk.look("1.王德福")
    await desk.count(page, *ticked(page))
    unit_id = await desk.unit("王德福")
    shown = await desk.browser.get(f"/notices/1/units/{unit_id}")
    assert "微信群里接了龙，陈会计记的" in shown.text
    after = await desk.browser.submit(shown, "/notices/1/jielong/undo", unit=str(unit_id))
    assert "（取消了）" in after.text
    assert await desk.confirmed() == []


async def test_only_those_who_write_may_count(desk: Desk) -> None:
    page = await desk.look("1.王德福")
    await desk.db.write(lambda tx: set_role(tx, 1, str(Role.SUPERVISORY)))
    assert (await desk.browser.get("/notices/1/jielong")).status == 403
    assert (await desk.count(page, *ticked(page))).status == 403
    assert "贴微信接龙" not in (await desk.browser.get("/notices/1")).text


async def test_of_persons_the_person_alone(desk: Desk) -> None:
    def unit(tx):  # type: ignore[no-untyped-def]
        found = tx.execute("SELECT id FROM resident WHERE name IN ('王德福', '王德福1')").fetchall()
        return desk.town.send(tx, "打疫苗", audience=Audience.residents({row["id"] for row in found}))

    await desk.db.write(unit)
    page = await desk.look("1.王德福家\n2.王德福1", path="/notices/2/jielong")
    assert len(ticked(page)) == 1
    assert "王德福家" in page.text.split("没对上的 1 个")[1]


# to be done by a day


async def set_day(desk: Desk, **fields: str) -> Page:
    page = await desk.browser.get("/notices/1/task")
    return await desk.browser.submit(page, "/notices/1/task", **({"what": "医保", "by_day": "2026-12-25"} | fields))


async def test_the_day_is_set_and_households_are_ticked(desk: Desk) -> None:
    page = await desk.browser.get("/notices/1/task")
    assert "定好日子" in page.text
    assert 'value="医保"' in page.text
    page = await set_day(desk)
    assert "12月22日" in page.text
    assert "提醒通知1:医保12月25日截止,您家还没办。办好了回9" in page.text
    unit_id = await desk.unit("王德福")
    page = await desk.browser.submit(page, "/notices/1/task", done=str(unit_id))
    assert await desk.done() == ["王德福"]
    done = await desk.browser.get("/notices/1/task?show=done")
    assert "陈会计勾的" in done.text
    assert await desk.confirmed() == [("王德福", "task", "陈会计")]
    await desk.browser.submit(done, "/notices/1/task", undo=str(unit_id), show="done")
    assert await desk.done() == []
    assert await desk.confirmed() == []


async def test_names_are_found(desk: Desk) -> None:
    await set_day(desk)
    page = await desk.browser.get("/notices/1/task?show=all&find=桂英")
    assert page.text.count("李桂英</a>") == 2
    assert "王德福</a>" not in page.text
    assert "没有叫这个名字的" in (await desk.browser.get("/notices/1/task?find=谁")).text


async def test_a_pasted_list_of_those_who_paid(desk: Desk) -> None:
    assert "先定要办什么" in (await desk.browser.get("/notices/1/task/names")).text
    await set_day(desk)
    path = "/notices/1/task/names"
    page = await desk.look("王德福、张三，李桂英 1组\n王麻子", path)
    assert len(ticked(page)) == 3
    after = await desk.count(page, *ticked(page), path=path)
    assert after.path == "/notices/1/task"
    assert "记下3户办好了。1个没对上，没有记：王麻子" in after.text
    assert await desk.done() == ["王德福", "李桂英", "张三"]
    assert {via for _, via, _ in await desk.confirmed()} == {"task"}  # nobody has to be told of what he has done
    assert "陈会计记了办好了" in (await desk.browser.get(f"/notices/1/units/{await desk.unit('张三')}")).text
    doors = await desk.browser.get("/notices/1/doors")
    assert doors.text.count("李桂英</a>") == 1  # the one in group 3 has neither a phone nor paid


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"what": ""}, "办什么还没有填"),
        ({"what": "城乡居民基本医疗保险缴费啊"}, "办什么要写1到12个字"),
        ({"by_day": "十二月"}, "要写成 2026-12-25 这样"),
        ({"by_day": "2026-12-01"}, "不能是过去的日子"),
    ],
)
async def test_a_day_that_is_none(desk: Desk, fields: dict[str, str], why: str) -> None:
    page = await set_day(desk, **fields)
    assert page.status == 422
    assert why in page.text


async def test_what_became_of_the_reminder(desk: Desk) -> None:
    assert "离最后一天不到三天了" in (await set_day(desk, by_day="2026-12-07")).text
    await set_day(desk)
    on_the_22nd = desk.town.clock.now_ms() + 17 * 24 * HOUR

    def remind(tx: sqlite3.Connection, *places: int) -> None:
        waiting = desk.town.messages(tx, desk.notice)
        for place in places:
            desk.town.deliver(tx, waiting[place]["id"])
        remind_due(tx, desk.town.means, on_the_22nd, trusted=True)

    await desk.db.write(lambda tx: remind(tx, 0))
    part = await desk.browser.get("/notices/1/task")
    assert "提醒了1部；还有4部等通知自己先发出去，再提醒。" in part.text
    await desk.db.write(lambda tx: remind(tx, 1, 2, 3, 4))
    page = await desk.browser.get("/notices/1/task")
    assert "短信5条，到手机0条" in page.text
    assert "其中5个还没发出去" in page.text
    assert page.text.count("提醒在排队") == 5

    def fates(tx: sqlite3.Connection) -> None:
        sent = [row["id"] for row in tx.execute("SELECT id FROM message_state WHERE kind = 'task' ORDER BY id")]
        desk.town.deliver(tx, sent[0])
        desk.town.fail(tx, sent[1], "dead_number")
        (unit,) = tx.execute("SELECT unit_id FROM task_reminder WHERE message_id = :id", {"id": sent[2]}).fetchone()
        mark_done(tx, desk.town.means.outbox, desk.notice.id, [unit], via=Done.DESK, now_ms=desk.town.clock.now_ms())

    await desk.db.write(fates)
    page = await desk.browser.get("/notices/1/task")
    assert "短信4条，到手机1条" in page.text  # the one that was taken back reminded nobody
    assert [page.text.count(word) for word in ("提醒过", "提醒没到", "提醒在排队")] == [1, 1, 2]
    page = await desk.browser.submit(page, "/notices/1/task", drop="1")
    assert "不催了" in page.text


async def test_where_all_are_called_the_page_shows_what_is_said(desk: Desk) -> None:
    def prefer(tx: sqlite3.Connection) -> None:
        for row in desk.town.messages(tx, desk.notice):
            desk.town.wants(tx, row["phone"], "call")

    assert "【青山村】提醒通知1:医保12月25日截止" in (await set_day(desk)).text
    await desk.db.write(prefer)
    page = await desk.browser.get("/notices/1/task")
    assert "提醒通知1：医保12月25日截止，您家还没办。办好了按9。不会办" in page.text
    assert "【青山村】提醒" not in page.text


async def test_two_clerks_and_one_day(desk: Desk) -> None:
    """He mends the word on a page from before she moved the day: her day stands until he has seen it."""
    await set_day(desk)
    path = "/notices/1/task"
    his = await desk.browser.get(path)
    hers = await desk.browser.get(path)
    await desk.browser.submit(hers, path, what="医保", by_day="2026-12-31")
    page = await desk.browser.submit(his, path, what="医保费", by_day="2026-12-25")
    assert page.status == 409
    assert "改过：医保，最晚12月31日。什么都没有改，请看一眼再定" in page.text
    assert (await desk.browser.submit(his, path, drop="1")).status == 409
    page = await desk.browser.submit(page, path, what="医保费", by_day="2026-12-31")
    assert page.status == 200
    assert "医保费：最晚" in page.text


async def test_the_page_tells_calls_from_sms(desk: Desk) -> None:
    def prefer(tx: sqlite3.Connection) -> int:
        phone = desk.town.messages(tx, desk.notice)[0]["phone"]
        desk.town.wants(tx, phone, "call")
        for row in desk.town.messages(tx, desk.notice):
            desk.town.deliver(tx, row["id"])
        return int(phone)

    phone = await desk.db.write(prefer)
    assert "现在算是4部手机" in (await set_day(desk)).text
    assert "不看短信的打电话，念一样的话，现在算是1个。" in (await desk.browser.get("/notices/1/task")).text
    on_the_22nd = desk.town.clock.now_ms() + 17 * 24 * HOUR

    def call(tx: sqlite3.Connection) -> None:
        remind_due(tx, desk.town.means, on_the_22nd, trusted=True)
        row = tx.execute("SELECT id FROM message_state WHERE kind = 'task' AND channel = 'call'").fetchone()
        event = CallEvent(row["id"], "task", "", CallStep.KEY, "9", on_the_22nd, node="ask")
        desk.town.move(tx, row["id"], State.SENDING)
        task_call(tx, desk.town.means, event)
        desk.town.move(tx, row["id"], State.DELIVERED)
        assert tx.execute("SELECT phone_id FROM task_done").fetchone()["phone_id"] == phone

    await desk.db.write(call)
    page = await desk.browser.get("/notices/1/task?show=done")
    assert (
        "短信4条，到手机0条。 电话1个，听了1个。 其中4个还没发出去。 到了手机、听了电话的，同一个日子只提醒一次。"
        in page.text
    )
    assert "电话里按9说办好了" in page.text


# the leaders


async def test_the_door_page_says_which_leader_was_told(desk: Desk) -> None:
    before = await desk.browser.get("/notices/1/doors")
    assert "起短信发给组长李组长，他回“上门1 几号”就勾上了" in before.text
    assert "没有短信告诉组长：花名册上没有组长" in before.text
    await desk.town.clock.advance(3 * HOUR)

    def tell(tx):  # type: ignore[no-untyped-def]
        assert tell_leaders(tx, desk.town.means, desk.town.clock.now_ms(), trusted=True) == 1
        row = tx.execute("SELECT id FROM message_state WHERE kind = 'leader'").fetchone()
        desk.town.deliver(tx, row["id"])

    await desk.db.write(tell)
    after = await desk.browser.get("/notices/1/doors")
    assert "短信发给组长李组长（" in after.text
    assert "到手机了" in after.text
    assert "组长单上1号" in after.text
    paper = await desk.browser.get("/notices/1/doors/print")
    assert "<b>1 李桂英</b>" in paper.text
    assert paper.text.count("名字前面是短信里的号") == 1


async def test_the_door_page_says_that_no_leader_has_the_list(desk: Desk) -> None:
    await desk.town.clock.advance(3 * HOUR)

    def tell(tx: sqlite3.Connection) -> None:
        assert tell_leaders(tx, desk.town.means, desk.town.clock.now_ms(), trusted=True) == 1
        row = tx.execute("SELECT id FROM message_state WHERE kind = 'leader'").fetchone()
        desk.town.fail(tx, row["id"], "full_phone")
        assert tell_leaders(tx, desk.town.means, desk.town.clock.now_ms(), trusted=True) == 0

    await desk.db.write(tell)
    page = await desk.browser.get("/notices/1/doors")
    assert "短信没有到组长李组长手里。请把上门单打印出来，交给去的人。" in page.text


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [360, 1280])
async def test_no_page_is_wider_than_the_screen(desk: Desk, width: int) -> None:
    """And the whole way with a mouse: paste, look, choose, count."""
    await set_day(desk)
    await desk.town.clock.advance(3 * HOUR)
    await desk.db.write(lambda tx: tell_leaders(tx, desk.town.means, desk.town.clock.now_ms(), trusted=True))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = await browser.new_context(viewport={"width": width, "height": 780}, locale="zh-CN")
        for cookie in desk.browser.session.cookie_jar:
            await context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": desk.browser.base}])
        tab = await context.new_page()
        trouble: list[str] = []
        tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        await tab.goto(desk.browser.base + "/notices/1/jielong")
        await tab.fill("[name=text]", LIST)
        await tab.click("button.main:has-text('看看对得上谁')")
        await tab.wait_for_selector("form.names")
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await tab.select_option("form.names select >> nth=0", index=1)
        await tab.click("button.main:has-text('勾上的记成收到')")
        await tab.wait_for_url("**/notices/1")
        for path in ("/notices/1", "/notices/1/doors", "/notices/1/task", "/notices/1/task?show=all",
                     "/notices/1/task/names", "/notices/1/jielong", "/notices/1/wechat"):  # fmt: skip
            await tab.goto(desk.browser.base + path)
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert trouble == []
        await browser.close()
    assert len(await desk.confirmed()) == 4
