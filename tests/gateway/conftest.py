"""A gateway on a real database, a simulated carrier and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.choosing import Line
from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, Channel, Draft, MissedCall, Moved, Priority, ReceivedSms
from gateway.quiet import QuietHours
from gateway.script import Node, Script
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import Faults, Timing
from gateway.transport import CallTransport, SmsTransport
from gateway.transports.simulator import SimulatorCalls, SimulatorSms
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault

T = TypeVar("T")

WANG = "+8619900000001"
LI = "+8619900000002"
ZHAO = "+8619900000003"


@pytest.fixture
async def db(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Database]:
    database = await open_database(tmp_path / "village.db", clock)
    yield database
    await database.close()


async def open_database(path: Path, clock: MovableClock) -> Database:
    def prepare(tx: sqlite3.Connection) -> None:
        migrate(tx, ["gateway"], clock.now_ms())

    return await Database.open(path, prepare)


@dataclass
class Recorder:
    """The village's side: remembers what it was told; can be told to fail."""

    received_sms: list[ReceivedSms] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)
    calls: list[CallEvent] = field(default_factory=list)
    rings: list[MissedCall] = field(default_factory=list)
    fails_on: Callable[[object], bool] = lambda _: False

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self.received_sms.append(sms)
        self._maybe_fail(sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self.rings.append(missed)

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        self._maybe_fail(moved)
        self.moves.append(moved)

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        self.calls.append(event)
        self._maybe_fail(event)

    def _maybe_fail(self, what: object) -> None:
        if self.fails_on(what):
            raise RuntimeError("the village made a mistake")


@dataclass(frozen=True)
class SpokenClip:
    path: Path
    duration_s: float


class Speaker:
    """A voice that needs a fifth of a second per character."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, bool]] = []
        self.broken = False

    async def clip(self, text: str, *, slow: bool = False) -> SpokenClip:
        if self.broken:
            raise RuntimeError("no voice")
        self.spoken.append((text, slow))
        return SpokenClip(Path(f"/clips/{len(self.spoken)}.wav"), len(text) * (0.3 if slow else 0.2))


QUICK = Timing(
    accept_ms=(100, 300), deliver_ms=(500, 2000), report_ms=(100, 500), inbound_ms=(100, 300), dial_ms=(500, 1000)
)


class WatchedDatabase:
    """The village's database, and whether anybody is waiting for it just now."""

    def __init__(self, db: Database) -> None:
        self.inner = db
        self.path = db.path
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def commits(self) -> int:
        return self.inner.commits

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        with self._watched():
            return await self.inner.write(unit)

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        with self._watched():
            return await self.inner.read(unit)

    def changed(self) -> contextlib.AbstractContextManager[Any]:
        return self.inner.changed()

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        self._waiting += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._idle.set()

    async def idle(self) -> None:
        """Returns once nobody waits for it, and nobody who was ready to run has turned to it again."""
        quiet = 0
        while quiet < 10:
            await asyncio.sleep(0)
            quiet = 0 if self._waiting else quiet + 1
            await self._idle.wait()


class Rig:
    """Gateway, carrier and clock together. `start` and `crash` as often as one likes: database and carrier remain."""

    def __init__(self, db: Database, clock: MovableClock, vault: Vault, carrier: Carrier) -> None:
        self.db = WatchedDatabase(db)
        self.clock = clock
        self.vault = vault
        self.carrier = carrier
        self.recorder = Recorder()
        self.speaker = Speaker()
        self.gateway: Gateway = self._build([SimulatorSms(carrier)], [SimulatorCalls(carrier)], None)
        self._air: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    def _build(
        self,
        sms: Sequence[SmsTransport],
        calls: Sequence[CallTransport],
        quiet: QuietHours | None,
        lines: Mapping[str, Line] | None = None,
    ) -> Gateway:
        return Gateway(
            db=self.db,
            clock=self.clock,
            vault=self.vault,
            events=self.recorder,
            sms=sms,
            calls=calls,
            voice=self.speaker,
            settings=Settings(quiet=quiet),
            lines=lines,
        )

    async def start(
        self,
        *,
        sms: Sequence[SmsTransport] | None = None,
        calls: Sequence[CallTransport] | None = None,
        quiet: QuietHours | None = None,
        lines: Mapping[str, Line] | None = None,
    ) -> int:
        """Start (again); returns how many tries were cut off by the last stop."""
        self.gateway = self._build(
            [SimulatorSms(self.carrier)] if sms is None else sms,
            [SimulatorCalls(self.carrier)] if calls is None else calls,
            quiet,
            lines,
        )
        if self._air is None:
            self._air = asyncio.create_task(self.carrier.run())
        found = await self.gateway.recover()
        self._running = asyncio.create_task(self.gateway.run())
        await self.settled()
        return found

    async def crash(self) -> None:
        """What a power cut leaves: whatever was committed, and the carrier's own memory."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    async def close(self) -> None:
        await self.crash()
        if self._air is not None:
            self._air.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._air
        self.carrier.close()

    async def let_pass(self, duration_ms: int, *, step_ms: int = 500) -> None:
        """Time passes, slowly enough for the database's own thread to keep up."""
        passed = 0
        while passed < duration_ms:
            step = min(step_ms, duration_ms - passed)
            await self.clock.advance(step)
            passed += step
            await self.settled()

    async def settled(self) -> None:
        """Everything that could be done without time passing has been done."""
        await self.db.idle()

    async def until(self, reached: Callable[[], Any], *, within_ms: int = 600_000, step_ms: int = 250) -> None:
        """Time passes until `reached()` (or what it awaits) is true. Fails where it never is."""
        for _ in range(within_ms // step_ms):
            result = reached()
            if await result if inspect.isawaitable(result) else result:
                return
            await self.let_pass(step_ms, step_ms=step_ms)
        pytest.fail("it never came to that")

    async def send(self, to: str = WANG, text: str = "【青山村】通知17:停水", **more: Any) -> int:
        return (await self.send_all([draft(to, text, **more)]))[0]

    async def send_all(self, drafts: Sequence[Draft]) -> list[int]:
        return await self.db.write(lambda tx: self.gateway.outbox.enqueue_many(tx, drafts))

    async def row(self, message_id: int) -> dict[str, Any]:
        def unit(tx: sqlite3.Connection) -> dict[str, Any]:
            return dict(tx.execute("SELECT * FROM message_state WHERE id = :id", {"id": message_id}).fetchone())

        return await self.db.read(unit)

    async def state(self, message_id: int) -> str:
        return str((await self.row(message_id))["state"])

    def reaches(self, message_id: int, state: str) -> Callable[[], Any]:
        async def reached() -> bool:
            return await self.state(message_id) == state

        return reached

    async def states(self) -> dict[str, int]:
        def unit(tx: sqlite3.Connection) -> dict[str, int]:
            return dict(tx.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())

        return await self.db.read(unit)

    def all_are(self, *states: str) -> Callable[[], Any]:
        async def reached() -> bool:
            return set(await self.states()) <= set(states)

        return reached

    def texts_on(self, number: str) -> list[str]:
        return [note.text for note in self.carrier.thread(number) if not note.mine]


def draft(to: str = WANG, text: str = "【青山村】通知17:停水", **more: Any) -> Draft:
    values: dict[str, Any] = {
        "channel": Channel.SMS,
        "kind": "notice",
        "priority": Priority.NOTICE,
        "reference": "notice/1/1",
    }
    return Draft(to=to, text=text, **(values | more))


SCRIPT = Script(
    {
        "start": Node(("您好，青山村村委会。",), silent="notice", wait_ms=500),
        "notice": Node(("通知。明天停水。", "听清楚了按9。"), {"9": "thanks", "*": "notice"}, heard=True),
        "thanks": Node(("记下了。",)),
    }
)


def call_draft(to: str = WANG, script: Script = SCRIPT, **more: Any) -> Draft:
    return draft(to, "", channel=Channel.CALL, script=script, **more)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def rig(db: Database, clock: MovableClock, vault: Vault, faults: Faults, tmp_path: Path) -> AsyncIterator[Rig]:
    carrier = Carrier.open(tmp_path / "carrier.db", clock, seed=7, faults=faults, timing=QUICK)
    for number in (WANG, LI, ZHAO):
        carrier.add(number)
    rig = Rig(db, clock, vault, carrier)
    yield rig
    await rig.close()
