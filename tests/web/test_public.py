"""The villagers' page on a real socket, with the real voice."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from audio.speech import Speech
from gateway.outbox import Outbox
from tests.notices.town import Town
from tests.web.kit.browser import Browser
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.notices.correct_notice import correct_notice
from village.notices.notice import Channels
from village.notices.office import Means, Office
from village.notices.stop_notice import stop_notice
from village.people.audience import Audience
from village.web import public
from village.web.kit.apps import make_public_app
from village.web.kit.serving import listening

FIRST_VIEW_BYTES = 14 * 1024
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
def office() -> Office:
    return Office(village="青山村", signature="青山村", phone="88001234", sms_number="19900000110")


@pytest.fixture
def town(vault: Vault, clock: MovableClock, office: Office) -> Town:
    return Town(Means(Outbox(vault, clock), vault, office), clock)


@pytest.fixture
async def page(db: Database, clock: MovableClock, office: Office, tmp_path: Path) -> AsyncIterator[Browser]:
    speech = Speech(tmp_path / "clips")
    app = make_public_app(
        db=db, clock=clock, key=b"v" * 32, village="青山村", routes=public.routes(db, clock, office, speech)
    )
    async with listening(app) as (address,):
        browser = Browser(address.url)
        yield browser
        await browser.close()
    await speech.close()


async def send(db: Database, town: Town, **more):  # type: ignore[no-untyped-def]
    def unit(tx):
        town.house(tx, f"户{town.numbers}")
        return town.send(tx, **more)

    return await db.write(unit)


async def test_an_empty_village_says_what_will_stand_here(page: Browser) -> None:
    shown = await page.get("/")
    assert shown.status == 200
    assert "还没有通知" in shown.text
    assert "88001234" in shown.text
    assert "十月廿七" in shown.text


async def test_every_key_leads_somewhere(page: Browser) -> None:
    home = await page.get("/")
    keys = re.findall(r'class="key" href="([^"]+)"><b>(\d+)</b>', home.text)
    assert [number for _, number in keys] == ["01", "03", "04", "06"]
    for path, _ in keys:
        there = await page.get(path)
        assert there.status == 200
        for link in re.findall(r'href="(/[^"]*)"', there.text):
            assert (await page.get(link)).status == 200, link


async def test_a_notice_is_there_at_once_to_read_hear_and_confirm(page: Browser, db: Database, town: Town) -> None:
    notice = await send(db, town, number=17)
    for path in ("/", "/notices", "/notices/17"):
        shown = await page.get(path)
        assert notice.text in shown.text
        assert 'href="sms:+8619900000110?body=9"' in shown.text
        assert "/notices/17/speech.wav" in shown.text
    assert "<audio controls" in shown.text


async def test_an_older_notice_is_confirmed_by_its_number(page: Browser, db: Database, town: Town) -> None:
    await send(db, town, number=7)
    await send(db, town, number=17)
    old = await page.get("/notices/7")
    assert "?body=%E6%94%B6%E5%88%B007" in old.text  # 收到07


async def test_the_voice_reads_the_notice(page: Browser, db: Database, town: Town) -> None:
    await send(db, town, number=17)
    sound = await page.get("/notices/17/speech.wav")
    assert sound.status == 200
    assert sound.headers["Content-Type"] == "audio/wav"
    assert sound.raw[:4] == b"RIFF"
    assert len(sound.raw) > 100_000


async def test_what_was_sent_to_a_few_stays_off_the_page(page: Browser, db: Database, town: Town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        return town.send(tx, "只给甲的话", Audience.residents(house.residents), channels=Channels(page=False))

    notice = await db.write(unit)
    assert "只给甲的话" not in (await page.get("/")).text
    for path in (f"/notices/{notice.number}", f"/notices/{notice.number}/speech.wav"):
        assert (await page.get(path)).status == 404


async def test_a_planned_notice_is_not_shown_before_its_time(page: Browser, db: Database, town: Town) -> None:
    notice = await send(db, town, at_ms=town.clock.now_ms() + 3_600_000)
    assert notice.text not in (await page.get("/")).text
    assert (await page.get(f"/notices/{notice.number}")).status == 404


async def test_a_stopped_notice_says_so_and_asks_nothing(page: Browser, db: Database, town: Town) -> None:
    notice = await send(db, town, number=17)
    now_ms = town.clock.now_ms()
    await db.write(lambda tx: stop_notice(tx, town.means, notice.id, seen_version=1, by="李", now_ms=now_ms))
    for path in ("/", "/notices/17"):
        shown = await page.get(path)
        assert "停发了，不算数" in shown.text
        assert "sms:" not in shown.text
        assert "speech.wav" not in shown.text
    assert (await page.get("/notices/17/speech.wav")).status == 404


async def test_a_corrected_notice_shows_the_new_words_and_crosses_out_the_old(
    page: Browser, db: Database, town: Town
) -> None:
    notice = await send(db, town, number=17)
    now_ms = town.clock.now_ms()
    await db.write(
        lambda tx: correct_notice(
            tx, town.means, notice.id, text="改到12月7日", due_ms=None, seen_version=1, by="李", now_ms=now_ms
        )
    )
    home = (await page.get("/")).text
    assert "更正过，以这条为准" in home
    assert notice.text not in home
    assert f"<s>{notice.text}</s>" in (await page.get("/notices/17")).text


async def test_a_village_without_a_number_explains_how_to_answer(db: Database, clock: MovableClock, town: Town) -> None:
    await send(db, town, number=17)

    class Silent:
        async def clip(self, text: str, *, slow: bool = False):  # type: ignore[no-untyped-def]
            raise AssertionError("nobody asked to hear it")

    app = make_public_app(
        db=db, clock=clock, key=b"v" * 32, village="青山村",
        routes=public.routes(db, clock, Office("青山村", "青山村"), Silent()),
    )  # fmt: skip
    async with listening(app) as (address,):
        browser = Browser(address.url)
        for path in ("/", "/notices/17", "/speak", "/people"):
            assert "sms:" not in (await browser.get(path)).text
        assert "直接回短信 9" in (await browser.get("/notices/17")).text
        await browser.close()


@pytest.mark.parametrize("path", ["/notices/18", "/notices/00", "/notices/999", "/nowhere"])
async def test_what_is_not_there_is_said_in_words(page: Browser, path: str) -> None:
    shown = await page.get(path)
    assert shown.status == 404
    assert "回到首页" in shown.text


async def test_the_first_view_is_light(page: Browser, db: Database, town: Town) -> None:
    for number in range(1, 6):
        await send(db, town, text=f"12月{number}日早8点到下午3点停水,请存水。" * 5, number=number)
    home = await page.get("/")
    parts = [home.raw]
    for link in re.findall(r'<(?:link rel="stylesheet"|script)[^>]*(?:href|src)="([^"]+)"', home.text):
        parts.append((await page.get(link)).raw)
    weight = sum(len(gzip.compress(part)) for part in parts)
    assert weight <= FIRST_VIEW_BYTES, weight


@pytest.mark.needs("chromium")
async def test_a_small_phone_shows_everything_and_plays(page: Browser, db: Database, town: Town) -> None:
    await send(db, town, number=17)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*CHROMIUM, "--autoplay-policy=no-user-gesture-required"]
        )
        tab = await browser.new_page(viewport={"width": 360, "height": 780}, locale="zh-CN")
        trouble: list[str] = []
        tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        for path in ("/", "/notices", "/notices/17", "/votes", "/speak", "/people"):
            await tab.goto(page.base + path)
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            buttons = "[...document.querySelectorAll('main .act, main .key')].filter(e => e.offsetHeight)"
            assert await tab.evaluate(buttons + ".every(e => e.offsetHeight >= 60)"), path
        await tab.goto(page.base + "/")
        await tab.click("[data-listen]")
        await tab.wait_for_function("document.querySelector('[data-listen] span').textContent === '停'")
        assert trouble == []
        await browser.close()
