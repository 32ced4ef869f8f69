"""A paper code makes a phone somebody's; guessing does not pay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.people.conftest import BringIn
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.people import optout, registration, store
from village.people.registration import CODE_LIFE_MS, DAY_MS, TRIES_ALL, Registration

STRANGER = "+8619900000099"

Send = Callable[..., Awaitable[Registration]]


@pytest.fixture
async def resident_id(db: Database, bring_in: BringIn) -> int:
    await bring_in()
    (row,) = await db.read(lambda tx: store.named(tx, "李桂英"))
    return row.id


@pytest.fixture
async def code(db: Database, vault: Vault, clock: MovableClock, resident_id: int) -> str:
    return await db.write(lambda tx: registration.issue(tx, vault, resident_id, by="村委会", at_ms=clock.now_ms()))


@pytest.fixture
def send(db: Database, vault: Vault, clock: MovableClock) -> Send:
    async def run(text: str, sender: str = STRANGER) -> Registration:
        return await db.write(lambda tx: registration.redeem(tx, vault, sender, text, clock.now_ms()))

    return run


def wrong(code: str, n: int = 0) -> str:
    return str((int(code) - 100_000 + 7 + n) % 900_000 + 100_000)


async def test_a_code_makes_the_phone_hers(db: Database, code: str, resident_id: int, send: Send) -> None:
    assert len(code) == 6
    assert code.isdigit()
    done = await send(code)
    assert (done.outcome, done.holder.name, done.holder.slot) == ("registered", "李桂英", 1)
    row = await db.read(lambda tx: store.resident(tx, resident_id))
    assert row is not None
    assert [phone.masked for phone in row.phones] == ["199****0004", "199****0099"]
    consents = await db.read(lambda tx: [tuple(r) for r in tx.execute("SELECT what, how FROM consent")])
    assert consents == [("all", "code")]


async def test_a_code_works_once(code: str, send: Send) -> None:
    assert (await send(code)).outcome == "registered"
    assert (await send(code, "+8619900000098")).outcome == "wrong"


async def test_a_code_dies_after_its_time(code: str, clock: MovableClock, send: Send) -> None:
    await clock.advance(CODE_LIFE_MS)
    assert (await send(code)).outcome == "wrong"


async def test_a_new_code_kills_the_old_one(
    db: Database, vault: Vault, clock: MovableClock, code: str, send: Send
) -> None:
    (row,) = await db.read(lambda tx: store.named(tx, "李桂英"))
    newer = await db.write(lambda tx: registration.issue(tx, vault, row.id, by="村委会", at_ms=clock.now_ms()))
    assert (await send(code)).outcome == "wrong"
    assert (await send(newer)).outcome == "registered"


async def test_three_wrong_tries_lock_the_phone_for_a_day(code: str, clock: MovableClock, send: Send) -> None:
    tries = [await send(wrong(code, n)) for n in range(3)]
    assert [(each.outcome, each.tries_left) for each in tries] == [("wrong", 2), ("wrong", 1), ("wrong", 0)]
    assert (await send(code)).outcome == "locked"
    assert (await send(code, "+8619900000098")).outcome == "registered"


async def test_the_lock_opens_after_a_day(code: str, clock: MovableClock, send: Send) -> None:
    for n in range(3):
        await send(wrong(code, n))
    await clock.advance(DAY_MS)
    assert (await send(code)).outcome == "registered"


async def test_many_phones_together_cannot_guess_either(
    db: Database, clock: MovableClock, code: str, send: Send
) -> None:
    for n in range(TRIES_ALL):
        assert (await send(wrong(code, n), f"+86199000{n:05d}")).outcome == "wrong"
    assert (await send(code)).outcome == "locked"
    assert await db.read(lambda tx: registration.is_guarded(tx, clock.now_ms()))
    await db.write(lambda tx: registration.let_in_again(tx, by="村委会", at_ms=clock.now_ms()))
    assert (await send(code)).outcome == "registered"


async def test_registering_takes_back_an_opt_out(
    db: Database, vault: Vault, clock: MovableClock, code: str, send: Send
) -> None:
    phone = await db.read(lambda tx: store.phone_by_fingerprint(tx, vault.fingerprint("+8619900000001")))
    assert phone is not None
    await db.write(lambda tx: optout.set_opted(tx, phone.id, "none", how="sms", at_ms=clock.now_ms()))
    await send(code, "+8619900000001")
    phone = await db.read(lambda tx: store.phone_by_id(tx, phone.id))
    assert phone is not None
    assert phone.opted == "all"


async def test_no_code_and_no_number_lies_in_the_file(tmp_path: Path, code: str, send: Send) -> None:
    await send(wrong(code))
    await send(code)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert code.encode() not in content
            assert b"19900000099" not in content
            assert b"19900000001" not in content
