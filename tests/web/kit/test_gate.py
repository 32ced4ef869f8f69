"""The gate, the headers and the plain pages of what goes wrong."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import village.web.kit.apps
from tests.web.kit.browser import Browser
from tests.web.kit.conftest import KEY, Desk
from village.ground.clock import MovableClock
from village.ground.database import Database, DiskFullError
from village.web.kit.apps import make_desk_app
from village.web.kit.serving import Door, listening


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("[::1]:{port}", 200),
        ("192.168.1.7", 200),
        ("cunwei.local", 200),
        ("CUNWEI.local:8443", 200),
        ("evil.example", 421),
        ("evil.example:{port}", 421),
        ("cunwei.local.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_a_name_that_was_pointed_at_us_is_refused(desk: Desk, host: str, status: int) -> None:
    port = desk.url.rpartition(":")[2]
    page = await desk.browser().get("/first", Host=host.format(port=port))
    assert page.status == status
    if status == 421:
        assert "村务台不认这个网址" in page.text


async def test_every_answer_carries_the_headers_that_keep_others_out(desk: Desk) -> None:
    clerk = await desk.committee()
    for path in ("/room", "/nix", "/login", "/ca", "/broken"):
        headers = (await clerk.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


async def test_no_page_needs_what_the_policy_forbids(desk: Desk) -> None:
    clerk = await desk.committee()
    for path in ("/room", "/accounts", "/me", "/ca", "/accounts/1", "/me/password", "/nix"):
        text = (await clerk.get(path)).text
        assert "style=" not in text
        assert "onclick" not in text
        assert "<script>" not in text


@pytest.mark.parametrize(
    ("path", "status"), [("/nix", 404), ("/accounts/99999999999999999999", 404), ("/accounts/7", 409)]
)
async def test_what_is_not_there_is_said_in_words(desk: Desk, path: str, status: int) -> None:
    clerk = await desk.committee()
    page = await clerk.get(path)
    assert page.status == status
    assert "<h1>" in page.text
    assert "Traceback" not in page.text


async def test_a_wrong_method_names_the_right_one(desk: Desk) -> None:
    clerk = await desk.committee()
    async with clerk.session.put(desk.url + "/room", headers={"Origin": desk.url}) as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
        assert "这样打不开" in await answer.text()


async def test_our_own_mistake_shows_a_number_and_nothing_personal(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    clerk = await desk.committee()
    with caplog.at_level(logging.ERROR):
        page = await clerk.get("/broken")
    assert page.status == 500
    assert "13800000000" not in page.text
    mark = next(word for record in caplog.records for word in record.getMessage().split() if word.startswith("id="))
    assert mark.removeprefix("id=") in page.text


async def test_a_full_disk_is_said_and_the_text_is_given_back(
    desk: Desk, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    write = db.write

    async def full(unit: object) -> object:
        raise DiskFullError("full")

    monkeypatch.setattr(db, "write", full)
    db.full = True
    answer = await clerk.submit(page, "/room", text="写了半天的通知")
    assert answer.status == 507
    assert "存储卡满了" in answer.text
    assert "写了半天的通知" in answer.text
    assert "新的东西存不下来" in (await clerk.get("/room")).text
    monkeypatch.setattr(db, "write", write)


async def test_a_page_without_a_mark_stops_the_start(db: Database, clock: MovableClock) -> None:
    async def unmarked(_request: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(ValueError, match="/open"):
        make_desk_app(db=db, clock=clock, key=KEY, village="村", routes=[web.get("/open", unmarked)], rail=[])


async def test_nothing_is_shown_to_who_is_not_signed_in(desk: Desk) -> None:
    await desk.committee()
    stranger = desk.browser()
    for path in ("/room", "/room/part", "/accounts", "/me", "/accounts/1", "/live"):
        page = await stranger.get(path)
        assert page.path.startswith("/login"), path
        assert "陈会计" not in page.text


async def test_an_onward_address_never_leaves_the_village(desk: Desk) -> None:
    await desk.committee()
    for onward in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        browser = desk.browser()
        page = await browser.get(f"/login?next={onward}")
        page = await browser.submit(page, "/login", name="陈会计", password="qingshan lvshui")
        assert page.url == desk.url + "/room"
        page = await browser.get(f"/language/zh?back={onward}", follow=False)
        assert page.headers["Location"] == "/"


async def test_an_open_page_hears_of_a_commit_and_the_server_still_stops(db: Database, desk: Desk) -> None:
    clerk = await desk.committee()
    async with clerk.session.get(desk.url + "/live") as news:
        assert news.headers["Content-Type"] == "text/event-stream"
        assert await news.content.readline() == b"retry: 3000\n"
        assert await news.content.readline() == b"\n"
        await db.write(lambda tx: tx.execute("INSERT INTO room_note (text) VALUES ('新')").rowcount)
        async with asyncio.timeout(5):
            assert await news.content.readline() == b"event: changed\n"


async def test_a_live_part_that_did_not_change_is_not_sent_again(desk: Desk) -> None:
    clerk = await desk.committee()
    first = await clerk.get("/room/part", X_Live="1")
    assert first.status == 200
    assert (await clerk.get("/room/part", X_Live="1", If_None_Match=first.headers["ETag"])).status == 304
    await clerk.submit(await clerk.get("/room"), "/room", text="停水")
    again = await clerk.get("/room/part", X_Live="1", If_None_Match=first.headers["ETag"])
    assert again.status == 200
    assert "停水" in again.text
    assert "<html" not in again.text


async def test_the_public_page_reads_without_an_account_or_a_script(public: Browser) -> None:
    page = await public.get("/")
    assert page.status == 200
    assert "<script" not in page.text
    assert 'lang="zh-CN"' in page.text
    assert "12月5日周六" in page.text
    assert "Set-Cookie" not in page.headers
    assert (await public.get("/nix")).status == 404


async def test_the_first_view_of_the_public_page_is_light(public: Browser) -> None:
    weights = {}
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "gzip, deflate"}) as session:
        async with session.get(public.base + "/") as answer:
            weights["page"] = len(await answer.read())
            assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
        for path in _linked((await public.get("/")).text):
            async with session.get(public.base + path) as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
                weights[path] = len(await answer.read())
    assert sum(weights.values()) <= 8 * 1024, weights


def _linked(text: str) -> list[str]:
    return [part.split('"')[0] for part in text.split('href="')[1:] if part.startswith("/kit/")]


async def test_the_public_page_is_not_sent_twice(public: Browser) -> None:
    first, second = await public.get("/notice"), await public.get("/notice")
    assert first.headers["ETag"] == second.headers["ETag"]
    assert (await public.get("/notice", If_None_Match=first.headers["ETag"])).status == 304
    assert "ETag" not in (await public.get("/nix")).headers
    assert (await public.get("/kit/none.0000000000.css")).status == 404


@pytest.mark.parametrize("accept", ["", "zh-CN,zh;q=0.9,en;q=0.8", "en-US,en;q=0.9", "fr"])
async def test_chinese_comes_first_whatever_the_browser_was_installed_in(public: Browser, accept: str) -> None:
    page = await public.get("/", Accept_Language=accept)
    assert '<html lang="zh-CN">' in page.text


async def test_a_chosen_language_stays(public: Browser) -> None:
    page = await public.get("/language/en?back=/")
    assert page.path == "/"
    assert '<html lang="en">' in page.text
    page = await public.get("/language/zh?back=/", Accept_Language="en")
    assert '<html lang="zh-CN">' in page.text


async def test_who_connects_and_says_nothing_is_hung_up_on(
    db: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("village.web.kit.serving._FIRST_REQUEST_S", 0.05)
    app = make_desk_app(db=db, clock=clock, key=KEY, village="村", routes=[], rail=[])
    async with listening(app, Door(most=2)) as (address,):
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        crowd = [await asyncio.open_connection("127.0.0.1", address.port) for _ in range(3)]
        async with asyncio.timeout(5):
            assert await crowd[2][0].read() == b""
        for _, each in crowd:
            each.close()


async def test_what_cannot_be_read_is_answered_and_not_quoted_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(desk.url.rpartition(":")[2])
    with caplog.at_level(logging.DEBUG, logger="village.web.kit"):
        for rubbish in (
            b"\x16\x03\x01garbage\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nCookie: desk=secret" + b"a" * 20_000 + b"\r\n\r\n",
            b"GET /?\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(rubbish)
            async with asyncio.timeout(5):
                assert b" 400 " in await reader.readline()
            writer.close()
    assert "unreadable request" in caplog.text
    assert "secret" not in caplog.text


def test_the_sheets_hold_no_fonts_and_no_addresses() -> None:
    for path in (Path(village.web.kit.apps.__file__).parent / "static").iterdir():
        text = path.read_text("utf-8")
        assert "@font-face" not in text
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
