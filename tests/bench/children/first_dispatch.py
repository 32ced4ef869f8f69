"""Opens the village at FOLDER and starts its gateway on whatever waits there; stops after AFTER messages.

Says how long the first one took from the gateway's start until the carrier had it (milliseconds), and the most memory
that was ever held.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from gateway.condition import Condition
from gateway.failures import CannotAskError
from gateway.transport import Accepted, Fate, Parcel, Sink
from tests.bench.bench_village import at_work, opened
from tests.bench.kernel import peak_mb


class _Line:
    """A carrier that takes at once and counts."""

    name = "line"
    window = 64
    pace_ms = 0
    timeout_ms = 60_000
    reports = False

    def __init__(self, after: int) -> None:
        self.first_s = 0.0
        self.done = asyncio.Event()
        self._left = after

    def condition(self) -> Condition:
        return Condition()

    async def run(self, sink: Sink) -> None:
        await asyncio.Event().wait()

    async def send(self, parcel: Parcel) -> Accepted:
        self.first_s = self.first_s or time.monotonic()
        self._left -= 1
        if self._left <= 0:
            self.done.set()
        return Accepted(parcel.reference)

    async def ask(self, reference: str, began_ms: int) -> Fate:
        raise CannotAskError(reference)


async def main(folder: Path, after: int) -> None:
    line = _Line(after)
    async with opened(folder) as village:
        gateway = village.gateway([line])
        begin_s = time.monotonic()
        await gateway.recover()
        async with at_work(gateway):
            await line.done.wait()
            peak = peak_mb()
    print(json.dumps({"first_ms": (line.first_s - begin_s) * 1000, "peak_mb": peak}), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
