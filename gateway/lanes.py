"""A lane: one transport's share of the queue. Claim → the carrier is called → how it ended, round and round.

The claim is committed before the carrier is called. Never more than the transport's window is under way, and a try that
waits (for an answer, for its next time) never holds up another. While the link is down the lane claims nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.board import Board
from gateway.choosing import Share
from gateway.failures import (
    GatewayError,
    GaveWayError,
    OutcomeUnknownError,
    TransportDownError,
    TransportFailure,
    Trouble,
    where,
)
from gateway.ground import Clock, Database, wait_for
from gateway.message import Channel, Priority
from gateway.posting import Claimed, Posting
from gateway.transport import Report
from gateway.verdict import Claim, Outcome

log = logging.getLogger(__name__)

LINGER_MS = 200
"""A busy lane writes down what ended no more often than this unless half its window is back: fewer, fuller commits."""

LOOK_AGAIN_MS = 30_000
"""How soon a lane whose link is down tries with one message, where the transport does not say."""

_AWAKE_MS = 60_000
"""A lane looks at the queue at least this often, whatever it was told."""

_STILL_MS = 5 * 60_000
"""A loop that is awake every minute and has not come round for this long hangs."""

_TROUBLE_MS = 5_000
"""After a commit that failed (a full disk): nothing is sent that could not be written down first."""


class LaneStoppedError(GatewayError):
    """Nobody is here any more to write that down; the carrier has to say it again."""


Perform = Callable[[Claim], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """What the desk shows of a lane. `since_ms`: since when it has been up or down. `broke`: its month's budget is used
    up, only emergencies go. `stuck`: it has stopped moving although something waits."""

    name: str
    channel: Channel
    up: bool
    trouble: Trouble | None
    since_ms: int
    in_flight: int
    window: int
    broke: bool
    stuck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A transport as its lane sees it. `timeout_ms` None: the try ends by itself."""

    name: str
    channel: Channel
    window: int
    pace_ms: int
    timeout_ms: int | None


class Lane:
    def __init__(
        self, gauge: Gauge, perform: Perform, *, db: Database, clock: Clock, posting: Posting, board: Board
    ) -> None:
        self._gauge = gauge
        self._perform = perform
        self._db = db
        self._clock = clock
        self._posting = posting
        self._board = board
        self._wake = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], tuple[Claim, int]] = {}
        self._giving_way: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Claim, Outcome]] = []
        self._reports: list[tuple[Report, asyncio.Future[None]]] = []
        self._commit_ms = -LINGER_MS
        self._next_start_ms = 0
        self._quiet_until_ms = 0
        self._down: Trouble | None = None
        self._since_ms = clock.now_ms()
        self._stopping = False
        self._stopped = False
        self._moved_ms = clock.monotonic_ms()
        self._stuck = False
        self._broke_in = ""
        """The month whose budget is used up."""
        self._short_fen = 0
        """What did not fit into it."""
        board.enter(gauge.name, gauge.channel, posting.purse.line(gauge.name), self._moved_ms, self.wake)

    # from outside

    def wake(self) -> None:
        """Something may have changed: the queue, the link."""
        self._wake.set()

    def up(self) -> None:
        if self._down is not None:
            log.info("lane up lane=%s after=%s", self._gauge.name, self._down)
            self._down, self._since_ms = None, self._clock.now_ms()
            self._board.tell(self._gauge.name, up=True, now_ms=self._clock.monotonic_ms())
        self._quiet_until_ms = 0
        self._wake.set()

    def down(self, trouble: Trouble, code: str = "", after_ms: int | None = None) -> None:
        if self._down != trouble:
            log.warning("lane down lane=%s trouble=%s code=%s", self._gauge.name, trouble, code)
            self._down, self._since_ms = trouble, self._clock.now_ms()
            self._board.tell(self._gauge.name, up=False, now_ms=self._clock.monotonic_ms())
        self._quiet_until_ms = self._clock.monotonic_ms() + (LOOK_AGAIN_MS if after_ms is None else after_ms)
        self._wake.set()

    @property
    def name(self) -> str:
        return self._gauge.name

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stands_still(self) -> bool:
        """Whether the loop has not come round for far longer than anything it waits for may take."""
        limit_ms = _STILL_MS + (self._gauge.timeout_ms or 0)
        still = self._clock.monotonic_ms() - self._moved_ms > limit_ms
        self._stuck = self._stuck or still
        return still

    @property
    def is_up(self) -> bool:
        return self._down is None

    def status(self) -> LaneStatus:
        gauge = self._gauge
        under_way = len(self._under_way)
        return LaneStatus(
            gauge.name, gauge.channel, self.is_up, self._down, self._since_ms, under_way, gauge.window,
            broke=self._board.is_broke(gauge.name), stuck=self._stuck,
        )  # fmt: skip

    async def report(self, report: Report) -> None:
        """Returns once it is on the disk; reports that come together share a commit. Raises LaneStoppedError."""
        if self._stopped:
            raise LaneStoppedError("the lane has stopped")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reports.append((report, kept))
        self._wake.set()
        await kept

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended and is written down."""
        self._stopping = True
        self._wake.set()

    async def write_down(self) -> None:
        """After the loop hung: the tries that had come to their end before."""
        ended = list(self._ended)
        await self._db.write(lambda tx: self._posting.record(tx, self._gauge.name, ended))
        del self._ended[: len(ended)]

    # the loop

    async def run(self) -> None:
        """Until cancelled, or until `stop` and the last try has ended."""
        self._stopped, self._moved_ms = False, self._clock.monotonic_ms()
        try:
            while not (self._stopping and not self._under_way and not self._pending):
                self._wake.clear()
                self._moved_ms = self._clock.monotonic_ms()
                self._time_out()
                pause_ms = await self._turn()
                self._stuck = False
                if pause_ms > 0:
                    await wait_for(self._clock, self._wake, pause_ms)
        finally:
            for task in list(self._under_way):
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            self._under_way.clear()
            self._stopped = True
            for _, kept in self._reports:
                if not kept.done():
                    kept.set_exception(LaneStoppedError("the lane has stopped"))

    @property
    def _pending(self) -> int:
        return len(self._ended) + len(self._reports)

    async def _turn(self) -> int:
        """Write down and claim what there is; returns how long there is nothing more to do."""
        now_ms = self._clock.monotonic_ms()
        linger_ms = self._linger_ms(now_ms)
        if linger_ms > 0:
            return linger_ms
        room, room_in_ms = self._room(now_ms)
        due_in_ms = _AWAKE_MS
        share = self._board.share(self._gauge.name, now_ms)
        if room and not self._pending:
            due_in_ms = await self._due_in_ms(share)
        if self._pending or (room and due_in_ms <= 0):
            return await self._commit(room, share)
        if not room:
            await self._make_way()
        turn_ms = _AWAKE_MS if share.again_ms is None else max(share.again_ms - now_ms, 1)
        return min(due_in_ms if room else room_in_ms, self._until_timeout_ms(), turn_ms, _AWAKE_MS)

    def _linger_ms(self, now_ms: int) -> int:
        """How long what is pending may wait for company."""
        if not self._pending or self._pending * 2 >= self._gauge.window or (self._ended and not self._under_way):
            return 0
        return self._commit_ms + LINGER_MS - now_ms

    def _room(self, now_ms: int) -> tuple[int, int]:
        """How many tries may start now; where none, how long until one may."""
        free = self._gauge.window - len(self._under_way)
        if self._stopping or free <= 0:
            return 0, _AWAKE_MS
        start_ms = max(self._next_start_ms, self._quiet_until_ms)
        if now_ms < start_ms:
            return 0, start_ms - now_ms
        if self._down is not None:  # one look whether the link is back
            return (1, 0) if not self._under_way else (0, _AWAKE_MS)
        if self._gauge.pace_ms:
            return min(free, max(1, LINGER_MS // self._gauge.pace_ms)), 0
        return free, 0

    async def _due_in_ms(self, share: Share) -> int:
        gauge = self._gauge

        flying = self._flying()

        def look(tx: sqlite3.Connection) -> tuple[int | None, bool]:
            due_ms = self._posting.next_due_ms(tx, gauge.channel, gauge.name, share)
            return due_ms, bool(self._broke_in) and self._can_pay_again(tx, flying)

        try:
            due_ms, can_pay = await self._db.read(look)
        except Exception as raised:  # noqa: BLE001 - the lane outlives a database in trouble
            log.error("queue unreadable lane=%s reason=%s", gauge.name, type(raised).__name__)
            return _TROUBLE_MS
        if can_pay:
            self._broke_in = ""
            self._board.tell_broke(gauge.name, broke=False)
            return 0
        return _AWAKE_MS if due_ms is None else due_ms - self._clock.now_ms()

    def _flying(self) -> int:
        """Parts under way."""
        return sum(max(claim.parts, 1) for claim, _ in self._under_way.values())

    def _can_pay_again(self, tx: sqlite3.Connection, flying: int) -> bool:
        """A new month, or what was reserved for tries under way was not needed after all."""
        purse, left_fen = self._posting.purse, None
        if purse.month(tx) == self._broke_in:
            left_fen = purse.left_fen(tx, self._gauge.name, flying)
        return left_fen is None or left_fen >= self._short_fen

    async def _make_way(self) -> None:
        """An emergency call does not wait until a daily one has been listened to: one of those ends, and waits."""
        if self._gauge.channel != Channel.CALL or self._giving_way or self._stopping:
            return
        ordinary = [(claim.priority, start_ms, task) for task, (claim, start_ms) in self._under_way.items()]
        ordinary = [one for one in ordinary if one[0] >= Priority.REMINDER]
        if not ordinary or len(self._under_way) < self._gauge.window:
            return
        try:
            alarm = await self._db.read(lambda tx: self._posting.alarm_waits(tx, self._gauge.channel))
        except Exception as raised:  # noqa: BLE001 - as in `_due_in_ms`
            log.error("queue unreadable lane=%s reason=%s", self._gauge.name, type(raised).__name__)
            return
        task = max(ordinary, key=lambda one: one[:2])[2]
        if alarm and not task.done():
            self._giving_way.add(task)
            task.cancel()

    async def _commit(self, room: int, share: Share) -> int:
        """One unit: how tries ended, what the carrier reports, and the next claims. Returns a pause where it failed."""
        ended, reports = list(self._ended), list(self._reports)

        gauge = self._gauge
        flying = self._flying()

        def unit(tx: sqlite3.Connection) -> Claimed:
            self._posting.record(tx, gauge.name, ended)
            self._posting.report(tx, gauge.name, [report for report, _ in reports])
            if not room:
                return Claimed(())
            return self._posting.claim(tx, gauge.channel, gauge.name, room, share, flying=flying)

        try:
            claimed = await self._db.write(unit)
        except Exception as raised:  # noqa: BLE001 - nothing is lost: it is written down as soon as that is possible
            log.error("lane could not write lane=%s reason=%s", self._gauge.name, type(raised).__name__)
            return _TROUBLE_MS
        del self._ended[: len(ended)], self._reports[: len(reports)]
        for _, kept in reports:
            if not kept.done():
                kept.set_result(None)
        self._commit_ms = now_ms = self._clock.monotonic_ms()
        if claimed.broke:
            self._short_fen = claimed.short_fen
        if claimed.broke and not self._broke_in:
            log.warning("budget used up lane=%s month=%s", gauge.name, claimed.broke)
            self._broke_in = claimed.broke
        if claimed.broke and not claimed.reserved:
            self._board.tell_broke(gauge.name, broke=True)
        parts = sum(max(claim.parts, 1) for claim in claimed.claims)
        # a start that was a little late does not put off all that follow: the line has a rate, not a rhythm
        late_ms = now_ms - self._next_start_ms
        begun_ms = self._next_start_ms if 0 <= late_ms <= gauge.pace_ms // 10 else max(self._next_start_ms, now_ms)
        self._next_start_ms = begun_ms + gauge.pace_ms * parts
        for claim in claimed.claims:
            task = asyncio.create_task(self._try(claim), name=f"{self._gauge.name}-{claim.message_id}")
            self._under_way[task] = (claim, now_ms)
            task.add_done_callback(self._back)
        # another lane was quicker: what is due is no longer there for us, or not yet
        return 0 if claimed.claims or ended or reports else LINGER_MS

    async def _try(self, claim: Claim) -> None:
        outcome: Outcome
        try:
            outcome = await self._perform(claim)
        except TransportFailure as failure:
            outcome = failure
        except asyncio.CancelledError:
            if asyncio.current_task() not in self._giving_way:
                raise
            outcome = GaveWayError()
        except Exception as raised:  # noqa: BLE001 - a mistake in a transport: nobody knows what the carrier has done
            log.error("transport raised lane=%s message=%d at=%s", self._gauge.name, claim.message_id, where(raised))
            outcome = OutcomeUnknownError(Trouble.OTHER, type(raised).__name__)
        self._end(claim, outcome)

    def _end(self, claim: Claim, outcome: Outcome) -> None:
        if isinstance(outcome, TransportDownError):
            self.down(outcome.trouble, outcome.code, outcome.after_ms)
        elif not isinstance(outcome, OutcomeUnknownError) and self._down is not None:
            self.up()
        self._ended.append((claim, outcome))

    def _back(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._giving_way.discard(task)
        self._wake.set()

    def _until_timeout_ms(self) -> int:
        if self._gauge.timeout_ms is None or not self._under_way:
            return _AWAKE_MS
        _, oldest_ms = next(iter(self._under_way.values()))
        return max(1, oldest_ms + self._gauge.timeout_ms - self._clock.monotonic_ms())

    def _time_out(self) -> None:
        """Tries without an answer: what the carrier did with them is unknown, and the window is free again."""
        if self._gauge.timeout_ms is None:
            return
        before_ms = self._clock.monotonic_ms() - self._gauge.timeout_ms
        late = deque((task, claim) for task, (claim, start_ms) in self._under_way.items() if start_ms <= before_ms)
        for task, claim in late:
            if task.done():
                continue
            del self._under_way[task]
            task.cancel()
            log.warning("no answer lane=%s message=%d", self._gauge.name, claim.message_id)
            self._end(claim, OutcomeUnknownError(Trouble.TIMEOUT))
