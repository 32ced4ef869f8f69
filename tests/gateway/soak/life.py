"""One life of a gateway in a process of its own: from its start until the power is cut, or until nothing is left to do.

The carrier and its phones live in a file beside the village's and have their own, true time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.choosing import Line
from gateway.failures import CannotAskError, RejectedError, Trouble
from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, Channel, Draft, MissedCall, Moved, ReceivedSms
from gateway.quiet import QuietHours
from gateway.shift_store import shift_times
from gateway.simulated.carrier import Carrier
from gateway.simulated.dice import Dice
from gateway.simulated.handset import Rule
from gateway.transport import Accepted, Fate, Parcel
from gateway.transports.simulator import SimulatorSms
from tests.gateway.conftest import WatchedDatabase
from tests.gateway.soak.schedule import AT_HOME, HOUR, MINUTE, NUMBERS, Schedule
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database, DiskFullError
from village.ground.migrate import migrate
from village.ground.privacy import Vault

T = TypeVar("T")

BEGAN_MS = parse_iso("2026-12-05T09:10:00")
VAULT = Vault(b"k" * 32)
PRICE_FEN = 10
BARRED = "bar"
"""The code with which a carrier says that it will never take a message."""

_HORIZON_MS = 24 * HOUR
_ASKED_BY_MS = 70 * MINUTE
"""A carrier is asked again about what nobody knows after an hour at the latest."""

_TOLD_THE_TIME_AFTER_MS = 20 * MINUTE


@dataclass
class Doom:
    """The power goes at the `count`-th such moment; with none it never does."""

    moment: str
    count: int

    def at(self, moment: str) -> None:
        if moment == self.moment:
            self.count -= 1
            if self.count <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class TrueClock:
    """The network's time, whatever the village believes."""

    trusted = True

    def __init__(self, village: MovableClock, began_ms: int) -> None:
        self._village = village
        self._began_ms = began_ms - village.monotonic_ms()

    def now_ms(self) -> int:
        return self._began_ms + self._village.monotonic_ms()

    def monotonic_ms(self) -> int:
        return self._village.monotonic_ms()

    async def sleep_ms(self, duration_ms: int) -> None:
        await self._village.sleep_ms(duration_ms)


class DoomedDatabase(WatchedDatabase):
    def __init__(self, db: Database, doom: Doom) -> None:
        super().__init__(db)
        self._doom = doom
        self.full = False

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        if self.full:
            raise DiskFullError("no room")

        def doomed(tx: sqlite3.Connection) -> T:
            made = unit(tx)
            self._doom.at("in_unit")
            return made

        made = await super().write(doomed)
        self._doom.at("committed")
        return made


class DoomedSms(SimulatorSms):
    def __init__(
        self, carrier: Carrier, doom: Doom, plan: Schedule, folder: Path, *, name: str, window: int, pace_ms: int
    ) -> None:
        super().__init__(carrier, name=name, window=window, pace_ms=pace_ms)
        self._doom = doom
        self._asks = plan.asks
        self._plan = plan
        self._folder = folder

    async def send(self, parcel: Parcel) -> Accepted:
        self._doom.at("submitting")
        if parcel.to == AT_HOME:
            with (self._folder / "at_home").open("a") as seen:
                seen.write(f"{self.name}\n")
        if Dice(self._plan.seed).hits(self._plan.bars, "bar", self.name, parcel.message_id):
            raise RejectedError(Trouble.REFUSED, BARRED)
        accepted = await super().send(parcel)
        self._doom.at("taken")
        return accepted

    async def ask(self, reference: str, began_ms: int) -> Fate:
        if not self._asks:
            raise CannotAskError(reference)
        return await super().ask(reference, began_ms)


class Chronicle:
    """The village's side: writes down in the gateway's own unit what it was told."""

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None: ...

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None: ...

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None: ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        tx.execute(
            "INSERT INTO told (message_id, before, after) VALUES (?, ?, ?)",
            (moved.message_id, moved.before, moved.after),
        )


def _prepare(tx: sqlite3.Connection) -> None:
    migrate(tx, ["gateway"], 0)
    tx.execute("CREATE TABLE IF NOT EXISTS told (id INTEGER PRIMARY KEY, message_id INTEGER, before TEXT, after TEXT)")


@dataclass
class _Life:
    folder: Path
    plan: Schedule
    clock: MovableClock
    true: TrueClock
    db: DoomedDatabase
    gateway: Gateway
    carrier: Carrier
    sent: set[int]
    """Errands in the outbox."""
    typed: set[str]
    """Letters the villagers have typed."""

    def since_ms(self) -> int:
        return self.true.now_ms() - BEGAN_MS

    async def act(self) -> None:
        """Everything of the plan that is due and not yet done."""
        now_ms = self.since_ms()
        self.db.full = any(begin <= now_ms < end for begin, end in self.plan.full_disk)
        down = any(begin <= now_ms < end for begin, end in self.plan.outages)
        if down != self.carrier.is_down:
            self.carrier.set_down(Trouble.NO_SIGNAL if down else None)
        for letter in self.plan.letters:
            if letter.at_ms <= now_ms and letter.text not in self.typed:
                self.typed.add(letter.text)
                self.carrier.send_from(letter.sender, letter.text)
        with contextlib.suppress(DiskFullError):
            await self._send_due(now_ms)

    async def _send_due(self, now_ms: int) -> None:
        for k, errand in enumerate(self.plan.errands):
            if errand.at_ms > now_ms or k in self.sent:
                continue
            draft = Draft(
                to=errand.to,
                channel=Channel.SMS,
                kind=errand.kind,
                priority=errand.priority,
                reference=f"soak/{k}",
                text=errand.text,
                expires_ms=self.clock.now_ms() + errand.lasts_ms,
            )
            await self.db.write(lambda tx, draft=draft: self.gateway.outbox.enqueue(tx, draft))  # type: ignore[misc]
            self.sent.add(k)
            with (self.folder / "promised").open("a") as promised:
                promised.write(f"{k}\n")

    async def over(self) -> bool:
        """Whether nothing can happen any more, or the day is."""
        if self.since_ms() > _HORIZON_MS:
            return True
        if self.since_ms() < 3 * HOUR + 40 * MINUTE or self.carrier.busy:
            return False
        if self.clock.monotonic_ms() < _ASKED_BY_MS:
            return False
        open_states = "('queued', 'sending')"
        waiting = await self.db.read(
            lambda tx: tx.execute(f"SELECT count(*) FROM message WHERE state IN {open_states}").fetchone()[0]
        )
        return int(waiting) == 0


async def live(folder: Path, plan: Schedule, number: int) -> None:
    """`number`: which life it is; after the last of `plan.ends` one more is lived to the end."""
    end = plan.ends[number] if number < len(plan.ends) else None
    doom = Doom(end.moment, end.count) if end is not None else Doom("", 0)
    born_ms = _true_ms(folder)
    before = plan.ends[number - 1] if number else None
    if before is not None:
        born_ms += before.dark_ms
    guesses = before is not None and before.guesses
    behind_ms = before.dark_ms if guesses and before is not None else 0
    clock = MovableClock(born_ms - behind_ms, trusted=not guesses)
    true = TrueClock(clock, born_ms)
    db = DoomedDatabase(await Database.open(folder / "village.db", _prepare), doom)
    carrier = Carrier.open(folder / "carrier.db", true, seed=plan.seed, faults=plan.faults)
    for phone in NUMBERS:
        carrier.add(phone)
        if not number:  # what a phone has been told before is in the carrier's own memory
            carrier.set_rule(phone, plan.rules.get(phone, Rule()))
    lines = [DoomedSms(carrier, doom, plan, folder, name="first", window=1 if plan.two_lines else 8, pace_ms=500)]
    if plan.two_lines:
        lines.append(DoomedSms(carrier, doom, plan, folder, name="second", window=4, pace_ms=0))
    gateway = Gateway(
        db=db,
        clock=clock,
        vault=VAULT,
        events=Chronicle(),
        sms=lines,
        settings=Settings(quiet=QuietHours() if plan.quiet else None),
        lines={
            "first": Line(price_fen=PRICE_FEN, month_fen=plan.month_fen),
            "second": Line(
                rank=1,
                price_fen=PRICE_FEN,
                month_fen=plan.month_fen,
                kinds=frozenset({"notice"}) if plan.limited else frozenset(),
                abroad=plan.limited,
            ),
        },
    )
    await gateway.recover()
    await db.write(lambda tx: gateway.outbox.keep_home(tx, AT_HOME, home_only=True))
    sent = await db.read(lambda tx: {int(row[0][5:]) for row in tx.execute("SELECT reference FROM message")})
    typed = {note.text for phone in NUMBERS for note in carrier.thread(phone, limit=500) if note.mine}
    life = _Life(folder, plan, clock, true, db, gateway, carrier, sent, typed)
    rooms = [asyncio.create_task(carrier.run()), asyncio.create_task(gateway.run())]
    wall_ms = clock.now_ms()
    while not await life.over():
        _remember(folder, true.now_ms())
        if not clock.trusted and clock.monotonic_ms() >= _TOLD_THE_TIME_AFTER_MS:
            clock.step_wall(behind_ms)
            clock.set_trusted(True)
            with contextlib.suppress(DiskFullError):
                await db.write(lambda tx: shift_times(tx, wall_ms, behind_ms))
        await life.act()
        await db.idle()
        due_ms = clock.next_due_ms
        await clock.advance(1000 if due_ms is None else min(max(due_ms, 1), MINUTE))
        await db.idle()
    for room in rooms:
        room.cancel()
    await asyncio.gather(*rooms, return_exceptions=True)
    carrier.close()
    await db.inner.close()


def _remember(folder: Path, now_ms: int) -> None:
    (folder / "true.new").write_text(str(now_ms))
    (folder / "true.new").replace(folder / "true")


def _true_ms(folder: Path) -> int:
    try:
        return int((folder / "true").read_text())
    except FileNotFoundError:
        return BEGAN_MS
