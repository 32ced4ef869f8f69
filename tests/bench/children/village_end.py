"""A village at FOLDER that writes COUNT records into its log, enrols at the county at URL with CODE, and tells it all.

It says {"ready": true} once it is enrolled and the records are on its disk. Each line on stdin lets it talk with the
county until both have everything; it says how long that took.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sync.journal import Journal
from sync.keys import SigningKey
from tests.bench.village_days import bodies
from village.ground.clock import SystemClock
from village.link.county_link import CountyLink
from village.place import NewVillage, Place


@dataclass
class _At:
    """The moment a record was written."""

    wall_ms: int = 0
    trusted: bool = True

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ms(self) -> int:
        return self.wall_ms - 1_796_000_000_000


async def main(folder: Path, count: int, url: str, code: str) -> None:
    place = Place.make(folder, NewVillage(name="青山村", signature="青山村"))
    key = SigningKey.make(folder / "sign.key")
    moment, clock = _At(), SystemClock()
    journal = Journal(key.public, moment)  # type: ignore[arg-type]

    def write(tx: sqlite3.Connection) -> None:
        for wall_ms, body in bodies(count):
            moment.wall_ms = wall_ms
            journal.append(tx, body)

    async with place.database(clock) as db:
        link = CountyLink(db, clock, key, "青山村")
        await db.write(write)
        await link.enrol(url, code)
        print(json.dumps({"ready": True}), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            begin_s = time.monotonic()
            await link.speak_now()
            elapsed_s = time.monotonic() - begin_s
            state = await link.state()
            print(json.dumps({"elapsed_s": elapsed_s, "waiting": state.waiting}), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
