"""What `sync` needs of the ground it stands on: a database and a clock. Village and county own the real ones."""

from __future__ import annotations

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
    """Units of work are plain functions; what a unit wrote is on the disk when `write` returns."""

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T: ...

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T: ...

    def changed(self) -> contextlib.AbstractContextManager[Any]:
        """An `asyncio.Event` that is set after every commit."""
        ...
