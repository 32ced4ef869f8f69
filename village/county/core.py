"""SQLAlchemy Core on the connection of the unit of work: the county's SQL in one dialect, its transactions in one hand.

Never commits and never rolls back: the ground's one writer does both, so that a unit is kept whole or not at all. The
same statements can later run on PostgreSQL, where a unit is handed an asynchronous connection's synchronous face.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

T = TypeVar("T")

_engines: dict[int, tuple[sqlite3.Connection, Engine]] = {}
"""One for each of the ground's few connections, which live as long as the program."""


class _Borrowed:
    """The unit's own connection as a driver connection that cannot end the transaction it is used in."""

    def __init__(self, tx: sqlite3.Connection) -> None:
        self._tx = tx

    def cursor(self) -> sqlite3.Cursor:
        cursor = self._tx.cursor()
        cursor.row_factory = None
        return cursor

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def _engine(tx: sqlite3.Connection) -> Engine:
    known = _engines.get(id(tx))
    if known is not None and known[0] is tx:
        return known[1]
    engine = create_engine("sqlite://", creator=lambda: _Borrowed(tx), poolclass=StaticPool)
    _engines[id(tx)] = (tx, engine)
    return engine


def core(unit: Callable[[Connection], T]) -> Callable[[sqlite3.Connection], T]:
    """A unit on SQLAlchemy as a unit of the ground's database."""

    def run(tx: sqlite3.Connection) -> T:
        with on(tx) as connection:
            return unit(connection)

    return run


def on(tx: sqlite3.Connection) -> Connection:
    """For a unit that needs both; a context manager."""
    return _engine(tx).connect()
