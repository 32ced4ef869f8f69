"""The page of lines: a second SIM stays closed until the carrier's paper is noted, and closes when it is withdrawn."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.transport import SmsTransport
from gateway.transports.twilio_sms import TwilioSettings, TwilioSms
from village import lines
from village.app import Running, running
from village.config import TWILIO
from village.founding import found
from village.ground.wording import RefusalError
from village.lines import NamedLine, Wiring
from village.place import CONFIG_NAME, NewVillage, Place
from village.secret_file import SECRETS_NAME
from village.story.browser import Browser

PASSWORD = "shuiku-lihua-banma"


@contextlib.asynccontextmanager
async def two_sticks(tmp_path: Path) -> AsyncIterator[tuple[Running, Browser]]:
    place = found(tmp_path / "village", NewVillage(transport="none"))
    config = place.folder / CONFIG_NAME
    text = config.read_text("utf-8").replace('transport = "none"', 'transport = ["modem"]', 1)
    config.write_text(text.replace("devices = []", 'devices = ["490154203237518", "356938035643809"]'), "utf-8")
    async with signed_in(Place.open(place.folder)) as (village, desk):
        yield village, desk


@contextlib.asynccontextmanager
async def signed_in(place: Place) -> AsyncIterator[tuple[Running, Browser]]:
    async with (
        running(place, any_port=True, listen="127.0.0.1") as village,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        desk = Browser(session, village.loopback_url)
        first = (await desk.open("/first")).form("/first")
        assert village.first_code
        words = {"code": village.first_code, "name": "陈会计", "password": PASSWORD, "password_again": PASSWORD}
        await desk.send(first, words)
        yield village, desk


def names(village: Running) -> list[str]:
    return [lane.name for lane in village.gateway.lanes()]


async def test_a_second_sim_opens_with_its_paper_and_closes_without(tmp_path: Path) -> None:
    async with two_sticks(tmp_path) as (village, desk):
        assert names(village) == ["modem-237518"]
        page = await desk.open("/lines")
        assert "缺材料" in page.said
        form = page.form("/lines/modem-643809/papers")
        refused = await desk.send(form, {"paper": "移动营业厅 2026-11 的入网协议"})
        assert refused.status == 422
        assert "都打了勾" in refused.said
        assert names(village) == ["modem-237518"]
        noted = await desk.send(
            refused.form("/lines/modem-643809/papers"),
            {"paper": "移动营业厅 2026-11 的入网协议，档案柜二层", "registered": "1"},
        )
        assert "这条线路开了" in noted.said
        assert "档案柜二层" in noted.said
        assert names(village) == ["modem-237518", "modem-643809"]
        closed = await desk.send(noted.form("/lines/modem-643809/close"), {})
        assert "这条线路关了" in closed.said
        assert names(village) == ["modem-237518"]
        kept = await village.db.read(lambda tx: tx.execute("SELECT by, ended_by FROM permit").fetchall())
        assert [tuple(row) for row in kept] == [("陈会计", "陈会计")]


async def test_a_form_sent_twice_notes_one_paper(tmp_path: Path) -> None:
    async with two_sticks(tmp_path) as (village, desk):
        form = (await desk.open("/lines")).form("/lines/modem-643809/papers")
        words = {"paper": "入网协议", "registered": "1"}
        await desk.send(form, words)
        await desk.send(form, words)
        count = await village.db.read(lambda tx: tx.execute("SELECT count(*) FROM permit").fetchone()[0])
        assert count == 1


async def test_a_stranger_at_the_callback_door_finds_nothing(tmp_path: Path) -> None:
    async with two_sticks(tmp_path) as (village, _), aiohttp.ClientSession() as stranger:
        for line in ("modem-237518", "twilio", "nothing"):
            async with stranger.post(village.public_url + f"callbacks/{line}/status", data=b"x") as answer:
                assert answer.status == 404
        async with stranger.get(village.public_url + "callbacks/twilio/status") as answer:
            assert answer.status == 405


SECRETS = f'[twilio]\naccount_sid = "AC{"0" * 32}"\nauth_token = "{"1" * 32}"\n'


@contextlib.asynccontextmanager
async def a_line_abroad(tmp_path: Path) -> AsyncIterator[tuple[Running, Browser]]:
    place = found(tmp_path / "village", NewVillage(transport="none", sms_number="88001234"))
    config = place.folder / CONFIG_NAME
    text = config.read_text("utf-8").replace('transport = "none"', 'transport = ["modem", "twilio"]', 1)
    config.write_text(text.replace('sender = ""', 'sender = "+15005550006"'), "utf-8")
    secrets = place.folder / SECRETS_NAME
    secrets.touch(0o600)
    secrets.write_text(SECRETS, "utf-8")
    async with signed_in(Place.open(place.folder)) as (village, desk):
        yield village, desk


async def test_nothing_goes_abroad_before_notice_and_consent_are_on_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[NamedLine] = []

    def build(line: NamedLine, wiring: Wiring, first_ms: int) -> SmsTransport:
        built.append(line)
        return TwilioSms(
            TwilioSettings(account_sid=wiring.secrets.twilio_account_sid, auth_token=wiring.secrets.twilio_auth_token,
                           sender=wiring.config.twilio.sender),
            wiring.clock,
            base="http://127.0.0.1:9",
        )  # fmt: skip

    monkeypatch.setitem(lines._BUILDERS, TWILIO, build)
    async with a_line_abroad(tmp_path) as (village, desk):
        page = await desk.open("/lines")
        assert "个人信息保护法" in page.said
        assert "Twilio Inc." in page.said
        words = {"notice": "12月1日贴在公开栏", "paper": "同意书在档案柜一层"}
        for ticks in ({}, {"told": "1"}, {"told": "1", "agreed": "1"}):
            refused = await desk.send(page.form("/lines/twilio/papers"), words | ticks)
            assert refused.status == 422
            page = refused
        every = {"told": "1", "agreed": "1", "assessed": "1"}
        bare = await desk.send(page.form("/lines/twilio/papers"), {"notice": "", "paper": "有"} | every)
        assert "告知书贴在哪里" in bare.said
        assert (names(village), built) == (["modem"], [])
        noted = await desk.send(bare.form("/lines/twilio/papers"), words | every)
        assert "这条线路开了" in noted.said
        assert names(village) == ["modem", "twilio"]
        assert built[0].line.postscript == "(请回到88001234)"
        await desk.send(noted.form("/lines/twilio/close"), {})
        assert names(village) == ["modem"]


async def test_without_its_password_a_line_is_refused_by_name(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage(transport="none"))
    config = place.folder / CONFIG_NAME
    text = config.read_text("utf-8").replace('transport = "none"', 'transport = "twilio"', 1)
    config.write_text(text.replace('sender = ""', 'sender = "+15005550006"'), "utf-8")
    with pytest.raises(RefusalError, match=r"缺 \[twilio\] 的 account_sid"):
        async with running(Place.open(place.folder), any_port=True, listen="127.0.0.1"):
            pass
