"""How old a session is, judged without trusting a clock that may have woken up in 1970.

Within one run of the server the stopwatch counts. Across a restart the wall clock counts, if it was trusted then and
is now; otherwise nothing is counted, so that a power cut never puts the clerk out. Never touches the database.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass

from village.ground.clock import Clock

IDLE_MS = 12 * 3_600_000
"""One office day with its lunch."""

LONGEST_MS = 14 * 86_400_000
TOUCH_MS = 5 * 60_000
"""A sighting is written at most this often: each write wears the SD card."""

_RUN = os.urandom(8).hex()
"""This run of the server; the stopwatch of another one cannot be compared with ours."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment as both clocks told it."""

    run: str
    mono_ms: int
    wall_ms: int
    trusted: bool

    @classmethod
    def now(cls, clock: Clock) -> Stamp:
        return cls(_RUN, clock.monotonic_ms(), clock.now_ms(), clock.trusted)

    def until(self, later: Stamp) -> int:
        """Milliseconds that are known to have passed; 0 where nobody can know."""
        if self.run == later.run:
            return max(0, later.mono_ms - self.mono_ms)
        if self.trusted and later.trusted:
            return max(0, later.wall_ms - self.wall_ms)
        return 0


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    account_id: int
    browser: str
    made_ms: int
    seen: Stamp
    age_ms: int

    def quiet_ms(self, now: Stamp) -> int:
        return self.seen.until(now)

    def over(self, now: Stamp) -> bool:
        quiet_ms = self.quiet_ms(now)
        return quiet_ms > IDLE_MS or self.age_ms + quiet_ms > LONGEST_MS


def new_key() -> str:
    """What the browser keeps: 256 random bits."""
    return secrets.token_urlsafe(32)


def key_hash(key: str) -> bytes:
    """What we keep of it: who reads the database cannot sit down at the desk."""
    return hashlib.sha256(key.encode()).digest()
