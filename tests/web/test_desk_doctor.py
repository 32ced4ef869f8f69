"""设备 at the desk of a real village: numbered, worst first, readable on a phone, and without JavaScript."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright

from gateway.condition import Condition
from gateway.failures import Trouble
from gateway.lanes import LaneStatus
from gateway.message import Channel
from village.app import Running, running
from village.doctor.beyond import untried
from village.doctor.computer import Disk, examine_disk, examine_heat, examine_memory, examine_power
from village.doctor.finding import Finding, worst_first
from village.doctor.lines import Waiting, examine_line, examine_queue
from village.founding import found_sample
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.wording import say
from village.story.browser import Browser
from village.web import desk_accounts, desk_doctor
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.gate import Role
from village.web.kit.serving import listening
from village.web.kit.store import set_role

PASSWORD = "shuiku-lihua-banma"
KEY = b"d" * 32
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextlib.asynccontextmanager
async def clerk_at(url: str, code: str | None) -> AsyncIterator[tuple[Browser, aiohttp.ClientSession]]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        desk = Browser(session, url)
        assert code
        first = (await desk.open("/first")).form("/first")
        await desk.send(first, {"code": code, "name": "陈会计", "password": PASSWORD, "password_again": PASSWORD})
        yield desk, session


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Running]:
    place = await found_sample(tmp_path / "village")
    async with running(place, any_port=True, listen="127.0.0.1") as village:
        yield village


async def test_a_village_in_order_reads_plainly(village: Running) -> None:
    async with clerk_at(village.loopback_url, village.first_code) as (desk, _):
        page = await desk.open("/doctor")
        assert page.status == 200
        assert "第1条" in page.said
        for words in ("线路（短信·模拟）", "线路（电话·模拟）", "等着发的", "存储卡", "钟", "县里", "重新检查"):
            assert words in page.said
        assert not re.search(r"1\d{10}", page.said)
        assert 'href="/doctor">线路：通</a>' in page.text, "the foot of every page leads here"


async def test_a_sentence_is_really_spoken_when_somebody_asks(village: Running) -> None:
    async with clerk_at(village.loopback_url, village.first_code) as (desk, _):
        page = await desk.open("/doctor")
        assert "没有电话在等它" in page.said
        spoken = await desk.send(page.form("/doctor/speak"), {})
        assert "念得出来（试念了" in spoken.said
        assert "念得出来（试念了" in (await desk.open("/doctor")).said


async def test_a_line_that_breaks_is_the_first_thing_said(village: Running) -> None:
    assert village.carrier is not None
    async with clerk_at(village.loopback_url, village.first_code) as (desk, _):
        village.gateway._lanes["simulator"].down(Trouble.NO_CREDIT)
        page = await desk.open("/doctor")
    assert page.said.index("第1条") < page.said.index("话费用完") < page.said.index("第2条")


async def test_nobody_without_an_account_reads_it(village: Running) -> None:
    async with (
        clerk_at(village.loopback_url, village.first_code),
        aiohttp.ClientSession() as stranger,
        stranger.get(village.loopback_url + "doctor", allow_redirects=False) as turned_away,
    ):
        assert turned_away.status == 303


# every state at once, on the real kit


@dataclass
class Ill:
    """A doctor whose findings the test writes."""

    findings: list[Finding]
    spoken: int = 0

    async def examine(self) -> list[Finding]:
        return worst_first(self.findings)

    async def speak(self) -> None:
        self.spoken += 1


def _ill(now_ms: int) -> list[Finding]:
    condition = Condition(operator="中国移动", signal=21, balance_fen=0, balance_ms=now_ms, battery=9)
    broken = LaneStatus(
        "modem", Channel.SMS, False, Trouble.UNPLUGGED, now_ms - 7_200_000, 0, 1, broke=False, stuck=False
    )
    phone = LaneStatus("phone", Channel.SMS, True, None, now_ms, 0, 1, broke=True, stuck=False)
    power, heat, memory = examine_power(0x50005), examine_heat(82), examine_memory(500 << 20)
    assert power is not None
    assert heat is not None
    assert memory is not None
    return [
        *examine_line(broken, Condition(note="puk_wanted"), now_ms=now_ms, price_fen=10),
        *examine_line(phone, condition, now_ms=now_ms, price_fen=10),
        examine_queue(Waiting(300, 0, now_ms - 7_200_000), any_line_up=True, now_ms=now_ms),
        examine_disk(Disk(400 << 20), full=False, now_ms=now_ms),
        power,
        heat,
        untried(calls_wait=True),
        memory,
    ]


@pytest.fixture
async def ill(db: Database, clock: MovableClock) -> AsyncIterator[tuple[Ill, str, str, Database]]:
    doctor = Ill(_ill(clock.now_ms()))
    accounts = Accounts(db, clock, KEY)
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        rail=[RailEntry("/doctor", say("设备"))],
        routes=[*desk_doctor.routes(clock, doctor), *desk_accounts.routes(accounts)],
    )
    code = await db.write(lambda tx: first_visit_code(tx, KEY))
    assert code
    async with listening(app) as (address,):
        yield doctor, address.url + "/", code, db
    accounts.close()


@pytest.mark.parametrize("role", list(Role))
async def test_any_role_of_the_desk_may_read_it(ill: tuple[Ill, str, str, Database], role: Role) -> None:
    _, url, code, db = ill
    async with clerk_at(url, code) as (desk, _):
        await db.write(lambda tx: set_role(tx, 1, role))
        assert "第1条" in (await desk.open("/doctor")).said


@contextlib.asynccontextmanager
async def tab_at(ill: tuple[Ill, str, str, Database], width: int, **how: object) -> AsyncIterator[Page]:
    _, url, code, _ = ill
    async with clerk_at(url, code) as (_, session), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        context = await browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", **how)  # type: ignore[arg-type]
        for cookie in session.cookie_jar:
            await context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
        tab = await context.new_page()
        mistakes: list[str] = []
        tab.on("console", lambda message: mistakes.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: mistakes.append(str(error)))
        await tab.goto(url + "doctor")
        yield tab
        assert mistakes == []
        await browser.close()


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_nothing_sticks_out_and_numbers_stay_whole(ill: tuple[Ill, str, str, Database], width: int) -> None:
    async with tab_at(ill, width) as tab:
        assert await tab.evaluate("document.documentElement.scrollWidth") <= width
        rows = await tab.locator(".findings > li").count()
        assert rows == len(ill[0].findings)
        tall = await tab.evaluate(
            "[...document.querySelectorAll('.number [aria-hidden]')].map(e => e.getClientRects().length)"
        )
        assert tall == [1] * rows
        small = await tab.evaluate(
            "[...document.querySelectorAll('main .act')].map(e => e.getBoundingClientRect().height).filter(h => h < 44)"
        )
        assert small == []
        order = await tab.evaluate("[...document.querySelectorAll('.findings > li')].map(e => e.className)")
        assert order == sorted(order, key=["bad", "mind", "good", "absent"].index)


@pytest.mark.needs("chromium")
async def test_it_works_without_javascript(ill: tuple[Ill, str, str, Database]) -> None:
    async with tab_at(ill, 360, java_script_enabled=False) as tab:
        await tab.get_by_role("button", name="试念一句").click()
        assert ill[0].spoken == 1
        ill[0].findings = ill[0].findings[:1]
        await tab.get_by_role("link", name="重新检查").click()
        assert await tab.locator(".findings > li").count() == 1
