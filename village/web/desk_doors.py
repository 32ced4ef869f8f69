"""The door list at the desk: who has to be told in person, ticked off with name and time, printed on A4; and which
leader was sent his group's part.

Never decides who is on it; `village.notices.doors` does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.notices.doors import DoorList, assign, doors, open_doors, tick, untick
from village.notices.leaders import GroupTold, told_groups
from village.notices.leaders_store import numbered
from village.notices.office import Office
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, account_of, allowed, signed_in
from village.web.kit.pages import path_number, redirect, render

_UNIT_MOST = 2**62


@dataclass(frozen=True, slots=True)
class _Told:
    """What the leaders were sent, by group, and the number each household bears on his list."""

    groups: dict[int, GroupTold]
    numbers: dict[int, int]


LETTER_STATES: dict[str, Wording] = {
    "queued": say("还在排队"),
    "sending": say("正在发"),
    "accepted": say("交了运营商，还没到"),
    "delivered": say("到手机了"),
    "unknown": say("不知到没到"),
    "expired": say("过期没发"),
    "withdrawn": say("撤回了"),
    "failed": say("没发成"),
}
"""What became of the SMS to a leader."""


class Doors:
    def __init__(self, db: Database, clock: Clock, office: Office) -> None:
        self._db = db
        self._clock = clock
        self._office = office

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/doors", self.every),
            web.get("/notices/{id:[0-9]{1,9}}/doors", self.one),
            web.post("/notices/{id:[0-9]{1,9}}/doors", self.change),
            web.get("/notices/{id:[0-9]{1,9}}/doors/print", self.paper),
        ]

    @signed_in
    async def every(self, request: web.Request) -> web.StreamResponse:
        lists = await self._db.read(lambda tx: open_doors(tx, self._clock.now_ms(), self._office))
        return await render(request, "notices/doors_all.html", lists=lists)

    @signed_in
    async def one(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(self, request: web.Request, **values: object) -> web.Response:
        found, told = await self._list(request)
        return await render(request, "notices/doors.html", list=found, leaders=told, states=LETTER_STATES, **values)  # type: ignore[arg-type]

    async def _list(self, request: web.Request) -> tuple[DoorList, _Told]:
        notice_id, now_ms = path_number(request, "id"), self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> tuple[DoorList, _Told]:
            found = doors(tx, notice_id, now_ms, self._office)
            groups = told_groups(tx, found.notice, self._office, now_ms)
            numbers = {one.unit_id: one.number for one in numbered(tx, notice_id, found.notice.version)}
            return found, _Told(groups, numbers)

        return await self._db.read(unit)

    @signed_in
    async def paper(self, request: web.Request) -> web.StreamResponse:
        found, told = await self._list(request)
        return await render(request, "notices/doors_print.html", list=found, leaders=told)

    @allowed(Role.COMMITTEE, Role.COLLECTIVE, Role.PARTY)
    async def change(self, request: web.Request) -> web.StreamResponse:
        """One button a row: tick, untick, or who goes."""
        form = await read_form(request)
        notice_id, account = path_number(request, "id"), account_of(request)
        now_ms = self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> str:
            if form.has("tick"):
                unit_id = form.number("tick", say("哪一户"), low=1, high=_UNIT_MOST)
                seen = form.number("version", say("版本"), low=1, high=10**6)
                tick(tx, notice_id, unit_id, seen_version=seen, by=account.name, now_ms=now_ms)
            elif form.has("untick"):
                unit_id = form.number("untick", say("哪一户"), low=1, high=_UNIT_MOST)
                untick(tx, notice_id, unit_id, now_ms=now_ms)
            else:
                unit_id = form.number("assign", say("哪一户"), low=1, high=_UNIT_MOST)
                assign(tx, notice_id, unit_id, form.text("who"))
            return f"/notices/{notice_id}/doors#u{unit_id}"

        try:
            onward = await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, form=form, refused=refused)
        return await redirect(request, onward)
