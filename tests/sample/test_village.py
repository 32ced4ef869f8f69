"""青山村 is made whole, the same each time, and goes on where a power cut stopped it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from gateway.outbox import Outbox
from gateway.phone import PhoneKind, parse
from gateway.simulated.carrier import Carrier
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.notices import store as notices
from village.notices.notice import State
from village.notices.office import Means, Office
from village.people import store as people
from village.sample import roster
from village.sample.content import DUTY_PHONE, NOTICES, e164, suggestions
from village.sample.village import QUICK, fill, habit_of, is_filled, numbers_of

T = TypeVar("T")


class PowerCutError(Exception):
    pass


class Cut:
    """The village's database until the power goes: the write with that number never happens."""

    def __init__(self, db: Database, writes: int) -> None:
        self._db = db
        self._left = writes

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        if self._left == 0:
            raise PowerCutError
        self._left -= 1
        return await self._db.write(unit)

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        return await self._db.read(unit)


@dataclass
class Making:
    """Everything a sample village is made with."""

    db: Database
    clock: MovableClock
    vault: Vault
    carrier: Carrier

    async def fill(self, db: Database | Cut | None = None) -> None:
        means = Means(Outbox(self.vault, self.clock), self.vault, Office("青山村", "青山村", "88001234"))
        await fill(db or self.db, self.clock, self.vault, self.carrier, means)  # type: ignore[arg-type]  # a cut one


@pytest.fixture
def making(db: Database, clock: MovableClock, vault: Vault) -> Iterator[Making]:
    carrier = Carrier.open(None, clock, seed=1)
    yield Making(db, clock, vault, carrier)
    carrier.close()


async def totals(making: Making) -> dict[str, object]:
    def unit(tx: sqlite3.Connection) -> dict[str, object]:
        return {
            table: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("household", "resident", "phone", "phone_holder", "notice", "notice_copy", "message_state")
        }

    return await making.db.read(unit) | {"handsets": Counter(h.rule for h in making.carrier.handsets())}


async def test_the_village_is_whole(making: Making) -> None:
    await making.fill()
    assert await making.db.read(is_filled)
    assert len(await making.db.read(people.households)) == roster.HOUSEHOLDS
    sent = await making.db.read(lambda tx: notices.latest(tx, limit=10, public_only=False))
    assert [(notice.number, notice.state) for notice in sent] == [(n, State.SENT) for n in (17, 16, 15)]
    numbers = await making.db.read(lambda tx: numbers_of(tx, making.vault))
    assert {h.number for h in making.carrier.handsets()} == {*numbers, e164(roster.NOBODYS), DUTY_PHONE, roster.ROBOT}
    assert {s.number for s in suggestions()} <= {h.number for h in making.carrier.handsets()}


async def test_a_few_phones_give_trouble_and_the_rest_none(making: Making) -> None:
    await making.fill()
    handsets = making.carrier.handsets()
    assert [h.number for h in handsets if h.rule.dead] == [e164(roster.DEAD)]
    for trouble in (
        [h.number for h in handsets if h.full],
        [h.number for h in handsets if not h.signal],
        [h.number for h in handsets if h.rule.no_answer],
    ):
        assert len(trouble) == 1
        assert trouble[0] not in {s.number for s in suggestions()}


async def test_making_it_again_changes_nothing(making: Making) -> None:
    await making.fill()
    before = await totals(making)
    await making.fill()
    assert await totals(making) == before


@pytest.mark.parametrize("writes", range(1 + len(NOTICES)))
async def test_a_cut_at_any_step_is_made_good(writes: int, making: Making) -> None:
    with pytest.raises(PowerCutError):
        await making.fill(Cut(making.db, writes))
    assert not await making.db.read(is_filled)
    await making.fill()
    assert await making.db.read(is_filled)
    whole = await totals(making)
    assert whole["household"] == roster.HOUSEHOLDS
    assert whole["notice"] == len(NOTICES)


async def test_nothing_is_claimed_that_no_phone_has_seen(making: Making) -> None:
    await making.fill()
    states = await making.db.read(lambda tx: Counter(row[0] for row in tx.execute("SELECT state FROM message_state")))
    assert set(states) == {"queued"}
    confirmed = await making.db.read(lambda tx: tx.execute("SELECT count(*) FROM notice_confirmation").fetchone()[0])
    assert confirmed == 0


def test_the_suggested_phones_are_what_they_are_called() -> None:
    by_number = {row.phones[0]: row for row in reversed(roster.roster_rows()) if row.phones}
    one, shared, elder, away, dead, nobody, line, duty = (s.number.removeprefix("+86") for s in suggestions())
    assert (one, shared, away, dead, nobody) == (
        roster.ONE_VOTER,
        roster.SHARED_BY_FOUR,
        roster.PARTY_AWAY,
        roster.DEAD,
        roster.NOBODYS,
    )
    assert by_number[elder].alone
    assert by_number[elder].calls
    assert by_number[away].party
    assert nobody not in by_number
    assert parse("0" + line).kind is parse("0" + duty).kind is PhoneKind.LANDLINE


def test_a_villager_keeps_his_habits_and_most_confirm_within_the_day() -> None:
    numbers = [f"+8619900{number:06}" for number in range(10_007, 13_500, 7)]
    habits = [habit_of(number) for number in numbers]
    assert habits == [habit_of(number) for number in numbers]
    assert 0.35 < habits.count(QUICK) / len(habits) < 0.55
    assert 0.6 < sum(habit.confirms for habit in habits) / len(habits) < 0.8
    assert any(habit.confirms == 0 for habit in habits)
