"""建议: what villagers suggested or asked help for, as drafts waiting for a person to read them.

Never changes a word of theirs and never deletes one.
"""

from __future__ import annotations

import sqlite3

from aiohttp import web

from village.community import store
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import say
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import once
from village.web.kit.pages import path_number, redirect, render


def routes(db: Database, clock: Clock, vault: Vault) -> list[web.RouteDef]:
    desk = _Desk(db, clock, vault)
    return [
        web.get("/suggestions", desk.index),
        web.get("/suggestions/{id:[0-9]{1,9}}", desk.show),
        web.post("/suggestions/{id:[0-9]{1,9}}/read", desk.read),
    ]


class _Desk:
    def __init__(self, db: Database, clock: Clock, vault: Vault) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def index(self, request: web.Request) -> web.StreamResponse:
        suggestions, unread = await self._db.read(lambda tx: (store.listed(tx, self._vault), store.unread(tx)))
        return await render(request, "suggestions/index.html", suggestions=suggestions, unread=unread)

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def show(self, request: web.Request) -> web.StreamResponse:
        suggestion_id = path_number(request, "id")
        found = await self._db.read(lambda tx: store.suggestion_of(tx, self._vault, suggestion_id))
        if found is None:
            raise web.HTTPNotFound
        return await render(request, "suggestions/suggestion.html", suggestion=found)

    @allowed(Role.COMMITTEE)
    async def read(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        suggestion_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> bool:
            once(tx, form)
            return store.mark_read(tx, suggestion_id, by=by, at_ms=self._clock.now_ms())

        done = await self._db.write(unit)
        said = say("记下了：{name}看过了", name=by) if done else say("已经有人看过了")
        return await redirect(request, "/suggestions", said)
