"""Notices at the desk: what is open today (polls and the county's notices too), how far each notice has come, the
people behind each figure, 微信.

Never counts anything itself; `village.notices.reach` does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from village.ground.clock import Clock, beijing
from village.ground.database import Database
from village.ground.wording import Wording, say
from village.link.store import CountyNoticeRow, county_notices
from village.notices import store
from village.notices.climb import NextStep, next_step
from village.notices.doors import DoorList, doors, outcome
from village.notices.notice import Notice, UnitKind
from village.notices.office import Means
from village.notices.reach import Funnel, GroupReach, Reach, Stage, Tile, reach, reaches
from village.notices.reach_store import Answer, Try, UnitRow, answers_of, tries_of, unit_rows
from village.notices.running import running
from village.notices.send_notice import MISSED
from village.notices.tasks_store import Task, still_open
from village.notices.wechat import poster, wechat_text
from village.people.store import is_empty
from village.polls.store import running_polls
from village.web import desk_jielong, desk_tasks
from village.web.desk_compose import Compose, Voice
from village.web.desk_doors import Doors
from village.web.kit.gate import signed_in
from village.web.kit.pages import path_number, query_number, query_text, render
from village.web.poll_shown import Shown, shown

_DAY_MS = 86_400_000
_MOST_BANDS = 5
"""Beside the line of all together; more lines are told apart by nobody, so groups are then drawn in twos and threes."""
_SHORTEST_CURVE_MIN = 30
_EXCERPT = 8

STAGES: dict[str, Wording] = {
    "queued": say("排队"),
    "accepted": say("已交运营商"),
    "delivered": say("到手机"),
    "heard": say("听完"),
    "confirmed": say("收到"),
    "unreached": say("没联系上"),
}


VIAS: dict[str, Wording] = {
    "sms": say("短信"),
    "call": say("电话"),
    "page": say("网页"),
    "door": say("上门"),
    "wechat": say("微信群"),
    "task": say("办好了"),
}
"""How a household let us know."""


def routes(db: Database, clock: Clock, means: Means, voice: Voice) -> list[web.RouteDef]:
    """Everything about notices that the desk shows."""
    desk = _Desk(db, clock, means)
    return [
        web.get("/", desk.today),
        web.get("/notices", desk.index),
        *Compose(db, clock, means, voice).routes(),
        web.get("/notices/{id:[0-9]{1,9}}", desk.reach),
        web.get("/notices/{id:[0-9]{1,9}}/part", desk.reach_part),
        web.get("/notices/{id:[0-9]{1,9}}/units", desk.units),
        web.get("/notices/{id:[0-9]{1,9}}/units/{unit:[0-9]{1,12}}", desk.unit),
        web.get("/notices/{id:[0-9]{1,9}}/wechat", desk.wechat),
        *Doors(db, clock, means.office).routes(),
        *desk_jielong.routes(db, clock, means),
        *desk_tasks.routes(db, clock, means),
    ]


@dataclass(frozen=True, slots=True)
class _Running:
    """A notice on the page of today."""

    reach: Reach
    overdue: bool
    """Its time is over and somebody has not been told."""
    task: Task | None
    """What is to be done by a day that is not over, where somebody has it still to do."""
    undone: int

    @property
    def answered(self) -> bool:
        return self.reach.funnel.confirmed + self.reach.funnel.heard >= self.reach.funnel.units


@dataclass(frozen=True, slots=True)
class _Today:
    running: list[_Running]
    planned: list[Notice]
    missed: list[Notice]
    polls: list[Shown]
    from_county: list[CountyNoticeRow]
    """What came down from the county and waits for the committee."""
    no_roster: bool

    @property
    def quiet(self) -> bool:
        return not (self.running or self.planned or self.missed or self.polls or self.from_county)


class _Desk:
    def __init__(self, db: Database, clock: Clock, means: Means) -> None:
        self._db = db
        self._clock = clock
        self._office = means.office

    @signed_in
    async def today(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "notices/today.html", today=await self._db.read(self._today))

    def _today(self, tx: sqlite3.Connection) -> _Today:
        now_ms = self._clock.now_ms()
        return _Today(
            running=self._running(tx, now_ms),
            planned=store.planned(tx),
            missed=[
                notice
                for notice in store.every_notice(tx, limit=20)
                if notice.stopped_by == MISSED and now_ms - (notice.stopped_ms or 0) < 3 * _DAY_MS
            ],
            polls=[shown(tx, poll, now_ms, trusted=self._clock.trusted) for poll in running_polls(tx)],
            from_county=[notice for notice in county_notices(tx) if notice.waits],
            no_roster=is_empty(tx),
        )

    def _running(self, tx: sqlite3.Connection, now_ms: int) -> list[_Running]:
        """Whatever still waits for an answer, or for something to be done."""
        seen = reaches(tx, running(tx, self._office, now_ms), now_ms, self._office)
        undone = still_open(tx, [view.notice.id for view in seen], beijing(now_ms).date())
        found = []
        for view in seen:
            task, left = undone.get(view.notice.id, (None, 0))
            one = _Running(view, now_ms >= view.door_ms and view.funnel.unreached > 0, task, left)
            if left or (view.notice.channels.reaches_phones and not one.answered):
                found.append(one)
        return found

    @signed_in
    async def index(self, request: web.Request) -> web.StreamResponse:
        def unit(tx: sqlite3.Connection) -> list[Reach]:
            return reaches(tx, store.every_notice(tx, limit=60), self._clock.now_ms(), self._office)

        return await render(request, "notices/list.html", views=await self._db.read(unit))

    # one notice

    @signed_in
    async def reach(self, request: web.Request) -> web.StreamResponse:
        return await self._reach_page(request, "notices/reach.html")

    @signed_in
    async def reach_part(self, request: web.Request) -> web.StreamResponse:
        return await self._reach_page(request, "notices/_reach.html")

    async def _reach_page(self, request: web.Request, template: str) -> web.Response:
        """`?group=3` draws the curve of that group alone, beside the one of all together."""
        notice_id, now_ms = path_number(request, "id"), self._clock.now_ms()

        def unit(tx: sqlite3.Connection) -> tuple[Reach, DoorList, list[store.VersionRow], NextStep | None]:
            view = reach(tx, notice_id, now_ms, self._office)
            return (
                view,
                doors(tx, notice_id, now_ms, self._office),
                store.versions_of(tx, notice_id),
                next_step(tx, self._office, view.notice, now_ms) if self._clock.trusted else None,
            )

        view, door_list, versions, step = await self._db.read(unit)
        wanted = query_number(request, "group", 0)
        alone = next((group for group in view.groups if group.group_no == wanted), None)
        return await render(
            request,
            template,
            view=view,
            notice=view.notice,
            steps=_steps(view),
            stages=STAGES,
            vias=VIAS,
            alone=alone,
            picture=_Picture.of(view, now_ms, alone),
            squares=_tiles(view),
            doors=door_list.open[:_EXCERPT],
            doors_open=len(door_list.open),
            versions=versions,
            step=step,
            wholly=_wholly(view.notice, view.funnel),
            drawn=_drawn(view, alone),
        )

    @signed_in
    async def units(self, request: web.Request) -> web.StreamResponse:
        """The people behind a figure."""
        notice_id, show = path_number(request, "id"), query_text(request, "show")

        def unit(tx: sqlite3.Connection) -> tuple[Reach, dict[int, UnitRow]]:
            return reach(tx, notice_id, self._clock.now_ms(), self._office), {
                row.id: row for row in unit_rows(tx, notice_id)
            }

        view, rows = await self._db.read(unit)
        behind = [(tile, rows[tile.unit_id]) for tile in view.tiles]
        shown = [(tile, row) for tile, row in behind if show not in STAGES or _is(row, tile, show)]
        return await render(
            request,
            "notices/units.html",
            notice=view.notice,
            shown=shown,
            show=show if show in STAGES else "",
            stages=STAGES,
            words=_TILE_WORDS,
        )

    @signed_in
    async def unit(self, request: web.Request) -> web.StreamResponse:
        """One household: what was tried, what came back."""
        notice_id, unit_id = path_number(request, "id"), path_number(request, "unit")

        def unit(tx: sqlite3.Connection) -> tuple[Notice, UnitRow, Sequence[Try], list[Answer], bool]:
            view = reach(tx, notice_id, self._clock.now_ms(), self._office)
            rows = unit_rows(tx, notice_id, unit_id)
            if not rows:
                raise web.HTTPNotFound
            visit = any(tile.unit_id == unit_id and tile.visit for tile in view.tiles)
            tries = tries_of(tx, notice_id, [unit_id]).get(unit_id, [])
            return view.notice, rows[0], tries, answers_of(tx, unit_id), visit

        notice, row, tries, answers, visit = await self._db.read(unit)
        return await render(
            request,
            "notices/unit.html",
            notice=notice,
            row=row,
            tries=[(one, outcome(one)) for one in tries],
            answers=answers,
            visit=visit,
        )

    @signed_in
    async def wechat(self, request: web.Request) -> web.StreamResponse:
        notice_id = path_number(request, "id")
        notice = await self._db.read(lambda tx: store.notice_of(tx, notice_id))
        return await render(
            request,
            "notices/wechat.html",
            notice=notice,
            text=wechat_text(self._office, notice),
            poster=poster(self._office, notice),
        )


def _drawn(view: Reach, alone: GroupReach | None) -> Wording:
    """The sentence beside the curve; it says what the curve shows."""
    if alone is None:
        return _wholly(view.notice, view.funnel)
    return say("{n}组{what}", n=alone.group_no, what=_wholly(view.notice, alone.funnel))


def _wholly(notice: Notice, funnel: Funnel) -> Wording:
    counts = {"n": funnel.units, "c": funnel.confirmed, "h": funnel.heard, "u": funnel.unreached}
    if notice.unit is UnitKind.HOUSEHOLD:
        return say("{n}户里，{c}户收到，{h}户听完，{u}户没联系上", **counts)
    return say("{n}人里，{c}人收到，{h}人听完，{u}人没联系上", **counts)


def _steps(view: Reach) -> list[tuple[Wording, int, str, str]]:
    kinds = {"confirmed": "good", "unreached": "hot" if view.funnel.unreached else ""}
    return [
        (word, getattr(view.funnel, name), kinds.get(name, ""), f"/notices/{view.notice.id}/units?show={name}")
        for name, word in STAGES.items()
    ]


def _is(row: UnitRow, tile: Tile, show: str) -> bool:
    """Whether this household is among those a figure counts."""
    match show:
        case "accepted":
            return row.accepted_ms is not None or row.delivered_ms is not None
        case "delivered":
            return row.delivered_ms is not None or row.heard_ms is not None
        case "unreached":
            return tile.visit
        case _:
            return tile.stage.value == show


_TILE_WORDS: dict[str, Wording] = {
    "confirmed": say("收到"),
    "heard": say("听完，没回"),
    "visit": say("要上门"),
    "delivered": say("到手机，没回"),
    "accepted": say("已交运营商"),
    "queued": say("排队"),
    "nobody": say("没发成"),
    "left": say("已离开"),
}


def _tiles(view: Reach) -> list[tuple[Wording, list[tuple[str, Wording, str]]]]:
    squares: dict[int, list[tuple[str, Wording, str]]] = {}
    for tile in view.tiles:
        word = _TILE_WORDS["visit" if tile.visit else tile.stage.value]
        name = say("{name}家：{word}", name=tile.name, word=word)
        if view.notice.unit is UnitKind.PERSON:
            name = say("{name}：{word}", name=tile.name, word=word)
        squares.setdefault(tile.group_no, []).append(
            (_tile_kind(tile), name, f"/notices/{view.notice.id}/units/{tile.unit_id}")
        )
    return [(say("{n}组", n=number), row) for number, row in squares.items()]


def _tile_kind(tile: Tile) -> str:
    if tile.visit:
        return "dashed"
    return {Stage.CONFIRMED: "full", Stage.HEARD: "half"}.get(tile.stage, "none")


@dataclass(frozen=True, slots=True)
class _Picture:
    """The reach curve in shares of the whole, ready to be drawn."""

    lines: list[tuple[Wording, list[tuple[float, float]]]]
    start: str
    end: str

    @classmethod
    def of(cls, view: Reach, now_ms: int, alone: GroupReach | None = None) -> _Picture:
        elapsed = max((now_ms - view.since_ms) // 60_000, 0)
        last = view.curve[-1][0]
        span = max(_SHORTEST_CURVE_MIN, min(elapsed, round(last * 1.25) + 5))
        bands = _bands(view.groups) if alone is None else [[alone]]
        named = [(_band_words(band), band) for band in bands]
        if len(view.groups) > 1:
            named.insert(0, (say("合计"), view.groups))
        lines = [(words, _steps_up(band, span, min(elapsed, span))) for words, band in named]
        return cls(lines, _hour(view.since_ms), _hour(view.since_ms + span * 60_000))


def _hour(instant_ms: int) -> str:
    moment = beijing(instant_ms)
    return f"{moment.hour}:{moment.minute:02}"


def _bands(groups: Sequence[GroupReach]) -> list[Sequence[GroupReach]]:
    size = -(-len(groups) // _MOST_BANDS) or 1
    return [groups[at : at + size] for at in range(0, len(groups), size)]


def _band_words(band: Sequence[GroupReach]) -> Wording:
    if len(band) == 1:
        return say("{n}组", n=band[0].group_no)
    return say("{first}–{last}组", first=band[0].group_no, last=band[-1].group_no)


def _steps_up(band: Sequence[GroupReach], span: int, until: int) -> list[tuple[float, float]]:
    """From nothing, up at each answer, level to now."""
    whole = sum(group.funnel.units for group in band)
    answers: list[int] = []
    for group in band:
        before = 0
        for minute, reached in group.curve:
            answers += [minute] * (reached - before)
            before = reached
    points, share = [(0.0, 0.0)], 0.0
    for count, minute in enumerate(sorted(answers), start=1):
        points.append((minute / span, share))
        share = count / whole
        points.append((minute / span, share))
    return [*points, (max(until / span, points[-1][0]), share)]
