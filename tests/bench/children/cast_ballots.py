"""Lets 64 voters at a time send a ballot to the village at FOLDER, ROUNDS times; whoever comes round again changes it.

Says how long each had to wait until the ballot and its receipt were on the disk, and until the receipt was with the
carrier (milliseconds), and how many ballots stand in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.bench.bench_village import at_work, opened
from tests.bench.taking_line import TakingLine

AT_ONCE = 64


async def main(folder: Path, rounds: int) -> None:
    line = TakingLine()
    async with opened(folder) as village, at_work(village.gateway([line])):
        ballots = await village.ask()
        await village.until_moved(await village.count("SELECT count(*) FROM message"))
        durable_ms: list[float] = []
        taken_ms: list[float] = []
        texts = ballots.first(rounds * AT_ONCE)
        for begin in range(0, len(texts), AT_ONCE):
            durable, taken = await line.answered(texts[begin : begin + AT_ONCE], village.clock)
            durable_ms += durable
            taken_ms += taken
        cast = await village.count("SELECT count(*) FROM ballot WHERE late = 0")
    print(json.dumps({"durable_ms": durable_ms, "taken_ms": taken_ms, "understood": cast}), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
