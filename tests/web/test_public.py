"""The villagers' page on a real socket, with the real voice."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.async_api import async_playwright

from audio.speech import Speech
from gateway.message import State
from gateway.outbox import Outbox
from tests.notices.town import Town
from tests.web.kit.browser import Browser
from village.commands.interpret import rehearsed
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.keywords.answering import Answering
from village.notices import store
from village.notices.confirm import confirm
from village.notices.correct_notice import correct_notice
from village.notices.notice import Channels
from village.notices.office import Means, Office
from village.notices.reach import reach
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
        assert 'href="sms:+8619900000110?body=%E6%94%B6%E5%88%B017"' in shown.text
        assert "/notices/17/speech.wav" in shown.text
    assert "<audio controls" in shown.text


def _offered(text: str) -> list[tuple[str, str]]:
    """Of every answer button: the words on it, and the words it writes."""
    found = re.findall(r'href="sms:[^"?]*\?body=([^"]*)">(.*?)</a>', text, re.S)
    return [(" ".join(re.sub("<[^>]+>", "", shown).split()), unquote(written)) for written, shown in found]


async def test_what_a_button_says_it_writes_and_means_its_own_notice(
    page: Browser, db: Database, town: Town, clock: MovableClock
) -> None:
    """Nothing shown or written on the page may confirm another notice, whatever the phone was asked last."""
    await send(db, town, number=7)
    await send(db, town, number=18)
    await send(db, town, number=15, channels=Channels(sms=False, call=False))

    def ask_again(tx):  # type: ignore[no-untyped-def]
        """The newest question of all is for a few, and not on the page."""
        house = town.house(tx, "甲")
        town.send(tx, "只给甲的话", Audience.residents(house.residents), channels=Channels(page=False), number=30)
        for notice in store.every_notice(tx):
            for row in town.messages(tx, notice):
                if row["channel"] == "sms":
                    town.move(tx, row["id"], State.SENDING, State.ACCEPTED)

    await db.write(ask_again)
    await clock.advance(60_000)
    answering = Answering(town.means, clock)
    offered = {
        path: _offered((await page.get(path)).text) for path in ("/", "/notices/7", "/notices/15", "/notices/18")
    }
    assert [written for _, written in offered["/"]] == ["收到15", "收到18", "收到07"]
    for shown, written in [pair for pairs in offered.values() for pair in pairs]:
        assert shown.replace(" ", "") == written
        number = int(written.removeprefix("收到"))
        for text in (shown, written):
            decision = (await rehearsed(db, answering, "+8619900000001", text)).as_json(str)
            assert json.loads(decision)["intent"] == "confirm", decision
            assert f"通知{number}" in decision
    assert [offered[f"/notices/{number}"][0][1] for number in (7, 15, 18)] == ["收到07", "收到15", "收到18"]


async def test_an_answer_from_the_page_counts_where_no_message_was_sent(
    db: Database, town: Town, clock: MovableClock
) -> None:
    notice = await send(db, town, number=15, channels=Channels(sms=False, call=False))

    def answer(tx):  # type: ignore[no-untyped-def]
        confirm(tx, notice.id, via="sms", at_ms=clock.now_ms(), phone_id=1)
        return reach(tx, notice.id, clock.now_ms(), town.means.office).funnel.confirmed

    assert await db.write(answer) == 1


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
        shown = (await browser.get("/notices/17")).text
        assert "直接回短信 收到17。" in shown
        assert "接到电话的，按 9。" in shown
        await browser.close()


async def test_nobody_is_asked_to_answer_where_no_answer_can_arrive(
    db: Database, clock: MovableClock, town: Town, office: Office, tmp_path: Path
) -> None:
    """A village without a line has a number on paper only; a notice for the page alone was sent to no phone."""
    await send(db, town, number=17)
    await send(db, town, number=15, channels=Channels(sms=False, call=False))
    speech = Speech(tmp_path / "clips")
    for lines, asking in (
        ({"texts": False, "calls": False}, ()),
        ({"texts": False}, (17,)),
        ({"sms_number": ""}, (17,)),
    ):
        routes = public.routes(db, clock, replace(office, **lines), speech)
        app = make_public_app(db=db, clock=clock, key=b"v" * 32, village="青山村", routes=routes)
        async with listening(app) as (address,):
            browser = Browser(address.url)
            for number in (15, 17):
                shown = (await browser.get(f"/notices/{number}")).text
                assert "sms:" not in shown
                assert ("知道了，回一个" in shown) == (number in asking)
            await browser.close()
    await speech.close()


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
