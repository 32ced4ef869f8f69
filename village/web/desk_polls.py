"""Polls at the desk: what is open, how many took part, what a closed one waits for, what came out, and the poster.

Never shows who has voted, and no choice before the counting; the only thing a clerk can do to an open poll is to
withdraw it, with a reason that everybody asked is told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.phone import NotAPhoneError, display, parse
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.notices.office import Means
from village.people.store import is_empty
from village.polls import store
from village.polls.count_poll import UpSince, standing_receipts
from village.polls.dispatch import ANNOUNCEMENT, RESULT
from village.polls.ledger_store import LateRow, fits, late_ballots, ledger
from village.polls.poll import Poll
from village.polls.roll import is_untouched
from village.polls.withdraw_poll import withdraw
from village.polls.words import announcement_of
from village.web.desk_compose import Voice
from village.web.desk_polls_new import OPENERS, NewPoll
from village.web.kit.forms import read_form
from village.web.kit.gate import account_of, allowed, signed_in
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, redirect, render
from village.web.poll_shown import Phase, Shown, Waiting, shown, waiting

_ON_LIST = 60


def routes(
    db: Database, clock: Clock, means: Means, voice: Voice, up_since: Callable[[], UpSince]
) -> list[web.RouteDef]:
    """Everything about polls that the desk shows. `up_since`: for every inbound line since when it has been up."""
    desk = _Desk(db, clock, means, up_since)
    return [
        web.get("/polls", desk.index),
        *NewPoll(db, clock, means, voice).routes(),
        web.get("/polls/{id:[0-9]{1,9}}", desk.show),
        web.get("/polls/{id:[0-9]{1,9}}/part", desk.part),
        web.post("/polls/{id:[0-9]{1,9}}/withdraw", desk.withdraw),
        web.get("/polls/{id:[0-9]{1,9}}/poster", desk.poster),
    ]


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a message about a poll has come, in phones. `waiting`: still on its way to the carrier."""

    phones: int
    arrived: int
    waiting: int

    @property
    def failed(self) -> int:
        return self.phones - self.arrived - self.waiting

    @classmethod
    def of(cls, tx: sqlite3.Connection, poll: Poll, kind: str) -> Sent:
        arrived: dict[int, bool] = {}
        queued: dict[int, bool] = {}
        for copy in store.copies_of(tx, poll.id, kind=kind):
            arrived[copy.phone_id] = arrived.get(copy.phone_id, False) or copy.arrived
            queued[copy.phone_id] = queued.get(copy.phone_id, False) or copy.state == "queued"
        return cls(
            len(arrived), sum(arrived.values()), sum(queued[phone] and not there for phone, there in arrived.items())
        )


@dataclass(frozen=True, slots=True)
class _View:
    """`wait` and `sent` as the phase needs them; `late` only once it is counted."""

    shown: Shown
    wait: Waiting
    asked: Sent
    told: Sent
    late: list[LateRow]
    untouched: bool
    """Whether the roll still is the one that was frozen."""
    ledger_fits: bool
    """Whether what the published head covers still is as it was counted."""
    text: str


class _Desk:
    def __init__(self, db: Database, clock: Clock, means: Means, up_since: Callable[[], UpSince]) -> None:
        self._db = db
        self._clock = clock
        self._means = means
        self._up_since = up_since

    @signed_in
    async def index(self, request: web.Request) -> web.StreamResponse:
        now_ms, up_since_ms = self._clock.now_ms(), self._up_since()

        def unit(tx: sqlite3.Connection) -> tuple[list[tuple[Shown, Waiting]], bool]:
            found = store.polls(tx, limit=_ON_LIST)
            rows = [(self._shown(tx, poll), waiting(poll, up_since_ms, now_ms)) for poll in found]
            order = list(Phase)
            # what is open first, the first to close at the top; then what waits; then the newest
            rows.sort(key=lambda row: (order.index(row[0].phase), _place(row[0])))
            return rows, is_empty(tx)

        rows, no_roster = await self._db.read(unit)
        return await render(request, "polls/list.html", rows=rows, no_roster=no_roster, may_open=_may_open(request))

    def _shown(self, tx: sqlite3.Connection, poll: Poll, *, by_group: bool = False) -> Shown:
        return shown(tx, poll, self._clock.now_ms(), trusted=self._clock.trusted, by_group=by_group)

    # one poll

    @signed_in
    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "polls/poll.html")

    @signed_in
    async def part(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "polls/_poll.html")

    async def _page(self, request: web.Request, template: str, **values: object) -> web.Response:
        # the gateway is asked here: a reader runs in a thread of its own
        poll_id, up_since_ms = path_number(request, "id"), self._up_since()
        view = await self._db.read(lambda tx: self._view(tx, poll_id, up_since_ms))
        return await render(
            request,
            template,
            view=view.shown,
            poll=view.shown.poll,
            wait=view.wait,
            asked=view.asked,
            told=view.told,
            late=view.late,
            untouched=view.untouched,
            ledger_fits=view.ledger_fits,
            text=view.text,
            may_open=_may_open(request),
            **values,  # type: ignore[arg-type]
        )

    def _view(self, tx: sqlite3.Connection, poll_id: int, up_since_ms: UpSince) -> _View:
        poll = store.poll_of(tx, poll_id)
        one = self._shown(tx, poll, by_group=True)
        counted = one.phase is Phase.COUNTED
        return _View(
            shown=one,
            wait=waiting(poll, up_since_ms, self._clock.now_ms()),
            asked=Sent.of(tx, poll, ANNOUNCEMENT),
            told=Sent.of(tx, poll, RESULT),
            late=late_ballots(tx, poll.id, poll.closes_ms) if counted else [],
            untouched=not counted or is_untouched(tx, poll.id, poll.roll_hash),
            ledger_fits=one.result is None or fits(ledger(tx, poll.id), one.result.ledger_rows, one.result.ledger_head),
            text=announcement_of(self._means.office, poll),
        )

    @allowed(*OPENERS)
    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        poll_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> Wording:
            once(tx, form)
            poll = withdraw(tx, self._means, poll_id, why=form.text("why"), by=by, now_ms=self._clock.now_ms())
            leads_to(tx, form, f"/polls/{poll_id}")
            return say("{number}号作废了，问过的手机都会收到一条短信", number=poll.number)

        try:
            told = await self._db.write(unit)
        except RefusalError as refused:
            return await self._page(request, "polls/poll.html", form=form, refused=refused)
        return await redirect(request, f"/polls/{poll_id}", told)

    @signed_in
    async def poster(self, request: web.Request) -> web.StreamResponse:
        """A4: before the deadline what is asked and how to answer, afterwards what came out and the receipts."""
        poll_id = path_number(request, "id")

        def unit(tx: sqlite3.Connection) -> tuple[Shown, list[str]]:
            one = self._shown(tx, store.poll_of(tx, poll_id))
            public = one.phase is Phase.COUNTED and not one.small
            return one, standing_receipts(tx, one.poll) if public else []

        one, receipts = await self._db.read(unit)
        return await render(
            request,
            "polls/poster.html",
            view=one,
            poll=one.poll,
            question=one.question,
            receipts=receipts,
            office=self._means.office,
            number=_shown_number(self._means.office.sms_number),
        )


def _may_open(request: web.Request) -> bool:
    return account_of(request).role in OPENERS


def _shown_number(number: str) -> str:
    """As people read it off a wall; empty where the village has none."""
    try:
        return display(parse(number).e164) if number else ""
    except NotAPhoneError:
        return number


def _place(one: Shown) -> int:
    running = one.phase in (Phase.OPEN, Phase.WAITING)
    return one.poll.closes_ms if running else -one.poll.opened_ms
