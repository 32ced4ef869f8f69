"""Asking the village something: write it, see what everybody will get and by which rule it counts, open it.

Never opens what was not shown before, and never loses what was typed: it is kept as the clerk's draft until it is open.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, say
from village.laws.pack import Pack, newest_pack
from village.notices import store as notice_store
from village.notices.office import Means
from village.people.store import GroupRow, groups, is_empty
from village.polls import basis_store
from village.polls.basis_store import BasisRow
from village.polls.open_poll import open_poll
from village.polls.plan import Plan, plan
from village.polls.poll import Poll, PollKind
from village.web.desk_compose import Voice, spoken
from village.web.desk_polls_form import (
    FIELDS,
    OPTION_FIELDS,
    closed_kinds,
    day_field,
    default_deadline_ms,
    hour_field,
    order_of,
)
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import leads_to, once
from village.web.kit.pages import redirect, render
from village.web.poll_shown import planned as shown_plan

OPENERS = (Role.COMMITTEE,)
"""A poll is the committee's; the supervisory committee watches it and asks nothing in the committee's name."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the empty or refilled form needs."""

    groups: list[GroupRow]
    no_roster: bool
    bases: list[BasisRow]
    unsigned: int
    draft: dict[str, list[str]]
    saved_ms: int | None
    pack: Pack
    day: str
    hour: str


class NewPoll:
    def __init__(self, db: Database, clock: Clock, means: Means, voice: Voice) -> None:
        self._db = db
        self._clock = clock
        self._means = means
        self._voice = voice

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/polls/new", self.write),
            web.post("/polls/new", self.preview),
            web.post("/polls/open", self.open),
            web.post("/polls/draft", self.keep),
            web.post("/polls/draft/forget", self.forget),
            web.get("/polls/draft/speech.wav", self.listen),
        ]

    @allowed(*OPENERS)
    async def write(self, request: web.Request) -> web.StreamResponse:
        sheet = await self._sheet(request)
        # the kept fields stand in the form as if they had just been sent
        form = Form(sheet.draft, nonce=b"draft") if sheet.draft else None
        return await self._form_page(request, sheet, form=form)

    async def _form_page(self, request: web.Request, sheet: _Sheet, **values: object) -> web.Response:
        return await render(
            request,
            "polls/new.html",
            blank=sheet,
            closed=closed_kinds(sheet.pack),
            household=sheet.pack.rule(PollKind.HOUSEHOLD),
            option_fields=OPTION_FIELDS,
            **values,  # type: ignore[arg-type]
        )

    async def _sheet(self, request: web.Request) -> _Sheet:
        key, closes_ms = _draft_key(request), default_deadline_ms(self._clock.now_ms())

        def unit(tx: sqlite3.Connection) -> _Sheet:
            kept = notice_store.draft_of(tx, key) or ({}, None)
            bases = basis_store.bases(tx)
            return _Sheet(
                groups=groups(tx),
                no_roster=is_empty(tx),
                bases=[basis for basis in bases if basis.in_force],
                unsigned=sum(basis.cosigned_ms is None and basis.retired_ms is None for basis in bases),
                draft=kept[0],
                saved_ms=kept[1],
                pack=newest_pack(),
                day=day_field(closes_ms),
                hour=hour_field(closes_ms),
            )

        return await self._db.read(unit)

    @allowed(*OPENERS)
    async def preview(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        await self._keep(request, form)
        if form.has("edit"):
            return await self._form_page(request, await self._sheet(request), form=form)
        now_ms, trusted, author = self._clock.now_ms(), self._clock.trusted, account_of(request).name

        def unit(tx: sqlite3.Connection) -> Plan:
            return plan(tx, self._means, order_of(form, author, now_ms, trusted=trusted), now_ms, trusted=trusted)

        try:
            planned = await self._db.read(unit)
        except RefusalError as refused:
            return await self._form_page(request, await self._sheet(request), form=form, refused=refused)
        return await self._preview_page(request, form, planned)

    async def _preview_page(self, request: web.Request, form: Form, planned: Plan) -> web.Response:
        carried = [(name, value) for name in FIELDS for value in form.many(name)]
        return await render(
            request,
            "polls/preview.html",
            form=form,
            plan=planned,
            poll=planned.poll,
            view=shown_plan(planned.poll),
            carried=carried,
        )

    @allowed(*OPENERS)
    async def open(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        if form.has("edit"):
            return await self._form_page(request, await self._sheet(request), form=form)
        now_ms, trusted, author = self._clock.now_ms(), self._clock.trusted, account_of(request).name

        def unit(tx: sqlite3.Connection) -> Poll:
            once(tx, form)
            order = replace(order_of(form, author, now_ms, trusted=trusted), request=f"form/{form.nonce.hex()}")
            poll = open_poll(tx, self._means, order, now_ms, trusted=trusted)
            notice_store.forget_draft(tx, _draft_key(request))
            leads_to(tx, form, f"/polls/{poll.id}")
            return poll

        try:
            poll = await self._db.write(unit)
        except RefusalError as refused:
            return await self._form_page(request, await self._sheet(request), form=form, refused=refused)
        return await redirect(
            request, f"/polls/{poll.id}", say("{word}{number}开始了", word=poll.called, number=poll.number)
        )

    # drafts

    async def _keep(self, request: web.Request, form: Form) -> None:
        fields = {name: form.many(name) for name in FIELDS if form.has(name)}
        key, now_ms = _draft_key(request), self._clock.now_ms()
        if any(form.text(name) for name in ("question", *OPTION_FIELDS)):
            await self._db.write(lambda tx: notice_store.keep_draft(tx, key, fields, now_ms))

    @allowed(*OPENERS)
    async def keep(self, request: web.Request) -> web.StreamResponse:
        """The page saves by itself while somebody types."""
        await self._keep(request, await read_form(request))
        return web.Response(status=204)

    @allowed(*OPENERS)
    async def forget(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        key = _draft_key(request)
        await self._db.write(lambda tx: notice_store.forget_draft(tx, key))
        return await redirect(request, "/polls/new")

    @allowed(*OPENERS)
    async def listen(self, request: web.Request) -> web.StreamResponse:
        """How the draft will sound in a call."""
        key, now_ms, author = _draft_key(request), self._clock.now_ms(), account_of(request).name
        trusted = self._clock.trusted

        def unit(tx: sqlite3.Connection) -> str:
            kept = notice_store.draft_of(tx, key)
            if kept is None:
                raise RefusalError(say("还没有写字，没什么可念"), status=404)
            order = order_of(Form(kept[0], nonce=b"draft"), author, now_ms, trusted=trusted)
            return "".join(plan(tx, self._means, order, now_ms, trusted=trusted).call_lines)

        return await spoken(self._voice, await self._db.read(unit))


def _draft_key(request: web.Request) -> str:
    """Beside the clerk's draft of a notice, not over it."""
    return f"{account_of(request).id}/poll"
