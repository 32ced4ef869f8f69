"""A pasted list of names at the desk: looked at row by row, then counted, as 收到 in a WeChat group or as 办好.

Never counts what was not shown and ticked, and never keeps the pasted text: what is nobody's name goes back.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.notices.confirm import Via, confirm_units, take_back
from village.notices.done import Done, mark_done
from village.notices.jielong_matching import Doubt, State
from village.notices.name_list import NameList, read_list
from village.notices.notice import Notice, UnitKind
from village.notices.office import Means
from village.notices.store import notice_of
from village.notices.tasks_store import Task, task_of
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, redirect, render

WRITERS = (Role.COMMITTEE, Role.COLLECTIVE, Role.PARTY)
_UNIT_MOST = 2**62
_FORM_BYTES = 1024 * 1024
"""Twenty thousand characters as a form sends them, and a thousand ticks."""
_LOST_NAMED = 6


def routes(db: Database, clock: Clock, means: Means) -> list[web.RouteDef]:
    told, done = _Names(db, clock, means, tasks=False), _Names(db, clock, means, tasks=True)
    heard, finished = "/notices/{id:[0-9]{1,9}}/jielong", "/notices/{id:[0-9]{1,9}}/task/names"
    return [
        web.get(heard, told.paste),
        web.post(heard, told.look),
        web.post(heard + "/count", told.count),
        web.post(heard + "/undo", told.undo),
        web.get(finished, done.paste),
        web.post(finished, done.look),
        web.post(finished + "/count", done.count),
    ]


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page is about. `path` is where its forms go, `back` where the clerk came from."""

    notice: Notice
    task: Task | None
    path: str
    back: str


class _Names:
    def __init__(self, db: Database, clock: Clock, means: Means, *, tasks: bool) -> None:
        self._db = db
        self._clock = clock
        self._means = means
        self._tasks = tasks

    @allowed(*WRITERS)
    async def paste(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(
        self,
        request: web.Request,
        form: Form | None = None,
        found: NameList | None = None,
        refused: RefusalError | None = None,
    ) -> web.Response:
        notice_id = path_number(request, "id")

        def unit(tx: sqlite3.Connection) -> tuple[Notice, Task | None]:
            return notice_of(tx, notice_id), task_of(tx, notice_id)

        notice, task = await self._db.read(unit)
        if self._tasks and task is None:
            refused = refused or RefusalError(say("先定要办什么、最晚哪天，再贴名单"), status=409)
        path = f"/notices/{notice_id}/task/names" if self._tasks else f"/notices/{notice_id}/jielong"
        page = _Page(notice, task, path, self._back(notice_id))
        return await render(
            request, "notices/jielong.html", page=page, found=found, tasks=self._tasks, states=_STATES, doubts=_DOUBTS,
            form=form, refused=refused,
        )  # fmt: skip

    def _back(self, notice_id: int) -> str:
        return f"/notices/{notice_id}/task" if self._tasks else f"/notices/{notice_id}"

    @allowed(*WRITERS)
    async def look(self, request: web.Request) -> web.StreamResponse:
        """Row by row whose each name is; nothing is counted yet."""
        form, notice_id = await read_form(request, limit=_FORM_BYTES), path_number(request, "id")
        try:
            found = await self._db.read(lambda tx: read_list(tx, notice_id, form.text("text"), tasks=self._tasks))
        except RefusalError as refused:
            return await self._page(request, form, refused=refused)
        return await self._page(request, form, found)

    @allowed(*WRITERS)
    async def count(self, request: web.Request) -> web.StreamResponse:
        form, notice_id = await read_form(request, limit=_FORM_BYTES), path_number(request, "id")
        by, now_ms = account_of(request).name, self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> Wording:
            once(tx, form)
            leads_to(tx, form, self._back(notice_id))
            units, household = _ticked(form), notice_of(tx, notice_id).unit is UnitKind.HOUSEHOLD
            if self._tasks:
                marked = mark_done(
                    tx, self._means.outbox, notice_id, units, via=Done.LIST, by=by, now_ms=now_ms
                )  # fmt: skip
                new, before = len(marked.now), marked.before
            else:
                seen = form.number("version", say("版本"), low=1, high=10**6)
                new, before = confirm_units(
                    tx, notice_id, units, via=Via.WECHAT, seen_version=seen, by=by, now_ms=now_ms
                )
            return _said(new, before, form.many("lost"), household=household, tasks=self._tasks)

        try:
            said = await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, form, refused=refused)
        return await redirect(request, self._back(notice_id), said)

    @allowed(*WRITERS)
    async def undo(self, request: web.Request) -> web.StreamResponse:
        """One household was counted by mistake."""
        form, notice_id = await read_form(request), path_number(request, "id")
        unit_id = form.number("unit", say("哪一户"), low=1, high=_UNIT_MOST)
        await self._db.write(lambda tx: take_back(tx, notice_id, unit_id, now_ms=self._clock.now_ms()))
        return await redirect(request, f"/notices/{notice_id}/units/{unit_id}", say("取消了"))


_STATES: dict[str, Wording] = {
    State.ALREADY: say("以前记过了"),
    State.REPEATED: say("上面已经有了"),
    State.NOT_FOUND: say("花名册上没对上"),
}

_DOUBTS: dict[str, Wording] = {
    Doubt.OTHERWISE: say("后面还写了别的话，看清了再勾"),
    Doubt.NOT_YET: say("写在“还没有回的”下面，确实回了才勾"),
    Doubt.CALLED: say("是别人@他的，不是他自己回的"),
}


def _ticked(form: Form) -> set[int]:
    """Raises RefusalError (422) where nobody is ticked."""
    chosen = [value for value in form.many("unit") if value]
    if not all(value.isascii() and value.isdigit() and len(value) <= 15 for value in chosen):
        raise RefusalError(say("这份表单读不懂，什么都没有改。"), status=400)
    if not chosen:
        raise RefusalError(say("一个都没有勾，什么都没有记"), status=422)
    return {int(value) for value in chosen}


def _said(new: int, before: int, lost: list[str], *, household: bool, tasks: bool) -> Wording:
    counted = {
        (True, False): say("记下{n}户收到（微信群）", n=new),
        (False, False): say("记下{n}人收到（微信群）", n=new),
        (True, True): say("记下{n}户办好了", n=new),
        (False, True): say("记下{n}人办好了", n=new),
    }[household, tasks]
    if before:
        counted = say("{counted}，{n}个以前就记过", counted=counted, n=before)
    if not lost:
        return counted
    some = "、".join(name[:12] for name in lost[:_LOST_NAMED]) + ("…" if len(lost) > _LOST_NAMED else "")
    return say("{counted}。{n}个没对上，没有记：{names}", counted=counted, n=len(lost), names=some)
