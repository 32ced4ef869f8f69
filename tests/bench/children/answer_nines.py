"""Lets 64 villagers at a time answer a notice in the village at FOLDER with 9, ROUNDS times.

Says how long each had to wait until the confirmation and its reply were on the disk, and until the reply was with the
carrier (milliseconds).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.bench.bench_village import BenchVillage, at_work, opened
from tests.bench.taking_line import TakingLine

AT_ONCE = 64


async def main(folder: Path, rounds: int) -> None:
    line = TakingLine()
    async with opened(folder) as village, at_work(village.gateway([line])):
        await village.notify(1)
        numbers = await _reached(village)
        durable_ms: list[float] = []
        taken_ms: list[float] = []
        for begin in range(0, rounds * AT_ONCE, AT_ONCE):
            group = [(number, "9") for number in numbers[begin : begin + AT_ONCE]]
            durable, taken = await line.answered(group, village.clock)
            durable_ms += durable
            taken_ms += taken
        confirmed = await village.count("SELECT count(*) FROM interpretation WHERE intent = 'confirm'")
    print(json.dumps({"durable_ms": durable_ms, "taken_ms": taken_ms, "understood": confirmed}), flush=True)


async def _reached(village: BenchVillage) -> list[str]:
    """Everybody's number, once all have got the notice."""
    await village.until_moved(await village.count("SELECT count(*) FROM message"))
    rows = await village.db.read(
        lambda tx: tx.execute(
            "SELECT r.sealed FROM message m JOIN recipient r ON r.id = m.recipient_id ORDER BY m.id"
        ).fetchall()
    )
    return [village.means.vault.open(row["sealed"]) for row in rows]


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
