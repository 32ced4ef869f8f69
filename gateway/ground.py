"""What the gateway needs of the ground it stands on: a database, a clock, a vault. `village` owns the real ones."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    @property
    def trusted(self) -> bool: ...

    def now_ms(self) -> int: ...

    def monotonic_ms(self) -> int: ...

    async def sleep_ms(self, duration_ms: int) -> None: ...


class Database(Protocol):
    """Units of work are plain functions; units that arrive together share a commit, and each callers wakes after it."""

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T: ...

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T: ...

    def changed(self) -> contextlib.AbstractContextManager[Any]:
        """An `asyncio.Event` that is set after every commit."""
        ...


class Vault(Protocol):
    def seal(self, number: str) -> bytes: ...

    def open(self, sealed: bytes) -> str: ...

    def fingerprint(self, number: str) -> bytes: ...


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
