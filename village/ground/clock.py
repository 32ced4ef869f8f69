"""Time as a village computer knows it: a wall clock that may be wrong, and a stopwatch that never is.

Never decides what a guessed time allows; it only says whether the time is trusted.
Every instant is an integer number of milliseconds since 1970-01-01 UTC (`*_ms`); people see Beijing time.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one time zone and no summer time (since 1991), so no zone table is needed."""

_EARLIEST_PLAUSIBLE_MS = 1_793_462_400_000
"""2026-11-01 in Beijing, when this was written: a clock that shows less has just woken up without a battery."""

_TIME_ERROR = 5
"""adjtimex(2) returns this while the kernel clock is not synchronised."""


def beijing(instant_ms: int) -> datetime:
    """The same instant as people in the village read it."""
    return datetime.fromtimestamp(instant_ms / 1000, BEIJING)


def to_ms(instant: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return round(instant.timestamp() * 1000)


class Clock(Protocol):
    """What every room may know of time."""

    @property
    def trusted(self) -> bool:
        """Whether the wall time may close polls, expire messages and keep quiet hours."""
        ...

    def now_ms(self) -> int:
        """Wall time; may step, in both directions, when a trusted source speaks."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since some fixed moment of this boot; never steps."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None:
        """Return after `duration_ms` of this clock's own time."""
        ...


async def wait_for(clock: Clock, event: asyncio.Event, timeout_ms: int) -> bool:
    """True as soon as `event` is set, False once `timeout_ms` of the clock's time has passed."""
    if event.is_set():
        return True
    waiting = asyncio.ensure_future(event.wait())
    sleeping = asyncio.ensure_future(clock.sleep_ms(timeout_ms))
    try:
        await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        for task in (waiting, sleeping):
            task.cancel()
        await asyncio.gather(waiting, sleeping, return_exceptions=True)


class SystemClock:
    """The computer's own clock, mistrusted until the kernel or a trusted source vouches for it.

    Keeps its own distance to the computer's clock instead of setting it: that would need root and would pull the rug
    from under every other program. While it is guessed it starts no earlier than anything it remembers and then runs
    as evenly as the stopwatch, so that what happened in this boot can be put right by one step.
    """

    def __init__(self, *, last_known_ms: int = 0) -> None:
        """`last_known_ms`: the latest instant the database remembers; time never wakes up before it."""
        self._synchronised = KernelClock()
        self._follows = self._synchronised()
        guess_ms = max(_system_ms(), last_known_ms, _EARLIEST_PLAUSIBLE_MS)
        self._anchor = (guess_ms, self.monotonic_ms())
        self._told = False
        self.guessed_since_ms = guess_ms
        """Where this boot's guess began: what carries a later time was stamped by it."""

    @property
    def trusted(self) -> bool:
        return self._told or self._follows

    def now_ms(self) -> int:
        if self._follows:
            return _system_ms()
        wall_ms, at_ms = self._anchor
        return wall_ms + self.monotonic_ms() - at_ms

    def monotonic_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(max(duration_ms, 0) / 1000)

    def tell(self, wall_ms: int) -> int:
        """Take the time from a trusted source (modem network, county, a clerk at the desk).

        Returns the step in milliseconds, negative where time went back; the caller records it.
        Raises ValueError for a time no living source can mean.
        """
        if wall_ms < _EARLIEST_PLAUSIBLE_MS:
            raise ValueError("that time lies before this program was written")
        step_ms = wall_ms - self.now_ms()
        self._anchor, self._told, self._follows = (wall_ms, self.monotonic_ms()), True, False
        return step_ms

    def remembered(self) -> tuple[tuple[int, int], bool, bool]:
        """What `restore` needs to take a step back that could not be kept."""
        return self._anchor, self._told, self._follows

    def restore(self, before: tuple[tuple[int, int], bool, bool]) -> None:
        self._anchor, self._told, self._follows = before

    def may_follow(self) -> bool:
        """Whether the network has set the computer's clock and we do not follow it yet."""
        return not self._follows and self._synchronised()

    def follow_kernel(self) -> int | None:
        """Follow the computer's clock from now on if the network has set it; the step, None where nothing changed.

        Asked now and then rather than at every look: a clock that changes its mind between two lines helps nobody.
        """
        if not self.may_follow():
            return None
        step_ms = _system_ms() - self.now_ms()
        self._follows = True
        return step_ms


def _system_ms() -> int:
    return time.time_ns() // 1_000_000


class KernelClock:
    """Whether NTP (systemd-timesyncd, chrony) holds the kernel clock right now: adjtimex(2), read only."""

    def __init__(self) -> None:
        self._adjtimex = ctypes.CDLL(None).adjtimex
        self._timex = ctypes.create_string_buffer(512)

    def __call__(self) -> bool:
        ctypes.memset(self._timex, 0, len(self._timex))  # modes 0: look, change nothing
        return int(self._adjtimex(self._timex)) not in (-1, _TIME_ERROR)


class MovableClock:
    """A clock that can be moved forward: the tests' clock at rate 0, the sample village's at rate 1.

    Sleepers wake in the order of their times when the clock passes them. Never runs in a real village.
    """

    def __init__(self, start_ms: int, *, rate: float = 0.0, trusted: bool = True) -> None:
        self._wall_ms = start_ms
        self._elapsed_ms = 0.0
        self._rate = rate
        self._trusted = trusted
        self._real_s = time.monotonic()
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._moved = asyncio.Event()

    @property
    def trusted(self) -> bool:
        return self._trusted

    def now_ms(self) -> int:
        return self._wall_ms + self.monotonic_ms()

    def monotonic_ms(self) -> int:
        return round(self._elapsed_ms + self._run_ms())

    def _run_ms(self) -> float:
        return (time.monotonic() - self._real_s) * 1000 * self._rate

    def set_trusted(self, trusted: bool) -> None:
        self._trusted = trusted

    def step_wall(self, step_ms: int) -> None:
        """The wall time jumps; no sleeper notices."""
        self._wall_ms += step_ms

    async def sleep_ms(self, duration_ms: int) -> None:
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        due_ms = self._elapsed_ms + self._run_ms() + duration_ms
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due_ms, next(self._order), awake))
        if self._rate <= 0:
            await awake
            return
        try:
            while not awake.done():
                left_s = (due_ms - self._elapsed_ms - self._run_ms()) / 1000 / self._rate
                if left_s <= 0:
                    return
                await asyncio.wait({awake}, timeout=left_s)
        finally:
            awake.cancel()  # nobody sleeps here any more: not to be woken, not to be counted

    async def advance(self, duration_ms: int) -> None:
        """Move forward; everything that falls due runs, in order, before this returns at the new time."""
        if duration_ms < 0:
            raise ValueError("a movable clock only moves forward; use step_wall for a wall clock set back")
        target_ms = self._elapsed_ms + duration_ms
        await _settle()
        while True:
            run_ms = self._run_ms()
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if not self._sleepers or self._sleepers[0][0] - run_ms > target_ms:
                break
            due_ms, _, awake = heapq.heappop(self._sleepers)
            self._elapsed_ms = max(self._elapsed_ms, due_ms - run_ms)
            if not awake.done():
                awake.set_result(None)
            await _settle()
        self._elapsed_ms = max(self._elapsed_ms, target_ms)
        await _settle()

    @property
    def next_due_ms(self) -> int | None:
        """How far away the nearest sleeper is, or None when nobody sleeps."""
        due = [due_ms for due_ms, _, awake in self._sleepers if not awake.done()]
        return round(min(due) - self._elapsed_ms - self._run_ms()) if due else None


async def _settle() -> None:
    """Let every task that is ready run a few times, so that what it starts to wait for is known."""
    for _ in range(20):
        await asyncio.sleep(0)


def read_mark(path: Path) -> int:
    """The instant a mark file remembers, 0 where there is none or a power cut left it unreadable."""
    try:
        return int(path.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO 8601 time; without a zone it is Beijing time. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return to_ms(instant if instant.tzinfo else instant.replace(tzinfo=BEIJING))


def iso(instant_ms: int) -> str:
    """UTC, for logs and exports."""
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
