"""Writing a notice at the desk: compose, see what everybody will get, send; stop it, correct it.

Never sends what was not shown before, and never loses what was typed: it is kept as the clerk's draft until it is sent.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Protocol

from aiohttp import web

from audio.failures import SpeechError
from gateway.segments import count
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.notices import store
from village.notices.compose import PART_UNITS, correction_text, shortest_text, sms_text
from village.notices.correct_notice import CorrectionPlan, correct_notice, plan_correction
from village.notices.notice import Notice, Rung, State, one_line, tidy
from village.notices.numbers import next_number
from village.notices.office import Means
from village.notices.plan import Plan, plan
from village.notices.send_notice import send_notice
from village.notices.spoken import spoken_notice
from village.notices.stop_notice import stop_notice
from village.people.store import GroupRow, groups, is_empty
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, redirect, render
from village.web.notice_form import FIELDS, RUNG_CHOICES, TO_CHOICES, as_field, due_of, order_of
from village.web.passing_on import asked_for, county_of, draft_key, first_draft, refuse_dealt_with, request_for

WRITERS = (Role.COMMITTEE, Role.COLLECTIVE, Role.PARTY)
"""The supervisory committee reads everything and sends nothing in the committee's name."""


class Clip(Protocol):
    @property
    def path(self) -> object: ...


class Voice(Protocol):
    """Who speaks; `audio.speech.Speech` does."""

    async def clip(self, text: str, *, slow: bool = False) -> Clip: ...


async def spoken(voice: Voice, text: str) -> web.StreamResponse:
    """The text as sound. Raises RefusalError (503) where the voice cannot."""
    try:
        clip = await voice.clip(text)
    except SpeechError as failure:
        raise RefusalError(say("现在念不出来，请稍后再试。字都在页面上。"), status=503) from failure
    return web.FileResponse(str(clip.path), headers={"Content-Type": "audio/wav", "Cache-Control": "no-cache"})


@dataclass(frozen=True, slots=True)
class Meter:
    """What the live meter in the browser counts with; the server's own count is in the plan."""

    start: str
    ending: str
    limit: int
    part: int


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the empty or refilled form needs."""

    groups: list[GroupRow]
    no_roster: bool
    meter: Meter
    draft: dict[str, list[str]]
    saved_ms: int | None


class Compose:
    def __init__(self, db: Database, clock: Clock, means: Means, voice: Voice) -> None:
        self._db = db
        self._clock = clock
        self._means = means
        self._voice = voice

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notices/new", self.compose),
            web.post("/notices/new", self.preview),
            web.post("/notices/send", self.send),
            web.post("/notices/draft", self.keep),
            web.post("/notices/draft/forget", self.forget),
            web.get("/notices/draft/speech.wav", self.listen),
            web.get("/notices/{id:[0-9]{1,9}}/correct", self.mend),
            web.post("/notices/{id:[0-9]{1,9}}/correct", self.correct),
            web.post("/notices/{id:[0-9]{1,9}}/stop", self.stop),
        ]

    # compose

    @allowed(*WRITERS)
    async def compose(self, request: web.Request) -> web.StreamResponse:
        sheet = await self._sheet(request, asked_for(request))
        # the kept fields stand in the form as if they had just been sent
        form = Form(sheet.draft, nonce=b"draft") if sheet.draft else None
        return await self._compose_page(request, sheet, form=form)

    async def _compose_page(self, request: web.Request, sheet: _Sheet, **values: object) -> web.Response:
        return await render(
            request,
            "notices/new.html",
            to_choices=TO_CHOICES,
            rung_choices=self._rung_choices(),
            blank=sheet,
            door_after_h=self._means.office.door_after_h,
            may_hurry=account_of(request).role is Role.COMMITTEE,
            **values,  # type: ignore[arg-type]
        )

    def _rung_choices(self) -> list[tuple[str, Wording, bool]]:
        """What may follow, as far as the village has a line for it; ticked as the village has set it."""
        usual, office = self._means.office.ladder.rungs, self._means.office
        return [
            (value, words, Rung(int(value)) in usual)
            for value, words in RUNG_CHOICES
            if office.carries(Rung(int(value)).channel)
        ]

    async def _sheet(self, request: web.Request, county: int | None = None) -> _Sheet:
        author, now_ms = draft_key(request, county), self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> _Sheet:
            kept = store.draft_of(tx, author) or first_draft(tx, county)
            try:
                number = next_number(tx, now_ms)
            except RefusalError:
                number = 99
            return _Sheet(groups(tx), is_empty(tx), self._meter(number), *kept)

        return await self._db.read(unit)

    def _meter(self, number: int) -> Meter:
        start, ending = shortest_text(self._means.office, number, "字").split("字。")
        return Meter(start, "。" + ending, 70, PART_UNITS)

    @allowed(*WRITERS)
    async def preview(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        account = account_of(request)
        await self._keep(request, form)
        if form.has("edit"):
            return await self._compose_page(request, await self._sheet(request, county_of(form)), form=form)
        try:
            planned = await self._db.read(
                lambda tx: plan(tx, self._means, order_of(tx, form, account), self._clock.now_ms())
            )
        except RefusalError as refused:
            sheet = await self._sheet(request, county_of(form))
            return await self._compose_page(request, sheet, form=form, refused=refused)
        return await self._preview_page(request, form, planned)

    async def _preview_page(self, request: web.Request, form: Form, planned: Plan) -> web.Response:
        carried = [(name, value) for name in FIELDS for value in form.many(name)]
        return await render(
            request,
            "notices/preview.html",
            form=form,
            plan=planned,
            title=one_line(planned.order.text),
            carried=carried,
            door_after_h=self._means.office.door_after_h,
            ladder=self._means.office.ladder,
        )

    @allowed(*WRITERS)
    async def send(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        account = account_of(request)
        county = county_of(form)
        if form.has("edit"):
            return await self._compose_page(request, await self._sheet(request, county), form=form)

        def unit(tx: sqlite3.Connection) -> Notice:
            once(tx, form)
            refuse_dealt_with(tx, county)
            notice = send_notice(
                tx, self._means, replace(order_of(tx, form, account), request=request_for(form)), self._clock.now_ms()
            )
            store.forget_draft(tx, draft_key(request, county))
            leads_to(tx, form, f"/notices/{notice.id}")
            return notice

        try:
            notice = await self._db.write(unit)
        except RefusalError as refused:
            return await self._compose_page(request, await self._sheet(request, county), form=form, refused=refused)
        told = (
            say("通知{number}定好了，到时自己发出去", number=notice.number)
            if notice.state is State.PLANNED
            else say("通知{number}发出去了", number=notice.number)
        )
        return await redirect(request, f"/notices/{notice.id}", told)

    # drafts

    async def _keep(self, request: web.Request, form: Form) -> None:
        # what wakes people at night is decided afresh, not found ticked the next day
        fields = {name: form.many(name) for name in FIELDS if form.has(name) and name != "urgent"}
        author, now_ms = draft_key(request, county_of(form)), self._clock.now_ms()
        if any(value for name in ("text", "short_text", "names") for value in fields.get(name, [])):
            await self._db.write(lambda tx: store.keep_draft(tx, author, fields, now_ms))

    @allowed(*WRITERS)
    async def keep(self, request: web.Request) -> web.StreamResponse:
        """The page saves by itself while somebody types."""
        await self._keep(request, await read_form(request))
        return web.Response(status=204)

    @allowed(*WRITERS)
    async def forget(self, request: web.Request) -> web.StreamResponse:
        county = county_of(await read_form(request))
        author = draft_key(request, county)
        await self._db.write(lambda tx: store.forget_draft(tx, author))
        return await redirect(request, "/notices/new" if county is None else f"/notices/new?county={county}")

    @allowed(*WRITERS)
    async def listen(self, request: web.Request) -> web.StreamResponse:
        """How the draft will sound in a call."""
        author = draft_key(request, asked_for(request))
        kept = await self._db.read(lambda tx: store.draft_of(tx, author))
        text = tidy(kept[0].get("text", [""])[0]) if kept else ""
        if not text:
            raise RefusalError(say("还没有写字，没什么可念"), status=404)
        return await spoken(self._voice, spoken_notice(text, corrected=False))

    # stop and correct

    @allowed(*WRITERS)
    async def mend(self, request: web.Request) -> web.StreamResponse:
        return await self._mend_page(request)

    async def _mend_page(self, request: web.Request, *, checked: bool = False, **values: object) -> web.Response:
        notice_id = path_number(request, "id")

        def unit(tx: sqlite3.Connection) -> tuple[Notice, CorrectionPlan, int, list[store.VersionRow]]:
            notice = store.notice_of(tx, notice_id)
            copies = store.copies_of(tx, notice_id)
            unsent = sum(copy.state is not None and copy.state.value == "queued" for copy in copies)
            return notice, plan_correction(tx, self._means.office, notice), unsent, store.versions_of(tx, notice_id)

        notice, planned, unsent, versions = await self._db.read(unit)
        _refuse_foreign(request, notice)
        form = values.get("form")
        text, short_text = notice.text, notice.short_text
        if isinstance(form, Form) and form.sent:
            text, short_text = tidy(form.text("text")) or text, tidy(form.text("short_text"))
        shown = correction_text(self._means.office, notice.number, text, short_text, calls=notice.channels.call)
        fresh = sms_text(self._means.office, notice.number, text, short_text, calls=notice.channels.call)
        return await render(
            request,
            "notices/correct.html",
            notice=notice,
            plan=planned,
            unsent=unsent,
            versions=versions[:-1],
            checked=checked,
            due_field=as_field(notice.due_ms),
            correction_text=shown,
            correction_parts=count(shown).parts,
            fresh_text=fresh,
            yuan=f"{planned.messages * count(shown).parts * self._means.office.sms_price_fen / 100:.2f}",
            **values,  # type: ignore[arg-type]
        )

    @allowed(*WRITERS)
    async def correct(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        notice_id, account = path_number(request, "id"), account_of(request)
        if not form.has("send"):
            try:
                form.needed("text", say("更正的内容"), longest=1000)
                due_of(form)
            except RefusalError as refused:
                return await self._mend_page(request, form=form, refused=refused)
            return await self._mend_page(request, checked=not form.has("edit"), form=form)

        def unit(tx: sqlite3.Connection) -> Wording:
            once(tx, form)
            _refuse_foreign(request, store.notice_of(tx, notice_id))
            made = correct_notice(
                tx,
                self._means,
                notice_id,
                text=form.needed("text", say("更正的内容"), longest=1000),
                short_text=form.text("short_text"),
                due_ms=due_of(form),
                seen_version=form.number("version", say("版本"), low=1, high=10**6),
                by=account.name,
                now_ms=self._clock.now_ms(),
            )
            leads_to(tx, form, f"/notices/{notice_id}")
            if made.notice.state is State.PLANNED:
                return say("改好了，到时发出去的是新的")
            return say("更正发给{told}部手机，另有{fresh}部第一次收到", told=made.corrected, fresh=made.renewed)

        try:
            told = await self._db.write(unit)
        except RefusalError as refused:
            return await self._mend_page(request, form=form, refused=refused)
        return await redirect(request, f"/notices/{notice_id}", told)

    @allowed(*WRITERS)
    async def stop(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        notice_id, account = path_number(request, "id"), account_of(request)

        def unit(tx: sqlite3.Connection) -> Wording:
            _refuse_foreign(request, store.notice_of(tx, notice_id))
            stopped = stop_notice(
                tx,
                self._means,
                notice_id,
                seen_version=form.number("version", say("版本"), low=1, high=10**6),
                by=account.name,
                now_ms=self._clock.now_ms(),
            )
            return say(
                "停了：{dead}条不再发出，{gone}部手机已经收到或可能收到", dead=stopped.withdrawn, gone=stopped.gone
            )

        try:
            told = await self._db.write(unit)
        except RefusalError as refused:
            return await self._mend_page(request, refused=refused)
        return await redirect(request, f"/notices/{notice_id}/correct", told)


def _refuse_foreign(request: web.Request, notice: Notice) -> None:
    """The committee may mend every notice, the others their own."""
    role = account_of(request).role
    if role is not Role.COMMITTEE and str(role) != str(notice.issuer):
        raise RefusalError(say("这条是{who}发的，请他们来改", who=notice.issuer.in_words()), status=403)
