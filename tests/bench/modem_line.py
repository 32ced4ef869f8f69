"""How busy one modem line is while a notice goes to 300 households: the real ModemManager, an emulated stick.

The line may send eight parts a minute. The village's clock runs 25 times as fast as ours, so every delay of gateway and
disk counts 25 times what it would on a real line: the figure is a lower bound. No faster: ModemManager alone needs a
fifth of a second for a text (it writes a millisecond per character to the port), and that must fit into the pace of the
line, as it does on a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.condition import Condition
from gateway.gateway import Gateway, Settings
from gateway.transport import Accepted, Fate, Parcel, Sink
from gateway.transports.modem import Modem, ModemSettings
from tests.bench.figure import Figure
from tests.bench.yard import Yard

RATE = 25
PER_MINUTE = 8
_LONGEST_S = 180


def measure(yard: Yard) -> Iterator[Figure]:
    name, unit = "modem_line_busy", "%"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [program for program in ("ModemManager", "dbus-daemon") if shutil.which(program, path=path) is None]
    if missing:
        yield Figure(name=name, unit=unit, reason=f"needs {', '.join(missing)}; `make system` installs it")
        return
    taken_ms = asyncio.run(_send(yard, yard.scale.households))
    pace_ms = 60_000 / PER_MINUTE
    took_ms = taken_ms[-1] - taken_ms[0] + pace_ms
    yield Figure(
        name=name,
        unit=unit,
        value=round(100 * len(taken_ms) * pace_ms / took_ms, 2),
        how=f"{len(taken_ms)} one-part messages through the real ModemManager and an emulated stick at {PER_MINUTE} a"
        f" minute, clock {RATE} times as fast: time the rate allows ÷ time from the first to the last",
        detail={"messages": len(taken_ms), "minutes_of_the_village": round(took_ms / 60_000, 1)},
    )


class _Watched:
    """The modem's transport, and when each try began on the village's stopwatch."""

    def __init__(self, modem: Modem, clock: Any) -> None:
        self._modem = modem
        self._clock = clock
        self.taken_ms: list[int] = []
        self.name, self.window, self.reports = modem.name, modem.window, modem.reports
        self.pace_ms, self.timeout_ms = modem.pace_ms, modem.timeout_ms * RATE

    def condition(self) -> Condition:
        return self._modem.condition()

    async def run(self, sink: Sink) -> None:
        await self._modem.run(sink)

    async def send(self, parcel: Parcel) -> Accepted:
        self.taken_ms.append(self._clock.monotonic_ms())
        return await self._modem.send(parcel)

    async def ask(self, reference: str, began_ms: int) -> Fate:
        return await self._modem.ask(reference, began_ms)


async def _send(yard: Yard, households: int) -> list[int]:
    from gateway.transports.modem_bus import ModemBus
    from tests.gateway.conftest import Recorder, draft, open_database
    from tests.gateway.modem.around import Around
    from tests.gateway.modem.conftest import ModemRig
    from tests.gateway.modem.emulator import Emulator
    from village.ground.clock import MovableClock
    from village.ground.privacy import Vault

    clock = MovableClock(time.time_ns() // 1_000_000, rate=RATE)
    vault = Vault(b"k" * 32)
    db = await open_database(yard.fresh("modem-line.db"), clock)
    sockets = Path(tempfile.mkdtemp(prefix="modem-line-"))  # a socket's name has room for a hundred characters only
    around = Around(sockets)
    emulator = Emulator(f"bench-{os.getpid()}")
    try:
        await around.boot()
        async with await ModemBus.connect(around.address) as bus:
            modem = Modem(ModemSettings("modem", per_minute=PER_MINUTE, bus=around.address), clock)
            line = _Watched(modem, clock)
            rig = ModemRig(emulator, modem, bus, around, clock)
            await rig.answers()
            await rig.plug_in()
            gateway = Gateway(
                db=db, clock=clock, vault=vault, events=Recorder(), sms=[line], settings=Settings(quiet=None)
            )
            running = asyncio.create_task(gateway.run())
            await rig.until(lambda: modem.condition().note == "")
            drafts = [draft(f"+861990000{n:04d}") for n in range(households)]
            await db.write(lambda tx: gateway.outbox.enqueue_many(tx, drafts))
            await rig.until(lambda: len(line.taken_ms) >= households, within_s=_LONGEST_S)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await emulator.unplug()
    finally:
        around.shut_down()
        await db.close()
        shutil.rmtree(sockets, ignore_errors=True)
    return line.taken_ms
