"""What the doctor asks of the village's file: the queue, the clock's last step, the file's age and soundness.

Never writes, and never reads a number or a text.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from village.doctor.keeping import Check
from village.doctor.lines import Waiting

CHECK_S = 20.0
"""A village of a few years has some tens of megabytes; a Pi reads them in seconds."""

LOCK_S = 5.0
"""A server that is opening the file for the first time holds it for a moment."""

_LOOK_EVERY = 20_000
"""SQLite instructions between two looks at the watch."""


def waiting(tx: sqlite3.Connection, now_ms: int) -> Waiting:
    row = tx.execute(
        "SELECT count(*) FILTER (WHERE due_ms <= :now), count(*) FILTER (WHERE due_ms > :now),"
        " min(max(queued_ms, due_ms)) FILTER (WHERE due_ms <= :now)"
        " FROM message_state WHERE state IN ('queued', 'unknown') AND state = 'queued'",
        {"now": now_ms},
    ).fetchone()
    return Waiting(row[0], row[1], row[2])


def last_step(tx: sqlite3.Connection) -> tuple[str, int] | None:
    """Who put the clock right last, and what it said then (ms)."""
    row = tx.execute("SELECT source, wall_ms FROM clock_step ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else (row[0], row[1])


def begun_ms(tx: sqlite3.Connection) -> int | None:
    """When this file was made."""
    begun: int | None = tx.execute("SELECT min(taken_ms) FROM schema_step").fetchone()[0]
    return begun


def newest_steps(tx: sqlite3.Connection) -> dict[str, int]:
    """Package → the newest step the file knows."""
    return {row[0]: row[1] for row in tx.execute("SELECT package, max(number) FROM schema_step GROUP BY package")}


@contextlib.contextmanager
def beside(path: Path) -> Iterator[sqlite3.Connection]:
    """The file read only, beside a server that may be running or not. Raises sqlite3.Error.

    On a card that can only be read SQLite cannot make its shared memory, and reads the file as it lies there.
    """
    name = path.absolute().as_uri()
    try:
        connection = _opened(f"{name}?mode=ro")
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK, effective_ids=True):
            raise  # somebody may be writing to it, and reading past him would find faults that are none
        connection = _opened(f"{name}?mode=ro&immutable=1")
    with contextlib.closing(connection):
        yield connection


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=LOCK_S)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opening alone touches nothing
    except BaseException:
        connection.close()
        raise
    return connection


_ENDS = {
    "SQLITE_CORRUPT": Check.BROKEN,
    "SQLITE_INTERRUPT": Check.UNFINISHED,
    "SQLITE_BUSY": Check.UNFINISHED,
}


def check(path: Path, known: dict[str, int], patience_s: float = CHECK_S) -> Check:
    """SQLite's quick check of the file, given up after `patience_s`. `known`: the steps of this program's tables."""
    if not path.exists():
        return Check.MISSING
    if not os.access(path, os.R_OK, effective_ids=True):
        return Check.FORBIDDEN
    try:
        with beside(path) as connection:
            if any(number > known.get(package, 0) for package, number in newest_steps(connection).items()):
                return Check.NEWER
            return _quick_check(connection, time.monotonic() + patience_s)
    except sqlite3.Error as raised:
        return _ENDS.get(raised.sqlite_errorname, Check.UNREADABLE)


def _quick_check(connection: sqlite3.Connection, until_s: float) -> Check:
    connection.set_progress_handler(lambda: int(time.monotonic() > until_s), _LOOK_EVERY)
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return Check.SOUND if said == "ok" else Check.BROKEN
