"""What happens to a submit: read with a limit, taken once, given back when it is refused."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.web.kit.browser import Browser
from tests.web.kit.conftest import Desk
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.web.kit.forms import Form, clean
from village.web.kit.tokens import make_token, read_token


async def _notes(db: Database) -> list[str]:
    return await db.read(lambda tx: [row[0] for row in tx.execute("SELECT text FROM room_note ORDER BY id")])


async def test_a_form_has_its_effect_and_says_so_once(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.submit(await clerk.get("/room"), "/room", text="  停水 <b>\r\n二行 ")
    assert await _notes(db) == ["停水 <b>\n二行"]
    assert "记下了“停水 &lt;b&gt;" in page.text
    assert "记下了" not in (await clerk.get("/room")).text


async def test_the_second_submit_leads_to_the_first_result(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    await clerk.submit(page, "/room", text="停水")
    again = await clerk.submit(page, "/room", text="停水")
    assert again.path == "/room?done"
    assert "交过一次了" in again.text
    assert await _notes(db) == ["停水"]


async def test_twenty_clicks_at_once_have_one_effect(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    await asyncio.gather(*(clerk.submit(page, "/room", text="停水") for _ in range(20)))
    assert await _notes(db) == ["停水"]


async def test_a_refused_form_is_not_used_up_and_comes_back_filled_in(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    refused = await clerk.submit(page, "/room", text="坏")
    assert refused.status == 422
    assert "这个字不收" in refused.text
    assert "<textarea" in refused.text
    assert ">\n坏</textarea>" in refused.text
    assert await _notes(db) == []
    assert (await clerk.submit(page, "/room", text="好")).path == "/room"
    assert await _notes(db) == ["好"]


async def test_a_refusal_nobody_caught_gives_back_what_was_typed(desk: Desk) -> None:
    clerk = await desk.committee()
    long = "一句很长很长很长很长很长很长很长很长的话<script>"
    page = await clerk.submit(await clerk.get("/room"), "/room", text=long, plainly="1")
    assert page.status == 422
    assert "太长了：最多20个字" in page.text
    assert long.replace("<script>", "&lt;script&gt;") in page.text


async def test_a_session_that_ended_meanwhile_loses_no_text(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    clerk.session.cookie_jar.clear()
    answer = await clerk.submit(page, "/room", text="写了半天的通知")
    assert answer.status == 401
    assert "写了半天的通知" in answer.text
    assert 'href="/login"' in answer.text
    assert await _notes(db) == []


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "====", "汉字"])
async def test_a_form_without_our_token_is_refused(desk: Desk, db: Database, token: str) -> None:
    clerk = await desk.committee()
    answer = await clerk.post("/room", {"_form": token, "text": "停水"})
    assert answer.status == 403
    assert "停水" in answer.text
    assert await _notes(db) == []


async def test_a_token_of_another_session_is_refused(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    other = desk.browser()
    await other.submit(await other.get("/login"), "/login", name="陈会计", password="qingshan lvshui")
    page = await other.get("/room")
    assert (await clerk.submit(page, "/room", text="停水")).status == 403
    assert await _notes(db) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_form_from_elsewhere_is_refused(desk: Desk, db: Database, headers: dict[str, str]) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    answer = await clerk.post("/room", page.hidden("/room") | {"text": "停水"}, headers=headers)
    assert answer.status == 403
    assert await _notes(db) == []


async def test_a_browser_that_says_cross_site_without_origin_is_refused(desk: Desk) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    async with clerk.session.post(
        desk.url + "/room", data=page.hidden("/room") | {"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    ) as answer:
        assert answer.status == 403


async def test_too_large_a_form_is_refused_in_words_after_all_of_it_was_sent(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    page = await clerk.get("/room")
    answer = await clerk.submit(page, "/room", text="长" * 100_000)
    assert answer.status == 413
    assert "太大了：这里最多收19 kB" in answer.text
    assert await _notes(db) == []


async def test_a_body_of_unknown_length_is_refused_in_words_too(desk: Desk) -> None:
    clerk = await desk.committee()

    async def endless() -> object:
        for _ in range(200):
            yield b"text=" + b"a" * 10_000 + b"&"

    async with clerk.session.post(
        desk.url + "/room",
        data=endless(),
        headers={"Origin": desk.url, "Content-Type": "application/x-www-form-urlencoded"},
    ) as answer:
        assert answer.status == 413
        assert "太大了" in await answer.text()


async def test_rubbish_is_refused_in_words(desk: Desk) -> None:
    clerk = await desk.committee()
    for body, kind in [
        (b"\xff\xfe=%zz&" * 50, "application/x-www-form-urlencoded; charset=klingon"),
        (b"--nonsense", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nx", "multipart/form-data"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (b"text=%ff%fe", "application/x-www-form-urlencoded"),
        (b'{"text": 1}', "application/json"),
        (b"&" * 15_000, "application/x-www-form-urlencoded"),
        (b"a=1&" * 4_000, "application/x-www-form-urlencoded"),
    ]:
        async with clerk.session.post(
            desk.url + "/room", data=body, headers={"Origin": desk.url, "Content-Type": kind}
        ) as answer:
            assert 400 <= answer.status < 500, kind
            assert "什么都没有改" in await answer.text()


async def test_a_handler_that_forgets_to_read_its_form_is_found_out(desk: Desk) -> None:
    clerk = await desk.committee()
    assert (await clerk.post("/careless", {"a": "b"})).status == 500


async def test_an_upload_arrives_whole(desk: Desk, db: Database) -> None:
    clerk = await desk.committee()
    fields = aiohttp.FormData((await clerk.get("/room")).hidden("/room"))
    fields.add_field("text", "停水")
    fields.add_field("roster", b"\x00\x01" * 4000, filename="../../花名册.xlsx")
    await clerk.post("/room", fields)
    assert await _notes(db) == ["停水"]


async def test_public_forms_are_taken_once_without_an_account(public: Browser) -> None:
    page = await public.get("/")
    first = await public.submit(page, "/")
    assert "记下了" in first.text
    assert (await public.submit(page, "/")).status == 409
    assert (await public.post("/", {"_form": "x"})).status == 403
    assert (await public.post("/", page.hidden("/"), headers={"Origin": "http://evil.example"})).status == 403


def test_tokens_are_bound_and_never_alike() -> None:
    first, second = make_token(b"k", b"me"), make_token(b"k", b"me")
    assert first != second
    assert read_token(b"k", b"me", first)
    assert read_token(b"k", b"you", first) is None
    assert read_token(b"l", b"me", first) is None
    # the last sign of base64 carries bits that mean nothing; the first one's all count
    assert read_token(b"k", b"me", ("A" if first[0] != "A" else "B") + first[1:]) is None


def test_fields_are_read_as_people_mean_them() -> None:
    form = Form({"n": ["１２"], "many": ["a", "b"], "blank": [""]}, nonce=b"x" * 16)
    assert form.number("n", say("数"), low=1, high=12) == 12
    assert form.many("many") == ["a", "b"]
    for wrong in ("13", "-1", "", "1.5", "9" * 40):
        with pytest.raises(RefusalError, match="要填1到12之间的整数"):
            Form({"n": [wrong]}).number("n", say("数"), low=1, high=12)
    with pytest.raises(RefusalError, match="正文还没有填"):
        form.needed("blank", say("正文"))
    with pytest.raises(RefusalError, match="还没有选"):
        form.choice("n", say("对象"), ["a"])
    with pytest.raises(RefusalError, match="还没有选文件"):
        form.upload("n", say("花名册"))


def test_passwords_and_codes_are_never_repeated() -> None:
    form = Form({"text": ["好"], "password": ["x"], "password_again": ["x"], "code": ["1"], "_form": ["t"]})
    assert form.repeatable() == [("text", "好")]


def test_text_is_cleaned_of_what_nobody_typed() -> None:
    assert clean(" a\r\nb\x00\u0007\rc\ud800 ") == "a\nb\nc"
    assert clean("e\u0301") == "é"
    assert clean(" 空格 ", keep_ends=True) == " 空格 "
