"""A poll's call from dialling to the ledger: the real gateway, a simulated phone, real keys, power cuts in between."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.message import CallEvent, MissedCall, Moved, ReceivedSms
from gateway.outbox import Outbox
from gateway.simulated.carrier import Carrier
from tests.gateway.conftest import QUICK, Rig
from tests.polls.conftest import Booth
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.notices.office import Means, Office
from village.polls import ledger_store, store
from village.polls.close_poll import close_due
from village.polls.events import poll_call
from village.polls.standing import standing

PHONE = "+8619900000001"
"""The first number the booth gives out."""


class Votes:
    """The village's side of the gateway, of which only calls about polls matter here."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.keys: list[str | None] = []

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None: ...

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None: ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None: ...

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        self.keys += [event.key] if event.key else []
        poll_call(tx, self._means, event)


@pytest.fixture
def booth(vault: Vault, clock: MovableClock) -> Booth:
    return Booth(Means(Outbox(vault, clock), vault, Office("青山村", "青山村", "88001234")), clock)


@pytest.fixture
async def rig(db: Database, clock: MovableClock, vault: Vault, booth: Booth, tmp_path: Path) -> AsyncIterator[Rig]:
    carrier = Carrier.open(tmp_path / "carrier.db", clock, seed=7, timing=QUICK)
    carrier.add(PHONE)
    rig = Rig(db, clock, vault, carrier)
    rig.recorder = Votes(booth.means)  # type: ignore[assignment]
    yield rig
    await rig.close()


async def hears(rig: Rig, words: str) -> str:
    """Time passes until the phone says `words`; the whole line."""
    said = ""

    def heard() -> bool:
        nonlocal said
        view = rig.carrier.call(PHONE)
        said = "" if view is None or view.prompt is None else view.prompt.text
        return words in said

    await rig.until(heard, step_ms=100)
    return said


async def rings(rig: Rig, booth: Booth, people: int = 1):
    """A household that wants calls is asked; its phone rings and is answered. The poll."""

    def unit(tx):
        house = booth.house(tx, "王德福", people=people, phones=0)
        booth.wants(tx, booth.phone(tx, *house.residents), "call")
        return booth.ask(tx)

    poll = await rig.db.write(unit)
    await rig.start()
    await answers(rig)
    return poll


async def answers(rig: Rig) -> None:
    await rig.until(lambda: rig.carrier.call(PHONE), within_ms=30 * 60_000)
    rig.carrier.answer(PHONE)


async def choices(rig: Rig, booth: Booth, poll) -> dict[str, int]:
    def unit(tx):
        found = {v.name: standing(tx, booth.means.vault, poll, v.id) for v in store.voters(tx, poll.id)}
        return {name: one.choice for name, one in found.items() if one is not None}

    return await rig.db.read(unit)


async def test_a_choice_that_was_read_back_and_confirmed_is_a_ballot(rig, booth):
    poll = await rings(rig, booth)
    await hears(rig, "请问是王德福本人吗")
    rig.carrier.press(PHONE, "8")
    await hears(rig, "东路口装不装减速带")
    rig.carrier.press(PHONE, "2")
    await hears(rig, "您选的是不同意")
    assert await choices(rig, booth, poll) == {}  # a digit alone is not yet a ballot
    rig.carrier.press(PHONE, "8")
    said = await hears(rig, "记下了")
    assert await choices(rig, booth, poll) == {"王德福": 2}
    (row,) = await rig.db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert (row.via, row.late) == ("call", False)
    assert row.receipt in said.translate(str.maketrans("零幺二三四五六七八九", "0123456789"))
    await rig.until(lambda: rig.carrier.call(PHONE) is None)


async def test_hanging_up_before_the_confirmation_casts_nothing_and_calls_again(rig, booth):
    poll = await rings(rig, booth)
    await hears(rig, "请问是王德福本人吗")
    rig.carrier.press(PHONE, "8")
    await hears(rig, "东路口装不装减速带")
    rig.carrier.press(PHONE, "1")
    await hears(rig, "您选的是同意")
    rig.carrier.hang_up(PHONE)
    await rig.until(lambda: rig.carrier.call(PHONE) is None)
    assert await choices(rig, booth, poll) == {}
    await answers(rig)  # it rings again: neither was the question heard whole nor anything answered
    await hears(rig, "请问是王德福本人吗")


async def test_keys_pressed_ahead_of_what_is_said_confirm_nothing_that_was_not_read_back(rig, booth):
    """A child with the phone, or somebody in a hurry: the read-back is played to its end, and hanging up undoes it."""
    poll = await rings(rig, booth)
    await hears(rig, "村里问一件事")
    for key in "8818":
        rig.carrier.press(PHONE, key)
        await rig.let_pass(100)
    await hears(rig, "您选的是同意")
    rig.carrier.press(PHONE, "8")
    await rig.let_pass(200)
    assert await choices(rig, booth, poll) == {}
    await hears(rig, "记下了")
    assert await choices(rig, booth, poll) == {"王德福": 1}


async def test_a_phone_that_changed_hands_after_the_poll_opened_votes_for_nobody_who_left(rig, booth):
    poll = await rings(rig, booth)
    await hears(rig, "请问是王德福本人吗")

    def moves(tx):
        other = booth.house(tx, "赵六").residents[0]
        phone = tx.execute("SELECT phone_id FROM poll_copy WHERE poll_id = :id", {"id": poll.id}).fetchone()[0]
        tx.execute("UPDATE phone_holder SET resident_id = :to WHERE phone_id = :phone", {"to": other, "phone": phone})

    await rig.db.write(moves)
    for words, key in (("本人吗", "8"), ("装不装", "1"), ("您选的是同意", "8")):
        await hears(rig, words)
        rig.carrier.press(PHONE, key)
    await rig.until(lambda: rig.carrier.call(PHONE) is None)
    assert await choices(rig, booth, poll) == {}


async def test_somebody_else_at_the_phone_votes_for_nobody(rig, booth):
    poll = await rings(rig, booth)
    await hears(rig, "请问是王德福本人吗")
    for key in "7181828":
        if rig.carrier.call(PHONE) is None:
            break
        rig.carrier.press(PHONE, key)
        await rig.let_pass(500)
    await rig.until(lambda: rig.carrier.call(PHONE) is None)
    assert await choices(rig, booth, poll) == {}


async def test_those_who_share_a_phone_vote_one_after_the_other(rig, booth):
    poll = await rings(rig, booth, people=2)
    await hears(rig, "给谁投")
    for name_key, choice in (("2", "1"), ("1", "3")):
        rig.carrier.press(PHONE, name_key)
        await hears(rig, "东路口装不装减速带")
        rig.carrier.press(PHONE, choice)
        await hears(rig, "您选的是")
        rig.carrier.press(PHONE, "8")
        await hears(rig, "还有别人要投吗")
    rig.carrier.hang_up(PHONE)
    assert await choices(rig, booth, poll) == {"王德福": 3, "王德福1": 1}


async def test_a_power_cut_in_the_middle_of_a_call_keeps_what_was_confirmed(rig, booth):
    poll = await rings(rig, booth)
    for words, key in (("本人吗", "8"), ("装不装", "1"), ("您选的是同意", "8")):
        await hears(rig, words)
        rig.carrier.press(PHONE, key)
    await hears(rig, "记下了")
    await rig.crash()
    assert await rig.start() <= 1
    await rig.let_pass(60_000)
    assert await choices(rig, booth, poll) == {"王德福": 1}
    assert len(await rig.db.read(lambda tx: ledger_store.ledger(tx, poll.id))) == 1


async def test_a_confirmation_after_the_deadline_is_listed_and_never_counted(rig, booth):
    poll = await rings(rig, booth)
    for words, key in (("本人吗", "8"), ("装不装", "1")):
        await hears(rig, words)
        rig.carrier.press(PHONE, key)
    await hears(rig, "您选的是同意")

    def over(tx):
        tx.execute("UPDATE poll SET closes_ms = :now WHERE id = :id", {"now": rig.clock.now_ms() - 1, "id": poll.id})
        close_due(tx, rig.clock.now_ms(), trusted=True)

    await rig.db.write(over)
    rig.carrier.press(PHONE, "8")
    await hears(rig, "记下了")
    (row,) = await rig.db.read(lambda tx: ledger_store.ledger(tx, poll.id))
    assert row.sent_ms > poll.opened_ms
    closed = await rig.db.read(lambda tx: store.poll_of(tx, poll.id))
    assert await choices(rig, booth, closed) == {}
