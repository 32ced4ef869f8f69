"""设备: how lines, computer and county are, numbered, worst first, so that a clerk can read it out over the phone.

The page stands still until somebody looks again: a list that renumbered itself while it is being read out would send
the helper to the wrong line. Never examines by itself; it asks the doctor, which was passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from village.doctor.finding import VERDICTS, Finding, Part, summary
from village.ground.clock import Clock
from village.web.kit.forms import read_form
from village.web.kit.gate import signed_in
from village.web.kit.pages import redirect, render

PATH = "/doctor"


class Doctor(Protocol):
    """`village.doctor.doctor.Doctor` is one."""

    async def examine(self) -> Sequence[Finding]:
        """Worst first."""
        ...

    async def speak(self) -> None: ...


def routes(clock: Clock, doctor: Doctor) -> list[web.RouteDef]:
    desk = _Desk(clock, doctor)
    return [web.get(PATH, desk.show), web.post(f"{PATH}/speak", desk.speak)]


class _Desk:
    def __init__(self, clock: Clock, doctor: Doctor) -> None:
        self._clock = clock
        self._doctor = doctor

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        findings = await self._doctor.examine()
        return await render(
            request,
            "doctor/doctor.html",
            findings=findings,
            summary=summary(findings),
            verdicts=VERDICTS,
            speech=Part.SPEECH,
            looked_ms=self._clock.now_ms(),
        )

    @signed_in
    async def speak(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)  # a form of this page; trying twice harms nobody
        await self._doctor.speak()
        return await redirect(request, f"{PATH}#speech")
