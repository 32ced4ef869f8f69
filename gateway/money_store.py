"""The SQL about what lines have cost. Plain functions on the unit of work the caller opened; decides nothing."""

from __future__ import annotations

import math
import sqlite3

_CUT_OFF_MINUTES = 2
"""What a call that a power cut ended is reckoned at, at most: the line went dead with us, whenever we are back."""


def add_spent(tx: sqlite3.Connection, lane_id: int, month: str, parts: int, fen: int) -> None:
    tx.execute(
        "INSERT INTO spent (lane_id, month, parts, fen) VALUES (:lane, :month, :parts, :fen)"
        " ON CONFLICT (lane_id, month) DO UPDATE SET parts = parts + excluded.parts, fen = fen + excluded.fen",
        {"lane": lane_id, "month": month, "parts": parts, "fen": fen},
    )


def spent(tx: sqlite3.Connection, transport: str, month: str) -> tuple[int, int]:
    """Parts and fen of one line in one month."""
    row = tx.execute(
        "SELECT s.parts, s.fen FROM spent s JOIN lane l ON l.id = s.lane_id WHERE l.name = :name AND s.month = :month",
        {"name": transport, "month": month},
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def newest_month(tx: sqlite3.Connection) -> str | None:
    """The last month in which anything was paid for."""
    found = tx.execute("SELECT max(month) FROM spent").fetchone()[0]
    return None if found is None else str(found)


def call_minutes(tx: sqlite3.Connection, message_id: int, number: int, now_ms: int) -> int:
    """Started minutes of one call; 0 where nobody answered."""
    row = tx.execute(
        "SELECT coalesce(ended_ms, :now) - answered_ms FROM call_outcome WHERE message_id = :id AND number = :number",
        {"id": message_id, "number": number, "now": now_ms},
    ).fetchone()
    lasted_ms: int | None = None if row is None else row[0]
    return 0 if lasted_ms is None else max(1, math.ceil(lasted_ms / 60_000))


def under_way(tx: sqlite3.Connection, lane_id: int, message_id: int, number: int, now_ms: int) -> tuple[str, int]:
    """The lane's name, and the parts or started minutes of the message's newest try."""
    name, channel, parts = tx.execute(
        "SELECT l.name, m.channel, coalesce(m.sent_parts, m.parts) FROM message m, lane l WHERE m.id = :id AND l.id = :lane",
        {"id": message_id, "lane": lane_id},
    ).fetchone()
    if channel != "call":
        return name, parts
    return name, min(call_minutes(tx, message_id, number, now_ms), _CUT_OFF_MINUTES)


def newest_try(tx: sqlite3.Connection, message_id: int) -> tuple[int, int]:
    """Lane and parts of a message's newest try, as it was sent."""
    lane_id, parts = tx.execute(
        "SELECT lane_id, coalesce(sent_parts, parts) FROM message WHERE id = :id", {"id": message_id}
    ).fetchone()
    return int(lane_id), int(parts)
