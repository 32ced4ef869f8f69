"""What wakes up by the clock: APScheduler in memory rings, the database knows what is due.

Never keeps a due time of its own, so nothing is lost with the power: after a restart the first ring finds it all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from village.ground.database import DatabaseError

log = logging.getLogger(__name__)

Chore = Callable[[], Awaitable[object]]


class Schedule:
    """Chores that run every so often, and at once when somebody moved the clock."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "misfire_grace_time": None})
        self._chores: list[Chore] = []
        self._timely: list[Chore] = []

    def every(self, seconds: int, chore: Chore, *, timely: bool = False) -> None:
        """Run `chore` every so many real seconds; one that fails is logged and runs again next time.

        `timely`: it does what falls due at a certain minute, so skipped time must not pass it by.
        """

        async def careful() -> None:
            try:
                await chore()
            except asyncio.CancelledError:
                raise
            except DatabaseError as failure:
                log.warning("chore put off name=%s reason=%s", chore.__name__, failure)
            except Exception:
                log.exception("chore failed name=%s", chore.__name__)

        self._chores.append(careful)
        if timely:
            self._timely.append(careful)
        self._scheduler.add_job(careful, "interval", seconds=seconds, max_instances=1)

    async def ring(self) -> None:
        """Run every chore now."""
        for chore in self._chores:
            await chore()

    async def ring_timely(self) -> None:
        """Run now what falls due at a certain minute."""
        for chore in self._timely:
            await chore()

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
