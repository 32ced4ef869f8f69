from __future__ import annotations

import asyncio

import pytest

from village.ground.clock import BEIJING, KernelClock, MovableClock, SystemClock, beijing, iso, parse_iso, wait_for

NOON_MS = parse_iso("2026-12-05T12:00:00")


def test_people_read_beijing_time() -> None:
    assert beijing(NOON_MS).hour == 12
    assert beijing(NOON_MS).tzinfo is BEIJING
    assert iso(NOON_MS) == "2026-12-05T04:00:00.000Z"


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woke = MovableClock(0), []

    async def sleeper(duration_ms: int) -> None:
        await clock.sleep_ms(duration_ms)
        woke.append((duration_ms, clock.now_ms()))

    async with asyncio.TaskGroup() as group:
        for duration_ms in (300, 100, 200):
            group.create_task(sleeper(duration_ms))
        await clock.advance(1000)
    assert woke == [(100, 100), (200, 200), (300, 300)]
    assert clock.now_ms() == 1000


async def test_a_wall_clock_set_back_wakes_nobody_and_the_stopwatch_goes_on() -> None:
    clock = MovableClock(NOON_MS)
    await clock.advance(5)
    clock.step_wall(-3_600_000)
    assert clock.monotonic_ms() == 5
    assert clock.now_ms() == NOON_MS + 5 - 3_600_000


async def test_waiting_ends_with_the_event_or_with_the_time() -> None:
    clock, event = MovableClock(0), asyncio.Event()
    waiting = asyncio.create_task(wait_for(clock, event, 50))
    await clock.advance(50)
    assert await waiting is False
    waiting = asyncio.create_task(wait_for(clock, event, 50))
    await clock.advance(1)
    event.set()
    assert await waiting is True


def test_a_computer_that_wakes_up_in_1970_starts_from_what_it_last_knew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelClock, "__call__", lambda _: False)
    monkeypatch.setattr("village.ground.clock.time.time_ns", lambda: 42_000_000_000)
    clock = SystemClock(last_known_ms=NOON_MS)
    assert not clock.trusted
    assert 0 <= clock.now_ms() - NOON_MS < 60_000


def test_a_trusted_source_may_step_time_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelClock, "__call__", lambda _: False)
    clock = SystemClock(last_known_ms=NOON_MS + 86_400_000 * 400)
    assert clock.tell(NOON_MS) < 0
    assert clock.trusted
    assert 0 <= clock.now_ms() - NOON_MS < 60_000
    with pytest.raises(ValueError, match="before this program"):
        clock.tell(0)


@pytest.mark.parametrize("rate", [0, 1])
async def test_a_sleeper_who_left_is_no_longer_due(rate: int) -> None:
    clock = MovableClock(0, rate=rate)
    leaving = asyncio.create_task(clock.sleep_ms(60_000))
    await asyncio.sleep(0)
    assert clock.next_due_ms is not None
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert clock.next_due_ms is None
