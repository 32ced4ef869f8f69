"""The county's desk, every page of it, as its clerk and as somebody who may only read."""

from __future__ import annotations

import aiohttp
import pytest

from tests.county.test_county import COUNTED, NOTICE, OPENED, REACHED, enrols, post
from village.county.enrolling import issue_code
from village.ground.wording import RefusalError
from village.story.browser import Browser

PASSWORD = "shuiku-lihua-banma"


@pytest.fixture
async def clerk(county):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        browser = Browser(session, county.loopback_url)
        first = (await browser.open("/first")).form("/first")
        filled = {"code": county.first_code, "name": "李经办", "password": PASSWORD, "password_again": PASSWORD}
        await browser.send(first, filled)
        yield browser


@pytest.fixture
async def told(county, town):
    await town.writes(NOTICE, REACHED, OPENED, COUNTED)
    await enrols(county, town)
    await town.link.speak_now()
    return town


PAGES = {
    "/": "青山村",
    "/villages/1": "停水",
    "/villages/1/polls/3": "核过了",
    "/polls": "东路口装不装减速带",
    "/notices": "还没有发过",
    "/notices/new": "哪个单位",
    "/codes": "用了",
    "/quarantine": "没有收的",
    "/accounts": "李经办",
    "/clock": "钟",
    "/ca": "证书",
    "/me": "李经办",
}


@pytest.mark.parametrize("path", list(PAGES))
async def test_every_page_opens_in_both_languages(clerk, told, path):
    page = await clerk.open(path)
    assert (page.status, PAGES[path] in page.said) == (200, True), page.said
    await clerk.open("/language/en?back=/")
    assert (await clerk.open(path)).status == 200


async def test_strangers_see_nothing(county, told):
    async with aiohttp.ClientSession() as session:
        page = await Browser(session, county.loopback_url).open("/villages/1")
    assert "青山村" not in page.said


async def test_a_notice_is_written_looked_at_and_put_down_once(clerk, told):
    form = (await clerk.open("/notices/new")).form("/notices/new")
    wrong = await clerk.send(form, {"text": "", "issuer": "", "whom": "some"})
    assert wrong.status == 422
    form = (await clerk.open("/notices/new")).form("/notices/new")
    preview = await clerk.send(form, {"text": "森林防火", "issuer": "县应急局", "whom": "some", "village": "1"})
    assert "发给1个村：青山村" in preview.said
    sent = await clerk.send(preview.form("/notices/send"), {})
    again = await clerk.send(preview.form("/notices/send"), {})
    assert "1个村里0个带回去了" in sent.said
    assert again.url == sent.url
    await told.link.speak_now()
    assert "1个村里1个带回去了" in (await clerk.open("/notices/1")).said
    taken_back = await clerk.send((await clerk.open("/notices/1")).form("/notices/1/withdraw"), {})
    assert "收回了" in taken_back.said


async def test_a_code_is_shown_once(clerk, told):
    form = (await clerk.open("/codes")).form("/codes")
    slip = await clerk.send(form, {"village": "白水村"})
    code = slip.said.split("白水村的登记码 ")[1].split()[0]
    assert len(code) == 19
    assert code not in (await clerk.open("/codes")).text


async def test_a_code_that_another_village_came_with_says_so(clerk, county, told):
    code = await issue_code(county.db, county.clock, village="白水村", by="李")
    with pytest.raises(RefusalError):
        await told.link.enrol(county.exchange_url, code.shown)
    assert "编号1的村拿它来过，没有收" in (await clerk.open("/codes")).said


async def test_what_was_set_aside_is_seen_and_ticked(clerk, county, told):
    await post(county, b"<html>")
    page = await clerk.open("/quarantine")
    assert "不是村里的程序发来的" in page.said
    assert "隔离里有1件" in (await clerk.open("/")).said
    await clerk.send(page.form("/quarantine/1"), {})
    assert "李经办看过了" in (await clerk.open("/quarantine")).said


async def test_a_village_is_renamed_and_revoked_only_after_asking_twice(clerk, told):
    page = await clerk.open("/villages/1")
    renamed = await clerk.send(page.form("/villages/1/name"), {"name": "青山新村"})
    assert "青山新村" in renamed.said
    asked = await clerk.send(renamed.form("/villages/1/revoke"), {})
    assert "再按一次" in asked.said
    done = await clerk.send(asked.form("/villages/1/revoke"), {})
    assert "停用了" in done.said


async def test_the_evidence_is_downloaded(clerk, told):
    from village.county.evidence import verify

    assert verify(await clerk.fetch("/villages/1/evidence")).log.unbroken


async def test_small_cells_are_hidden_whatever_a_village_sends(clerk, county, town):
    from dataclasses import replace

    few = replace(COUNTED, attended=167, counts=(131, 33, 3))
    await town.writes(OPENED, few)
    await enrols(county, town)
    await town.link.speak_now()
    page = await clerk.open("/villages/1/polls/3")
    assert "弃权 不到5" in page.said
