"""What the village does by itself, again and again: what is due leaves, who has not answered is tried again, polls are
counted, the county's record is kept, memory and disk are given back.

Each chore is one unit of work; where the power goes in the middle, the next round finds the same work again.
"""

from __future__ import annotations

import asyncio
import sqlite3

from gateway.gateway import Gateway
from gateway.queue_store import count_waiting
from sync.journal import Journal
from village.ground.files import free_bytes
from village.ground.memory import give_back
from village.link.reporting import Health, Reporter, Village
from village.notices.climb import climb_due
from village.notices.leaders import tell_leaders
from village.notices.send_notice import send_due
from village.notices.tasks import remind_due
from village.parts import Parts
from village.place import Place
from village.polls.close_poll import close_due
from village.polls.count_poll import count_due
from village.schedule import Schedule
from village.version import VERSION

_DUE_EVERY_S = 10
"""How soon a notice planned for a certain minute leaves; a look costs one indexed read."""

_TRY_AGAIN_EVERY_S = 60
"""How soon those who have not answered are tried again, who has something to do is reminded of it, and a group's leader
hears that a door list has opened; the rungs are hours apart, in danger minutes."""

_REACH_EVERY_S = 300
"""How soon the county's record of a notice's reach is looked at again; it is told no oftener than every half hour."""

_GIVE_BACK_EVERY_S = 60
_TIDY_EVERY_S = 3600
_CLIPS_MOST_BYTES = 256 * 1024 * 1024
"""Spoken clips are made again when needed; an SD card has better uses for more."""


def scheduled(parts: Parts, journal: Journal) -> Schedule:
    """All chores, not yet started. `journal`: where the county's records are written."""
    chores = _Chores(parts, journal)
    schedule = Schedule()
    schedule.every(_GIVE_BACK_EVERY_S, chores.give_memory_back)
    schedule.every(_DUE_EVERY_S, chores.due, timely=True)
    schedule.every(_TRY_AGAIN_EVERY_S, chores.try_again, timely=True)
    schedule.every(_DUE_EVERY_S, chores.count, timely=True)
    schedule.every(_DUE_EVERY_S, chores.report)
    schedule.every(_REACH_EVERY_S, chores.report_reach)
    schedule.every(_TIDY_EVERY_S, chores.tidy)
    return schedule


class _Chores:
    def __init__(self, parts: Parts, journal: Journal) -> None:
        village = parts.place.config.village
        self._parts = parts
        self._reporter = Reporter(journal.append, Village(village.name, village.groups), parts.means.office)

    async def due(self) -> None:
        parts = self._parts
        await parts.db.write(lambda tx: send_due(tx, parts.means, parts.clock.now_ms(), trusted=parts.clock.trusted))

    async def try_again(self) -> None:
        """In one unit and this order: a phone that the ladder has just turned to is not reminded of a day as well."""

        def unit(tx: sqlite3.Connection) -> None:
            means, now_ms, trusted = self._parts.means, self._parts.clock.now_ms(), self._parts.clock.trusted
            climb_due(tx, means, now_ms, trusted=trusted)
            remind_due(tx, means, now_ms, trusted=trusted)
            tell_leaders(tx, means, now_ms, trusted=trusted)

        await self._parts.db.write(unit)

    async def count(self) -> None:
        up_since = self._parts.up_since_ms()

        def unit(tx: sqlite3.Connection) -> None:
            now_ms, trusted = self._parts.clock.now_ms(), self._parts.clock.trusted
            close_due(tx, now_ms, trusted=trusted)
            count_due(tx, self._parts.means, now_ms, trusted=trusted, up_since_ms=up_since)

        await self._parts.db.write(unit)

    async def report(self) -> None:
        parts = self._parts
        health = await parts.db.read(lambda tx: _health(tx, parts.gateway, parts.place))
        await parts.db.write(lambda tx: self._reporter.report_events(tx, parts.clock.now_ms(), health))

    async def report_reach(self) -> None:
        await self._parts.db.write(lambda tx: self._reporter.report_reach(tx, self._parts.clock.now_ms()))

    async def tidy(self) -> None:
        await self._parts.speech.prune(_CLIPS_MOST_BYTES)

    async def give_memory_back(self) -> None:
        await asyncio.to_thread(give_back)


def _health(tx: sqlite3.Connection, gateway: Gateway, place: Place) -> Health:
    lanes = gateway.lanes()
    return Health(
        version=VERSION,
        waiting=count_waiting(tx),
        lines=len(lanes),
        lines_down=sum(not lane.up for lane in lanes),
        disk_free_mb=free_bytes(place.folder) >> 20,
    )
