"""The gateway put together: a lane for every transport, an ear at each, and a broom.

Never knows what a message is about. Built by whoever owns the database; runs until cancelled, or until `stop`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.board import Board
from gateway.choosing import Line
from gateway.condition import Condition
from gateway.conversation import Conversation
from gateway.failures import TransportFailure, Trouble, where
from gateway.ground import Clock, Database, Vault
from gateway.housekeeping import Housekeeping
from gateway.inbox import Inbox
from gateway.lanes import Gauge, Lane, LaneStatus, Perform
from gateway.message import Channel, Events
from gateway.outbox import Outbox
from gateway.posting import Posting
from gateway.purse import Purse, Spending
from gateway.quiet import QuietHours
from gateway.reconciliation import Reconciliation
from gateway.transport import Accepted, CallTransport, Inbound, Parcel, Report, Ring, Sink, SmsTransport, Voice
from gateway.verdict import Claim

log = logging.getLogger(__name__)

_SWEEP_MS = 60_000
_AGE_MS = 3_600_000
_RESTART_MS = 5_000

_LONGEST_CALL_MS = 20 * 60_000
"""No call of ours lasts this long; one that seems to is a line that never said it had ended."""

_STEP_MS = 5_000
"""Wall and stopwatch apart by more than this within one sweep: somebody has put the clock right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`quiet` None: a village without quiet hours."""

    quiet: QuietHours | None = field(default_factory=QuietHours)


Listen = Callable[[Sink], Awaitable[None]]
TellTime = Callable[[int], Awaitable[object]]
Unit = Callable[[sqlite3.Connection], object]


class _Ear:
    """What one transport hands its news to."""

    def __init__(
        self,
        lane: Lane,
        name: str,
        *,
        db: Database,
        inbox: Inbox,
        on_up: Callable[[], None],
        tell_time: TellTime | None,
    ) -> None:
        self._lane = lane
        self._name = name
        self._db = db
        self._inbox = inbox
        self._on_up = on_up
        self._tell_time = tell_time

    async def report(self, report: Report) -> None:
        await self._lane.report(report)

    async def received(self, inbound: Inbound) -> bool:
        return await self._db.write(lambda tx: self._inbox.take(tx, inbound, self._name)) is not None

    async def rang(self, ring: Ring) -> bool:
        return await self._db.write(lambda tx: self._inbox.take_ring(tx, ring, self._name)) is not None

    async def network_time(self, wall_ms: int) -> None:
        if self._tell_time is not None:
            await self._tell_time(wall_ms)

    def up(self) -> None:
        self._lane.up()
        self._on_up()

    def down(self, trouble: Trouble, code: str = "") -> None:
        self._lane.down(trouble, code)


class Gateway:
    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        vault: Vault,
        events: Events,
        sms: Sequence[SmsTransport],
        calls: Sequence[CallTransport] = (),
        voice: Voice | None = None,
        settings: Settings | None = None,
        outbox: Outbox | None = None,
        tell_time: TellTime | None = None,
        lines: Mapping[str, Line] | None = None,
    ) -> None:
        """`voice` is needed where there are call transports; names of transports must differ. `tell_time` is told what
        a network says the time is. `lines`: order, price and budget by a transport's name.
        """
        self._db = db
        self._clock = clock
        self._purse = Purse(clock, lines or {})
        self._board = Board()
        quiet = (settings or Settings()).quiet
        self._posting = Posting(vault, clock, events, quiet, self._purse, self._board.ways)
        self._housekeeping = Housekeeping(self._posting)
        self.outbox = Outbox(vault, clock) if outbox is None else outbox
        self.inbox = Inbox(vault, clock, events)
        self._tell_time = tell_time
        self._sms: dict[str, SmsTransport] = {}
        self._reconciliation = Reconciliation(self._sms, db=db, clock=clock, posting=self._posting)
        self._stopped = asyncio.Event()
        self._lanes: dict[str, Lane] = {}
        self._listening: dict[str, tuple[Listen, _Ear]] = {}
        self._rooms: asyncio.TaskGroup | None = None
        self._tasks: dict[str, tuple[asyncio.Task[None], asyncio.Task[None]]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        for carrier in sms:
            self.open(carrier)
        for exchange in calls:
            if voice is None:
                raise ValueError("calls need a voice")
            talk = Conversation(exchange, voice, db=db, clock=clock, posting=self._posting)
            self._open(_call_gauge(exchange), talk.hold, exchange.run)

    def open(self, carrier: SmsTransport, line: Line | None = None) -> None:
        """One more SMS line; while running, it starts at once. Raises ValueError for a name that is there already."""
        if line is not None:
            self._purse.set_line(carrier.name, line)
        self._open(_sms_gauge(carrier), _sender(carrier, self._clock), carrier.run)
        self._sms[carrier.name] = carrier
        self._reconciliation.ask_afresh()
        if self._rooms is not None and not self._stopped.is_set():
            self._start(carrier.name)

    async def close(self, name: str) -> None:
        """No more over this SMS line; what is under way on it comes to its end first. Idempotent, and whole even where
        whoever waits for it gives up."""
        if name in self._sms and name not in self._closing:
            self._lanes[name].stop()
            self._closing[name] = asyncio.create_task(self._close(name), name=f"{name}-closing")
        if name in self._closing:
            await asyncio.shield(self._closing[name])

    async def _close(self, name: str) -> None:
        if name in self._tasks:
            lane, ear = self._tasks.pop(name)
            await asyncio.wait({lane})
            ear.cancel()
            await asyncio.wait({ear})
        del self._sms[name], self._listening[name], self._lanes[name]
        self._board.leave(name)
        del self._closing[name]

    def _start(self, name: str) -> None:
        if self._rooms is None:
            raise RuntimeError("the gateway is not running")
        lane = self._rooms.create_task(self._keep_moving(self._lanes[name]), name=f"{name}-lane")
        ear = self._rooms.create_task(self._listen(name, *self._listening[name]), name=f"{name}-ear")
        self._tasks[name] = lane, ear

    def _open(self, gauge: Gauge, perform: Perform, listen: Listen) -> None:
        if gauge.name in self._lanes:
            raise ValueError("two transports have one name")
        lane = Lane(gauge, perform, db=self._db, clock=self._clock, posting=self._posting, board=self._board)
        self._lanes[gauge.name] = lane
        ear = _Ear(
            lane,
            gauge.name,
            db=self._db,
            inbox=self.inbox,
            on_up=self._reconciliation.soon,
            tell_time=self._tell_time,
        )
        self._listening[gauge.name] = listen, ear

    def lanes(self) -> list[LaneStatus]:
        """How each transport is doing, for the desk."""
        return [lane.status() for lane in self._lanes.values()]

    def conditions(self) -> dict[str, Condition]:
        """What each SMS line knows of itself, by name."""
        return {name: carrier.condition() for name, carrier in self._sms.items()}

    def spending(self, tx: sqlite3.Connection) -> list[Spending]:
        """What each line has cost this month."""
        return [self._purse.spending(tx, name) for name in self._lanes]

    async def recover(self) -> int:
        """At start, before `run`: tries that were under way become unknown (calls are dialled again); how many."""
        found = 0
        while count := await self._db.write(self._posting.interrupted):
            found += count
        if found:
            log.warning("tries were cut off by the last stop count=%d", found)
        await self._db.write(self._housekeeping.mend_times)
        return found

    async def run(self) -> None:
        """Send, listen and clean up until cancelled, or until `stop` has let the last try end."""
        async with asyncio.TaskGroup() as rooms:
            self._rooms = rooms
            around = [
                rooms.create_task(self._wake_lanes(), name="gateway-wake"),
                rooms.create_task(self._sweep(), name="gateway-sweep"),
                rooms.create_task(self._restarting("reconciliation", self._reconciliation.run), name="gateway-ask"),
            ]
            for name in self._lanes:
                self._start(name)
            try:
                await self._stopped.wait()
                self._rooms = None
                await asyncio.gather(*(lane for lane, _ in self._tasks.values()), *self._closing.values())
            finally:
                self._rooms = None
            for task in (*around, *(ear for _, ear in self._tasks.values())):
                task.cancel()

    def stop(self) -> None:
        """Let what is under way end, claim nothing more; `run` returns then. Cancelling `run` is safe at any time."""
        self._stopped.set()
        for lane in self._lanes.values():
            lane.stop()

    async def _wake_lanes(self) -> None:
        with self._db.changed() as changed:
            while True:
                await changed.wait()
                changed.clear()
                for lane in self._lanes.values():
                    lane.wake()

    async def _listen(self, name: str, listen: Listen, ear: _Ear) -> None:
        async def once() -> None:
            try:
                await listen(ear)
            except TransportFailure as failure:
                ear.down(failure.trouble, failure.code)
            except Exception:
                ear.down(Trouble.OTHER)
                raise

        await self._restarting(name, once)

    async def _keep_moving(self, lane: Lane) -> None:
        """Run the lane. Where the watchdog finds it standing still it begins anew; what it had under way is unknown."""
        while not lane.stopping:
            running = asyncio.ensure_future(lane.run())
            guarding = asyncio.ensure_future(self._watch(lane))
            try:
                await asyncio.wait({running, guarding}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (running, guarding):
                    task.cancel()
                await asyncio.gather(running, guarding, return_exceptions=True)
            if running.cancelled():  # it hung: of what was still under way nobody knows any more how it ended
                await lane.write_down()
                await self._write_off(lane.name)
            else:
                running.result()

    async def _write_off(self, name: str) -> None:
        def unit(tx: sqlite3.Connection) -> int:
            return self._posting.interrupted(tx, transport=name)

        while await self._db.write(unit):
            pass

    async def _watch(self, lane: Lane) -> None:
        """Returns once the lane has stopped moving: seen twice, so that a clock that jumped is not taken for it."""
        seen = False
        while not (lane.stands_still() and seen):
            seen = lane.stands_still()
            await self._clock.sleep_ms(_SWEEP_MS)
        log.error("lane has stopped moving and begins anew lane=%s", lane.name)

    async def _restarting(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """One room's mistake must not take the others with it."""
        while True:
            try:
                await work()
            except Exception as raised:  # noqa: BLE001 - logged, and begun afresh
                log.error("stopped and begins afresh room=%s raised=%s", name, where(raised))
            await self._clock.sleep_ms(_RESTART_MS)

    def _mute(self) -> list[str]:
        return [name for name, carrier in self._sms.items() if not carrier.reports]

    async def _sweep(self) -> None:
        offset_ms, aged_ms = self._offset_ms(), self._clock.monotonic_ms()
        while True:
            await self._clock.sleep_ms(_SWEEP_MS)
            try:
                await self._sweep_with(self._housekeeping.has_restless, self._housekeeping.put_to_bed)
                await self._sweep_with(self._housekeeping.has_overdue, self._housekeeping.expire)
                await self._sweep_with(self._housekeeping.has_stranded, self._housekeeping.end_stranded)
                if await self._db.read(self._housekeeping.has_unfiled_money):
                    await self._db.write(self._housekeeping.file_money)
                if abs(self._offset_ms() - offset_ms) > _STEP_MS:
                    offset_ms = self._offset_ms()
                    await self._db.write(self._housekeeping.mend_times)
                if self._clock.monotonic_ms() - aged_ms >= _AGE_MS:
                    aged_ms = self._clock.monotonic_ms()
                    await self._age_out()
                    await self._db.write(self._housekeeping.forget_references)
            except Exception as raised:  # noqa: BLE001 - a full disk, say; the next sweep tries again
                log.error("sweep failed raised=%s", where(raised))

    def _offset_ms(self) -> int:
        return self._clock.now_ms() - self._clock.monotonic_ms()

    async def _sweep_with(self, look: Callable[[sqlite3.Connection], bool], unit: Unit) -> None:
        """Readers look, so that a long queue is not gone through on the one writer."""
        while await self._db.read(look):
            await self._db.write(unit)

    async def _age_out(self) -> None:
        while silent := await self._db.read(lambda tx: self._housekeeping.unreported(tx, self._mute())):
            await self._db.write(lambda tx, silent=silent: self._housekeeping.age_out(tx, silent))  # type: ignore[misc]


def _sms_gauge(carrier: SmsTransport) -> Gauge:
    return Gauge(
        name=carrier.name,
        channel=Channel.SMS,
        window=carrier.window,
        pace_ms=carrier.pace_ms,
        timeout_ms=carrier.timeout_ms,
    )


def _call_gauge(exchange: CallTransport) -> Gauge:
    return Gauge(
        name=exchange.name,
        channel=Channel.CALL,
        window=exchange.window,
        pace_ms=exchange.pace_ms,
        timeout_ms=_LONGEST_CALL_MS,
    )


def _sender(carrier: SmsTransport, clock: Clock) -> Perform:
    async def send(claim: Claim) -> Accepted:
        return await carrier.send(
            Parcel(
                message_id=claim.message_id,
                attempt=claim.attempt,
                reference=claim.our_reference,
                to=claim.to,
                text=claim.content,
                parts=claim.parts,
                priority=claim.priority,
                expires_ms=claim.expires_ms if clock.trusted else None,
            )
        )

    return send
