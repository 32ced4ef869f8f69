"""Lets 64 villagers at a time answer a notice in the village at FOLDER with 9, ROUNDS times.

Says how long each had to wait until the confirmation and its reply were on the disk, and until the reply was with the
carrier (milliseconds).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from gateway.failures import CannotAskError
from gateway.transport import Accepted, Fate, Inbound, Parcel, Sink
from tests.bench.bench_village import BenchVillage, at_work, opened

AT_ONCE = 64


class _Line:
    """A carrier that takes at once, remembers when, and lets the villagers write."""

    name = "line"
    window = 64
    pace_ms = 0
    timeout_ms = 60_000
    reports = False

    def __init__(self) -> None:
        self.taken_s: dict[str, float] = {}
        self.sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self.progress = asyncio.Event()

    async def run(self, sink: Sink) -> None:
        self.sink.set_result(sink)
        await asyncio.Event().wait()

    async def send(self, parcel: Parcel) -> Accepted:
        self.taken_s[parcel.to] = time.monotonic()
        self.progress.set()
        return Accepted(parcel.reference)

    async def ask(self, reference: str) -> Fate:
        raise CannotAskError(reference)


async def main(folder: Path, rounds: int) -> None:
    line = _Line()
    async with opened(folder) as village, at_work(village.gateway([line])):
        await village.notify(1)
        numbers = await _reached(village)
        sink = await line.sink
        durable_ms: list[float] = []
        taken_ms: list[float] = []
        for begin in range(0, rounds * AT_ONCE, AT_ONCE):
            group = numbers[begin : begin + AT_ONCE]
            line.taken_s.clear()
            arrived_s = time.monotonic()
            durable_ms += await asyncio.gather(*(_answer(sink, number, village.clock.now_ms()) for number in group))
            while len(line.taken_s) < len(group):
                line.progress.clear()
                await line.progress.wait()
            taken_ms += [(taken_s - arrived_s) * 1000 for taken_s in line.taken_s.values()]
        confirmed = await village.count("SELECT count(*) FROM notice_confirmation")
    print(json.dumps({"durable_ms": durable_ms, "taken_ms": taken_ms, "confirmed": confirmed}), flush=True)


async def _answer(sink: Sink, number: str, centre_ms: int) -> float:
    arrived_s = time.monotonic()
    await sink.received(Inbound(sender=number, text="9", centre_ms=centre_ms))
    return (time.monotonic() - arrived_s) * 1000


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
