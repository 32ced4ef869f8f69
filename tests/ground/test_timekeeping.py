"""When a guess about time ends, nothing that happened meanwhile is lost, overdue or doubled for it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway import tries_store
from gateway.choosing import Line
from gateway.message import Channel, Draft, Priority
from gateway.outbox import Outbox
from gateway.purse import Purse
from gateway.shift_store import shift_times as shift_messages
from village.ground.clock import KernelClock, MovableClock, SystemClock, parse_iso
from village.ground.database import Database, DiskFullError
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.ground.timekeeping import AGAIN_MS, MARK_EVERY_MS, Timekeeper, read_mark, write_mark
from village.notices.shift_store import shift_times as shift_notices
from village.schema import PACKAGES

NOON_MS = parse_iso("2026-12-05T12:00:00")
HOUR_MS = 3_600_000


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A computer without a clock battery: 1970, and no network has set it yet."""
    told: dict[str, object] = {"synchronised": False, "ns": 42_000_000_000}
    monkeypatch.setattr(KernelClock, "__call__", lambda _: told["synchronised"])
    monkeypatch.setattr("village.ground.clock.time.time_ns", lambda: told["ns"])
    return told


@pytest.fixture
async def book(tmp_path: Path):  # type: ignore[no-untyped-def]
    database = await Database.open(tmp_path / "v.db", lambda tx: migrate(tx, PACKAGES, 1) and None)
    yield database
    await database.close()


def times(tx: sqlite3.Connection) -> dict[str, int | None]:
    return dict(tx.execute("SELECT queued_ms, expires_ms FROM message_state").fetchone())


async def queue(book: Database, clock: SystemClock) -> None:
    draft = Draft(to="+8619900000001", channel=Channel.SMS, kind="notice", priority=Priority.NOTICE, reference="x",
                  text="停水", expires_ms=clock.now_ms() + 72 * HOUR_MS)  # fmt: skip
    await book.write(lambda tx: Outbox(Vault(b"k" * 32), clock).enqueue(tx, draft))


async def test_what_was_queued_in_guessed_time_waits_as_long_as_it_should(book, kernel) -> None:  # type: ignore[no-untyped-def]
    clock = SystemClock()
    assert not clock.trusted
    keeper = Timekeeper(book, clock, (shift_messages, shift_notices))
    await keeper.begin()
    await queue(book, clock)
    await keeper.tell(NOON_MS, "desk")
    assert clock.trusted
    found = await book.read(times)
    assert abs(found["queued_ms"] - NOON_MS) < 60_000
    assert abs(found["expires_ms"] - NOON_MS - 72 * HOUR_MS) < 60_000


async def test_what_was_queued_before_this_guess_stays_where_it_was(book, kernel) -> None:  # type: ignore[no-untyped-def]
    kernel["ns"] = (NOON_MS - 2 * HOUR_MS) * 1_000_000
    known = SystemClock()
    known.tell(NOON_MS - 2 * HOUR_MS)
    await queue(book, known)
    await book.write(lambda tx: write_mark(tx, known.now_ms()))
    before = await book.read(times)
    kernel["ns"] = 0
    clock = SystemClock(last_known_ms=await book.read(read_mark))
    keeper = Timekeeper(book, clock, (shift_messages, shift_notices))
    await keeper.begin()
    await keeper.tell(NOON_MS, "modem")
    assert await book.read(times) == before


async def test_money_spent_before_the_time_was_told_counts_in_the_month_that_was_told(book, kernel) -> None:  # type: ignore[no-untyped-def]
    clock = SystemClock()
    keeper = Timekeeper(book, clock, (shift_messages,))
    await keeper.begin()
    purse = Purse(clock, {"modem": Line(price_fen=10, month_fen=100)})
    await queue(book, clock)

    def cut_off(tx: sqlite3.Connection) -> None:
        modem = tries_store.lane(tx, "modem")
        purse.pay_interrupted(tx, modem, tx.execute("SELECT id FROM message").fetchone()[0], 1, clock.now_ms())

    await book.write(cut_off)
    guessed = await book.read(lambda tx: purse.spending(tx, "modem"))
    await keeper.tell(NOON_MS, "desk")
    known = await book.read(lambda tx: purse.spending(tx, "modem"))
    assert guessed.fen == known.fen == 10
    assert (guessed.month, known.month) == ("2026-11", "2026-12")


async def test_a_second_power_cut_while_guessing_does_not_forget_the_first_guess(book, kernel) -> None:  # type: ignore[no-untyped-def]
    first = SystemClock()
    await Timekeeper(book, first).begin()
    await queue(book, first)
    await book.write(lambda tx: write_mark(tx, first.now_ms()))
    second = SystemClock(last_known_ms=await book.read(read_mark))
    keeper = Timekeeper(book, second, (shift_messages,))
    await keeper.begin()
    await keeper.tell(NOON_MS, "desk")
    assert abs((await book.read(times))["queued_ms"] - NOON_MS) <= MARK_EVERY_MS + 60_000


async def test_the_network_setting_the_clock_is_noticed_and_recorded(book, kernel) -> None:  # type: ignore[no-untyped-def]
    clock = SystemClock()
    keeper = Timekeeper(book, clock, (shift_messages,))
    await keeper.begin()
    await queue(book, clock)
    kernel["synchronised"], kernel["ns"] = True, NOON_MS * 1_000_000
    assert not clock.trusted, "a clock does not change its mind between two lines"
    await keeper._follow()
    assert clock.trusted
    assert clock.now_ms() == NOON_MS
    assert abs((await book.read(times))["queued_ms"] - NOON_MS) < 60_000
    steps = await book.read(lambda tx: tx.execute("SELECT source FROM clock_step").fetchall())
    assert [row["source"] for row in steps] == ["network"]


async def test_an_impossible_time_changes_nothing(book, kernel) -> None:  # type: ignore[no-untyped-def]
    clock = SystemClock()
    keeper = Timekeeper(book, clock)
    await keeper.begin()
    with pytest.raises(ValueError, match="before this program"):
        await keeper.tell(0, "desk")
    assert not clock.trusted
    assert await book.read(lambda tx: tx.execute("SELECT count(*) FROM clock_step").fetchone()[0]) == 0


async def test_a_disk_that_has_room_again_is_known_within_a_minute(book: Database, clock: MovableClock) -> None:
    keeping = asyncio.create_task(Timekeeper(book, clock).run())
    try:
        with book.changed() as changed:
            await asyncio.wait_for(changed.wait(), 5)  # the first mark
            book.full = True
            changed.clear()
            await clock.advance(AGAIN_MS)
            await asyncio.wait_for(changed.wait(), 5)
        assert not book.full
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_step_that_cannot_be_kept_is_taken_back(book, kernel) -> None:  # type: ignore[no-untyped-def]
    clock = SystemClock()

    def cut(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
        raise DiskFullError("full")

    keeper = Timekeeper(book, clock, (cut,))
    await keeper.begin()
    with pytest.raises(DiskFullError):
        await keeper.tell(NOON_MS, "desk")
    assert not clock.trusted
    assert clock.now_ms() < NOON_MS
