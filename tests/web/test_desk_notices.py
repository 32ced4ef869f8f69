"""The desk's notice pages on a real socket: written, looked at, sent, stopped, corrected, visited."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from audio.speech import Speech
from gateway.outbox import Outbox
from tests.notices.town import Town
from tests.web.kit.browser import Browser, Page
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.notices import store
from village.notices.confirm import confirm
from village.notices.correct_notice import correct_notice
from village.notices.done import Done, mark_done, undo_done
from village.notices.notice import State
from village.notices.office import Means, Office
from village.notices.tasks import set_task
from village.people.changes_store import set_field
from village.web import desk_accounts, desk_notices
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.gate import Role
from village.web.kit.serving import listening
from village.web.kit.store import set_role

KEY = b"v" * 32
TEXT = "12月8日周二上午9点在村委会打流感疫苗"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HOUR = 3_600_000


@dataclass
class Desk:
    browser: Browser
    db: Database
    town: Town

    async def fill_in(self, **fields: object) -> Page:
        """The compose form, sent as a browser sends it."""
        page = await self.browser.get("/notices/new")
        told: dict[str, object] = {"text": TEXT, "to": "everyone", "channel": ["sms", "call", "page"], "when": "now"}
        return await self.browser.post("/notices/new", _pairs(page.hidden("/notices/new") | told | fields))

    async def send(self, **fields: object) -> Page:
        return await self.send_on(await self.fill_in(**fields))

    async def send_on(self, preview: Page, **more: str) -> Page:
        assert preview.status == 200, preview.text
        return await self.browser.post("/notices/send", _carried(preview) + list(more.items()))


def _pairs(fields: dict[str, object]) -> list[tuple[str, str]]:
    return [
        (name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [str(value)])
    ]


def _carried(page: Page) -> list[tuple[str, str]]:
    """Every hidden field of the preview's form, the repeated ones too."""
    body = re.search(r'<form[^>]*action="/notices/send".*?</form>', page.text, re.S)
    assert body is not None
    tags = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body[0])
    return [(name, value) for name, value in tags]


@pytest.fixture
def town(vault: Vault, clock: MovableClock) -> Town:
    return Town(Means(Outbox(vault, clock), vault, Office("青山村", "青山村", "88001234", "19900000110")), clock)


@pytest.fixture
async def desk(db: Database, clock: MovableClock, town: Town, tmp_path: Path) -> AsyncIterator[Desk]:
    def prepare(tx):  # type: ignore[no-untyped-def]
        leader = town.house(tx, "李组长", group=1)
        set_field(tx, town.hand, leader.residents[0], "group_leader", 1)
        town.wants(tx, leader.phones[0], "call")
        town.house(tx, "王德福", group=1, people=2, phones=2)
        town.house(tx, "赵田禾", group=2, phones=0)
        return first_visit_code(tx, KEY)

    code = await db.write(prepare)
    speech, accounts = Speech(tmp_path / "clips"), Accounts(db, clock, KEY)
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        rail=[
            RailEntry("/", say("今天")),
            RailEntry("/notices/new", say("写通知")),
            RailEntry("/notices", say("送达")),
        ],
        routes=[*desk_notices.routes(db, clock, town.means, speech), *desk_accounts.routes(accounts)],
    )
    async with listening(app) as (address,):
        browser = Browser(address.url)
        first = await browser.get("/first")
        password = "qingshan lvshui"
        await browser.submit(first, "/first", code=code, name="陈会计", password=password, password_again=password)
        yield Desk(browser, db, town)
        await browser.close()
    accounts.close()
    await speech.close()


async def newest(desk: Desk) -> store.Notice:
    return (await desk.db.read(store.every_notice))[0]


async def test_nothing_is_sent_before_it_was_shown(desk: Desk) -> None:
    preview = await desk.fill_in()
    assert f"【青山村】通知1:{TEXT}。收到请回9,想听电话念回0201" in preview.text
    assert "2组赵田禾" in preview.text
    assert "您好，青山村村委会，电话88001234。不要钱，不要密码。" in preview.text
    assert await desk.db.read(store.every_notice) == []
    sent = await desk.send_on(preview)
    assert "通知1发出去了" in sent.text
    assert len(await desk.db.read(lambda tx: desk.town.messages(tx, store.every_notice(tx)[0]))) == 3


async def test_a_form_pressed_twice_sends_once(desk: Desk) -> None:
    preview = await desk.fill_in()
    pages = await asyncio.gather(*[desk.send_on(preview) for _ in range(3)])
    assert {page.path for page in pages} == {"/notices/1"}
    assert len(await desk.db.read(store.every_notice)) == 1


async def test_only_the_committee_wakes_people_at_night(desk: Desk) -> None:
    assert 'name="urgent"' in (await desk.browser.get("/notices/new")).text
    assert "急事：现在就发" not in (await desk.fill_in()).text
    preview = await desk.fill_in(urgent="1")
    assert "急事：现在就发，夜里、午休也会响" in preview.text
    assert 'name="urgent" value="1" checked' in (await desk.send_on(preview, edit="1")).text
    assert 'name="urgent" value="1" checked' not in (await desk.browser.get("/notices/new")).text
    late = await desk.fill_in(urgent="1", when="at", at="2026-12-06T03:00")
    assert "急事现在就发，不能定时间" in late.text
    sent = await desk.send_on(preview)
    assert "急事" in sent.text
    assert (await newest(desk)).urgent
    await desk.db.write(lambda tx: set_role(tx, 1, Role.PARTY))
    assert 'name="urgent"' not in (await desk.browser.get("/notices/new")).text
    refused = await desk.fill_in(urgent="1")
    assert refused.status == 422
    assert "急事只有村委会能发" in refused.text


async def test_everything_wrong_is_said_at_once_and_nothing_typed_is_lost(desk: Desk) -> None:
    page = await desk.fill_in(to="residents", names="张三、李四", channel=[], due="昨天", short_text="短的")
    assert page.status == 422
    for word in (
        "花名册里没有“张三”",
        "花名册里没有“李四”",
        "至少选一条路",
        "2026-12-06 08:00",
        TEXT,
        "张三、李四",
        "短的",
    ):
        assert word in page.text


async def test_what_was_written_is_there_the_next_day(desk: Desk) -> None:
    await desk.fill_in(to="groups", groups=["2"])
    again = await desk.browser.get("/notices/new")
    assert TEXT in again.text
    assert "写到一半的还在" in again.text
    assert 'name="groups" value="2" checked' in again.text
    await desk.send_on(await desk.fill_in(to="groups", groups=["2"]))
    assert TEXT not in (await desk.browser.get("/notices/new")).text


async def test_back_from_the_preview_everything_is_still_there(desk: Desk) -> None:
    page = await desk.send_on(await desk.fill_in(to="groups", groups=["1", "2"]), edit="1")
    assert page.text.count("checked") >= 6
    assert TEXT in page.text
    assert await desk.db.read(store.every_notice) == []


async def test_a_planned_notice_can_be_rewritten_or_called_off(desk: Desk) -> None:
    sent = await desk.send(when="at", at="2026-12-06T07:30")
    assert "到时自己发出去" in sent.text
    assert "定在 明天 7:30 发" in (await desk.browser.get("/")).text
    page = await desk.browser.get("/notices/1/correct")
    changed = await desk.browser.submit(page, "/notices/1/correct", text="改成9日打疫苗", send="1")
    assert "改好了" in changed.text
    page = await desk.browser.get("/notices/1/correct")
    await desk.browser.submit(page, "/notices/1/stop")
    assert (await newest(desk)).state is State.STOPPED


async def test_reach_shows_figures_that_lead_to_people(desk: Desk) -> None:
    await desk.send()
    notice = await newest(desk)

    def answers(tx):  # type: ignore[no-untyped-def]
        row = next(row for row in desk.town.messages(tx, notice) if row["channel"] == "sms")
        desk.town.deliver(tx, row["id"])
        confirm(tx, notice.id, via="sms", at_ms=desk.town.clock.now_ms(), phone_id=row["phone"])

    await desk.db.write(answers)
    page = await desk.browser.get("/notices/1")
    assert "3户里，1户收到，0户听完，1户没联系上" in page.text
    assert "要上门的 1 户" in page.text
    for link in set(re.findall(r'href="((?:/notices|\?)[^"]*)"', page.text)):
        path = link if link.startswith("/") else "/notices/1" + link
        assert (await desk.browser.get(path)).status == 200, path
    assert "王德福" in (await desk.browser.get("/notices/1/units?show=confirmed")).text
    part = await desk.browser.get("/notices/1/part", X_Live="1")
    assert "<nav" not in part.text
    assert part.headers["ETag"]


async def test_every_group_shows_all_six_states_and_its_own_curve(desk: Desk) -> None:
    await desk.send()
    notice = await newest(desk)

    def answers(tx):  # type: ignore[no-untyped-def]
        row = next(row for row in desk.town.messages(tx, notice) if row["channel"] == "sms")
        desk.town.deliver(tx, row["id"])
        confirm(tx, notice.id, via="sms", at_ms=desk.town.clock.now_ms(), phone_id=row["phone"])

    await desk.db.write(answers)
    page = await desk.browser.get("/notices/1")
    table = re.search(r"<h2>各组</h2>.*?</table>", page.text, re.S)[0]
    rows = [re.findall(r'data-head="([^"]+)">([^<]+)<', row) for row in re.findall(r"<tr><td>.*?</tr>", table, re.S)]
    assert rows == [
        [("排队", "1"), ("已交运营商", "1"), ("到手机", "1"), ("听完", "0"), ("收到", "1/2"), ("没联系上", "0")],
        [("排队", "0"), ("已交运营商", "0"), ("到手机", "0"), ("听完", "0"), ("收到", "0/1"), ("没联系上", "1")],
    ]
    assert _named(page) == ["合计", "1组", "2组"]
    alone = await desk.browser.get("/notices/1?group=1")
    assert _named(alone) == ["合计", "1组"]
    assert "1组2户里，1户收到，0户听完，0户没联系上" in alone.text
    assert 'data-live="/notices/1/part?group=1"' in alone.text
    assert _named(await desk.browser.get("/notices/1/part?group=1", X_Live="1")) == ["合计", "1组"]
    assert _named(await desk.browser.get("/notices/1?group=77")) == ["合计", "1组", "2组"]


def _named(page: Page) -> list[str]:
    """The names at the ends of the curve's lines."""
    return re.findall(r'<text class="n\d"[^>]*>([^<]+)</text>', page.text)


async def test_the_door_list_is_ticked_off_with_name_and_time(desk: Desk) -> None:
    await desk.send()
    page = await desk.browser.get("/notices/1/doors")
    assert "赵田禾" in page.text
    unit = re.search(r'name="tick" value="(\d+)"', page.text)[1]
    fields = page.hidden("/notices/1/doors")
    done = await desk.browser.post("/notices/1/doors", fields | {"version": "1", "tick": unit})
    assert "陈会计 今天 9:10" in done.text
    assert "已告知 1" in done.text
    back = await desk.browser.post("/notices/1/doors", fields | {"untick": unit})
    assert "要上门的 1 户" in back.text
    who = await desk.browser.post("/notices/1/doors", fields | {"assign": unit, "who": "王会计"})
    assert 'value="王会计"' in who.text
    paper = await desk.browser.get("/notices/1/doors/print")
    assert "☐" in paper.text
    assert "王会计" in paper.text


async def test_stop_and_correct_from_one_page(desk: Desk) -> None:
    await desk.send()
    page = await desk.browser.get("/notices/1/correct")
    stopped = await desk.browser.submit(page, "/notices/1/stop")
    assert "停了：3条不再发出，0部手机" in stopped.text
    look = await desk.browser.submit(stopped, "/notices/1/correct", text="改到12月9日", look="1")
    assert "【青山村】通知1:改到12月9日。" in look.text
    assert (await newest(desk)).version == 1
    sent = await desk.browser.submit(look, "/notices/1/correct", text="改到12月9日", send="1")
    assert "更正发给0部手机，另有3部第一次收到" in sent.text
    assert (await newest(desk)).version == 2


async def test_a_second_clerk_is_told_what_the_first_did_and_keeps_his_words(desk: Desk) -> None:
    await desk.send()
    page = await desk.browser.get("/notices/1/correct")
    now_ms = desk.town.clock.now_ms()
    await desk.db.write(
        lambda tx: correct_notice(
            tx, desk.town.means, 1, text="王主任改的", due_ms=None, seen_version=1, by="王主任", now_ms=now_ms
        )
    )
    late = await desk.browser.submit(page, "/notices/1/correct", text="陈会计改的", send="1")
    assert late.status == 409
    assert "刚刚被人改过" in late.text
    assert "王主任改的" in late.text
    assert "陈会计改的" in late.text
    stop = await desk.browser.submit(page, "/notices/1/stop")
    assert stop.status == 409


async def test_today_names_what_is_open_and_says_how_to_begin(desk: Desk) -> None:
    assert "写一条通知" in (await desk.browser.get("/")).text
    await desk.send()
    today = await desk.browser.get("/")
    assert TEXT in today.text
    assert "要上门 1" in today.text


@pytest.mark.parametrize(("days", "there"), [(20, True), (35, True), (36, False)])
async def test_today_keeps_what_is_due_three_weeks_later_and_for_two_weeks_more(
    desk: Desk, days: int, there: bool
) -> None:
    ago_ms = days * 86_400_000

    def unit(tx):  # type: ignore[no-untyped-def]
        desk.town.send(tx, TEXT, due_ms=desk.town.clock.now_ms() + 21 * 86_400_000)
        tx.execute("UPDATE notice SET start_ms = start_ms - ?, created_ms = created_ms - ?", (ago_ms, ago_ms))
        tx.execute("UPDATE notice_version SET created_ms = created_ms - ?, due_ms = due_ms - ?", (ago_ms, ago_ms))

    await desk.db.write(unit)
    assert (TEXT in (await desk.browser.get("/")).text) is there


async def test_wechat_gets_a_text_without_links(desk: Desk) -> None:
    await desk.send(due="2026-12-07T20:00")
    page = await desk.browser.get("/notices/1/wechat")
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)[1]
    assert text.startswith(f"【青山村】通知1\n{TEXT}。\n最晚12月7日周一晚8点前人人要知道。\n—— 青山村委会 12月5日周六")
    assert "http" not in text


async def test_the_draft_can_be_heard(desk: Desk) -> None:
    assert (await desk.browser.get("/notices/draft/speech.wav")).status == 404
    await desk.fill_in()
    sound = await desk.browser.get("/notices/draft/speech.wav")
    assert sound.raw[:4] == b"RIFF"


@pytest.mark.parametrize("path", ["/notices/99", "/notices/99/doors", "/notices/99/correct", "/notices/99/wechat"])
async def test_a_notice_there_is_not_is_a_plain_page(desk: Desk, path: str) -> None:
    assert (await desk.browser.get(path)).status == 404


@pytest.mark.needs("chromium")
async def test_the_browser_counts_as_the_server_does(desk: Desk) -> None:
    """The live meter, the kept draft, the picture for WeChat, and no page wider than a small phone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = await browser.new_context(viewport={"width": 360, "height": 780}, locale="zh-CN")
        for cookie in desk.browser.session.cookie_jar:
            await context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": desk.browser.base}])
        tab = await context.new_page()
        trouble: list[str] = []
        tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        await tab.goto(desk.browser.base + "/notices/new")
        for length, words in ((56, "短信 70/70 字，一条"), (57, "短信要分 2 条；少写 1 个字就省一条")):
            await tab.fill("[name=text]", "水" * length)
            assert await tab.inner_text(".meter") == words
        async with tab.expect_request("**/notices/draft") as kept:
            await tab.fill("[name=text]", TEXT)
        await (await kept.value).response()
        await tab.goto(desk.browser.base + "/notices/new")
        assert await tab.input_value("[name=text]") == TEXT
        assert not await tab.is_visible("[name=names]")
        await tab.click("form.compose button.main")
        await tab.click("button.main:has-text('发出去')")
        await tab.wait_for_url("**/notices/1")
        for path in ("/", "/notices", "/notices/new", "/notices/1", "/notices/1?group=1", "/notices/1/doors",
                     "/notices/1/correct", "/doors",
                     "/notices/1/wechat", "/notices/1/units", "/notices/1/units/1"):  # fmt: skip
            await tab.goto(desk.browser.base + path)
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await tab.goto(desk.browser.base + "/notices/1/wechat")
        async with tab.expect_download() as picture:
            await tab.click("[data-save]")
        assert (await (await picture.value).path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert trouble == []
        await browser.close()


async def test_what_is_still_to_be_done_stays_on_today_until_its_day_is_over(desk: Desk) -> None:
    town = desk.town

    def everybody_answers(tx: sqlite3.Connection) -> list[int]:
        notice = town.send(tx, TEXT)
        set_task(
            tx, town.means.outbox, notice.id, what="疫苗", by_day=date(2026, 12, 8), by="陈", now_ms=town.clock.now_ms()
        )
        units = store.units_of(tx, notice.id)
        for household, _ in units:
            confirm(tx, notice.id, via="page", at_ms=town.clock.now_ms(), household_id=household)
        return [int(unit) for unit in units.values()]

    units = await desk.db.write(everybody_answers)
    page = await desk.browser.get("/")
    assert TEXT[:8] in page.text
    assert "还没办 3" in page.text
    assert 'href="/notices/1/task"' in page.text
    assert "没回的上门" not in page.text

    def some(tx: sqlite3.Connection, *done: int) -> None:
        mark_done(tx, town.means.outbox, 1, done, via=Done.DESK, now_ms=town.clock.now_ms())

    await desk.db.write(lambda tx: some(tx, *units[:2]))
    assert "还没办 1" in (await desk.browser.get("/")).text
    await desk.db.write(lambda tx: some(tx, units[2]))
    assert "没有在等回音的通知" in (await desk.browser.get("/")).text
    await desk.db.write(lambda tx: undo_done(tx, 1, units[2], now_ms=town.clock.now_ms()))
    await desk.db.write(
        lambda tx: confirm(tx, 1, via="page", at_ms=town.clock.now_ms(), household_id=_home(tx, units[2]))
    )
    assert "还没办 1" in (await desk.browser.get("/")).text
    await desk.db.write(lambda tx: tx.execute("UPDATE notice_task SET by_day = '2026-12-04'"))
    assert "没有在等回音的通知" in (await desk.browser.get("/")).text


def _home(tx: sqlite3.Connection, unit_id: int) -> int:
    return int(tx.execute("SELECT household_id FROM notice_unit WHERE id = :id", {"id": unit_id}).fetchone()[0])
