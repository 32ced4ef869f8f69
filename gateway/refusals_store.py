"""The SQL of refusals: which lines' carriers will never take a message. Almost always empty."""

from __future__ import annotations

import sqlite3

from gateway.store import KNOWN, Known, read_known


def refuse(tx: sqlite3.Connection, message_id: int, lane_id: int) -> None:
    """This lane's carrier will never take that message."""
    tx.execute(
        "INSERT OR IGNORE INTO refusal (message_id, lane_id) VALUES (:id, :lane)", {"id": message_id, "lane": lane_id}
    )


def any_refused(tx: sqlite3.Connection) -> bool:
    return tx.execute("SELECT 1 FROM refusal LIMIT 1").fetchone() is not None


def refused_by(tx: sqlite3.Connection, message_id: int) -> frozenset[str]:
    """The lanes whose carriers will never take it."""
    rows = tx.execute(
        "SELECT l.name FROM refusal f JOIN lane l ON l.id = f.lane_id WHERE f.message_id = :id", {"id": message_id}
    )
    return frozenset(row[0] for row in rows)


def passed_on(tx: sqlite3.Connection) -> list[Known]:
    """What waits for another line than those that will never take it."""
    rows = tx.execute(f"{KNOWN} WHERE m.id IN (SELECT message_id FROM refusal) AND m.state = 'queued' ORDER BY m.id")
    return [read_known(row) for row in rows]


def forget(tx: sqlite3.Connection, before_ms: int) -> None:
    """Of what has ended, and of what is out for so long that nobody will say anything any more."""
    tx.execute(
        "DELETE FROM refusal WHERE message_id IN (SELECT m.id FROM refusal f JOIN message m ON m.id = f.message_id"
        " WHERE m.ended_ms IS NOT NULL OR (m.state NOT IN ('queued', 'sending') AND m.queued_ms < :before))",
        {"before": before_ms},
    )
