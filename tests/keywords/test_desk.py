"""The desk's pages 来信 and 建议, in a browser without a screen."""

from contextlib import asynccontextmanager

import pytest

from tests.keywords.conftest import SHARED, STRANGER, WANG, Street
from tests.web.kit.browser import Browser
from village.ground.wording import say
from village.keywords.answering import AnswerSettings
from village.web import desk_accounts, desk_messages, desk_suggestions
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.authority import make_authority
from village.web.kit.first_visit import first_visit_code
from village.web.kit.serving import listening

KEY = b"k" * 32
PASSWORD = "qingshan lvshui"


class Desk:
    def __init__(self, street: Street, browser: Browser) -> None:
        self.street = street
        self.browser = browser

    async def page(self, path: str, status: int = 200) -> str:
        page = await self.browser.get(path)
        assert page.status == status, page.text
        return page.text

    async def become(self, role: str) -> None:
        await self.street.db.write(lambda tx: tx.execute("UPDATE account SET role = :role", {"role": role}))


@asynccontextmanager
async def open_desk(street, clock, tmp_path):
    code = await street.db.write(lambda tx: first_visit_code(tx, KEY))
    accounts, tls = Accounts(street.db, clock, KEY), tmp_path / "tls"
    make_authority(tls, "青山村", [], clock.now_ms())
    app = make_desk_app(
        db=street.db,
        clock=clock,
        key=KEY,
        village="青山村",
        routes=[
            *desk_messages.routes(street.db, clock, street.means.vault),
            *desk_suggestions.routes(street.db, clock, street.means.vault),
            *desk_accounts.routes(accounts, tls),
        ],
        rail=[RailEntry("/messages", say("来信")), RailEntry("/suggestions", say("建议"))],
    )
    async with listening(app) as (address,):
        browser = Browser(address.url)
        first = await browser.get("/first")
        await browser.submit(first, "/first", code=code, name="陈会计", password=PASSWORD, password_again=PASSWORD)
        yield Desk(street, browser)
        await browser.close()
    accounts.close()


@pytest.fixture
async def desk(street, clock, tmp_path):
    async with open_desk(street, clock, tmp_path) as opened:
        yield opened


async def test_an_empty_desk_says_what_will_stand_there(desk):
    assert "还没有来信" in await desk.page("/messages")
    assert "没有不认识的号码" in await desk.page("/messages?who=strangers")
    assert "还没有建议" in await desk.page("/suggestions")


async def test_letters_show_words_but_never_a_ballot_or_a_code(desk):
    await desk.street.sends()
    await desk.street.clock.advance(60_000)
    for text in ("9", "1和2", "同意", "123456", "<b>路灯</b>坏了"):
        await desk.street.says(WANG, text)
    await desk.street.says(STRANGER, "2311")
    text = await desk.page("/messages")
    assert "&lt;b&gt;路灯&lt;/b&gt;坏了" in text
    assert "王德福 199****0001" in text
    assert "回执" in text
    for hidden in ("1和2", ">同意<", "123456", "2311", "19900000001"):
        assert hidden not in text
    strangers = await desk.page("/messages?who=strangers")
    assert "199****0009" in strangers
    assert "王德福" not in strangers


async def test_a_clerk_who_wants_to_ring_back_sees_the_number(desk):
    await desk.street.says(STRANGER, "我是村东老张的儿子")
    assert "19900000009" in await desk.page("/messages/1")
    assert (await desk.browser.get("/messages/99")).status == 404


async def test_what_is_for_the_supervisory_committee_is_seen_by_it_alone(desk):
    await desk.street.says(WANG, "监督 三组的账不公开")
    await desk.street.says(WANG, "点 http://abc.top 领钱")
    text = await desk.page("/messages")
    assert "三组的账" not in text
    assert "abc.top" not in text
    assert "王德福" not in text
    await desk.page("/messages/1", status=404)
    await desk.page("/messages/supervision", status=403)
    await desk.become("supervisory")
    page = await desk.browser.get("/messages/supervision")
    assert "三组的账不公开" in page.text
    assert "abc.top" in page.text
    after = await desk.browser.submit(page, "/messages/supervision/1")
    assert "陈会计看过了" in after.text


async def test_a_cry_for_help_stands_on_top_until_somebody_rang_back(desk):
    desk.street.settings = AnswerSettings(duty_phone="13900001111")
    await desk.street.says(WANG, "救命")
    page = await desk.browser.get("/messages")
    assert "有人求救：王德福(3组)" in page.text
    assert "19900000001" in page.text
    assert "已叫值班的人回电" in page.text
    after = await desk.browser.submit(page, "/messages/alarms/1")
    assert "有人求救" not in after.text
    assert "记下了：陈会计已回电" in after.text
    again = await desk.browser.post("/messages/alarms/1", page.hidden("/messages/alarms/1"))
    assert again.status in (200, 409)


async def test_a_suggestion_is_read_and_marked(desk):
    await desk.street.says(WANG, "路灯坏了")
    await desk.street.says(SHARED, "求助 要车去医院")
    page = await desk.browser.get("/suggestions")
    assert "2条建议还没人看" in page.text
    assert page.text.index("要车去医院") < page.text.index("路灯坏了")
    assert "王德福（3组）" in page.text
    assert "共用手机 199****0004" in page.text
    after = await desk.browser.submit(page, "/suggestions/1/read")
    assert "陈会计看过了" in after.text
    assert "路灯坏了" in await desk.page("/suggestions/1")
    await desk.page("/suggestions/99", status=404)


async def test_older_letters_are_a_link_away(desk):
    for at in range(53):
        await desk.street.says(WANG, f"第{at}个想法是种树")
    text = await desk.page("/messages")
    assert "第3个想法是种树" in text
    assert "第2个想法是种树" not in text
    assert "第2个想法是种树" in await desk.page("/messages?who=&before=4")


async def test_others_have_no_business_here(desk):
    await desk.become("party")
    await desk.page("/messages", status=403)
    await desk.page("/suggestions", status=403)
