"""What a notice asks to be done by a day, at the desk: what and until when, who has done it, and the reminder's fate.

Never sends anything itself; `village.notices.tasks` reminds.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import date

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.notices.done import Done, mark_done, undo_done
from village.notices.office import Means, Office
from village.notices.task_words import reminder_spoken, reminder_text
from village.notices.tasks import (
    LONGEST_WHAT,
    TaskView,
    drop_task,
    set_task,
    task_view,
)
from village.notices.tasks_store import TaskUnit
from village.web.desk_jielong import WRITERS
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import account_of, allowed, signed_in
from village.web.kit.pages import path_number, query_text, redirect, render

_UNIT_MOST = 2**62


def routes(db: Database, clock: Clock, means: Means) -> list[web.RouteDef]:
    desk = _Tasks(db, clock, means)
    path = "/notices/{id:[0-9]{1,9}}/task"
    return [web.get(path, desk.show), web.post(path, desk.change)]


class _Tasks:
    def __init__(self, db: Database, clock: Clock, means: Means) -> None:
        self._db = db
        self._clock = clock
        self._means = means

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _page(
        self, request: web.Request, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.Response:
        """`?show=open|done`, `?find=王`."""
        notice_id, office, now_ms = path_number(request, "id"), self._means.office, self._clock.now_ms()
        view = await self._db.read(lambda tx: task_view(tx, notice_id, office, now_ms))
        show, find = query_text(request, "show"), query_text(request, "find")
        show = show if show in ("open", "done", "all") else "open"
        return await render(
            request,
            "notices/task.html",
            view=view,
            notice=view.notice,
            shown=_groups([unit for unit in view.units if _is(unit, show, find)]),
            show=show,
            find=find,
            suggested=_suggested(view.notice.text),
            reminder=_reminder(office, view),
            longest=LONGEST_WHAT,
            form=form,
            refused=refused,
        )

    @allowed(*WRITERS)
    async def change(self, request: web.Request) -> web.StreamResponse:
        """One button: the day, no day, done, not done."""
        form = await read_form(request)
        notice_id, account, now_ms = path_number(request, "id"), account_of(request), self._clock.now_ms()
        outbox = self._means.outbox

        def unit(tx: sqlite3.Connection) -> tuple[str, Wording | None]:
            if form.has("done"):
                unit_id = form.number("done", say("哪一户"), low=1, high=_UNIT_MOST)
                mark_done(tx, outbox, notice_id, [unit_id], via=Done.DESK, by=account.name, now_ms=now_ms)
                return f"#u{unit_id}", None
            if form.has("undo"):
                unit_id = form.number("undo", say("哪一户"), low=1, high=_UNIT_MOST)
                undo_done(tx, notice_id, unit_id, now_ms=now_ms)
                return f"#u{unit_id}", None
            if form.has("drop"):
                drop_task(tx, outbox, notice_id, seen=form.text("seen"))
                return "", say("不催了，谁办好了还记着")
            set_task(
                tx, outbox, notice_id, what=form.needed("what", say("办什么")), by_day=_day(form), by=account.name,
                now_ms=now_ms, seen=form.text("seen"),
            )  # fmt: skip
            return "", say("记下了")

        try:
            anchor, said = await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, form, refused)
        show = form.text("show")
        query = f"?show={show}" if show in ("done", "all") else ""
        return await redirect(request, f"/notices/{notice_id}/task{query}{anchor}", said)


def _day(form: Form) -> date:
    text = form.needed("by_day", say("最晚哪天"))
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise RefusalError(say("{what}要写成 2026-12-25 这样", what=say("最晚哪天")), status=422) from wrong


def _suggested(text: str) -> str:
    """医保 of 医保12月25日截止: what stands before the first date, figure or comma, where that is a word."""
    first = re.split(r"[0-9０-９,，。:：!！?？;；\s]", text.strip(), maxsplit=1)[0]
    return first if 2 <= len(first) <= LONGEST_WHAT else ""


def _reminder(office: Office, view: TaskView) -> str:
    """As it would go now: the SMS, or what is said where all are called; empty where nobody is reminded."""
    if view.task is None or not (view.would_reach or view.would_ring):
        return ""
    words = reminder_text if view.would_reach else reminder_spoken
    return words(office, view.notice, view.task, [_example(view)])


def _example(view: TaskView) -> str:
    return next((unit.name for unit in view.units if unit.done_ms is None), "王德福")


def _is(unit: TaskUnit, show: str, find: str) -> bool:
    fits = show == "all" or (unit.done_ms is not None) == (show == "done")
    return fits and find in unit.name


def _groups(units: list[TaskUnit]) -> dict[int, list[TaskUnit]]:
    numbers = sorted({unit.group_no for unit in units})
    return {number: [unit for unit in units if unit.group_no == number] for number in numbers}
