"""Polls on the villagers' page: what is being asked, how it is decided, how to answer, and what came out.

Never takes an answer itself: the link opens a text that the villager sends. Never shows a choice before the counting,
nor who has voted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from village.ground.calendar import moment_words
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.polls import store
from village.polls.count_poll import LONGEST_WAIT_MS, standing_receipts
from village.polls.poll import Poll
from village.web.desk_compose import Voice, spoken
from village.web.kit.pages import path_number
from village.web.poll_shown import Phase, Shown, shown

RenderPage = Callable[..., Awaitable[web.Response]]
"""`(request, template, **values)`: a public page with the office's facts in it."""

_ON_LIST = 40
_SHOWN_AFTER_MS = 7 * 86_400_000
"""A result stands on the first page as long as it hangs on the board (governance: 7 days)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer: `text` is what is sent, written out for one poll and one option."""

    label: str
    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A poll as villagers see it."""

    view: Shown
    until: str

    @property
    def poll(self) -> Poll:
        return self.view.poll

    @property
    def question(self) -> str:
        return self.view.question

    @property
    def answers(self) -> list[Answer]:
        """The three digits that name the poll too. Never a bare one: that answers what this phone was asked last, and
        the page cannot know what that was."""
        number = self.poll.number
        return [Answer(label, choice, f"{number}{choice}") for choice, label in enumerate(self.poll.options, 1)]

    @property
    def counted_by_ms(self) -> int:
        return self.poll.closes_ms + LONGEST_WAIT_MS

    @property
    def receipts_shown(self) -> bool:
        return self.view.phase is Phase.COUNTED and not self.view.small

    @property
    def said(self) -> str:
        """What the voice reads."""
        title = f"{self.poll.word}{self.poll.number}号。{self.question}"
        if self.view.phase is Phase.COUNTED:
            return f"{title}计过票了。{self.view.sentence}"
        if self.view.phase is Phase.WAITING:
            return f"{title}已经截止，还没有计票。"
        answers = "；".join(f"{answer.label}，发{answer.text}" for answer in self.answers)
        return f"{title}{answers}。{self.until}截止。{self.view.rule}"


class PublicPolls:
    def __init__(self, db: Database, clock: Clock, voice: Voice, page: RenderPage) -> None:
        self._db = db
        self._clock = clock
        self._voice = voice
        self._page = page

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/votes", self.index),
            web.get("/votes/{number:[0-9]{1,2}}", self.show),
            web.get("/votes/{number:[0-9]{1,2}}/speech.wav", self.speech),
        ]

    # for the first page

    def open(self, tx: sqlite3.Connection) -> list[Card]:
        """What can be answered; the first to close first."""
        return [card for card in self._running(tx) if card.view.phase is Phase.OPEN]

    def over(self, tx: sqlite3.Connection) -> list[Card]:
        """What waits to be counted, and what was counted in the last days."""
        since_ms = self._clock.now_ms() - _SHOWN_AFTER_MS
        waits = [card for card in self._running(tx) if card.view.phase is Phase.WAITING]
        return waits + [card for card in self._cards(tx) if (card.poll.counted_ms or 0) >= since_ms]

    def _running(self, tx: sqlite3.Connection) -> list[Card]:
        return [self._card(tx, poll) for poll in store.running_polls(tx)]

    def _cards(self, tx: sqlite3.Connection) -> list[Card]:
        """Each number once: the poll that bears it now."""
        found: dict[int, Poll] = {}
        for poll in store.polls(tx, limit=_ON_LIST):
            found.setdefault(poll.number, poll)
        return [self._card(tx, poll) for poll in found.values()]

    def _card(self, tx: sqlite3.Connection, poll: Poll) -> Card:
        view = shown(tx, poll, self._clock.now_ms(), trusted=self._clock.trusted)
        return Card(view, moment_words(poll.closes_ms))

    # pages

    async def index(self, request: web.Request) -> web.StreamResponse:
        def unit(tx: sqlite3.Connection) -> tuple[list[Card], list[Card]]:
            running = sorted(self._running(tx), key=lambda card: card.view.phase is not Phase.OPEN)
            open_ids = {card.poll.id for card in running}
            return running, [card for card in self._cards(tx) if card.poll.id not in open_ids]

        running, over = await self._db.read(unit)
        return await self._page(request, "public/votes.html", running=running, over=over)

    async def show(self, request: web.Request) -> web.StreamResponse:
        def unit(tx: sqlite3.Connection) -> tuple[Card, list[str]]:
            card = self._one(tx, request)
            return card, standing_receipts(tx, card.poll) if card.receipts_shown else []

        card, receipts = await self._db.read(unit)
        return await self._page(
            request, "public/votes_one.html", card=card, view=card.view, poll=card.poll, receipts=receipts
        )

    def _one(self, tx: sqlite3.Connection, request: web.Request) -> Card:
        number = path_number(request, "number")
        poll = store.newest_by_number(tx, number)
        if poll is None:
            raise RefusalError(no_such(number), status=404)
        return self._card(tx, poll)

    async def speech(self, request: web.Request) -> web.StreamResponse:
        card = await self._db.read(lambda tx: self._one(tx, request))
        if card.view.phase is Phase.WITHDRAWN:
            raise RefusalError(say("这一次作废了"), status=404)
        return await spoken(self._voice, card.said)


def no_such(number: int) -> Wording:
    return say("没有{number}号，请看现在在问什么", number=number)
