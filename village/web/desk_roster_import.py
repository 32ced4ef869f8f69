"""The village's spreadsheet at the desk: chosen, checked row by row, brought in with one press or not at all.

Never keeps the file: what was read waits sealed between the check and the yes, without any ID-card number.
"""

from __future__ import annotations

import sqlite3

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, say
from village.people import pending
from village.people.importing import Imported, import_roster, try_roster
from village.people.reading import read_roster
from village.people.roster import Checked
from village.people.sheet import MAX_FILE_BYTES
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, redirect, render

_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
"""The file and the form around it."""

_MOST_SHOWN = 200
"""Sentences of one kind on a page; the rest is counted."""

_UPLOAD_S = 300
"""20 MB over a village's Wi-Fi."""


class RosterImport:
    def __init__(self, db: Database, clock: Clock, vault: Vault, *, area_code: str, groups: int) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._area_code = area_code
        self._groups = groups

    def routes(self) -> list[web.RouteDef]:
        waiting = "/roster/import/{id:[0-9]{1,9}}"
        return [
            web.get("/roster/import", self.choose),
            web.post("/roster/import", self.check),
            web.get(waiting, self.show),
            web.post(waiting, self.bring_in),
        ]

    @allowed(Role.COMMITTEE)
    async def choose(self, request: web.Request) -> web.StreamResponse:
        return await self._choose_page(request)

    async def _choose_page(
        self,
        request: web.Request,
        form: Form | None = None,
        refused: RefusalError | None = None,
        checked: Checked | None = None,
    ) -> web.Response:
        status = 200 if checked is None else 422
        return await render(
            request,
            "roster/import.html",
            status=status,
            form=form,
            refused=refused,
            checked=checked,
            most=_MOST_SHOWN,
            mb=MAX_FILE_BYTES >> 20,
        )

    @allowed(Role.COMMITTEE)
    async def check(self, request: web.Request) -> web.StreamResponse:
        """Read the file and say what is wrong with it; nothing comes in yet."""
        form = await read_form(request, limit=_FORM_BYTES, timeout_s=_UPLOAD_S)
        try:
            file = form.upload("file", say("花名册"))
            checked = await read_roster(
                file.content, file.name, clock=self._clock, area_code=self._area_code, groups=self._groups
            )
        except RefusalError as refused:
            return await self._choose_page(request, form, refused)
        if checked.errors:
            return await self._choose_page(request, form, checked=checked)
        by, now_ms = account_of(request).name, self._clock.now_ms()
        pending_id = await self._db.write(lambda tx: pending.keep(tx, self._vault, checked, by=by, at_ms=now_ms))
        return await redirect(request, f"/roster/import/{pending_id}")

    @allowed(Role.COMMITTEE)
    async def show(self, request: web.Request) -> web.StreamResponse:
        """What would change, before it does."""
        return await self._confirm_page(request)

    async def _confirm_page(
        self, request: web.Request, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.Response:
        pending_id, now_ms = path_number(request, "id"), self._clock.now_ms()
        checked = await self._db.read(lambda tx: pending.kept(tx, self._vault, pending_id, at_ms=now_ms))
        tried: Imported | None = None
        try:
            tried = await try_roster(self._db, self._vault, checked.roster, at_ms=now_ms)
        except RefusalError as failure:
            refused = refused or failure
        return await render(
            request,
            "roster/confirm.html",
            form=form,
            refused=refused,
            checked=checked,
            tried=tried,
            pending_id=pending_id,
            most=_MOST_SHOWN,
        )

    @allowed(Role.COMMITTEE)
    async def bring_in(self, request: web.Request) -> web.StreamResponse:
        form, pending_id = await read_form(request), path_number(request, "id")
        by, now_ms = account_of(request).name, self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> Imported:
            once(tx, form)
            leads_to(tx, form, "/roster")
            checked = pending.kept(tx, self._vault, pending_id, at_ms=now_ms)
            pending.done(tx, pending_id)
            return import_roster(
                tx, self._vault, checked.roster, by=by, at_ms=now_ms, leave_missing=form.has("leave_missing")
            )

        try:
            imported = await self._db.write(unit)
        except RefusalError as refused:
            if refused.status == 404:
                raise
            return await self._confirm_page(request, form, refused)
        return await redirect(request, "/roster", imported.wording)
