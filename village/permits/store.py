"""The SQL about permits. Never decides whether one is needed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PermitRow:
    line: str
    notice: str
    paper: str
    by: str
    at_ms: int


def in_force(tx: sqlite3.Connection, line: str) -> PermitRow | None:
    row = tx.execute(
        "SELECT line, notice, paper, by, at_ms FROM permit WHERE line = :line AND ended_ms IS NULL", {"line": line}
    ).fetchone()
    return None if row is None else PermitRow(*row)


def add(tx: sqlite3.Connection, *, line: str, notice: str, paper: str, by: str, now_ms: int) -> None:
    tx.execute(
        "INSERT INTO permit (line, notice, paper, by, at_ms) VALUES (:line, :notice, :paper, :by, :now)",
        {"line": line, "notice": notice, "paper": paper, "by": by, "now": now_ms},
    )


def end(tx: sqlite3.Connection, line: str, *, by: str, now_ms: int) -> bool:
    """False where none was in force."""
    return (
        tx.execute(
            "UPDATE permit SET ended_by = :by, ended_ms = :now WHERE line = :line AND ended_ms IS NULL",
            {"line": line, "by": by, "now": now_ms},
        ).rowcount
        > 0
    )


def first_opened_ms(tx: sqlite3.Connection, line: str, now_ms: int) -> int:
    """When this line was first opened in this village; noted now where it never was."""
    tx.execute(
        "INSERT INTO line_begun (line, first_ms) VALUES (:line, :now) ON CONFLICT DO NOTHING",
        {"line": line, "now": now_ms},
    )
    return int(tx.execute("SELECT first_ms FROM line_begun WHERE line = :line", {"line": line}).fetchone()[0])


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """`ground.timekeeping.Shift` of this room."""
    for table, column in (("permit", "at_ms"), ("permit", "ended_ms"), ("line_begun", "first_ms")):
        tx.execute(
            f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since",
            {"since": since_ms, "step": step_ms},
        )
