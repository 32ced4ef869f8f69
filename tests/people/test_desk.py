"""The roster at the desk, through a browser without a screen: checked, brought in, looked at, changed."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.outbox import Outbox
from tests.people.conftest import BringIn
from tests.people.files import as_csv, as_xlsx, id_card
from tests.people.test_reading import TEN_MISTAKES
from tests.web.kit.browser import Browser, Page
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.notices.notice import Channels, Order
from village.notices.office import Means, Office
from village.notices.send_notice import send_notice
from village.people import registration, store
from village.people.audience import Audience
from village.people.optout import set_opted
from village.people.phones import set_channel, set_home_only
from village.people.sheet import Cell
from village.polls.open_poll import open_poll
from village.polls.poll import Order as Ask
from village.polls.poll import PollKind
from village.polls.store import copies_of
from village.sample.roster import sample_csv
from village.web import desk_accounts, desk_roster
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.serving import listening

KEY = b"v" * 32
PASSWORD = "qingshan lvshui"


@pytest.fixture
async def desk(db: Database, clock: MovableClock, vault: Vault, tmp_path_factory) -> AsyncIterator[Browser]:  # type: ignore[no-untyped-def]
    """A browser in which the committee's first account is signed in."""
    folder = tmp_path_factory.mktemp("tls")
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        routes=[
            *desk_roster.routes(
                db, clock, vault, Outbox(vault, clock), area_code="0571", groups=8, sms_number="19900000000"
            ),
            *desk_accounts.routes(Accounts(db, clock, KEY), folder),
        ],
        rail=[RailEntry("/roster", say("花名册"))],
    )
    async with listening(app) as (address,):
        browser = Browser(address.url.rstrip("/"))
        code = await db.write(lambda tx: first_visit_code(tx, KEY))
        first = await browser.get("/first")
        await browser.submit(first, "/first", code=str(code), name="陈会计", password=PASSWORD, password_again=PASSWORD)
        yield browser
        await browser.close()


async def upload(desk: Browser, content: bytes, name: str = "花名册.xlsx") -> Page:
    page = await desk.get("/roster/import")
    body = aiohttp.FormData(page.hidden("/roster/import"))
    body.add_field("file", io.BytesIO(content), filename=name, content_type="application/octet-stream")
    return await desk.post("/roster/import", body)


def confirm_path(page: Page) -> str:
    found = re.search(r'action="(/roster/import/\d+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def test_an_empty_roster_says_how_to_begin(desk: Browser) -> None:
    page = await desk.get("/roster")
    assert "还没有花名册" in page.text
    assert 'href="/roster/import"' in page.text


async def test_a_spreadsheet_is_checked_and_then_brought_in(desk: Browser, db: Database) -> None:
    checked = await upload(desk, sample_csv(), "花名册.csv")
    assert "没有错误：210户602人" in checked.text
    assert await db.read(store.is_empty)
    done = await desk.submit(checked, confirm_path(checked))
    assert done.path == "/roster"
    assert "新增602人" in done.text
    assert "王德福" in (await desk.get("/roster?group=3")).text
    again = await desk.submit(checked, confirm_path(checked))
    assert again.path == "/roster", "a form sent twice leads to where the first led"
    assert len(await db.read(store.everybody)) == 602


async def test_mistakes_are_listed_by_row_and_nothing_waits(desk: Browser, db: Database) -> None:
    page = await upload(desk, as_xlsx(TEN_MISTAKES))
    assert page.status == 422
    for row in range(4, 14):
        assert f"第{row}行：" in page.text
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM pending_import").fetchone()[0]) == 0


async def test_what_is_no_spreadsheet_is_said_on_the_page(desk: Browser) -> None:
    page = await upload(desk, b"%PDF-1.7", "花名册.xlsx")
    assert page.status == 422
    assert "这个文件不是表格" in page.text
    large = await upload(desk, b"x" * (21 << 20))
    assert large.status == 413
    assert "20 MB" in large.text


async def test_no_id_number_waits_between_check_and_import(desk: Browser, db: Database, vault: Vault) -> None:
    number = id_card("19580304")
    checked = await upload(desk, as_xlsx([["姓名", "组", "身份证号"], ["王德福", "3", number]]))
    (sealed,) = await db.read(lambda tx: tx.execute("SELECT sealed FROM pending_import").fetchone())
    assert number[6:] not in vault.open(sealed)
    assert number not in checked.text
    await desk.submit(checked, confirm_path(checked))
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM pending_import").fetchone()[0]) == 0


async def test_who_is_missing_leaves_when_the_clerk_ticks_it(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    rows: list[list[Cell]] = [["组", "户主", "姓名", "与户主关系"], ["3组", "王德福", "王德福", "户主"]]
    checked = await upload(desk, as_csv(rows))
    assert "花名册上有、表里没有的 2 人" in checked.text
    await desk.submit(checked, confirm_path(checked), leave_missing="1")
    assert [row.name for row in await db.read(store.everybody)] == ["王德福", "李大山"]


async def test_people_are_found_by_a_part_of_their_name(desk: Browser, bring_in: BringIn) -> None:
    await bring_in()
    page = await desk.get("/roster?q=小军")
    assert "找到1人" in page.text
    assert "199****0005" in page.text
    assert "19900000005" not in page.text
    assert "没有找到" in (await desk.get("/roster?q=赵云")).text


async def person_page(desk: Browser, db: Database, name: str) -> tuple[Page, str]:
    (row,) = await db.read(lambda tx: store.named(tx, name))
    path = f"/roster/people/{row.id}"
    return await desk.get(path), path


async def test_marks_and_phones_are_changed_by_hand(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    page = await desk.submit(page, f"{path}/marks", lives_alone="1", cannot_read="1", away_where="", dialect="本地话")
    page = await desk.submit(page, f"{path}/phones", number="88002001")
    assert "0571****2001" in page.text
    (row,) = await db.read(lambda tx: store.named(tx, "李大山"))
    assert (row.marks.lives_alone, row.marks.cannot_read, row.dialect) == (True, True, "本地话")
    (phone,) = row.phones
    page = await desk.submit(page, f"{path}/phones/{phone.id}", channel="both", slow="1", opted="alerts", do="save")
    (row,) = await db.read(lambda tx: store.named(tx, "李大山"))
    assert (row.phones[0].channel, row.phones[0].slow, row.phones[0].opted) == ("both", True, "alerts")
    page = await desk.submit(page, f"{path}/phones/{phone.id}", do="remove")
    assert "没有电话，通知要上门" in page.text
    assert "陈会计" in page.text, "the history says who"


async def test_a_number_is_kept_off_lines_abroad_and_let_on_again(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault
) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    page = await desk.submit(page, f"{path}/phones", number="19900000077")
    (row,) = await db.read(lambda tx: store.named(tx, "李大山"))
    phone = row.phones[-1]

    async def kept() -> tuple[bool, int]:
        def unit(tx: sqlite3.Connection) -> tuple[bool, int]:
            found = store.phone_by_id(tx, phone.id)
            told = tx.execute("SELECT home_only FROM recipient WHERE fingerprint = ?", (phone.fingerprint,)).fetchone()
            assert found is not None
            return found.home_only, told[0]

        return await db.read(unit)

    form = {"channel": "sms", "opted": "all", "do": "save"}
    page = await desk.submit(page, f"{path}/phones/{phone.id}", home_only="1", **form)
    assert await kept() == (True, 1)
    assert page.text.count("不走国外线路") >= 3, "beside the number, in its form and in the history"
    assert re.search(r'name="home_only" value="1" checked', page.text)
    page = await desk.submit(page, f"{path}/phones/{phone.id}", home_only="1", slow="1", **form)
    assert await kept() == (True, 1)
    await desk.submit(page, f"{path}/phones/{phone.id}", **form)
    assert await kept() == (False, 0)


async def with_phone(desk: Browser, db: Database) -> tuple[Page, str, store.PhoneRow]:
    """A clerk has somebody's page open, with a phone that takes everything; the path its form goes to."""
    page, path = await person_page(desk, db, "李大山")
    page = await desk.submit(page, f"{path}/phones", number="19900000077")
    (row,) = await db.read(lambda tx: store.named(tx, "李大山"))
    phone = row.phones[-1]
    return page, f"{path}/phones/{phone.id}", phone


async def phone_now(db: Database, phone: store.PhoneRow) -> store.PhoneRow:
    found = await db.read(lambda tx: store.phone_by_id(tx, phone.id))
    assert found is not None
    return found


UNTOUCHED = {"channel": "sms", "opted": "all", "do": "save"}


async def test_a_page_left_open_takes_no_consent_back(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault, clock: MovableClock
) -> None:
    """The villager opts out by SMS, another clerk keeps the number at home; the first one then only ticks 念慢些."""
    await bring_in()
    page, path, phone = await with_phone(desk, db)

    def meanwhile(tx: sqlite3.Connection) -> None:
        at_ms = clock.now_ms()
        set_opted(tx, phone.id, "none", how="sms", at_ms=at_ms)
        set_home_only(tx, vault, Outbox(vault, clock), phone, True, by="李会计", at_ms=at_ms)

    await db.write(meanwhile)
    saved = await desk.submit(page, path, slow="1", **UNTOUCHED)
    assert saved.status == 200
    now = await phone_now(db, phone)
    assert (now.opted, now.home_only, now.slow) == ("none", True, True)

    def consents(tx: sqlite3.Connection) -> list[tuple[str, str]]:
        rows = tx.execute("SELECT what, how FROM consent WHERE phone_id = ? ORDER BY id", (phone.id,))
        return [(row["what"], row["how"]) for row in rows]

    assert await db.read(consents) == [("none", "sms")]


async def test_where_both_changed_the_same_the_clerk_sees_what_it_is_now(
    desk: Browser, bring_in: BringIn, db: Database, clock: MovableClock
) -> None:
    await bring_in()
    page, path, phone = await with_phone(desk, db)
    await db.write(lambda tx: set_opted(tx, phone.id, "none", how="sms", at_ms=clock.now_ms()))
    refused = await desk.submit(page, path, channel="both", opted="alerts", slow="1", do="save")
    assert refused.status == 409
    assert "“收不收通知”刚刚改成了“全部退订”，您选的是“只收预警”" in refused.text
    now = await phone_now(db, phone)
    assert (now.opted, now.channel, now.slow) == ("none", "sms", False)
    form = refused.text[refused.text.index(f'action="{path}"') :]
    form = form[: form.index("</form>")]
    assert '<option value="none" selected>' in form, "what it is now"
    assert '<option value="both" selected>' in form, "what else the clerk chose is not lost"
    assert re.search(r'name="slow" value="1" checked', form)
    await desk.submit(refused, path, channel="both", opted="none", slow="1", do="save")
    now = await phone_now(db, phone)
    assert (now.opted, now.channel, now.slow) == ("none", "both", True)


async def test_a_form_that_does_not_say_what_it_showed_changes_nothing(
    desk: Browser, bring_in: BringIn, db: Database
) -> None:
    """A page from before this version, still open in a tab."""
    await bring_in()
    page, path, phone = await with_phone(desk, db)
    refused = await desk.submit(page, path, _shown="", channel="both", opted="none", do="save")
    assert refused.status == 409
    assert "这一页是旧的" in refused.text
    assert await phone_now(db, phone) == phone


async def test_one_refused_form_leaves_the_others_on_the_page_as_they_are(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault, clock: MovableClock
) -> None:
    """A wrong number in 加一个电话 must not untick anybody's marks, nor what a phone has chosen."""
    await bring_in()
    page, path, phone = await with_phone(desk, db)
    (person,) = await db.read(lambda tx: store.named(tx, "李大山"))
    path = f"/roster/people/{person.id}"
    page = await desk.submit(page, f"{path}/marks", lives_alone="1", away_where="", dialect="")
    await db.write(
        lambda tx: set_home_only(tx, vault, Outbox(vault, clock), phone, True, by="陈会计", at_ms=clock.now_ms())
    )
    refused = await desk.submit(page, f"{path}/phones", number="1990000")
    assert refused.status == 422
    assert re.search(r'name="home_only" value="1" checked', refused.text)
    assert re.search(r'name="lives_alone" value="1" checked', refused.text)
    assert not re.search(r'name="cannot_read" value="1" checked', refused.text)


@pytest.mark.parametrize("fields", [{"channel": "sms", "opted": "none", "do": "save"}, {"do": "remove"}])
async def test_a_phone_opted_out_or_taken_away_gets_nothing_that_still_waits(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault, fields: dict[str, str]
) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    page = await desk.submit(page, f"{path}/phones", number="13900000077")
    (row,) = await db.read(lambda tx: store.named(tx, "李大山"))
    clock = MovableClock(parse_iso("2026-12-05T09:10:00"))
    means = Means(Outbox(vault, clock), vault, Office(village="青山村", signature="青山村"))
    order = Order("明天停水", Audience.residents([row.id]), Channels(call=False))
    await db.write(lambda tx: send_notice(tx, means, order, clock.now_ms()))
    ask = Ask(PollKind.OPINION, "路灯装哪", ("东头", "西头"), clock.now_ms() + 86_400_000)

    def opened(tx: sqlite3.Connection) -> tuple[int, ...]:
        poll = open_poll(tx, means, ask, clock.now_ms())
        return tuple(copy.message_id for copy in copies_of(tx, poll.id, phone_id=row.phones[-1].id))

    asked = await db.write(opened)
    assert asked
    await desk.submit(page, f"{path}/phones/{row.phones[-1].id}", **fields)
    states = await db.read(
        lambda tx: {state["id"]: state["state"] for state in tx.execute("SELECT id, state FROM message_state")}
    )
    assert {states[message_id] for message_id in asked} == {"withdrawn"}
    assert states[min(states)] == "withdrawn"


async def test_who_lets_go_of_a_shared_phone_is_not_asked_for_there_by_name(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault
) -> None:
    """The other one keeps the SMS; the call that would ask for both does not ring."""
    await bring_in()
    for name in ("李大山", "王德福"):
        page, path = await person_page(desk, db, name)
        page = await desk.submit(page, f"{path}/phones", number="13900000077")
    clock = MovableClock(parse_iso("2026-12-05T09:10:00"))
    means = Means(Outbox(vault, clock), vault, Office(village="青山村", signature="青山村"))
    ask = Ask(PollKind.OPINION, "路灯装哪", ("东头", "西头"), clock.now_ms() + 86_400_000)
    (row,) = await db.read(lambda tx: store.named(tx, "王德福"))
    shared = row.phones[-1].id

    def opened(tx: sqlite3.Connection) -> int:
        set_channel(tx, shared, "both", by="陈会计", at_ms=clock.now_ms())
        return open_poll(tx, means, ask, clock.now_ms()).id

    poll_id = await db.write(opened)
    await desk.submit(page, f"{path}/phones/{shared}", do="remove")
    copies = await db.read(lambda tx: copies_of(tx, poll_id, phone_id=shared))
    assert {(copy.channel, copy.state) for copy in copies} == {("sms", "queued"), ("call", "withdrawn")}


async def test_a_wrong_number_comes_back_in_its_field(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    refused = await desk.submit(page, f"{path}/phones", number="1990000")
    assert refused.status == 422
    assert "只有7位" in refused.text
    assert 'value="1990000"' in refused.text


async def test_a_full_number_is_shown_on_request_and_noted(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "王德福")
    assert "19900000001" not in page.text
    shown = await desk.submit(page, f"{path}/numbers")
    assert "19900000001" in shown.text
    assert "看了完整号码" in shown.text


async def test_a_code_is_printed_once_and_works(
    desk: Browser, bring_in: BringIn, db: Database, vault: Vault, clock: MovableClock
) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    slip = await desk.submit(page, f"{path}/code")
    found = re.search(r'class="paper-code">(\d{3}) (\d{3})<', slip.text)
    assert found is not None
    assert "发到 19900000000" in slip.text
    code = found[1] + found[2]
    done = await db.write(lambda tx: registration.redeem(tx, vault, "+8619900000099", code, clock.now_ms()))
    assert done.outcome == "registered"
    again = await desk.submit(page, f"{path}/code")
    assert "paper-code" not in again.text, "the form of a printed code prints no second one"


async def test_a_sheet_of_codes_covers_a_groups_grown_ups(desk: Browser, bring_in: BringIn) -> None:
    await bring_in()
    page = await desk.get("/roster/codes")
    sheet = await desk.submit(page, "/roster/codes", group="3")
    assert sheet.text.count("paper-code") == 3
    assert "王小军" in sheet.text


async def test_the_household_chooses_who_speaks_for_it(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    (row,) = await db.read(lambda tx: store.named(tx, "李桂英"))
    path = f"/roster/households/{row.household_id}"
    page = await desk.submit(await desk.get(path), path, speaker=str(row.id))
    assert "户代表是 李桂英 了" in page.text
    speaking = [each.name for each in await db.read(store.everybody) if each.marks.represents_household]
    assert speaking == ["李桂英", "李大山"]


async def test_who_left_by_mistake_comes_back(desk: Browser, bring_in: BringIn, db: Database) -> None:
    await bring_in()
    page, path = await person_page(desk, db, "李大山")
    page = await desk.submit(page, f"{path}/leave", do="leave")
    assert "已离开" in page.text
    assert len(await db.read(store.everybody)) == 3
    await desk.submit(page, f"{path}/leave", do="back")
    assert len(await db.read(store.everybody)) == 4


async def test_exports_are_masked_unless_asked_for(desk: Browser, bring_in: BringIn) -> None:
    await bring_in()
    page = await desk.get("/roster")
    masked = await desk.get("/roster/export")
    assert "199****0001" in masked.text
    assert "19900000001" not in masked.text
    full = await desk.submit(page, "/roster/export")
    assert "19900000001" in full.text
    assert "attachment" in full.headers["Content-Disposition"]


async def test_strangers_see_nothing(desk: Browser, bring_in: BringIn) -> None:
    await bring_in()
    stranger = Browser(desk.base)
    for path in ("/roster", "/roster/import", "/roster/export", "/roster/people/1"):
        page = await stranger.get(path)
        assert "王德福" not in page.text
        assert "/login" in page.path
    await stranger.close()
