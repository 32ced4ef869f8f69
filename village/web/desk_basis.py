"""Legal bases at the desk: the committee enters what a vote may rest on, the supervisory committee co-signs it.

Never lets one of the two do both, and never judges the paper: people do.
"""

from __future__ import annotations

import sqlite3

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.polls import basis_store
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import once
from village.web.kit.pages import path_number, redirect, render

_PAGE = "/basis"


def routes(db: Database, clock: Clock) -> list[web.RouteDef]:
    desk = _Desk(db, clock)
    return [
        web.get(_PAGE, desk.show),
        web.post(_PAGE, desk.enter),
        web.post(_PAGE + "/{id:[0-9]{1,9}}/cosign", desk.cosign),
        web.post(_PAGE + "/{id:[0-9]{1,9}}/retire", desk.retire),
    ]


class _Desk:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(self, request: web.Request, **values: object) -> web.Response:
        rows = await self._db.read(basis_store.bases)
        role = account_of(request).role
        return await render(
            request,
            "polls/basis.html",
            rows=rows,
            enters=role is Role.COMMITTEE,
            cosigns=role is Role.SUPERVISORY,
            **values,  # type: ignore[arg-type]
        )

    @allowed(Role.COMMITTEE)
    async def enter(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        by = account_of(request).name

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            basis_store.enter(
                tx, title=form.text("title"), reference=form.text("reference"), by=by, now_ms=self._clock.now_ms()
            )

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, form=form, refused=refused)
        return await redirect(request, _PAGE, say("记下了，等监督委员会会签"))

    @allowed(Role.SUPERVISORY)
    async def cosign(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        basis_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            basis_store.cosign(tx, basis_id, by=by, now_ms=self._clock.now_ms())

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, refused=refused)
        return await redirect(request, _PAGE, say("会签好了，现在可以按它来办"))

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def retire(self, request: web.Request) -> web.StreamResponse:
        """Either of the two can stop what took both to begin."""
        form = await read_form(request)
        basis_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            basis_store.retire(tx, basis_id, by=by, now_ms=self._clock.now_ms())

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, refused=refused)
        return await redirect(request, _PAGE, say("停用了；以前按它办的还算数"))
