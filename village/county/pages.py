"""The county's desk: villages with the troubled ones first, their notices and polls with what was verified, the
county's own notices, enrolment codes, and what was set aside.

Never shows a name of a villager (none comes here), never a small cell, and no league table of votes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from sync.certificate import WARN_MS
from sync.keys import PublicKey
from village.county import store
from village.county.core import core
from village.county.enrolling import codes, issue_code
from village.county.evidence import export
from village.county.noticing import CountyLog, Draft, check
from village.county.place import CountyPlace
from village.county.reasons import reason_in_words
from village.county.verification import Found, Rung, ladder
from village.ground.clock import Clock, parse_iso
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.laws.pack import By, Kind
from village.web.kit.forms import Form, read_form
from village.web.kit.frame import Role
from village.web.kit.gate import account_of, allowed, signed_in
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, redirect, render

CLERK = Role.COMMITTEE
"""The kit's roles keep their names in the table; at the county the first one is the clerk, the second one reads."""

_QUIET_MS = 3 * 86_400_000
"""A village that has not been heard of for so long is telephoned."""


@dataclass(frozen=True, slots=True)
class Line:
    """A village on the first page, with everything that makes somebody ring it up."""

    village: store.Village
    troubles: tuple[Wording, ...]


def troubles(village: store.Village, polls: list[store.Poll], now_ms: int) -> tuple[Wording, ...]:
    found = []
    if village.revoked_ms is not None:
        return ()
    if village.frozen:
        found.append(say("记录分叉了，停收了"))
    if village.spoke_ms is None:
        found.append(say("登记了，还没有来过"))
    elif now_ms - village.spoke_ms > _QUIET_MS:
        found.append(say("{n}天没有来了", n=(now_ms - village.spoke_ms) // 86_400_000))
    if village.went_back:
        found.append(say("村里的数据退回过"))
    if any(rung.found is Found.FAILED for one in polls for rung in ladder(one.log, one.opened, one.counted)):
        found.append(say("有结果核不过"))
    if village.lines_down:
        found.append(say("有{n}条线路断着", n=village.lines_down))
    if village.disk_free_mb is not None and village.disk_free_mb < 200:
        found.append(say("存储卡快满了"))
    if village.expires_ms - now_ms < WARN_MS:
        found.append(say("证书快到期了"))
    return tuple(found)


def routes(
    db: Database, clock: Clock, place: CountyPlace, log: CountyLog, address: Callable[[], str]
) -> list[web.RouteDef]:
    desk = _Desk(db, clock, place, log, address)
    one = "/villages/{no:[0-9]{1,9}}"
    return [
        web.get("/", desk.villages),
        web.get(one, desk.village),
        web.post(one + "/name", desk.rename),
        web.post(one + "/revoke", desk.revoke),
        web.post(one + "/thaw", desk.thaw),
        web.get(one + "/evidence", desk.evidence),
        web.get(one + "/polls/{poll:[0-9]{1,12}}", desk.poll),
        web.get("/polls", desk.polls),
        web.get("/notices", desk.notices),
        web.get("/notices/new", desk.compose),
        web.post("/notices/new", desk.preview),
        web.post("/notices/send", desk.send),
        web.get("/notices/{notice:[0-9]{1,9}}", desk.notice),
        web.post("/notices/{notice:[0-9]{1,9}}/withdraw", desk.withdraw),
        web.get("/codes", desk.codes),
        web.post("/codes", desk.new_code),
        web.get("/quarantine", desk.quarantine),
        web.post("/quarantine/{id:[0-9]{1,12}}", desk.handled),
    ]


class _Desk:
    def __init__(
        self, db: Database, clock: Clock, place: CountyPlace, log: CountyLog, address: Callable[[], str]
    ) -> None:
        self._db = db
        self._clock = clock
        self._place = place
        self._log = log
        self._address = address

    # villages

    @signed_in
    async def villages(self, request: web.Request) -> web.StreamResponse:
        now_ms = self._clock.now_ms()

        def unit(connection: Any) -> tuple[list[Line], int]:
            polls = store.polls(connection)
            lines = [
                Line(one, troubles(one, [poll for poll in polls if poll.village_no == one.no], now_ms))
                for one in store.villages(connection)
            ]
            return lines, store.waiting_aside(connection)

        lines, aside = await self._db.read(core(unit))
        return await render(
            request,
            "seat/villages.html",
            troubled=[line for line in lines if line.troubles],
            well=[line for line in lines if not line.troubles],
            aside=aside,
        )

    @signed_in
    async def village(self, request: web.Request) -> web.StreamResponse:
        return await self._village_page(request)

    async def _village_page(self, request: web.Request, *, ask_revoke: bool = False, **values: Any) -> web.Response:
        no = path_number(request, "no")

        def unit(connection: Any) -> tuple[store.Village, list[store.Notice], list[store.Poll]]:
            return (
                store.village_of(connection, no),
                store.notices(connection, village_no=no, limit=30),
                store.polls(connection, village_no=no, limit=30),
            )

        village, notices, polls = await self._db.read(core(unit))
        return await render(
            request,
            "seat/village.html",
            one=village,
            worries=troubles(village, polls, self._clock.now_ms()),
            ask_revoke=ask_revoke,
            fingerprint=PublicKey(village.fingerprint_key).fingerprint,
            notices=notices,
            polls=[(poll, _summary(ladder(poll.log, poll.opened, poll.counted))) for poll in polls],
            **values,
        )

    @allowed(CLERK)
    async def rename(self, request: web.Request) -> web.StreamResponse:
        form, no = await read_form(request), path_number(request, "no")
        try:
            await self._db.write(core(lambda c: store.rename(c, no, form.text("name"))))
        except RefusalError as refused:
            return await self._village_page(request, form=form, refused=refused)
        return await redirect(request, f"/villages/{no}", say("改好了"))

    @allowed(CLERK)
    async def revoke(self, request: web.Request) -> web.StreamResponse:
        form, no = await read_form(request), path_number(request, "no")
        if not form.has("sure"):
            return await self._village_page(request, form=form, ask_revoke=True)
        await self._db.write(core(lambda c: store.revoke(c, no, self._clock.now_ms())))
        return await redirect(request, f"/villages/{no}", say("停用了：它再报来的都进隔离"))

    @allowed(CLERK)
    async def thaw(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        no = path_number(request, "no")
        await self._db.write(core(lambda c: store.thaw(c, no)))
        return await redirect(request, f"/villages/{no}", say("解冻了：以县里收到的为准，往后照收"))

    @signed_in
    async def evidence(self, request: web.Request) -> web.StreamResponse:
        no, key = path_number(request, "no"), self._place.key
        content = await self._db.read(core(lambda c: export(c, key.public, key.sealing, no)))
        return web.Response(
            body=content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="village-{no}.evidence"'},
        )

    # polls

    @signed_in
    async def polls(self, request: web.Request) -> web.StreamResponse:
        found = await self._db.read(core(store.polls))
        return await render(
            request,
            "seat/polls.html",
            polls=[(poll, _summary(ladder(poll.log, poll.opened, poll.counted))) for poll in found],
        )

    @signed_in
    async def poll(self, request: web.Request) -> web.StreamResponse:
        no, number = path_number(request, "no"), path_number(request, "poll")
        poll = await self._db.read(core(lambda c: store.poll_of(c, no, number)))
        return await render(
            request,
            "seat/poll.html",
            poll=poll,
            rungs=ladder(poll.log, poll.opened, poll.counted),
            counted=_by(poll).counted,
        )

    # the county's own notices

    @signed_in
    async def notices(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "seat/notices.html", notices=await self._db.read(core(store.own_notices)))

    @allowed(CLERK)
    async def compose(self, request: web.Request) -> web.StreamResponse:
        return await self._compose_page(request)

    async def _compose_page(self, request: web.Request, **values: Any) -> web.Response:
        villages = [one for one in await self._db.read(core(store.villages)) if one.revoked_ms is None]
        return await render(request, "seat/new.html", villages=villages, **values)

    @allowed(CLERK)
    async def preview(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        if form.has("edit"):
            return await self._compose_page(request, form=form)
        try:
            draft = check(_draft(form))
        except RefusalError as refused:
            return await self._compose_page(request, form=form, refused=refused)
        carried = [(name, value) for name in _FIELDS for value in form.many(name)]
        names = {one.no: one.name for one in await self._db.read(core(store.villages))}
        return await render(
            request, "seat/preview.html", draft=draft, carried=carried, form=form,
            whom=[names[no] for no in draft.villages if no in names],
        )  # fmt: skip

    @allowed(CLERK)
    async def send(self, request: web.Request) -> web.StreamResponse:
        form, author = await read_form(request), account_of(request).name
        if form.has("edit"):
            return await self._compose_page(request, form=form)

        def unit(tx: Any) -> int:
            once(tx, form)
            number = self._log.publish(tx, _draft(form), author)
            leads_to(tx, form, f"/notices/{number}")
            return number

        try:
            number = await self._db.write(unit)
        except RefusalError as refused:
            return await self._compose_page(request, form=form, refused=refused)
        return await redirect(request, f"/notices/{number}", say("放好了：村里下次来就带回去"))

    @signed_in
    async def notice(self, request: web.Request) -> web.StreamResponse:
        number = path_number(request, "notice")

        def unit(connection: Any) -> tuple[store.Own, list[store.Notice], dict[int, str]]:
            names = {one.no: one.name for one in store.villages(connection)}
            own = store.own_notice(connection, number)
            return own, store.notices(connection, county_notice=number), names

        own, relayed, names = await self._db.read(core(unit))
        return await render(request, "seat/notice.html", own=own, relayed=relayed, names=names)

    @allowed(CLERK)
    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        form, number = await read_form(request), path_number(request, "notice")

        def unit(tx: Any) -> None:
            once(tx, form)
            self._log.withdraw(tx, number)

        await self._db.write(unit)
        return await redirect(request, f"/notices/{number}", say("收回了：还没转发的村不会再发"))

    # codes

    @signed_in
    async def codes(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "seat/codes.html", codes=await self._db.read(core(codes)))

    @allowed(CLERK)
    async def new_code(self, request: web.Request) -> web.StreamResponse:
        form, by = await read_form(request), account_of(request).name
        try:
            village = form.needed("village", say("村名"), longest=20)
            code = await issue_code(self._db, self._clock, village=village, by=by, also=lambda tx: once(tx, form))
        except RefusalError as refused:
            found = await self._db.read(core(codes))
            return await render(request, "seat/codes.html", codes=found, form=form, refused=refused)
        return await render(
            request,
            "seat/slip.html",
            code=code.shown,
            of=village,
            address=self._address(),
            fingerprint=self._place.key.public.fingerprint,
        )

    # what was set aside

    @signed_in
    async def quarantine(self, request: web.Request) -> web.StreamResponse:
        found = await self._db.read(core(store.set_aside))
        return await render(
            request, "seat/quarantine.html", aside=[(one, reason_in_words(one.reason)) for one in found]
        )

    @allowed(CLERK)
    async def handled(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        number, by = path_number(request, "id"), account_of(request).name
        await self._db.write(core(lambda c: store.handle(c, number, by=by, now_ms=self._clock.now_ms())))
        return await redirect(request, "/quarantine", say("记下了：{name}看过了", name=by))


_FIELDS = ("text", "issuer", "due", "whom", "village")


def _draft(form: Form) -> Draft:
    """Raises RefusalError."""
    due = form.text("due")
    try:
        due_ms = parse_iso(datetime.fromisoformat(due).replace(tzinfo=None).isoformat()) if due else None
    except ValueError as wrong:
        raise RefusalError(say("{what}要写成 2026-12-06 08:00 这样", what=say("几时前要办")), status=422) from wrong
    villages: tuple[int, ...] = ()
    if form.text("whom") == "some":
        villages = tuple(int(no) for no in form.many("village") if no.isascii() and no.isdigit() and len(no) < 10)
        if not villages:
            raise RefusalError(say("发给哪几个村还没有选"), status=422)
    return Draft(form.text("text"), form.text("issuer"), due_ms, villages)


def _summary(rungs: list[Rung]) -> Found:
    """The worst of them."""
    found = {rung.found for rung in rungs}
    return next((kind for kind in (Found.FAILED, Found.OPEN) if kind in found), Found.PASSED)


def _by(poll: store.Poll) -> By:
    return By.HOUSEHOLD if poll.opened.kind == Kind.HOUSEHOLD else By.PERSON
