"""县里: whether the village is known at the county, when they last spoke, and the county's notices that wait here.

Never speaks to the county itself; it asks the link, which was passed in. A notice of the county's is sent on by the
committee, in the committee's own way, or put aside: nothing goes out to villagers by itself.
"""

from __future__ import annotations

import sqlite3
from typing import Protocol

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.link import store
from village.link.county_link import LinkState
from village.link.store import County, CountyNoticeRow
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, account_of, allowed, signed_in
from village.web.kit.once import once
from village.web.kit.pages import path_number, redirect, render

_LONGEST_URL, _LONGEST_CODE = 200, 60
_RENEW_MS = 60 * 86_400_000
"""A certificate that runs out is told of two months before (facts/sync.md, Identity)."""


class Link(Protocol):
    """What this page needs of the way to the county; `village.link.county_link.CountyLink` is one."""

    async def enrol(self, url: str, typed: str) -> County:
        """Make this village known with a one-time code. Raises RefusalError in words a clerk can act on."""
        ...

    async def move(self, url: str) -> None:
        """The county has another address now. Raises RefusalError."""
        ...

    async def speak_now(self) -> None:
        """Do not wait for the next time; returns when the exchange is over, however it ended."""
        ...

    async def state(self) -> LinkState: ...


def routes(db: Database, clock: Clock, link: Link) -> list[web.RouteDef]:
    desk = _Desk(db, clock, link)
    return [
        web.get("/county", desk.show),
        web.post("/county/enrol", desk.enrol),
        web.post("/county/now", desk.now),
        web.get("/county/notices/{id:[0-9]{1,9}}", desk.notice),
        web.post("/county/notices/{id:[0-9]{1,9}}/aside", desk.aside),
    ]


class _Desk:
    def __init__(self, db: Database, clock: Clock, link: Link) -> None:
        self._db = db
        self._clock = clock
        self._link = link

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(self, request: web.Request, **values: object) -> web.Response:
        notices: list[CountyNoticeRow] = await self._db.read(store.county_notices)
        state = await self._link.state()
        return await render(
            request,
            "county/county.html",
            county=state.county,
            state=state,
            renew=state.county is not None and state.county.expires_ms - self._clock.now_ms() < _RENEW_MS,
            waiting=[notice for notice in notices if notice.waits],
            done=[notice for notice in notices if not notice.waits],
            **values,  # type: ignore[arg-type]
        )

    @allowed(Role.COMMITTEE)
    async def enrol(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        try:
            url = form.needed("url", say("县里的地址"), longest=_LONGEST_URL)
            if form.has("known") and not form.text("code"):
                await self._link.move(url)
                return await self._spoken(request)
            code = form.needed("code", say("登记码"), longest=_LONGEST_CODE)
            county = await self._link.enrol(url, code)
        except RefusalError as refused:
            return await self._page(request, form=form, refused=refused)
        return await redirect(request, "/county", say("登记好了：{name}认得本村了", name=county.name))

    @allowed(Role.COMMITTEE)
    async def now(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        return await self._spoken(request)

    async def _spoken(self, request: web.Request) -> web.StreamResponse:
        await self._link.speak_now()
        state = await self._link.state()
        if state.speaking and state.waiting:
            told = say("正在和县里对，还有{n}条没报上去。过一会儿再看这一页。", n=state.waiting)
        else:
            told = state.trouble or say("和县里说过话了，都对上了")
        return await redirect(request, "/county", told)

    @signed_in
    async def notice(self, request: web.Request) -> web.StreamResponse:
        notice_id = path_number(request, "id")
        notice = await self._db.read(lambda tx: store.county_notice(tx, notice_id))
        if notice is None:
            raise RefusalError(say("没有这条县里的通知"), status=404)
        return await render(request, "county/notice.html", notice=notice)

    @allowed(Role.COMMITTEE)
    async def aside(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        notice_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> bool:
            once(tx, form)
            return store.set_aside(tx, notice_id, by=by, at_ms=self._clock.now_ms())

        done = await self._db.write(unit)
        return await redirect(request, "/county", say("放到一边了") if done else say("已经有人处理过了"))
