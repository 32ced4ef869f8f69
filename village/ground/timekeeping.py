"""What the database remembers of time: the latest instant known, and every step a trusted source made.

Never tells the time itself; that is the clock's. When a guess ends, what was stamped with guessed times is moved by the
same step: a notice that went out an hour ago went out an hour ago, whatever the clock said then.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from village.ground.clock import Clock, SystemClock, iso
from village.ground.database import Database, DatabaseError, Unit

log = logging.getLogger(__name__)

T = TypeVar("T")

Shift = Callable[[sqlite3.Connection, int, int], None]
"""`shift(tx, since_ms, step_ms)`: move a room's own instants from `since_ms` on by `step_ms`."""

MARK_EVERY_MS = 10 * 60_000
"""A power cut makes a Pi forget at most this much; a mark costs one small write."""

AGAIN_MS = 60_000
"""How soon a mark is tried again while the disk is full: the first that is kept tells that there is room."""

LOOK_EVERY_MS = 5_000
"""How soon it is noticed that the network has set the computer's clock."""


def read_mark(tx: sqlite3.Connection) -> int:
    """No instant (ms) in this file is later than this; 0 for a new one."""
    mark_ms = int(tx.execute("SELECT wall_ms FROM clock_mark").fetchone()[0])
    return mark_ms + MARK_EVERY_MS if mark_ms else 0


def write_mark(tx: sqlite3.Connection, now_ms: int) -> None:
    tx.execute("UPDATE clock_mark SET wall_ms = :now WHERE wall_ms < :now", {"now": now_ms})


class Timekeeper:
    """Looks after one clock and what is stamped by it."""

    def __init__(self, database: Database, clock: Clock, shifts: Sequence[Shift] = ()) -> None:
        self._database = database
        self._clock = clock
        self._shifts = shifts

    async def begin(self) -> None:
        """At start, before anything is stamped: remember since when time is guessed."""
        clock = self._clock
        if not isinstance(clock, SystemClock):
            return
        if clock.trusted:  # an earlier boot may have ended guessing; how far off it was nobody can say any more
            await self._database.write(lambda tx: tx.execute("UPDATE clock_mark SET guessed_since_ms = NULL"))
            return
        since_ms = clock.guessed_since_ms
        await self._database.write(
            lambda tx: tx.execute(
                "UPDATE clock_mark SET guessed_since_ms = coalesce(guessed_since_ms, :since)", {"since": since_ms}
            )
        )

    async def tell(self, wall_ms: int, source: str) -> int:
        """Believe a trusted source; returns the step (ms). Raises ValueError for an impossible time."""
        clock = self._clock
        if not isinstance(clock, SystemClock):
            raise ValueError("this clock is moved by hand")
        step_ms = await self._stepping(clock, lambda tx: self._step(tx, clock.tell(wall_ms), source))
        log.info("clock stepped source=%s step_ms=%d now=%s", source, step_ms, iso(wall_ms))
        return step_ms

    async def _stepping(self, clock: SystemClock, unit: Unit[T]) -> T:
        """A step that cannot be kept is taken back: clock and stamps go together or not at all."""
        before = clock.remembered()
        try:
            return await self._database.write(unit)
        except DatabaseError:
            clock.restore(before)
            raise

    def _step(self, tx: sqlite3.Connection, step_ms: int, source: str) -> int:
        """In one unit with the clock itself, so that nothing judges old stamps by the new time."""
        wall_ms = self._clock.now_ms()
        since_ms = tx.execute("SELECT guessed_since_ms FROM clock_mark").fetchone()[0]
        if since_ms is not None:
            for shift in self._shifts:
                shift(tx, since_ms, step_ms)
        # a trusted source may also step the mark back
        tx.execute("UPDATE clock_mark SET wall_ms = :wall, guessed_since_ms = NULL", {"wall": wall_ms})
        tx.execute(
            "INSERT INTO clock_step (source, wall_ms, step_ms) VALUES (:source, :wall, :step)",
            {"source": source, "wall": wall_ms, "step": step_ms},
        )
        return step_ms

    async def run(self) -> None:
        """Keep the mark, and follow the network's time as soon as it is there; until cancelled."""
        marked_ms: int | None = None
        while True:
            pause_ms = AGAIN_MS if self._clock.trusted else LOOK_EVERY_MS
            try:
                await self._follow()
                due = marked_ms is None or self._clock.monotonic_ms() - marked_ms >= MARK_EVERY_MS
                if due or self._database.full:
                    now_ms = self._clock.now_ms()
                    await self._database.write(lambda tx, now_ms=now_ms: write_mark(tx, now_ms))  # type: ignore[misc]
                    marked_ms = self._clock.monotonic_ms()
            except DatabaseError as failure:
                log.warning("mark not written reason=%s", failure)
            await self._clock.sleep_ms(pause_ms)

    async def _follow(self) -> None:
        clock = self._clock
        if not isinstance(clock, SystemClock):
            return

        def follow(tx: sqlite3.Connection) -> int | None:
            step_ms = clock.follow_kernel()
            return None if step_ms is None else self._step(tx, step_ms, "network")

        if clock.may_follow() and (step_ms := await self._stepping(clock, follow)) is not None:
            log.info("clock stepped source=network step_ms=%d", step_ms)
