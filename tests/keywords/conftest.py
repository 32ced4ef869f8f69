"""A small village with its real inbox and outbox: what a villager sends, and what comes back."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace

import pytest

from gateway import store as gateway_store
from gateway.inbox import Inbox
from gateway.message import CallEvent, MissedCall, Moved, ReceivedSms, State
from gateway.outbox import Outbox
from gateway.phone import Phone, PhoneKind
from gateway.transport import Inbound
from gateway.verdict import Verdict
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.keywords.answering import Answering, AnswerSettings
from village.notices.notice import Channels, Notice, Order
from village.notices.office import Means, Office
from village.notices.send_notice import send_notice
from village.people import changes_store, phones
from village.people.audience import Audience

WANG, LI, SHARED, STRANGER = "+8619900000001", "+8619900000002", "+8619900000004", "+8619900000009"
WATER = "12月6日周日早8点到下午3点停水,请存水"


@dataclass
class Answer:
    """What came of one SMS. `text` is None where nothing was answered."""

    intent: str
    key: str | None
    text: str | None
    row: sqlite3.Row


@dataclass
class Events:
    """The gateway's events, of which only one is ours."""

    answering: Answering

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self.answering.received(tx, sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self.answering.rang(tx, missed)

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None: ...

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None: ...


@dataclass
class Street:
    """A village of two households, one of which shares a phone between four voters."""

    db: Database
    clock: MovableClock
    means: Means
    settings: AnswerSettings = field(default_factory=AnswerSettings)
    residents: dict[str, int] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)

    @property
    def answering(self) -> Answering:
        return Answering(self.means, self.clock, self.settings)

    def settle(self, tx: sqlite3.Connection) -> None:
        hand = changes_store.Hand("测试", self.clock.now_ms())
        for group, head, others, number in (
            (3, "王德福", [], WANG),
            (1, "李桂英", [], LI),
            (2, "张建国", ["张建军", "张秀兰", "张小军"], SHARED),
        ):
            household = changes_store.add_household(tx, hand, head=head, group_no=group)
            phone_id = phones.admit(tx, self.means.vault, Phone(number, PhoneKind.MOBILE), hand.at_ms)
            self.phones[number] = phone_id
            for place, name in enumerate([head, *others]):
                resident = changes_store.add_resident(tx, hand, household_id=household, position=place, name=name)
                phones.hold(tx, phone_id, resident, "desk", by="测试", at_ms=hand.at_ms)
                self.residents[name] = resident

    async def says(self, sender: str, text: str, *, centre_ms: int | None = None) -> Answer:
        """One SMS through the real inbox."""

        def unit(tx: sqlite3.Connection) -> Answer:
            inbox = Inbox(self.means.vault, self.clock, Events(self.answering))
            inbox_id = inbox.take(tx, Inbound(sender, text, centre_ms=centre_ms), "test")
            assert inbox_id is not None
            trouble = tx.execute("SELECT trouble FROM inbox WHERE id = :id", {"id": inbox_id}).fetchone()[0]
            assert trouble is None, trouble
            row = tx.execute("SELECT * FROM interpretation WHERE inbox_id = :id", {"id": inbox_id}).fetchone()
            return Answer(row["intent"], row["reply_key"], self._text(tx, row["message_id"]), row)

        return await self.db.write(unit)

    def _text(self, tx: sqlite3.Connection, message_id: int | None) -> str | None:
        if message_id is None:
            return None
        row = tx.execute(
            "SELECT b.sealed FROM message m JOIN body b ON b.id = m.body_id WHERE m.id = :id", {"id": message_id}
        ).fetchone()
        return self.means.vault.open(row["sealed"]).removeprefix("【青山村】")

    async def sends(self, text: str = WATER, **more: object) -> Notice:
        """A notice to everyone, taken by the carrier at once."""

        def unit(tx: sqlite3.Connection) -> Notice:
            order = Order(text, more.pop("audience", Audience.everyone()), more.pop("channels", Channels()), **more)
            notice = send_notice(tx, self.means, order, self.clock.now_ms())
            self.carry(tx)
            return notice

        return await self.db.write(unit)

    def carry(self, tx: sqlite3.Connection) -> None:
        """The carrier takes every SMS that waits."""
        waiting = tx.execute("SELECT id FROM message_state WHERE state = 'queued' AND channel = 'sms'").fetchall()
        for row in waiting:
            for after in (State.SENDING, State.ACCEPTED):
                about = gateway_store.known(tx, row["id"])
                verdict = Verdict(after, about.standing.tries, about.standing.due_ms, None)
                gateway_store.move(tx, about, verdict, self.clock.now_ms())

    async def ask(self, sql: str, **values: object) -> list[sqlite3.Row]:
        return await self.db.read(lambda tx: tx.execute(sql, values).fetchall())

    def without_calls(self) -> None:
        self.means = replace(self.means, office=replace(self.means.office, calls=False))


@pytest.fixture
async def street(db: Database, vault: Vault, clock: MovableClock) -> Street:
    office = Office(village="青山村", signature="青山村", phone="88001234", sms_number="+8619900000110")
    made = Street(db, clock, Means(Outbox(vault, clock), vault, office))
    await db.write(made.settle)
    return made
