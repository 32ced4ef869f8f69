"""Numbered, forward-only changes of the schema, each in a transaction of its own.

Every package keeps its own steps in `migrations/NNNN_what.sql`. Never goes back: a file that a later version wrote
is refused, not guessed at.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from village.ground.database import NewerDatabaseError

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql\Z")


@dataclass(frozen=True, slots=True)
class Step:
    package: str
    number: int
    sql: str


def steps_of(package: str) -> list[Step]:
    """The package's steps in order, none for a package without tables. Raises ValueError where a number is missing."""
    folder = resources.files(package) / "migrations"
    if not folder.is_dir():
        return []
    found = sorted(
        (int(match[1]), entry.read_text("utf-8")) for entry in folder.iterdir() if (match := _NAME.match(entry.name))
    )
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{package}: migrations are not numbered 1, 2, 3 …")
    return [Step(package, number, sql) for number, sql in found]


def migrate(connection: sqlite3.Connection, packages: Sequence[str], now_ms: int) -> list[Step]:
    """Bring the file up to date, packages in the order given; returns the steps that were taken.

    Raises NewerDatabaseError, before anything is changed, where the file knows a step that we do not.
    """
    # at once for writing: a reader that turns into a writer is refused where somebody else has written meanwhile
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_step (package TEXT NOT NULL, number INTEGER NOT NULL,"
        " taken_ms INTEGER NOT NULL, PRIMARY KEY (package, number)) STRICT"
    )
    connection.execute("COMMIT")
    known = {package: steps_of(package) for package in packages}
    for package, number in connection.execute("SELECT package, max(number) FROM schema_step GROUP BY package"):
        if number > len(known.get(package, ())):
            raise NewerDatabaseError(f"{package} step {number}")
    taken = []
    for package in packages:
        done = connection.execute(
            "SELECT coalesce(max(number), 0) FROM schema_step WHERE package = :package", {"package": package}
        ).fetchone()[0]
        taken += [step for step in known[package][done:] if _take(connection, step, now_ms)]
    return taken


def _take(connection: sqlite3.Connection, step: Step, now_ms: int) -> bool:
    """False where another process, a command beside the starting server, has just taken it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute(
            "SELECT 1 FROM schema_step WHERE package = :package AND number = :number",
            {"package": step.package, "number": step.number},
        ).fetchone():
            connection.execute("ROLLBACK")
            return False
        for statement in _statements(step.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_step (package, number, taken_ms) VALUES (:package, :number, :now)",
            {"package": step.package, "number": step.number, "now": now_ms},
        )
        connection.execute("COMMIT")
        return True
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    """Split at semicolons that end a statement; triggers keep theirs (`executescript` would commit behind our back)."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
