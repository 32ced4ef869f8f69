"""The villagers' page: what is asked, notices to read, hear and confirm, whom to ring. No account, no script needed.

Never shows what was sent to a few only, nor anything about who has answered.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from aiohttp import web

from gateway.phone import NotAPhoneError, display, parse
from village.ground.calendar import moment_words
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.notices import store
from village.notices.notice import Notice
from village.notices.office import Office
from village.notices.spoken import spoken_notice
from village.web.desk_compose import Voice, spoken
from village.web.kit.pages import path_number, render
from village.web.public_polls import PublicPolls

_ON_HOME = 3
_ON_LIST = 60
_POLLS_ON_HOME = 2


def routes(db: Database, clock: Clock, office: Office, voice: Voice) -> list[web.RouteDef]:
    pages = _Pages(db, clock, office, voice)
    return [
        web.get("/", pages.home),
        web.get("/notices", pages.index),
        web.get("/notices/{number:[0-9]{1,2}}", pages.notice),
        web.get("/notices/{number:[0-9]{1,2}}/speech.wav", pages.speech),
        *pages.polls.routes(),
        web.get("/speak", pages.speak),
        web.get("/people", pages.people),
    ]


@dataclass(frozen=True, slots=True)
class Item:
    """A notice as villagers see it."""

    notice: Notice
    due: str

    @property
    def answer(self) -> str:
        """What is sent back by SMS. Never a bare 9: that answers what this phone was asked last, and the page cannot
        know what that was (another notice still waiting for the morning, one for a few, one it opted out of)."""
        return f"收到{self.notice.number:02}"

    @property
    def path(self) -> str:
        return f"/notices/{self.notice.number}"


class _Pages:
    def __init__(self, db: Database, clock: Clock, office: Office, voice: Voice) -> None:
        self._db = db
        self._clock = clock
        self._office = office
        self._voice = voice
        self.polls = PublicPolls(db, clock, voice, self._page)

    async def _page(self, request: web.Request, template: str, **values: object) -> web.Response:
        number = self._office.sms_number if self._office.texts else ""
        return await render(
            request,
            template,
            office=self._office,
            sms_number=_sms_number(number),
            sms_shown=_shown(number),
            **values,  # type: ignore[arg-type]
        )

    async def home(self, request: web.Request) -> web.StreamResponse:
        items, running, over = await self._db.read(
            lambda tx: (self._items(tx, _ON_HOME + 1), self.polls.open(tx), self.polls.over(tx))
        )
        return await self._page(
            request,
            "public/home.html",
            items=items[:_ON_HOME],
            more=len(items) > _ON_HOME,
            running=running[:_POLLS_ON_HOME],
            more_running=len(running[_POLLS_ON_HOME:]),
            over=over[:_POLLS_ON_HOME],
        )

    async def index(self, request: web.Request) -> web.StreamResponse:
        return await self._page(
            request, "public/list.html", items=await self._db.read(lambda tx: self._items(tx, _ON_LIST))
        )

    def _items(self, tx: sqlite3.Connection, limit: int) -> list[Item]:
        """Each number once: the notice that bears it now."""
        shown: dict[int, Notice] = {}
        for notice in store.on_the_page(tx, limit=limit):
            shown.setdefault(notice.number, notice)
        return [_item(notice) for notice in shown.values()]

    async def _one(self, request: web.Request) -> Item:
        number = path_number(request, "number")

        def unit(tx: sqlite3.Connection) -> Item:
            found = next((item for item in self._items(tx, _ON_LIST) if item.notice.number == number), None)
            if found is not None:
                return found
            notice = store.newest_by_number(tx, number)
            if notice is None or not notice.on_page:
                raise RefusalError(say("公开栏上没有{number}号通知", number=number), status=404)
            return _item(notice)

        return await self._db.read(unit)

    async def notice(self, request: web.Request) -> web.StreamResponse:
        item = await self._one(request)
        versions = await self._db.read(lambda tx: store.versions_of(tx, item.notice.id))
        older = [row for row in versions if item.notice.opened_with <= row.version < item.notice.version]
        return await self._page(
            request, "public/notice.html", item=item, older=older, asked=self._office.open_of(item.notice.channels)
        )

    async def speech(self, request: web.Request) -> web.StreamResponse:
        notice = (await self._one(request)).notice
        if notice.stopped_ms is not None:
            raise RefusalError(say("这条通知停发了"), status=404)
        return await spoken(self._voice, spoken_notice(notice.text, corrected=notice.corrected))

    async def speak(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "public/speak.html")

    async def people(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "public/people.html")


def _item(notice: Notice) -> Item:
    return Item(notice, "" if notice.due_ms is None else moment_words(notice.due_ms))


def _sms_number(number: str) -> str:
    """As an `sms:` link takes it; empty where there is none."""
    try:
        return parse(number).e164 if number else ""
    except NotAPhoneError:
        return number


def _shown(number: str) -> str:
    """As people read it out."""
    e164 = _sms_number(number)
    return display(e164) if e164.startswith("+") else number
