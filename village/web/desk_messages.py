"""来信: what came in by SMS and what became of it; cries for help on top; what only the supervisory committee reads.

Never shows a ballot, a registration code, or to the committee what was written for the supervisory committee.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from aiohttp import web

from gateway.phone import display, mask
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import Wording, say
from village.keywords import store
from village.keywords.decision import Intent
from village.keywords.store import DutyAlarm, Letter, Withheld
from village.web.kit.forms import read_form
from village.web.kit.gate import Role, account_of, allowed
from village.web.kit.once import once
from village.web.kit.pages import path_number, query_number, query_text, redirect, render

_PAGE = 50
_STRANGERS = "strangers"

_INTENTS: dict[Intent, Wording] = {
    Intent.VOTE: say("投票"),
    Intent.CLARIFY: say("没看懂，问清楚"),
    Intent.CLOSED: say("投票已截止"),
    Intent.CONFIRM: say("回执"),
    Intent.LEAVING: say("已动身"),
    Intent.FETCH: say("要人接"),
    Intent.YES: say("回了是"),
    Intent.NO: say("回了不"),
    Intent.MENU: say("要菜单"),
    Intent.SERVICE: say("问服务"),
    Intent.SUGGESTION: say("建议"),
    Intent.SECOND: say("附议"),
    Intent.HELP: say("求助"),
    Intent.OFFER: say("愿帮忙"),
    Intent.SUBSCRIBE: say("恢复接收"),
    Intent.OPTOUT: say("退订"),
    Intent.REGISTER: say("登记"),
    Intent.EMERGENCY: say("求救"),
    Intent.IGNORE: say("不用回"),
}

_WITHHELD: dict[str, Wording] = {
    "addressed": say("写给监督委员会的"),
    "link": say("里面有网址"),
    "code": say("说到验证码"),
    "money": say("说到转账"),
}


@dataclass(frozen=True, slots=True)
class LetterView:
    """One line of the list. `text` is None where it is not for the committee's eyes."""

    id: int
    at_ms: int
    who: str
    stranger: bool
    text: str | None
    what: Wording
    why: Wording
    answered: bool


@dataclass(frozen=True, slots=True)
class AlarmView:
    id: int
    at_ms: int
    who: str | None
    number: str
    rung: bool
    handled_ms: int | None
    handled_by: str | None


@dataclass(frozen=True, slots=True)
class WithheldView:
    id: int
    at_ms: int
    who: str
    what: Wording
    text: str
    handled_ms: int | None
    handled_by: str | None


def routes(db: Database, clock: Clock, vault: Vault) -> list[web.RouteDef]:
    desk = _Desk(db, clock, vault)
    return [
        web.get("/messages", desk.index),
        web.get("/messages/part", desk.part),
        web.get("/messages/{id:[0-9]{1,9}}", desk.letter),
        web.post("/messages/alarms/{id:[0-9]{1,9}}", desk.called_back),
        web.get("/messages/supervision", desk.supervision),
        web.post("/messages/supervision/{id:[0-9]{1,9}}", desk.handled),
    ]


class _Desk:
    def __init__(self, db: Database, clock: Clock, vault: Vault) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def index(self, request: web.Request) -> web.StreamResponse:
        strangers, before_id = _wanted(request)

        def unit(tx: sqlite3.Connection) -> tuple[list[DutyAlarm], list[DutyAlarm], int]:
            return store.open_alarms(tx), store.handled_alarms(tx, limit=5), store.troubled(tx)

        alarms, past, troubled = await self._db.read(unit)
        return await render(
            request,
            "messages/index.html",
            await self._listed(strangers, before_id),
            alarms=[self._alarm(alarm) for alarm in alarms],
            past_alarms=[self._alarm(alarm) for alarm in past],
            troubled=troubled,
        )

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def part(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "messages/_part.html", await self._listed(*_wanted(request)))

    async def _listed(self, strangers: bool, before_id: int | None) -> dict[str, object]:
        letters = await self._db.read(
            lambda tx: store.letters(tx, limit=_PAGE + 1, before_id=before_id, strangers=strangers)
        )
        return {
            "letters": [self._letter(letter) for letter in letters[:_PAGE]],
            "strangers": strangers,
            "before_id": before_id,
            "older_than": letters[_PAGE - 1].id if len(letters) > _PAGE else None,
        }

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def letter(self, request: web.Request) -> web.StreamResponse:
        """One text in full, with the number: for the clerk who wants to ring back."""
        letter_id = path_number(request, "id")
        found = await self._db.read(lambda tx: store.letter_of(tx, letter_id))
        if found is None:
            raise web.HTTPNotFound
        number = display(self._vault.open(found.sealed_sender))
        return await render(request, "messages/letter.html", letter=self._letter(found), number=number)

    @allowed(Role.COMMITTEE)
    async def called_back(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        alarm_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> bool:
            once(tx, form)
            return store.handle_alarm(tx, alarm_id, by=by, at_ms=self._clock.now_ms())

        done = await self._db.write(unit)
        said = say("记下了：{name}已回电", name=by) if done else say("已经有人回过电了")
        return await redirect(request, "/messages", said)

    @allowed(Role.SUPERVISORY)
    async def supervision(self, request: web.Request) -> web.StreamResponse:
        rows = await self._db.read(lambda tx: store.withheld(tx, limit=200))
        return await render(request, "messages/supervision.html", rows=[self._withheld(row) for row in rows])

    @allowed(Role.SUPERVISORY)
    async def handled(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        withheld_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> bool:
            once(tx, form)
            return store.handle_withheld(tx, withheld_id, by=by, at_ms=self._clock.now_ms())

        await self._db.write(unit)
        return await redirect(request, "/messages/supervision", say("记下了：看过了"))

    def _letter(self, letter: Letter) -> LetterView:
        masked = mask(self._vault.open(letter.sealed_sender))
        return LetterView(
            id=letter.id,
            at_ms=letter.at_ms,
            who=f"{letter.who} {masked}" if letter.who else masked,
            stranger=letter.person and letter.phone_id is None,
            text=None if letter.sealed_text is None else self._vault.open(letter.sealed_text),
            what=_INTENTS[Intent(letter.intent)],
            why=letter.why,
            answered=letter.reply_key is not None,
        )

    def _alarm(self, alarm: DutyAlarm) -> AlarmView:
        number = display(self._vault.open(alarm.sender))
        return AlarmView(
            alarm.id, alarm.at_ms, alarm.who, number, alarm.rung, alarm.handled_ms, alarm.handled_by
        )  # fmt: skip

    def _withheld(self, row: Withheld) -> WithheldView:
        masked = mask(self._vault.open(row.sender))
        return WithheldView(
            id=row.id,
            at_ms=row.received_ms,
            who=f"{row.who} {masked}" if row.who else masked,
            what=_WITHHELD[row.why],
            text=self._vault.open(row.text),
            handled_ms=row.handled_ms,
            handled_by=row.handled_by,
        )


def _wanted(request: web.Request) -> tuple[bool, int | None]:
    before_id = query_number(request, "before", 0)
    return query_text(request, "who") == _STRANGERS, before_id or None
