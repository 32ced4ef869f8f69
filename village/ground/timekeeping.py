"""What the database remembers of time: the latest instant known, and every step a trusted source made.

Never tells the time itself; that is the clock's.
"""

from __future__ import annotations

import logging
import sqlite3

from village.ground.clock import Clock, SystemClock, iso
from village.ground.database import Database, DatabaseError

log = logging.getLogger(__name__)

MARK_EVERY_MS = 10 * 60_000
"""A power cut makes a Pi forget at most this much; a mark costs one small write."""

AGAIN_MS = 60_000
"""How soon a mark that could not be kept is tried again: the first that is kept tells that the disk has room."""


def read_mark(tx: sqlite3.Connection) -> int:
    """The latest instant (ms) this file has seen; 0 for a new one."""
    return int(tx.execute("SELECT wall_ms FROM clock_mark").fetchone()[0])


def write_mark(tx: sqlite3.Connection, now_ms: int) -> None:
    tx.execute("UPDATE clock_mark SET wall_ms = :now WHERE wall_ms < :now", {"now": now_ms})


async def take_time(database: Database, clock: SystemClock, wall_ms: int, source: str) -> int:
    """Believe a trusted source and record the step (ms). Raises ValueError for an impossible time."""
    step_ms = clock.tell(wall_ms)

    def record(tx: sqlite3.Connection) -> None:
        tx.execute(
            "INSERT INTO clock_step (source, wall_ms, step_ms) VALUES (:source, :wall, :step)",
            {"source": source, "wall": wall_ms, "step": step_ms},
        )
        # a trusted source may also step the mark back
        tx.execute("UPDATE clock_mark SET wall_ms = :wall", {"wall": wall_ms})

    await database.write(record)
    log.info("clock stepped source=%s step_ms=%d now=%s", source, step_ms, iso(wall_ms))
    return step_ms


async def keep_marks(database: Database, clock: Clock) -> None:
    """Write the mark now and then, until cancelled."""
    while True:
        pause_ms = MARK_EVERY_MS
        try:
            now_ms = clock.now_ms()
            await database.write(lambda tx, now_ms=now_ms: write_mark(tx, now_ms))  # type: ignore[misc]
        except DatabaseError as failure:
            log.warning("mark not written reason=%s", failure)
            pause_ms = AGAIN_MS
        await clock.sleep_ms(pause_ms)
