"""A real desk and a real public page on real sockets, with one small room of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from tests.web.kit.browser import Browser
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.web import desk_accounts
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app, make_public_app
from village.web.kit.authority import make_authority, server_context
from village.web.kit.first_visit import first_visit_code
from village.web.kit.forms import read_form
from village.web.kit.frame import Role
from village.web.kit.gate import allowed, anyone, signed_in
from village.web.kit.once import leads_to, once
from village.web.kit.pages import redirect, render
from village.web.kit.serving import Door, listening

KEY = b"v" * 32
ROOM = Path(__file__).parent / "room"


@dataclass
class Desk:
    url: str
    secure_url: str
    tls: Path
    code: str
    accounts: Accounts
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        self.browsers.append(Browser(self.url))
        return self.browsers[-1]

    async def committee(self) -> Browser:
        """A browser in which the first account has just been made."""
        browser = self.browser()
        page = await browser.submit(
            await browser.get("/first"),
            "/first",
            code=self.code,
            name="陈会计",
            password="qingshan lvshui",
            password_again="qingshan lvshui",
        )
        assert page.path == "/room", page.text
        return browser


class Room:
    """Notes that can be written down: the smallest thing a form can do."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @signed_in
    async def room(self, request: web.Request) -> web.StreamResponse:
        notes = await self._db.read(lambda tx: [row[0] for row in tx.execute("SELECT text FROM room_note ORDER BY id")])
        return await render(request, "room.html", notes=notes)

    @allowed(Role.COMMITTEE)
    async def write(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request, limit=20_000)

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            text = form.needed("text", say("正文"), longest=20)
            if text == "坏":
                raise RefusalError(say("这个字不收"), status=422)
            tx.execute("INSERT INTO room_note (text) VALUES (:text)", {"text": text})
            leads_to(tx, form, "/room?done")

        if form.has("plainly"):
            await self._db.write(unit)
            return await redirect(request, "/room", say("记下了"))
        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await render(request, "room.html", notes=[], form=form, refused=refused)
        return await redirect(request, "/room", say("记下了“{text}”", text=form.text("text")))

    @signed_in
    async def break_down(self, _request: web.Request) -> web.StreamResponse:
        raise ZeroDivisionError("13800000000")

    @anyone
    async def careless(self, request: web.Request) -> web.StreamResponse:
        return await redirect(request, "/room")

    @signed_in
    async def part(self, request: web.Request) -> web.StreamResponse:
        notes = await self._db.read(lambda tx: [row[0] for row in tx.execute("SELECT text FROM room_note ORDER BY id")])
        return await render(request, "_part.html", {"notes": notes})


@pytest.fixture
async def desk(db: Database, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Desk]:
    def prepare(tx: sqlite3.Connection) -> str:
        tx.execute("CREATE TABLE room_note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        return first_visit_code(tx, KEY) or ""

    code = await db.write(prepare)
    accounts, room, tls = Accounts(db, clock, KEY), Room(db), tmp_path / "tls"
    make_authority(tls, "青山村", ["cunwei.local"], clock.now_ms())
    app = make_desk_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        routes=[
            *desk_accounts.routes(accounts, tls),
            web.get("/room", room.room),
            web.post("/room", room.write),
            web.get("/room/part", room.part),
            web.get("/broken", room.break_down),
            web.post("/careless", room.careless),
        ],
        rail=[
            RailEntry("/room", say("今天")),
            RailEntry("/accounts", say("账号"), frozenset({Role.COMMITTEE})),
        ],
        hosts=["cunwei.local"],
        templates=[ROOM],
    )
    context = server_context(tls, ["cunwei.local"], clock)
    async with listening(app, Door(), Door(context=context)) as (plain, secure):
        running = Desk(plain.url, secure.url, tls, code, accounts)
        yield running
        for browser in running.browsers:
            await browser.close()
    accounts.close()


@pytest.fixture
async def public(db: Database, clock: MovableClock) -> AsyncIterator[Browser]:
    async def home(request: web.Request) -> web.StreamResponse:
        return await render(request, "home.html")

    async def notice(request: web.Request) -> web.StreamResponse:
        return await render(request, "_part.html", notes=["明天停水"])

    async def say_so(request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        await db.write(lambda tx: once(tx, form))
        return await redirect(request, "/", say("记下了"))

    app = make_public_app(
        db=db,
        clock=clock,
        key=KEY,
        village="青山村",
        routes=[web.get("/", home), web.get("/notice", notice), web.post("/", say_so)],
        templates=[ROOM],
    )
    async with listening(app) as (address,):
        browser = Browser(address.url)
        yield browser
        await browser.close()
