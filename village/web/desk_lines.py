"""The desk's page of lines: which there are, which work, what this month cost, and the papers a closed one waits for.

Never opens a line by itself: the switchboard does, once the paper is on file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.condition import Condition
from gateway.lanes import LaneStatus
from gateway.purse import Spending
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.permits.permits import Need, grant, withdraw
from village.permits.store import PermitRow, in_force
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed, signed_in
from village.web.kit.once import once
from village.web.kit.pages import redirect, render

_PAGE = "/lines"


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line as the settings have it and as it is. `status` None: it is closed."""

    name: str
    title: Wording
    need: Need | None
    status: LaneStatus | None
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class _Shown:
    facts: LineFacts
    spending: Spending | None
    permit: PermitRow | None


def routes(
    db: Database,
    clock: Clock,
    *,
    lines: Callable[[], Sequence[LineFacts]],
    spending: Callable[[sqlite3.Connection], Sequence[Spending]],
    settle: Callable[[], Awaitable[None]],
) -> list[web.RouteDef]:
    """`lines` in the order in which they are asked; `settle` opens and closes them by their papers."""
    desk = _Desk(db, clock, lines, spending, settle)
    named = _PAGE + "/{name:[a-z0-9-]{1,40}}"
    return [
        web.get(_PAGE, desk.show),
        web.post(named + "/papers", desk.note),
        web.post(named + "/close", desk.close),
    ]


class _Desk:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        lines: Callable[[], Sequence[LineFacts]],
        spending: Callable[[sqlite3.Connection], Sequence[Spending]],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._db = db
        self._clock = clock
        self._lines = lines
        self._spending = spending
        self._settle = settle

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(self, request: web.Request, **values: object) -> web.Response:
        lines = self._lines()

        def unit(tx: sqlite3.Connection) -> list[_Shown]:
            spent = {one.name: one for one in self._spending(tx)}
            return [_Shown(line, spent.get(line.name), in_force(tx, line.name)) for line in lines]

        return await render(
            request,
            "lines/lines.html",
            shown=await self._db.read(unit),
            may_note=account_of(request).role is Role.COMMITTEE,
            **values,  # type: ignore[arg-type]
        )

    def _line(self, request: web.Request) -> tuple[str, Need]:
        """Raises RefusalError (404) where no such line waits for a paper."""
        name = request.match_info["name"]
        need = next((line.need for line in self._lines() if line.name == name), None)
        if need is None:
            raise RefusalError(say("没有这条要材料的线路"), status=404)
        return name, need

    @allowed(Role.COMMITTEE)
    async def note(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        name, need = self._line(request)
        by = account_of(request).name

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            if not _ticked(form, need):
                raise RefusalError(say("每一条都做到了、都打了勾，才能开这条线路"), status=422)
            grant(
                tx, name, need, notice=form.text("notice"), paper=form.text("paper"), by=by,
                now_ms=self._clock.now_ms(),
            )  # fmt: skip

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, form=form, refused=refused, about=name)
        await self._settle()
        return await redirect(request, _PAGE, say("记下了，这条线路开了"))

    @allowed(Role.COMMITTEE)
    async def close(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        name, _ = self._line(request)
        by = account_of(request).name

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            withdraw(tx, name, by=by, now_ms=self._clock.now_ms())

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, refused=refused)
        await self._settle()
        return await redirect(request, _PAGE, say("这条线路关了，没发出去的走别的线路"))


def _ticked(form: Form, need: Need) -> bool:
    asked = ("told", "agreed", "assessed") if need is Need.ABROAD else ("registered",)
    return all(form.has(tick) for tick in asked)
