"""Accounts as people use them: real browser behaviour over real sockets, real argon2, real SQLite."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.web.kit.browser import Browser, Page
from tests.web.kit.conftest import KEY, Desk
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.wording import RefusalError
from village.web.kit.accounts import Source
from village.web.kit.first_visit import first_visit_code
from village.web.kit.forms import Form
from village.web.kit.sessions import IDLE_MS, LONGEST_MS, TOUCH_MS

DAY_MS = 86_400_000


async def _sign_in(browser: Browser, name: str, password: str) -> Page:
    return await browser.submit(await browser.get("/login"), "/login", name=name, password=password)


def _form(**fields: str) -> Form:
    return Form({name: [value] for name, value in fields.items()}, nonce=os.urandom(16))


async def test_a_stranger_is_led_to_the_first_visit_and_later_to_the_login(desk: Desk) -> None:
    stranger = desk.browser()
    assert (await stranger.get("/room")).path == "/first"
    await desk.committee()
    page = await stranger.get("/room?day=2")
    assert page.path.startswith("/login?next=/room")
    page = await stranger.submit(page, "/login", name="陈会计", password="qingshan lvshui")
    assert page.path == "/room?day=2"


async def test_first_visit_needs_the_code_and_gives_back_what_was_typed(desk: Desk) -> None:
    browser = desk.browser()
    page = await browser.submit(
        await browser.get("/first"),
        "/first",
        code="0000 0000 0000",
        name="陈会计",
        password="qingshan lvshui",
        password_again="qingshan lvshui",
    )
    assert page.status == 422
    assert "一次性密码不对" in page.text
    assert 'value="陈会计"' in page.text
    assert "qingshan lvshui" not in page.text


async def test_the_code_is_the_same_at_every_start_until_it_is_used(desk: Desk, db: Database) -> None:
    assert await db.write(lambda tx: first_visit_code(tx, KEY)) == desk.code
    assert await db.write(lambda tx: first_visit_code(tx, b"x" * 32)) != desk.code
    await desk.committee()
    assert await db.write(lambda tx: first_visit_code(tx, KEY)) is None


async def test_the_code_is_nowhere_in_the_file(desk: Desk, db: Database) -> None:
    digits = desk.code.replace(" ", "")
    await db.write(lambda tx: tx.execute("SELECT 1").fetchone())
    for path in db.path.parent.glob("village.db*"):
        assert digits.encode() not in path.read_bytes()


async def test_two_first_visits_at_once_make_one_account(desk: Desk, db: Database) -> None:
    browsers = [desk.browser(), desk.browser()]
    pages = [await browser.get("/first") for browser in browsers]
    await asyncio.gather(
        *(
            browser.submit(
                page, "/first", code=desk.code, name=f"甲{index}", password="abcd efgh", password_again="abcd efgh"
            )
            for index, (browser, page) in enumerate(zip(browsers, pages, strict=True))
        )
    )
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM account").fetchone()[0]) == 1


async def test_the_session_key_and_the_password_are_stored_as_hashes(desk: Desk, db: Database) -> None:
    browser = await desk.committee()
    keys = [cookie.value for cookie in browser.session.cookie_jar]
    assert keys
    for path in db.path.parent.glob("village.db*"):
        content = path.read_bytes()
        assert b"qingshan lvshui" not in content
        for key in keys:
            assert key.encode() not in content
    assert (await db.read(lambda tx: tx.execute("SELECT password FROM account").fetchone()[0])).startswith(
        "$argon2id$v=19$m=19456,t=2,p=1$"
    )


async def test_cookies_are_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    browser = await desk.committee()
    for cookie in browser.session.cookie_jar:
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"


async def test_log_out_ends_the_session_on_the_server_too(desk: Desk) -> None:
    browser = await desk.committee()
    kept = {c.key: c.value for c in browser.session.cookie_jar}
    page = await browser.submit(await browser.get("/room"), "/logout")
    assert page.path == "/login"
    assert "您已退出" in page.text
    thief = desk.browser()
    thief.session.cookie_jar.update_cookies(kept)
    assert (await thief.get("/room")).path.startswith("/login")


@pytest.mark.parametrize("what", ["reset", "remove"])
async def test_a_password_taken_away_while_it_is_being_checked_opens_nothing(
    desk: Desk, db: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await desk.committee()
    accounts = desk.accounts
    (chief,), _ = await accounts.listed()
    other, starter = await accounts.add(_form(name="李监委", role="supervisory"), chief)
    check = accounts._passwords.check

    async def slow(password: str, hashed: str | None) -> bool:
        right = await check(password, hashed)
        await getattr(accounts, what)(_form(), other.id, chief)
        return right

    monkeypatch.setattr(accounts._passwords, "check", slow)
    with pytest.raises(RefusalError):
        await accounts.sign_in(_form(name="李监委", password=starter), Source("192.168.1.7"))
    assert await accounts.sessions(other) == []


async def test_wrong_guesses_wait_longer_and_longer_and_never_for_ever(desk: Desk, clock: MovableClock) -> None:
    await desk.committee()
    stranger = desk.browser()
    for _ in range(4):
        assert (await _sign_in(stranger, "陈会计", "猜一猜吧")).status == 422
    page = await _sign_in(stranger, "陈会计", "qingshan lvshui")
    assert page.status == 429
    assert "请等2秒再试" in page.text
    await clock.advance(2_100)
    assert (await _sign_in(stranger, "陈会计", "猜一猜吧")).status == 422
    page = await _sign_in(stranger, "陈会计", "猜一猜吧")
    assert "请等4秒再试" in page.text
    for _ in range(12):
        await clock.advance(15 * 60_000)
        await _sign_in(stranger, "陈会计", "猜一猜吧")
    await clock.advance(15 * 60_000)
    assert (await _sign_in(stranger, "陈会计", "qingshan lvshui")).path == "/room"


async def test_guessing_does_not_lock_out_a_browser_that_was_signed_in_before(desk: Desk) -> None:
    clerk = await desk.committee()
    await clerk.submit(await clerk.get("/room"), "/logout")
    stranger = desk.browser()
    for _ in range(6):
        await _sign_in(stranger, "陈会计", "猜一猜吧")
    assert (await _sign_in(stranger, "陈会计", "qingshan lvshui")).status == 429
    assert (await _sign_in(clerk, "陈会计", "qingshan lvshui")).path == "/room"


async def test_guesses_sent_at_once_do_not_slip_through(desk: Desk) -> None:
    await desk.committee()
    stranger = desk.browser()
    page = await stranger.get("/login")
    answers = await asyncio.gather(
        *(stranger.submit(page, "/login", name="陈会计", password=f"猜 {n}") for n in range(12))
    )
    assert sorted(answer.status for answer in answers) == [422] * 4 + [429] * 8


async def test_committee_adds_an_account_that_must_change_its_password(desk: Desk) -> None:
    clerk = await desk.committee()
    page = await clerk.submit(await clerk.get("/accounts"), "/accounts", name="李监督", role="supervisory")
    starter = page.text.split('<p class="big code">')[1].split("<")[0]
    other = desk.browser()
    page = await _sign_in(other, "李监督", starter)
    assert page.path == "/me/password"
    assert (await other.get("/room")).path == "/me/password"
    page = await other.submit(
        page, "/me/password", password_now=starter, password="qikeshu2026", password_again="qikeshu2026"
    )
    assert page.path == "/me"
    assert (await other.get("/room")).status == 200
    page = await other.get("/accounts")
    assert page.status == 403
    assert "您的账号打不开这一页" in page.text
    assert "<p>村委会</p>" in page.text
    assert 'href="/accounts"' not in page.text


async def test_two_accounts_cannot_share_a_name(desk: Desk) -> None:
    clerk = await desk.committee()
    page = await clerk.submit(await clerk.get("/accounts"), "/accounts", name="陈会计", role="party")
    assert page.status == 409
    assert "已经有叫“陈会计”的账号" in page.text


async def test_the_last_committee_account_cannot_go(desk: Desk) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/accounts/1")
    assert (await clerk.submit(page, "/accounts/1/remove")).status == 409
    assert (await clerk.submit(page, "/accounts/1/role", role="party")).status == 409
    assert (await clerk.get("/room")).status == 200


async def test_a_removed_account_is_out_at_once_and_its_name_is_free(desk: Desk) -> None:
    clerk = await desk.committee()
    page = await clerk.submit(await clerk.get("/accounts"), "/accounts", name="王书记", role="party")
    starter = page.text.split('<p class="big code">')[1].split("<")[0]
    other = desk.browser()
    assert (await _sign_in(other, "王书记", starter)).path == "/me/password"
    page = await clerk.submit(await clerk.get("/accounts/2"), "/accounts/2/remove")
    assert "王书记的账号删掉了" in page.text
    assert (await other.get("/me/password")).path.startswith("/login")
    assert (await _sign_in(other, "王书记", starter)).status == 422
    page = await clerk.submit(await clerk.get("/accounts"), "/accounts", name="王书记", role="committee")
    assert "起始密码" in page.text


async def test_changing_the_password_signs_every_other_browser_out(desk: Desk) -> None:
    clerk = await desk.committee()
    phone = desk.browser()
    await _sign_in(phone, "陈会计", "qingshan lvshui")
    page = await clerk.get("/me/password")
    wrong = await clerk.submit(
        page, "/me/password", password_now="不是它呀", password="shanqianshanhou", password_again="shanqianshanhou"
    )
    assert wrong.status == 422
    await clerk.submit(
        page,
        "/me/password",
        password_now="qingshan lvshui",
        password="shanqianshanhou",
        password_again="shanqianshanhou",
    )
    assert (await clerk.get("/room")).path == "/room"
    assert (await phone.get("/room")).path.startswith("/login")


async def test_a_lost_phone_is_signed_out_from_the_list(desk: Desk) -> None:
    clerk = await desk.committee()
    phone = desk.browser()
    await _sign_in(phone, "陈会计", "qingshan lvshui")
    page = await clerk.get("/me")
    assert "就是这里" in page.text
    page = await clerk.submit(page, "/me/sessions/2")
    assert "那一处已经退出" in page.text
    assert (await phone.get("/room")).path.startswith("/login")


async def test_weak_passwords_are_refused_in_words(desk: Desk) -> None:
    browser = desk.browser()
    page = await browser.get("/first")
    for password, reason in [("短", "至少8位"), ("12345678", "太容易猜"), ("啊啊啊啊啊啊啊啊啊", "太容易猜")]:
        answer = await browser.submit(
            page, "/first", code=desk.code, name="陈会计", password=password, password_again=password
        )
        assert reason in answer.text
    answer = await browser.submit(
        page, "/first", code=desk.code, name="陈会计", password="tiantianxiangshang", password_again="tiantianxiangxia"
    )
    assert "两遍密码不一样" in answer.text


async def test_a_session_ends_after_an_idle_day_and_a_used_one_after_two_weeks(desk: Desk, clock: MovableClock) -> None:
    clerk = await desk.committee()
    await clock.advance(IDLE_MS - 1000)
    assert (await clerk.get("/room")).path == "/room"
    await clock.advance(IDLE_MS + 1000)
    assert (await clerk.get("/room")).path.startswith("/login")
    await _sign_in(clerk, "陈会计", "qingshan lvshui")
    used_ms = 0
    while used_ms <= LONGEST_MS - IDLE_MS:
        assert (await clerk.get("/room")).path == "/room"
        await clock.advance(IDLE_MS - TOUCH_MS)
        used_ms += IDLE_MS - TOUCH_MS
    await clock.advance(IDLE_MS - TOUCH_MS)
    assert (await clerk.get("/room")).path.startswith("/login")


async def test_a_wall_clock_that_jumps_puts_nobody_out(desk: Desk, clock: MovableClock) -> None:
    clerk = await desk.committee()
    for step_ms in (-50 * 365 * DAY_MS, 100 * 365 * DAY_MS, -50 * 365 * DAY_MS):
        clock.step_wall(step_ms)
        assert (await clerk.get("/room")).path == "/room"


async def test_whoever_has_the_machine_gets_back_in_and_everybody_else_is_signed_out(desk: Desk) -> None:
    clerk = await desk.committee()
    starter = await desk.accounts.reset_at_the_machine("陈会计")
    assert (await clerk.get("/room")).path.startswith("/login")
    page = await _sign_in(clerk, "陈会计", starter)
    assert page.path.startswith("/me/password")
    with pytest.raises(RefusalError, match="现有的：陈会计"):
        await desk.accounts.reset_at_the_machine("陈会记")
