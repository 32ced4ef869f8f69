"""The village the figures are taken in: 青山村's roster in a real folder of its own, nothing waiting, no line yet.

Built from the rooms themselves, as `village/app.py` does; the lines are the bench's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, MissedCall, Moved, ReceivedSms
from gateway.outbox import Outbox
from gateway.transport import SmsTransport
from tests.bench.yard import Yard
from village.ground.clock import Clock
from village.ground.database import Database
from village.keywords.answering import Answering, AnswerSettings
from village.notices.compose import sms_text
from village.notices.events import notice_call, notice_moved
from village.notices.notice import Channels, Notice, Order
from village.notices.office import Means, Office
from village.notices.send_notice import send_notice
from village.people.audience import Audience
from village.people.importing import import_roster, refuse_errors
from village.people.reading import read_roster
from village.people.store import phone_by_id
from village.place import NewVillage, Place
from village.polls import store as polls
from village.polls.open_poll import open_poll
from village.polls.poll import YES_NO_ABSTAIN, PollKind
from village.polls.poll import Order as PollOrder
from village.sample.roster import GROUPS, sample_csv

NAME = "青山村"
TEXT = "12月6日周日早8点到下午3点停水，请存水。"
"""With its heading and its ending it still is one message."""
QUESTION = "东路口装不装减速带"
_POLL_MS = 24 * 3_600_000

OFFICE = Office(village=NAME, signature=NAME, calls=False)


def notice_sms() -> str:
    """What the phones show, for a peer to send as well."""
    return sms_text(OFFICE, 1, TEXT, calls=False)


def roster_village(yard: Yard) -> Path:
    """Made once; every run works on a copy."""
    folder = yard.folder / "roster-village"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        asyncio.run(_make(folder))
        (folder / "whole").touch()
    return folder


def copied(yard: Yard, template: Path, name: str) -> Path:
    return Path(shutil.copytree(template, yard.fresh(name)))


async def _make(folder: Path) -> None:
    place = Place.make(folder, NewVillage(name=NAME, signature=NAME, groups=GROUPS, area_code="0571"))
    clock = place.clock()
    checked = await read_roster(sample_csv(), "roster.csv", clock=clock, area_code="0571", groups=GROUPS)
    refuse_errors(checked)
    async with place.database(clock) as db:
        await db.write(lambda tx: import_roster(tx, place.vault(), checked.roster, by="bench", at_ms=clock.now_ms()))


class Listening:
    """What the village does when the gateway tells it something; counts what has come to rest."""

    def __init__(self, means: Means, clock: Clock) -> None:
        self._means = means
        self._clock = clock
        self._answering = Answering(means, clock, AnswerSettings(acknowledge=True))
        self.moves = 0

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self._answering.received(tx, sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None: ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        notice_moved(tx, self._means, moved, self._clock.now_ms())
        self.moves += 1

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        notice_call(tx, event)


@dataclass(frozen=True, slots=True)
class Ballots:
    """Ballots of voters with a phone of their own, one after the other, and round after round a changed mind."""

    number: int
    phones: tuple[str, ...]

    def first(self, count: int) -> list[tuple[str, str]]:
        """So many (number, text): 231 from everybody, then 232, then 233, then 231 again."""
        each = len(self.phones)
        return [(self.phones[place % each], f"{self.number}{1 + place // each % 3}") for place in range(count)]


@dataclass(frozen=True, slots=True)
class BenchVillage:
    clock: Clock
    db: Database
    means: Means
    listening: Listening

    def gateway(self, sms: Sequence[SmsTransport]) -> Gateway:
        """At any hour of the day: quiet hours are off."""
        return Gateway(
            db=self.db,
            clock=self.clock,
            vault=self.means.vault,
            events=self.listening,
            sms=sms,
            settings=Settings(quiet=None),
            outbox=self.means.outbox,
        )

    async def notify(self, count: int) -> list[Notice]:
        """So many notices to everybody, one after the other; each is on the disk when it has been ordered."""
        order = Order(text=TEXT, audience=Audience.everyone(), channels=Channels(call=False), author="bench")
        return [
            await self.db.write(lambda tx: send_notice(tx, self.means, order, self.clock.now_ms()))
            for _ in range(count)
        ]

    async def ask(self) -> Ballots:
        """One opinion poll to every adult, its announcements on the disk; how the villagers vote in it."""
        order = PollOrder(
            PollKind.OPINION, QUESTION, YES_NO_ABSTAIN, self.clock.now_ms() + _POLL_MS, call=False, author="bench"
        )

        def unit(tx: sqlite3.Connection) -> Ballots:
            poll = open_poll(tx, self.means, order, self.clock.now_ms())
            phones = [copy.phone_id for copy in polls.copies_of(tx, poll.id)]
            alone = [phone for phone in phones if len(polls.eligible_on(tx, poll.id, phone)) == 1]
            numbers = [self.means.vault.open(phone_by_id(tx, phone).sealed) for phone in alone]
            return Ballots(poll.number, tuple(numbers))

        return await self.db.write(unit)

    async def until_moved(self, moves: int) -> None:
        """Return once so many changes of state have been told and committed; costs nothing while it waits."""
        with self.db.changed() as changed:
            while self.listening.moves < moves:
                await changed.wait()
                changed.clear()
        # the last of them may have been told inside a unit whose commit is still under way
        await self.db.write(lambda _: None)

    async def count(self, sql: str) -> int:
        return int(await self.db.read(lambda tx: tx.execute(sql).fetchone()[0]))


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[BenchVillage]:
    place = Place.open(folder)
    clock = place.clock()
    vault = place.vault()
    means = Means(Outbox(vault, clock), vault, OFFICE)
    async with place.database(clock) as db:
        yield BenchVillage(clock, db, means, Listening(means, clock))


@contextlib.asynccontextmanager
async def at_work(gateway: Gateway) -> AsyncIterator[None]:
    """The gateway runs while the block lasts, and is then cut off."""
    running = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
