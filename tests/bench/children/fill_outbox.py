"""Puts COUNT messages into the outbox of the village at FOLDER, so that whoever opens it finds them waiting."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

from gateway.message import Channel, Draft, Priority
from tests.bench.bench_village import TEXT, opened


async def main(folder: Path, count: int) -> None:
    drafts = [
        Draft(
            to=f"+86199{number:08}",
            channel=Channel.SMS,
            kind="bench",
            priority=Priority.NOTICE,
            reference=f"bench/{number}",
            text=TEXT,
        )
        for number in range(count)
    ]
    async with opened(folder) as village:

        def unit(tx: sqlite3.Connection) -> int:
            return len(village.means.outbox.enqueue_many(tx, drafts))

        print(json.dumps({"waiting": await village.db.write(unit)}), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
