"""The SQL of numbers that stay at home: whose owners do not agree that they leave the country."""

from __future__ import annotations

import sqlite3

from gateway import queue_store
from gateway.message import Channel
from gateway.queue_store import OPEN
from gateway.store import KNOWN, Known, read_known


def keep(tx: sqlite3.Connection, recipient_id: int, *, home_only: bool) -> None:
    """Whether a number may not leave the country; for all its messages, also those that wait."""
    tx.execute(
        "UPDATE recipient SET home_only = :home_only WHERE id = :id", {"id": recipient_id, "home_only": int(home_only)}
    )


def is_kept(tx: sqlite3.Connection, message_id: int) -> bool:
    found = tx.execute(
        "SELECT r.home_only FROM message m JOIN recipient r ON r.id = m.recipient_id WHERE m.id = :id",
        {"id": message_id},
    )
    return bool(found.fetchone()[0])


def waiting(tx: sqlite3.Connection) -> list[tuple[Channel, str]]:
    """Channels and kinds of what waits for numbers that stay at home. Reads the whole queue."""
    rows = tx.execute(
        f"SELECT DISTINCT m.channel, m.kind FROM message m WHERE {OPEN} AND m.state = 'queued'"
        f" AND {queue_store.AT_HOME}"
    )
    return [(Channel(row[0]), row[1]) for row in rows]


def waiting_of(tx: sqlite3.Connection, channel: Channel, kind: str, limit: int) -> list[Known]:
    """What waits of one kind for numbers that stay at home."""
    rows = tx.execute(
        f"{KNOWN} WHERE {OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.kind = :kind"
        f" AND {queue_store.AT_HOME} LIMIT :limit",
        {"channel": channel, "kind": kind, "limit": limit},
    )
    return [read_known(row) for row in rows]
