"""Checked spreadsheets that wait, as rows. Never looks inside one."""

from __future__ import annotations

import sqlite3


def add(tx: sqlite3.Connection, sealed: bytes, *, by: str, at_ms: int) -> int:
    cursor = tx.execute(
        "INSERT INTO pending_import (sealed, checked_by, checked_ms) VALUES (:sealed, :by, :at)",
        {"sealed": sealed, "by": by, "at": at_ms},
    )
    assert cursor.lastrowid is not None  # noqa: S101 - SQLite gives one to every INSERT
    return cursor.lastrowid


def find(tx: sqlite3.Connection, pending_id: int, *, since_ms: int) -> bytes | None:
    row = tx.execute(
        "SELECT sealed FROM pending_import WHERE id = :id AND checked_ms > :since",
        {"id": pending_id, "since": since_ms},
    ).fetchone()
    return None if row is None else bytes(row["sealed"])


def drop(tx: sqlite3.Connection, pending_id: int) -> None:
    tx.execute("DELETE FROM pending_import WHERE id = :id", {"id": pending_id})


def drop_older(tx: sqlite3.Connection, before_ms: int) -> None:
    tx.execute("DELETE FROM pending_import WHERE checked_ms <= :before", {"before": before_ms})
