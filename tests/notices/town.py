"""A small village and a post office in it, made of the real rooms: roster, outbox, notices."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from gateway import calls_store
from gateway import store as gateway_store
from gateway.message import CallEvent, CallStep, State
from gateway.phone import Phone, PhoneKind
from gateway.verdict import Verdict
from village.ground.clock import MovableClock
from village.notices.events import notice_call, notice_moved
from village.notices.notice import Channels, Notice, Order
from village.notices.office import Means
from village.notices.send_notice import send_notice
from village.people import changes_store, optout, phones
from village.people.audience import Audience

WATER = "12月6日周日早8点到下午3点停水,请存水"


@dataclass
class House:
    """One household and its phones, by the ids the roster gave them."""

    id: int
    residents: list[int] = field(default_factory=list)
    phones: list[int] = field(default_factory=list)


@dataclass
class Town:
    """What tests do to the village; every method runs inside a unit."""

    means: Means
    clock: MovableClock
    numbers: int = 0

    @property
    def hand(self) -> changes_store.Hand:
        return changes_store.Hand("测试", self.clock.now_ms())

    def house(self, tx: sqlite3.Connection, head: str, group: int = 1, *, people: int = 1, phones: int = 1) -> House:
        made = House(changes_store.add_household(tx, self.hand, head=head, group_no=group))
        for place in range(people):
            name = head if place == 0 else f"{head}{place}"
            made.residents.append(
                changes_store.add_resident(tx, self.hand, household_id=made.id, position=place, name=name)
            )
        for place in range(phones):
            made.phones.append(self.phone(tx, made.residents[place % people]))
        return made

    def phone(self, tx: sqlite3.Connection, *residents: int, kind: PhoneKind = PhoneKind.MOBILE) -> int:
        self.numbers += 1
        e164 = f"+86199{self.numbers:08}" if kind is PhoneKind.MOBILE else f"+86571{self.numbers:08}"
        phone_id = phones.admit(tx, self.means.vault, Phone(e164, kind), self.clock.now_ms())
        for resident in residents:
            phones.hold(tx, phone_id, resident, "desk", by="测试", at_ms=self.clock.now_ms())
        return phone_id

    def wants(self, tx: sqlite3.Connection, phone_id: int, channel: str) -> None:
        phones.set_channel(tx, phone_id, channel, by="测试", at_ms=self.clock.now_ms())  # type: ignore[arg-type]

    def opt_out(self, tx: sqlite3.Connection, phone_id: int) -> None:
        optout.set_opted(tx, phone_id, "alerts", how="desk", at_ms=self.clock.now_ms())

    def send(
        self, tx: sqlite3.Connection, text: str = WATER, audience: Audience | None = None, **more: object
    ) -> Notice:
        order = Order(text, audience or Audience.everyone(), more.pop("channels", Channels()), **more)
        return send_notice(tx, self.means, order, self.clock.now_ms())

    def move(self, tx: sqlite3.Connection, message_id: int, *states: State, error: str | None = None) -> None:
        """The gateway's own steps, told to the notices as the gateway tells them."""
        for after in states:
            about = gateway_store.known(tx, message_id)
            verdict = Verdict(after, about.standing.tries, about.standing.due_ms, error)
            moved = gateway_store.move(tx, about, verdict, self.clock.now_ms())
            assert moved is not None
            if after not in (State.SENDING, State.QUEUED):
                notice_moved(tx, self.means, moved, self.clock.now_ms())

    def deliver(self, tx: sqlite3.Connection, message_id: int) -> None:
        self.move(tx, message_id, State.SENDING, State.ACCEPTED, State.DELIVERED)

    def fail(self, tx: sqlite3.Connection, message_id: int, error: str = "no_signal") -> None:
        self.move(tx, message_id, State.SENDING, State.FAILED, error=error)

    def listen(self, tx: sqlite3.Connection, message_id: int, key: str | None = None) -> None:
        """Somebody picks up, listens, perhaps presses a key, and hangs up."""
        now_ms = self.clock.now_ms()
        self.move(tx, message_id, State.SENDING)
        number = 1
        calls_store.begins(tx, message_id, number, now_ms)
        calls_store.heard(tx, message_id, number, now_ms)
        if key is not None:
            calls_store.key_pressed(tx, message_id, number)
            notice_call(tx, CallEvent(message_id, "notice", "", CallStep.KEY, key, now_ms))
        self.move(tx, message_id, State.DELIVERED)

    def messages(self, tx: sqlite3.Connection, notice: Notice, version: int | None = None) -> list[sqlite3.Row]:
        """Every message of the notice: id, phone, channel, kind, state."""
        return tx.execute(
            "SELECT c.message_id AS id, c.phone_id AS phone, c.channel, c.kind, c.version, m.state FROM notice_copy c"
            " JOIN message_state m ON m.id = c.message_id WHERE c.notice_id = :notice"
            " AND (:version IS NULL OR c.version = :version) ORDER BY c.message_id",
            {"notice": notice.id, "version": version},
        ).fetchall()

    def text_of(self, tx: sqlite3.Connection, message_id: int) -> str:
        row = tx.execute(
            "SELECT b.sealed FROM message m JOIN body b ON b.id = m.body_id WHERE m.id = :id", {"id": message_id}
        ).fetchone()
        return self.means.vault.open(row["sealed"])
