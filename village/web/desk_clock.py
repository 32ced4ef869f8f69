"""The desk's clock page: a person in the room is a trusted source of time when the computer has none.

Never sets the computer's own clock; the village keeps its own (see `village/ground/clock.py`).
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from village.ground.clock import Clock, SystemClock, beijing, parse_iso
from village.ground.timekeeping import Timekeeper
from village.ground.wording import RefusalError, say
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, allowed, signed_in
from village.web.kit.pages import redirect, render

_LARGE_MS, _LARGE_WHEN_TRUSTED_MS = 24 * 3_600_000, 10 * 60_000
"""A guess may well be hours off. A clock that was right until now is not: what differs is more likely a slip, and a
slip forward would close and count what is still open."""
_WRONG_YEAR = RefusalError(say("这个年份不对，请再看一眼"), status=422)


def routes(clock: Clock, timekeeper: Timekeeper) -> list[web.RouteDef]:
    desk = _Desk(clock, timekeeper)
    return [web.get("/clock", desk.show), web.post("/clock", desk.tell)]


class _Desk:
    def __init__(self, clock: Clock, timekeeper: Timekeeper) -> None:
        self._clock = clock
        self._timekeeper = timekeeper

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    @allowed(Role.COMMITTEE)
    async def tell(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        try:
            if not isinstance(self._clock, SystemClock):
                raise RefusalError(say("样板村的时间在“村里的手机”那一页往前拨"), status=409)
            told = form.needed("time", say("现在的时间"))
            wall_ms = _told_ms(told)
            large_ms = _LARGE_WHEN_TRUSTED_MS if self._clock.trusted else _LARGE_MS
            if abs(wall_ms - self._clock.now_ms()) > large_ms and form.text("sure") != told:
                return await self._page(request, form=form, ask=told)
            await self._timekeeper.tell(wall_ms, "desk")
        except ValueError:  # earlier than this program: no clock in the village can be right about that
            return await self._page(request, form=form, refused=_WRONG_YEAR)
        except RefusalError as refused:
            return await self._page(request, form=form, refused=refused)
        return await redirect(request, "/clock", say("记下了，村里的钟按这个时间走"))

    async def _page(self, request: web.Request, *, ask: str = "", **values: object) -> web.Response:
        """`ask`: a time far from ours, to be said twice: a slip of the year would make everything overdue."""
        now = beijing(self._clock.now_ms())
        return await render(
            request,
            "clock/clock.html",
            trusted=self._clock.trusted,
            movable=not isinstance(self._clock, SystemClock),
            ask=ask,
            ask_ms=_told_ms(ask) if ask else 0,
            now_text=now.strftime("%Y-%m-%dT%H:%M"),
            **values,  # type: ignore[arg-type]
        )


def _told_ms(text: str) -> int:
    """A Beijing wall time as a datetime-local field or a person writes it. Raises RefusalError."""
    wrong = RefusalError(say("时间写成 2026-12-05 09:10 这样"), status=422)
    try:
        told = datetime.fromisoformat(text)
        wall_ms = parse_iso(told.replace(tzinfo=None).isoformat())
    except ValueError as failure:
        raise wrong from failure
    if not 2026 <= told.year < 2100:
        raise _WRONG_YEAR
    return wall_ms
