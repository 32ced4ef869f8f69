"""A small village in which polls are held, made of the real rooms."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from gateway.outbox import Outbox
from tests.notices.town import House, Town
from village.ground.clock import MovableClock
from village.ground.privacy import Vault
from village.notices.office import Means, Office
from village.polls import basis_store
from village.polls.cast_ballot import Cast, cast
from village.polls.open_poll import open_poll
from village.polls.poll import YES_NO_ABSTAIN, Order, Poll, PollKind, Via

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
QUESTION = "东路口装不装减速带"


@dataclass
class Booth(Town):
    """The town, with polls in it; every method runs inside a unit."""

    ballots: int = 0

    def ask(self, tx: sqlite3.Connection, kind: PollKind = PollKind.OPINION, **more: object) -> Poll:
        order = Order(
            kind=kind,
            question=str(more.pop("question", QUESTION)),
            options=more.pop("options", YES_NO_ABSTAIN),  # type: ignore[arg-type]
            closes_ms=int(more.pop("closes_ms", self.clock.now_ms() + DAY_MS)),  # type: ignore[call-overload]
            author="王建国",
            **more,  # type: ignore[arg-type]
        )
        return open_poll(tx, self.means, order, self.clock.now_ms())

    def basis(self, tx: sqlite3.Connection) -> int:
        """A legal basis that both committees have signed."""
        now_ms = self.clock.now_ms()
        made = basis_store.enter(tx, title="村民自治章程第12条", reference="可以短信表决", by="王建国", now_ms=now_ms)
        basis_store.cosign(tx, made, by="李监督", now_ms=now_ms)
        return made

    def votes(self, tx: sqlite3.Connection, poll: Poll, voter_id: int, choice: int, **more: object) -> Cast:
        self.ballots += 1
        now_ms = self.clock.now_ms()
        return cast(
            tx, self.means.vault, poll, voter_id, choice,
            via=more.pop("via", Via.SMS),  # type: ignore[arg-type]
            sent_ms=int(more.pop("sent_ms", now_ms)),  # type: ignore[call-overload]
            received_ms=int(more.pop("received_ms", now_ms)),  # type: ignore[call-overload]
            source=str(more.pop("source", f"inbox/{self.ballots}")),
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def houses(self, tx: sqlite3.Connection, count: int, **more: int) -> Sequence[House]:
        return [self.house(tx, f"户{place}", **more) for place in range(count)]


@pytest.fixture
def office() -> Office:
    return Office(village="青山村", signature="青山村", phone="88001234", sms_number="+8619900000110")


@pytest.fixture
def booth(vault: Vault, clock: MovableClock, office: Office) -> Booth:
    return Booth(Means(Outbox(vault, clock), vault, office), clock)
