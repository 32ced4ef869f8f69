"""The village's side of the way to its county: an exchange every so often and soon after something was written.

Never silent for long: a failed try is followed by the next, later each time but within half an hour, and every try has
an end. Never knows what the records say; whoever built it takes them, in the unit that keeps them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sync.bundle import Bundle
from sync.carriers.https import BusyError, RefusedError, UnreachableError
from sync.exchange import MOST_SENT, freeze, next_bundle, open_bundle, settled, take_ack, take_records
from sync.failures import BundleError, ForkError, SyncError
from sync.ground import Clock, Database
from sync.keys import PublicKey, SealingPublicKey, SigningKey
from sync.kinds import Writer
from sync.ledger import Peer
from sync.record import Record
from sync.store import SqliteLedger, waiting

log = logging.getLogger(__name__)

IDLE_MS = 15 * 60_000
"""Between two exchanges with nothing to say: a village that is well is seen to be well."""

SOON_MS = 2_000
"""After something was written: what happens together travels together."""

FIRST_RETRY_MS, LONGEST_RETRY_MS = 15_000, 30 * 60_000
_ROUND_S = 180
"""A question that is not answered by then is given up: whatever it hangs on, the next one begins afresh."""

_MOST_ROUNDS, _FEWEST_SENT = 500, 16

_NAME = re.compile(b"[a-z-]{2,20}")
"""How the other side names what it refuses (`sync.failures`)."""


class FaultError(SyncError):
    """A fault of our own program's; what it was is in the log."""


def retry_ms(failures: int, dice: random.Random) -> int:
    """How long to wait after so many failures in a row: doubling, bounded, and spread by a third so that a county's
    villages do not all come back in the same second after an outage."""
    grown: int = min(FIRST_RETRY_MS << min(max(failures, 1) - 1, 20), LONGEST_RETRY_MS)
    return round(grown * dice.uniform(2 / 3, 1))


def called_back_ms(told_ms: int, failures: int, dice: random.Random) -> int:
    """How long to wait where they said how long: not much longer, never shorter than we would by ourselves, and never
    beyond half an hour, whatever they said."""
    told_ms = min(told_ms, LONGEST_RETRY_MS * 4 // 5)
    return max(round(told_ms * dice.uniform(1, 1.25)), retry_ms(failures, dice))


class Carrier(Protocol):
    async def post(self, path: str, body: bytes) -> bytes:
        """Raises UnreachableError, BusyError, RefusedError."""
        ...


@dataclass(frozen=True, slots=True)
class County:
    """Whom to speak to."""

    key: PublicKey
    sealing: SealingPublicKey
    carrier: Carrier


Find = Callable[[sqlite3.Connection], County | None]
"""Who the county is, in a reading unit; None while this village has not enrolled."""

Apply = Callable[[sqlite3.Connection, Record], None]
"""Takes one verified record of the county's, in the unit that keeps it."""


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of one round. `records`: how many of theirs were new; `acked_seq`: how much they have of ours now;
    `failure`: what was wrong with theirs."""

    records: int
    went_back: bool
    acked_seq: int
    settled: bool
    failure: SyncError | None


@dataclass(frozen=True, slots=True)
class State:
    """`trouble`: the name of what went wrong last, empty while all is well."""

    spoke_ms: int | None
    waiting: int
    trouble: str
    next_ms: int | None
    frozen: str
    went_back: int


class Link:
    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        key: SigningKey,
        find: Find,
        apply: Apply,
        dice: random.Random | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._find = find
        self._apply = apply
        self._dice = dice or random.Random()
        self._failures = 0
        self._limit = MOST_SENT
        self._trouble = ""
        self._next_ms: int | None = None
        self._asked = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self.cut = False
        """While true every try finds nobody; the sample village's switch."""

    def ledger(self, tx: sqlite3.Connection, county: PublicKey | None) -> SqliteLedger:
        return SqliteLedger(tx, self._key.public.log, None if county is None else county.log, writer=Writer.VILLAGE)

    async def state(self) -> State:
        def unit(tx: sqlite3.Connection) -> State:
            county = self._find(tx)
            peer: Peer | None = None if county is None else self.ledger(tx, county.key).peer()
            return State(
                spoke_ms=None if peer is None else peer.spoke_ms,
                waiting=waiting(tx, None if county is None else county.key.log),
                trouble=self._trouble,
                next_ms=self._next_ms,
                frozen="" if peer is None else peer.frozen,
                went_back=0 if peer is None else peer.went_back,
            )

        return await self._db.read(unit)

    def soon(self) -> None:
        """Do not wait for the next time."""
        self._asked.set()

    async def run(self) -> None:
        """Until cancelled."""
        with self._db.changed() as changed:
            while True:
                pause_ms = await self._turn()
                self._next_ms = self._clock.now_ms() + pause_ms
                await self._rest(changed, pause_ms)

    async def _turn(self) -> int:
        """One try; how long to rest after it."""
        try:
            spoke = await self.speak()
        except BusyError as busy:
            return called_back_ms(busy.retry_after_s * 1000, self._failures, self._dice)
        except SyncError:
            return retry_ms(self._failures, self._dice)
        return IDLE_MS if spoke else LONGEST_RETRY_MS

    async def _rest(self, changed: asyncio.Event, pause_ms: int) -> None:
        """Until the pause is over, somebody asks, or, while all is well, something new was written."""
        over_ms = self._clock.monotonic_ms() + pause_ms
        while (left_ms := over_ms - self._clock.monotonic_ms()) > 0:
            watched = [self._asked] if self._trouble else [self._asked, changed]
            if not await _first_of(self._clock, watched, left_ms):
                return
            if self._asked.is_set():
                self._asked.clear()
                return
            await self._clock.sleep_ms(min(SOON_MS, left_ms))  # and a busy hour asks the database no oftener than this
            changed.clear()  # before looking: what is written from here on is looked for again
            try:
                news = await self._db.read(self._has_news)
            except Exception:
                log.exception("could not look for news")
                return  # the next turn meets it again, and says so at the desk
            if news:
                return

    def _has_news(self, tx: sqlite3.Connection) -> bool:
        county = self._find(tx)
        return county is not None and not settled(self.ledger(tx, county.key))

    @property
    def speaking(self) -> bool:
        return self._one_at_a_time.locked()

    async def speak(self) -> bool:
        """Exchange until both sides have everything; False where there is no county yet. Raises SyncError."""
        async with self._one_at_a_time:
            try:
                county = await self._db.read(self._find)
                if county is not None:
                    await self._exchange(county)
            except SyncError as failure:
                self._failed(_name_of(failure))
                raise
            except Exception as fault:  # of our own: logged with its trace, told at the desk, tried again
                log.exception("exchange failed")
                self._failed("fault")
                raise FaultError from fault
            self._failures, self._trouble = 0, ""
            return county is not None

    def _failed(self, name: str) -> None:
        self._failures += 1
        self._trouble = name
        log.warning("exchange failed reason=%s failures=%d", name, self._failures)

    async def _exchange(self, county: County) -> None:
        """Round after round. What is wrong with theirs is raised once ours has gone as far as it goes."""
        for _ in range(_MOST_ROUNDS):
            if self.cut:
                raise UnreachableError("cut")
            sealed, before, sent = await self._db.read(lambda tx: self._to_send(tx, county))
            came = await self._round(county, sealed, sent=sent)
            progress = came.records > 0 or came.acked_seq > before
            if progress:
                self._failures = 0  # however long a backlog is on a slow line: it gets shorter
            if came.failure is not None and (came.settled or not progress):
                raise came.failure
            if came.settled and not came.records and came.failure is None:
                return
            if sent and not progress and not came.went_back:
                raise RefusedError(200, b"no progress")

    async def _round(self, county: County, sealed: bytes, *, sent: bool) -> _Came:
        """One question and its answer. A line too slow for so many records is asked with half of them next time."""
        try:
            async with asyncio.timeout(_ROUND_S):
                answer = await county.carrier.post("/exchange", sealed)
                came = await self._take(county, answer)
        except (UnreachableError, TimeoutError) as slow:
            if sent:
                self._limit = max(self._limit // 2, _FEWEST_SENT)
            raise UnreachableError(type(slow).__name__) from slow
        self._limit = min(self._limit * 2, MOST_SENT)
        return came

    def _to_send(self, tx: sqlite3.Connection, county: County) -> tuple[bytes, int, bool]:
        """The next bundle, what of ours they have so far, and whether there is anything in it for them."""
        ledger = self.ledger(tx, county.key)
        sealed = next_bundle(ledger, self._key, county.sealing, limit=self._limit)
        return sealed, ledger.peer().acked_seq, not settled(ledger)

    async def _take(self, county: County, answer: bytes) -> _Came:
        known = {county.key.key_id: county.key}
        opened = await asyncio.to_thread(open_bundle, answer, self._key, known.get, Writer.COUNTY)
        return await self._db.write(lambda tx: self._kept(tx, county, opened.bundle))

    def _kept(self, tx: sqlite3.Connection, county: County, bundle: Bundle) -> _Came:
        """In one unit: what they have of ours, whatever is wrong with theirs; then theirs, all of it or nothing."""
        ledger = self.ledger(tx, county.key)
        went_back = take_ack(ledger, bundle.ack, believe_less=True)
        records: list[Record] = []
        failure: SyncError | None = None
        tx.execute("SAVEPOINT theirs")
        try:
            records = take_records(ledger, bundle)
            for record in records:
                self._apply(tx, record)
        except BundleError as wrong:
            tx.execute("ROLLBACK TO theirs")
            failure = wrong
            if isinstance(wrong, ForkError):
                freeze(ledger, bundle)
        except Exception as fault:  # a record that our own rooms cannot take waits for them, and is told at the desk
            log.exception("a record of the county's was not taken")
            tx.execute("ROLLBACK TO theirs")
            failure = FaultError(type(fault).__name__)
        tx.execute("RELEASE theirs")
        if failure is None:
            ledger.set_peer(replace(ledger.peer(), spoke_ms=self._clock.now_ms()))
        new = len(records) if failure is None else 0
        return _Came(new, went_back, ledger.peer().acked_seq, settled(ledger), failure)


def _name_of(failure: SyncError) -> str:
    match failure:
        case UnreachableError():
            return "unreachable"
        case BusyError():
            return "busy"
        case RefusedError(status=422, said=said) if _NAME.fullmatch(said):
            return f"they-say-{said.decode()}"
        case RefusedError():
            return "refused"
        case BundleError():
            return failure.name
        case FaultError():
            return "fault"
    return "other"


async def _first_of(clock: Clock, events: list[asyncio.Event], timeout_ms: int) -> bool:
    """True as soon as one of them is set, False after `timeout_ms`."""
    if any(event.is_set() for event in events):
        return True
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(event.wait()) for event in events]
    tasks.append(asyncio.ensure_future(clock.sleep_ms(timeout_ms)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return any(event.is_set() for event in events)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
