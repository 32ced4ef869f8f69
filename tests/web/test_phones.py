"""The sample village's phones, on the real carrier, gateway, speech, kit and socket; in Chromium where it is there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect

from audio.speech import Speech
from gateway.failures import Trouble
from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, CallStep, Channel, Draft, MissedCall, Moved, Priority, ReceivedSms
from gateway.phone import parse
from gateway.script import Node, Script
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import Rule
from gateway.transports.simulator import SimulatorCalls, SimulatorSms
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.people import phones as people_phones
from village.web import phones
from village.web.kit.apps import make_public_app
from village.web.kit.serving import listening

WANG, SHARED, STRANGER, LINE = "+8619900000001", "+8619900000004", "+8619900000009", "+8657188002001"
PATIENCE_S = 20
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

HALF_A_SECOND_WAS_HEARD = """new Promise(heard => {
  const voice = document.querySelector('#p19900000001 audio');
  voice.addEventListener('timeupdate', () => { if (!voice.paused && voice.currentTime > 0.5) heard(true); });
})"""

SCRIPT = Script(
    nodes={
        "start": Node(
            says=("您好，青山村村委会。", "明天早上八点停水，请存水。听清楚了按9。"), answers={"9": "thanks"}
        ),
        "thanks": Node(says=("好，记下了。",)),
    }
)


@dataclass
class Heard:
    """What the village hears from its gateway."""

    texts: list[str] = field(default_factory=list)
    calls: list[CallEvent] = field(default_factory=list)
    rings: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self.texts.append(sms.text)
        self.news.set()

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self.rings.append(missed.caller)
        self.news.set()

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        self.news.set()

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        self.calls.append(event)
        self.news.set()

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not there():
                self.news.clear()
                await self.news.wait()


@dataclass
class Village:
    url: str
    db: Database
    clock: MovableClock
    carrier: Carrier
    gateway: Gateway
    heard: Heard
    skipped: list[int]
    web: aiohttp.ClientSession

    async def send(self, to: str, text: str) -> None:
        await self._enqueue(
            Draft(to=to, channel=Channel.SMS, kind="t", priority=Priority.URGENT, reference="t", text=text)
        )
        await self.until(to, lambda: any(note.text == text for note in self.carrier.thread(to)))

    async def ring(self, to: str) -> None:
        await self._enqueue(
            Draft(to=to, channel=Channel.CALL, kind="t", priority=Priority.URGENT, reference="t", script=SCRIPT)
        )
        await self.until(to, lambda: self.carrier.call(to) is not None)

    async def _enqueue(self, draft: Draft) -> None:
        await self.db.write(lambda tx: self.gateway.outbox.enqueue(tx, draft))

    async def until(self, number: str, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            with self.carrier.watch() as watch:
                while not there():
                    await watch.changed()

    async def line_listens(self) -> None:
        """A text that has come in shows that the line does."""
        self.carrier.send_from(STRANGER, "喂")
        await self.heard.until(lambda: "喂" in self.heard.texts)

    async def get(self, path: str, status: int = 200) -> str:
        async with self.web.get(self.url + path) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def press(self, number: str, do: str, status: int = 200, **fields: str) -> str:
        """As a browser without JavaScript does it: the form with its token, and the page it leads to."""
        page = await self.get("/phones")
        sent = {"_form": token_in(page), "do": do, "on": dial(number), **fields}
        async with self.web.post(f"{self.url}/phones/{dial(number)}", data=sent) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def post(self, path: str, status: int = 200, **fields: str) -> str:
        sent = {"_form": token_in(await self.get("/phones")), **fields}
        async with self.web.post(self.url + path, data=sent) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()


def dial(number: str) -> str:
    return number.replace("+86571", "0571").removeprefix("+86")


def token_in(page: str) -> str:
    found = re.search(r'name="_form" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.fixture
async def village(tmp_path: Path, db: Database, vault: Vault, clock: MovableClock) -> AsyncIterator[Village]:
    now = MovableClock(clock.now_ms(), rate=1)
    carrier = Carrier.open(None, now, seed=1)
    for number in (WANG, SHARED, STRANGER, LINE):
        carrier.add(number)
    heard, skipped = Heard(), []
    speech = Speech(tmp_path / "clips")
    gateway = Gateway(
        db=db,
        clock=now,
        vault=vault,
        events=heard,
        sms=[SimulatorSms(carrier)],
        calls=[SimulatorCalls(carrier)],
        voice=speech,
        settings=Settings(),
    )
    await db.write(lambda tx: people(tx, vault, now.now_ms()))

    async def skip(ms: int) -> None:
        skipped.append(ms)
        now.step_wall(ms)

    routes: list[web.RouteDef] = phones.routes(
        carrier,
        now,
        skip,
        db=db,
        vault=vault,
        office="青山村村委会",
        office_phone="88001234",
        suggestions=[
            phones.Suggestion(WANG, say("收短信")),
            phones.Suggestion(SHARED, say("四个人用")),
            phones.Suggestion(LINE, say("座机"), at_start=False),
        ],
    )
    app = make_public_app(db=db, clock=now, key=b"k" * 32, village="青山村", routes=routes)
    async with contextlib.AsyncExitStack() as stack:
        (address,) = await stack.enter_async_context(listening(app))
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        work = [asyncio.create_task(gateway.run()), asyncio.create_task(carrier.run())]
        yield Village(address.url, db, now, carrier, gateway, heard, skipped, session)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await speech.close()
    carrier.close()


def people(tx: sqlite3.Connection, vault: Vault, at_ms: int) -> None:
    for household, head, number, names in (
        (1, "王德福", WANG, ["王德福"]),
        (2, "李树根", SHARED, ["李树根", "陈桂英", "李小军"]),
        (3, "周阿彩", LINE, ["周阿彩"]),
    ):
        tx.execute("INSERT INTO household VALUES (?, 3, ?, ?)", (household, head, at_ms))
        phone = people_phones.admit(tx, vault, parse(number), at_ms)
        for position, name in enumerate(names):
            resident = tx.execute(
                "INSERT INTO resident (household_id, position, name, lives_alone, added_ms) VALUES (?, ?, ?, ?, ?)",
                (household, position, name, household == 3, at_ms),
            ).lastrowid
            assert resident is not None
            people_phones.hold(tx, phone, resident, "desk", by="t", at_ms=at_ms)


# without JavaScript


async def test_the_shelf_shows_whose_phones_they_are(village: Village) -> None:
    page = await village.get("/phones")
    assert "样板村 · 这些手机都是假的，花的也不是真钱" in page
    assert page.count('<section class="phone"') == 2
    assert "王德福 · 3组" in page
    assert "李树根家 · 3人合用" in page


async def test_the_address_says_what_lies_on_the_shelf(village: Village) -> None:
    page = await village.get("/phones?on=19900000009,057188002001,5,abc")
    assert page.count('<section class="phone"') == 2
    assert "没登记的号码" in page
    assert "周阿彩 · 3组 · 独居" in page
    assert "座机，只接电话" in page


async def test_a_message_is_read_on_the_phone(village: Village) -> None:
    await village.send(WANG, "【青山村】通知17:停水")
    page = await village.get("/phones")
    assert "【青山村】通知17:停水" in page
    assert "新短信1" in page
    assert "新短信" not in await village.press(WANG, "read")


async def test_digits_pressed_one_by_one_are_sent_as_one_text(village: Village) -> None:
    page = await village.press(WANG, "0", text="")
    assert 'value="0"' in page
    page = await village.press(WANG, "1", text="0")
    assert 'name="text" value="01"' in page
    page = await village.press(WANG, "send", text="01")
    assert 'name="text" value=""' in page
    await village.heard.until(lambda: village.heard.texts == ["01"])


async def test_chinese_is_typed_and_sent(village: Village) -> None:
    await village.press(WANG, "send", text="建议修一修村口的涵洞")
    await village.heard.until(lambda: village.heard.texts == ["建议修一修村口的涵洞"])


async def test_what_the_phone_cannot_do_it_says(village: Village) -> None:
    assert "先按数字键，或者打字，再按发送" in await village.press(WANG, "send", text=" ")
    assert "现在没有来电" in await village.press(WANG, "answer")
    assert "座机不能发短信" in await village.press(LINE, "send", text="9")
    assert "关机" in await village.press(WANG, "power_off")
    assert "这部手机关着，先开机" in await village.press(WANG, "send", text="9")
    await village.press(WANG, "power_on")
    assert "没信号" in await village.press(WANG, "signal_off")
    await village.press(WANG, "fly", status=422)
    assert village.heard.texts == []


async def test_the_village_is_rung_once(village: Village) -> None:
    await village.line_listens()
    assert "响了一声就挂了，没花钱" in await village.press(WANG, "ring")
    assert "响了一声就挂了，没花钱" in await village.press(LINE, "ring", part="1")
    assert village.heard.rings == [WANG, LINE]


async def test_a_ring_that_cannot_go_out_says_why(village: Village) -> None:
    await village.line_listens()
    await village.press(WANG, "signal_off")
    assert "没信号，打不出去" in await village.press(WANG, "ring")
    await village.press(WANG, "power_off")
    assert "这部手机关着，先开机" in await village.press(WANG, "ring")
    await village.ring(SHARED)
    assert "正有电话，先按“挂断”" in await village.press(SHARED, "ring")
    await village.press(SHARED, "end")
    village.carrier.set_down(Trouble.NO_SIGNAL)
    assert "打不通：村里的线现在断着" in await village.press(SHARED, "ring")
    assert village.heard.rings == []


async def test_the_sim_is_topped_up_and_pays_for_what_is_sent(village: Village) -> None:
    assert "没有记账，发短信不花钱" in await village.get("/phones")
    page = await village.post("/phones/sim", on="")
    assert "充了50元，现在余额50.00元" in page
    assert "<b>余额50.00元</b> <span>一条短信0.10元起</span>" in page
    await village.send(WANG, "【青山村】通知17:停水")
    assert "余额49.90元" in await village.get("/phones/sim")
    await village.post("/phones/sim", on="")
    assert "余额99.90元" in await village.get("/phones/sim")


@pytest.mark.parametrize(
    ("left_fen", "said"), [(1_000, "一条短信0.10元起"), (990, "快用完了"), (9, "不够发一条了，村里的短信停着")]
)
async def test_credit_that_runs_low_says_so(village: Village, left_fen: int, said: str) -> None:
    village.carrier.top_up("simulator", left_fen, price_fen=10)
    page = await village.get("/phones")
    assert f"余额{left_fen / 100:.2f}元" in page
    assert said in page


async def test_the_page_is_told_what_is_left(village: Village) -> None:
    async with village.web.get(f"{village.url}/phones/live?on=19900000001") as answer:
        told = stories(answer.content)
        assert (await anext(told))["credit_fen"] is None
        village.carrier.top_up("simulator", 5_000, price_fen=10)
        village.carrier.set_signal(WANG, False)
        assert (await anext(told))["credit_fen"] == 5_000


async def test_a_call_rings_is_answered_heard_and_given_a_key(village: Village) -> None:
    await village.ring(WANG)
    page = await village.get("/phones")
    assert "来电" in page
    assert "青山村村委会<br>88001234" in page
    page = await village.press(WANG, "answer")
    await village.until(WANG, lambda: (call := village.carrier.call(WANG)) is not None and call.prompt is not None)
    part = await village.get("/phones/19900000001/screen")
    assert "通话中" in part
    assert "您好，青山村村委会。" in part
    clip = re.search(r'data-clip="([^"]+)"', part)
    assert clip
    async with village.web.get(village.url + clip[1]) as answer:
        assert answer.headers["Content-Type"] == "audio/wav"
        assert (await answer.read())[:4] == b"RIFF"
    assert "9" in await village.press(WANG, "9")
    await village.heard.until(lambda: any(e.what is CallStep.KEY and e.key == "9" for e in village.heard.calls))
    await village.press(WANG, "end")
    await village.heard.until(lambda: any(e.what is CallStep.ENDED for e in village.heard.calls))
    await village.get(clip[1], status=404)


async def test_hanging_up_refuses_a_ringing_call(village: Village) -> None:
    await village.ring(WANG)
    await village.press(WANG, "end")
    assert village.carrier.call(WANG) is None


async def test_a_call_elsewhere_is_named_on_the_page(village: Village) -> None:
    await village.ring(LINE)
    assert "周阿彩" in await village.get("/phones/busy?on=19900000001")
    assert "周阿彩" not in await village.get("/phones/busy?on=057188002001")


async def test_phones_are_found_by_name_and_by_digits(village: Village) -> None:
    assert "19900000004,19900000001#p19900000004" in await village.get("/phones?q=陈桂英&on=19900000001")
    assert "没登记的号码" in await village.get("/phones?q=0009&on=19900000001")
    assert "没有找到“赵四”的手机" in await village.get("/phones?q=赵四")


async def test_a_phone_nobody_registered_is_taken_out(village: Village) -> None:
    assert "19900007777" in await village.post("/phones/new", number="199 0000 7777", on="")
    for wrong in ("", "110", "0571-88002001", "1.99E+10"):
        assert "请写11位手机号码" in await village.post("/phones/new", status=422, number=wrong, on="")


async def test_time_is_moved_by_named_steps(village: Village) -> None:
    await village.post("/phones/time", to="minutes", on="")
    await village.post("/phones/time", to="hour", on="")
    assert village.skipped == [600_000, 3_600_000]
    assert "12月6日 8:00" in await village.post("/phones/time", to="morning", on="")
    await village.post("/phones/time", status=422, to="never", on="")


async def test_a_dead_number_says_so(village: Village) -> None:
    village.carrier.set_rule(WANG, Rule(dead=True))
    assert "这是空号" in await village.get("/phones")


async def test_a_form_of_somebody_else_does_nothing(village: Village) -> None:
    async with village.web.post(f"{village.url}/phones/19900000001", data={"do": "power_off"}) as answer:
        assert answer.status == 403
    assert village.carrier.handset(WANG).on


@pytest.mark.parametrize(
    "path", ["/phones/19900001234/screen", "/phones/19900000001/clip/1.wav", "/phones/110110/screen"]
)
async def test_what_is_not_there_is_not_found(village: Village, path: str) -> None:
    await village.get(path, status=404)


async def test_the_page_is_told_what_changed(village: Village) -> None:
    async with village.web.get(f"{village.url}/phones/live?on=19900000001") as answer:
        told = stories(answer.content)
        assert (await anext(told))["screens"] == ["19900000001"]
        village.carrier.set_signal(WANG, False)
        assert (await anext(told))["screens"] == ["19900000001"]
        village.carrier.set_signal(SHARED, False)
        assert (story := await anext(told))["screens"] == []
        assert story["elsewhere"] is True


async def stories(lines: aiohttp.StreamReader) -> AsyncIterator[dict[str, object]]:
    async with asyncio.timeout(PATIENCE_S):
        async for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


# in a browser


@contextlib.asynccontextmanager
async def browser_page(width: int = 1280, **how: object) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = await browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", **how)  # type: ignore[arg-type]
        page = await context.new_page()
        mistakes: list[str] = []
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda said: mistakes.append(said.text) if said.type == "error" else None)
        yield page
        await browser.close()
        assert not mistakes


@pytest.mark.needs("chromium")
async def test_a_nine_typed_on_the_keypad_reaches_the_village(village: Village) -> None:
    async with browser_page() as page:
        await page.goto(village.url + "/phones")
        phone = page.locator("#p19900000001")
        await phone.get_by_role("button", name="9", exact=True).click()
        assert await phone.locator("input[name=text]").input_value() == "9"
        await phone.get_by_role("button", name="发送").click()
        await village.heard.until(lambda: village.heard.texts == ["9"])
        await phone.locator(".thread .me").wait_for()
        assert await phone.locator("input[name=text]").input_value() == ""
        await village.send(WANG, "【青山村】已记下您收到通知17。")
        await phone.locator(".thread .them").wait_for()  # came by itself


@pytest.mark.needs("chromium")
async def test_a_call_is_heard_in_the_browser_and_answered_with_a_key(village: Village) -> None:
    async with browser_page() as page:
        await page.goto(village.url + "/phones")
        await village.ring(WANG)
        phone = page.locator("#p19900000001")
        await phone.get_by_text("来电").wait_for()
        await expect(page).to_have_title("来电：王德福 · 3组")
        await phone.get_by_role("button", name="接听").click()
        async with asyncio.timeout(PATIENCE_S):
            await page.evaluate(HALF_A_SECOND_WAS_HEARD)
        assert await phone.locator(".wave").count() == 1
        await phone.get_by_role("button", name="9", exact=True).click()
        await village.heard.until(lambda: any(e.what is CallStep.KEY and e.key == "9" for e in village.heard.calls))
        await phone.locator(".prompt", has_text="好，记下了").wait_for()
        await phone.locator(".thread").wait_for()  # the village hangs up
        assert await page.evaluate("document.querySelector('#p19900000001 audio').paused")


@pytest.mark.needs("chromium")
async def test_everything_is_a_plain_form_without_javascript(village: Village) -> None:
    async with browser_page(java_script_enabled=False) as page:
        await village.ring(WANG)
        await page.goto(village.url + "/phones")
        phone = page.locator("#p19900000001")
        await phone.get_by_role("button", name="接听").click()
        assert await phone.get_by_text("通话中").count() == 1
        await phone.get_by_role("button", name="挂断").click()
        await phone.locator("input[name=text]").fill("收到")
        await phone.locator("input[name=text]").press("Enter")
        await village.heard.until(lambda: village.heard.texts == ["收到"])


@pytest.mark.needs("chromium")
async def test_the_village_is_rung_and_the_sim_topped_up_from_the_keyboard(village: Village) -> None:
    await village.line_listens()
    async with browser_page(390) as page:
        await page.goto(village.url + "/phones")
        phone = page.locator("#p19900000001")
        await phone.get_by_role("button", name="响一声（给村里打电话）").focus()
        await page.keyboard.press("Enter")
        await phone.get_by_text("响了一声就挂了").wait_for()
        await expect(phone.get_by_text("响了一声就挂了")).to_be_in_viewport()
        assert village.heard.rings == [WANG]
        await page.get_by_role("button", name="充值50元").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("充了50元，现在余额50.00元").wait_for()
        await village.send(WANG, "【青山村】通知17:停水")
        await page.locator(".credit", has_text="余额49.90元").wait_for()  # came by itself


@pytest.mark.needs("chromium")
async def test_without_javascript_what_was_said_is_in_sight(village: Village) -> None:
    await village.line_listens()
    async with browser_page(390, java_script_enabled=False) as page:
        await page.goto(village.url + "/phones")
        await page.locator("#p19900000004").get_by_role("button", name="响一声（给村里打电话）").click()
        said = page.get_by_text("响了一声就挂了")
        await said.wait_for()
        await expect(said).to_be_in_viewport()
        await expect(page.locator("#p19900000004 h2")).to_be_in_viewport()
        assert village.heard.rings == [SHARED]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_keys_are_large_enough_and_nothing_sticks_out(village: Village, width: int) -> None:
    async with browser_page(width) as page:
        await page.goto(village.url + "/phones")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        small = await page.evaluate(
            "[...document.querySelectorAll('.phones button:not(.first), .phones input:not([type=hidden]), .phones a')]"
            ".filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 80))"
        )
        assert small == []
