from __future__ import annotations

import asyncio

from village.ground.clock import MovableClock
from village.ground.database import Database, DiskFullError
from village.ground.timekeeping import AGAIN_MS, keep_marks, read_mark


async def test_a_mark_that_could_not_be_kept_is_tried_again_soon(
    db: Database, clock: MovableClock, monkeypatch
) -> None:
    real, tried = db.write, asyncio.Event()

    async def full(unit):  # type: ignore[no-untyped-def]
        tried.set()
        raise DiskFullError("the disk is full")

    monkeypatch.setattr(db, "write", full)
    marks = asyncio.create_task(keep_marks(db, clock))
    try:
        await asyncio.wait_for(tried.wait(), 5)
        monkeypatch.setattr(db, "write", real)
        with db.changed() as changed:
            await clock.advance(AGAIN_MS)
            await asyncio.wait_for(changed.wait(), 5)
        assert await db.read(read_mark) == clock.now_ms()
    finally:
        marks.cancel()
        await asyncio.gather(marks, return_exceptions=True)
