"""The desk's page of the county, with the real county behind it on a real socket: enrolled, told, passed on once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audio.speech import Speech
from gateway.outbox import Outbox
from sync.keys import SigningKey
from tests.notices.town import Town
from tests.web.kit.browser import Browser, Page
from village.county.app import Running, running
from village.county.enrolling import issue_code
from village.county.noticing import CountyLog, Draft
from village.county.place import CountyPlace
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.link import store
from village.link.county_link import CountyLink
from village.notices import store as notices
from village.notices.office import Means, Office
from village.web import desk_accounts, desk_county, desk_notices
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.gate import Role
from village.web.kit.serving import listening
from village.web.kit.store import set_role

KEY = b"v" * 32
TEXT = "森林防火：清明期间不许上坟烧纸。"


@dataclass
class Desk:
    browser: Browser
    db: Database
    county: Running
    link: CountyLink
    link_clock: MovableClock

    async def enrol(self, code: str, url: str | None = None) -> Page:
        page = await self.browser.get("/county")
        return await self.browser.submit(
            page, "/county/enrol", url=self.county.exchange_url if url is None else url, code=code
        )

    async def enrolled(self) -> None:
        code = await issue_code(self.county.db, self.county.clock, village="青山村", by="李")
        assert "认得本村了" in (await self.enrol(code.shown)).text

    async def county_says(self, text: str = TEXT) -> int:
        log = CountyLog(self.county.place.key, self.county.clock)
        draft = Draft(text, "县林业局", None, ())
        number = await self.county.db.write(lambda tx: log.publish(tx, draft, "李"))
        await self.link.speak_now()
        return number

    async def preview(self, number: int, **fields: str) -> Page:
        page = await self.browser.get(f"/notices/new?county={number}")
        assert page.status == 200, page.text
        told = page.hidden("/notices/new") | {"text": _written(page), "to": "everyone", "when": "now"} | fields
        pairs = [*told.items(), ("channel", "sms"), ("channel", "page")]
        return await self.browser.post("/notices/new", pairs)

    async def send(self, preview: Page) -> Page:
        assert preview.status == 200, preview.text
        body = re.search(r'<form[^>]*action="/notices/send".*?</form>', preview.text, re.S)
        assert body is not None, preview.text
        return await self.browser.post(
            "/notices/send", re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body[0])
        )

    async def sent(self) -> int:
        return len(await self.db.read(notices.every_notice))


def _written(page: Page) -> str:
    found = re.search(r"<textarea[^>]*name=\"text\"[^>]*>([^<]*)</textarea>", page.text)
    assert found is not None, page.text
    return found[1].strip()


@pytest.fixture
async def desk(db: Database, clock: MovableClock, vault: Vault, tmp_path: Path) -> AsyncIterator[Desk]:
    town = Town(Means(Outbox(vault, clock), vault, Office("青山村", "青山村", "88001234", "19900000110")), clock)

    def prepare(tx):  # type: ignore[no-untyped-def]
        town.house(tx, "王德福", group=1)
        return first_visit_code(tx, KEY)

    code = await db.write(prepare)
    speech, accounts = Speech(tmp_path / "clips"), Accounts(db, clock, KEY)
    link = CountyLink(db, clock, SigningKey.from_seed(b"t" * 32), "青山村")
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        rail=[RailEntry("/", say("今天")), RailEntry("/county", say("县里"))],
        routes=[
            *desk_notices.routes(db, clock, town.means, speech),
            *desk_county.routes(db, clock, link),
            *desk_accounts.routes(accounts),
        ],
    )
    place = CountyPlace.make(tmp_path / "county", name="样板县", listen="127.0.0.1")
    async with running(place, any_port=True) as county, listening(app) as (address,):
        browser = Browser(address.url)
        first = await browser.get("/first")
        password = "qingshan lvshui"
        await browser.submit(first, "/first", code=code, name="陈会计", password=password, password_again=password)
        yield Desk(browser, db, county, link, clock)
        await browser.close()
    accounts.close()
    await speech.close()


# enrolling


async def test_the_code_from_the_slip_enrols_once(desk: Desk) -> None:
    assert "让县里认得本村" in (await desk.browser.get("/county")).text
    code = await issue_code(desk.county.db, desk.county.clock, village="青山村", by="李")
    typed = code.shown.lower().replace("-", "  ")
    page = await desk.enrol(typed)
    assert (page.path, "样板县认得本村了" in page.text) == ("/county", True)
    assert "本村编号 1" in page.text
    assert "让县里认得本村" not in page.text


async def test_the_address_may_be_typed_with_full_width_signs(desk: Desk) -> None:
    code = await issue_code(desk.county.db, desk.county.clock, village="青山村", by="李")
    typed = desk.county.exchange_url.replace(":", "：").replace(".", "。").replace("1", "１")
    assert "认得本村了" in (await desk.enrol(code.shown, typed)).text


async def test_a_county_that_moved_needs_no_new_code(desk: Desk) -> None:
    await desk.enrolled()
    page = await desk.browser.get("/county")
    gone = await desk.browser.submit(page, "/county/enrol", url="http://127.0.0.1:9", code="")
    assert "联系不上" in gone.text
    assert 'value="http://127.0.0.1:9"' in gone.text
    back = await desk.browser.submit(gone, "/county/enrol", url=desk.county.exchange_url, code="")
    assert "都对上了" in back.text


async def test_a_certificate_that_runs_out_is_told_and_renewed(desk: Desk) -> None:
    await desk.enrolled()
    await desk.county_says()
    assert "证书快到期了" not in (await desk.browser.get("/county")).text
    soon_ms = desk.link_clock.now_ms() + 59 * 86_400_000
    await desk.db.write(lambda tx: tx.execute("UPDATE county SET expires_ms = :soon", {"soon": soon_ms}))
    page = await desk.browser.get("/county")
    assert "证书快到期了" in page.text
    code = await issue_code(desk.county.db, desk.county.clock, village="青山村", by="李")
    page = await desk.browser.submit(page, "/county/enrol", url=desk.county.exchange_url, code=code.shown)
    assert "认得本村了" in page.text
    assert "证书快到期了" not in page.text
    assert "本村编号 1" in page.text  # the same village: number and log stay
    assert "县里有1条通知等着处理" in page.text


@pytest.mark.parametrize(
    ("code", "url", "why"),
    [
        ("0000-0000-0000-0000", None, "登记码不对"),
        ("abc", None, "四组"),
        ("", None, "登记码"),
        ("0000-0000-0000-0000", "ftp://county", "http://"),
        ("0000-0000-0000-0000", "http://127.0.0.1:9", "联系不上"),
    ],
)
async def test_what_cannot_enrol_says_why_and_keeps_what_was_typed(desk: Desk, code: str, url: str | None, why: str):
    page = await desk.enrol(code, url)
    assert why in page.text
    assert (url or desk.county.exchange_url) in page.text
    assert await desk.db.read(store.county) is None


async def test_only_the_committee_enrols_and_passes_on(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says()
    await desk.db.write(lambda tx: set_role(tx, 1, Role.SUPERVISORY))
    page = await desk.browser.get(f"/county/notices/{number}")
    assert TEXT.rstrip("。") in page.text
    assert "由村委会来处理" in page.text
    assert f"/county/notices/{number}/aside" not in page.text
    assert (await desk.browser.get(f"/notices/new?county={number}")).status == 403


# passing on


async def test_a_county_notice_waits_and_is_passed_on_in_the_committees_words(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says()
    page = await desk.browser.get("/county")
    assert "县里有1条通知等着处理" in page.text
    assert "县里有1条通知等着处理" in (await desk.browser.get("/")).text
    assert await desk.sent() == 0  # nothing goes out by itself
    sent = await desk.send(await desk.preview(number, text="清明上坟不许烧纸，抓到罚款。"))
    assert "发出去了" in sent.text
    (notice,) = await desk.db.read(notices.every_notice)
    assert notice.text == "清明上坟不许烧纸，抓到罚款。"
    assert await desk.db.read(lambda tx: store.relayed_from(tx, notice.id)) == number
    assert "转发了" in (await desk.browser.get("/county")).text
    assert "等着处理" not in (await desk.browser.get("/")).text


async def test_two_clerks_pass_it_on_once(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says()
    previews = [await desk.preview(number) for _ in range(3)]
    pages = await asyncio.gather(*[desk.send(preview) for preview in previews])
    assert await desk.sent() == 1
    assert sum("发出去了" in page.text for page in pages) == 1
    assert sum("已经转发过了" in page.text for page in pages) == 2


async def test_what_the_county_took_back_cannot_be_passed_on(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says()
    preview = await desk.preview(number)
    log = CountyLog(desk.county.place.key, desk.county.clock)
    await desk.county.db.write(lambda tx: log.withdraw(tx, number))
    await desk.link.speak_now()
    assert "县里收回了这条通知" in (await desk.send(preview)).text
    assert await desk.sent() == 0
    assert "县里收回了" in (await desk.browser.get(f"/county/notices/{number}")).text


async def test_putting_aside_is_done_once_and_named(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says()
    pages = [await desk.browser.get(f"/county/notices/{number}") for _ in range(2)]
    action = f"/county/notices/{number}/aside"
    assert "放到一边了" in (await desk.browser.submit(pages[0], action)).text
    assert "已经有人处理过了" in (await desk.browser.submit(pages[1], action)).text
    assert "陈会计放到一边了" in (await desk.browser.get(f"/county/notices/{number}")).text


async def test_what_the_county_wrote_is_text_and_nothing_else(desk: Desk) -> None:
    await desk.enrolled()
    number = await desk.county_says("<script>alert(1)</script>")
    for path in ("/county", f"/county/notices/{number}", f"/notices/new?county={number}"):
        page = await desk.browser.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


async def test_the_page_says_what_waits_while_the_county_is_away(desk: Desk) -> None:
    await desk.enrolled()
    desk.link.cut_or_restore(cut=True)
    page = await desk.browser.submit(await desk.browser.get("/county"), "/county/now")
    assert "联系不上" in page.text
    assert "县里：现在说不上话" in page.text
    desk.link.cut_or_restore(cut=False)
    page = await desk.browser.submit(await desk.browser.get("/county"), "/county/now")
    assert "都对上了" in page.text
