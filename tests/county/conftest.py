"""A county with its real file, and villages that speak to it over real sockets."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync import journal
from sync.keys import SigningKey
from sync.kinds import Body
from village.county.app import Running, running
from village.county.place import PACKAGES as COUNTY_PACKAGES
from village.county.place import CountyPlace
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.migrate import migrate
from village.link.county_link import CountyLink
from village.schema import PACKAGES


@pytest.fixture
def place(tmp_path: Path) -> CountyPlace:
    return CountyPlace.make(tmp_path / "county", name="样板县", listen="127.0.0.1")


@pytest.fixture
async def county(place: CountyPlace) -> AsyncIterator[Running]:
    async with running(place, any_port=True) as served:
        yield served


@pytest.fixture
async def db(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Database]:
    """A county's file alone, with nobody at work on it."""
    path, prepare = tmp_path / "county.db", lambda tx: migrate(tx, COUNTY_PACKAGES, clock.now_ms()) and None
    opened = await Database.open(path, prepare)
    yield opened
    await opened.close()


class Town:
    """A village's end: its own file, key and link."""

    def __init__(self, db: Database, clock: MovableClock, key: SigningKey, name: str) -> None:
        self.db = db
        self.clock = clock
        self.key = key
        self.link = CountyLink(db, clock, key, name)
        self._journal = journal.Journal(key.public, clock)

    async def writes(self, *bodies: Body) -> None:
        def unit(tx: sqlite3.Connection) -> None:
            for body in bodies:
                self._journal.append(tx, body)

        await self.db.write(unit)


@pytest.fixture
async def town(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Town]:
    db = await Database.open(tmp_path / "town.db", lambda tx: migrate(tx, PACKAGES, clock.now_ms()) and None)
    yield Town(db, clock, SigningKey.from_seed(b"t" * 32), "青山村")
    await db.close()
