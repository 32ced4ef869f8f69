"""The SQL about what lines have cost. Plain functions on the unit of work the caller opened; decides nothing."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_BEIJING = timedelta(hours=8)

_CUT_OFF_MINUTES = 2
"""What a call that a power cut ended is reckoned at, at most: the line went dead with us, whenever we are back."""


def month_of(at_ms: int) -> str:
    """2026-12, of the Beijing calendar."""
    return (datetime.fromtimestamp(at_ms / 1000, tz=UTC) + _BEIJING).strftime("%Y-%m")


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


def add_guessed(tx: sqlite3.Connection, lane_id: int, at_ms: int, parts: int, fen: int) -> None:
    """Paid while the clock guessed: it belongs to no month yet."""
    tx.execute(
        "INSERT INTO spent_guessed (lane_id, at_ms, parts, fen) VALUES (:lane, :at, :parts, :fen)"
        " ON CONFLICT (lane_id, at_ms) DO UPDATE SET parts = parts + excluded.parts, fen = fen + excluded.fen",
        {"lane": lane_id, "at": at_ms, "parts": parts, "fen": fen},
    )


def guessed(tx: sqlite3.Connection, transport: str, since_ms: int) -> tuple[int, int]:
    """Parts and fen of one line that belong to no month yet, of those stamped after `since_ms`."""
    parts, fen = tx.execute(
        "SELECT coalesce(sum(g.parts), 0), coalesce(sum(g.fen), 0) FROM spent_guessed g"
        " JOIN lane l ON l.id = g.lane_id WHERE l.name = :name AND g.at_ms > :since",
        {"name": transport, "since": since_ms},
    ).fetchone()
    return int(parts), int(fen)


def any_guessed(tx: sqlite3.Connection) -> bool:
    return tx.execute("SELECT 1 FROM spent_guessed LIMIT 1").fetchone() is not None


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """A guessed clock was put right: what was paid from `since_ms` on finds the month it was paid in."""
    _file(tx, since_ms, lambda at_ms: month_of(at_ms + step_ms))
    tx.execute(
        "UPDATE OR REPLACE spent_filed SET at_ms = at_ms + :step WHERE at_ms >= :since",
        {"since": since_ms, "step": step_ms},
    )


def file_rest(tx: sqlite3.Connection, month: str) -> None:
    """What is left of guesses that nobody can put right any more counts in `month`; where, is remembered for as long as
    it may be given back."""
    tx.execute("DELETE FROM spent_filed WHERE month < :kept", {"kept": _month_before(month)})
    tx.execute(
        "INSERT OR REPLACE INTO spent_filed (lane_id, at_ms, month) SELECT lane_id, at_ms, :month FROM spent_guessed",
        {"month": month},
    )
    _file(tx, None, lambda _: month)


def _month_before(month: str) -> str:
    return (datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) - timedelta(days=1)).strftime("%Y-%m")


def _file(tx: sqlite3.Connection, since_ms: int | None, month: Callable[[int], str]) -> None:
    key = {"since": since_ms}
    of_guess = "FROM spent_guessed WHERE :since IS NULL OR at_ms >= :since"
    parts: Counter[tuple[int, str]] = Counter()
    fen: Counter[tuple[int, str]] = Counter()
    for lane_id, at_ms, some_parts, some_fen in tx.execute(f"SELECT lane_id, at_ms, parts, fen {of_guess}", key):
        parts[lane_id, month(at_ms)] += some_parts
        fen[lane_id, month(at_ms)] += some_fen
    for lane_id, paid_in in parts:
        add_spent(tx, lane_id, paid_in, parts[lane_id, paid_in], fen[lane_id, paid_in])
    tx.execute(f"DELETE {of_guess}", key)


def take_back(tx: sqlite3.Connection, lane_id: int, paid_ms: int, parts: int, fen: int) -> None:
    """Undo one payment where it counts: in no month yet, in the one it was filed in, or in its own. Never more than
    there is: the price may have changed since."""
    key = {"lane": lane_id, "at": paid_ms, "parts": parts, "fen": fen}
    less = "SET parts = max(parts - :parts, 0), fen = max(fen - :fen, 0)"
    if tx.execute(f"UPDATE spent_guessed {less} WHERE lane_id = :lane AND at_ms = :at", key).rowcount:
        return
    filed = tx.execute("SELECT month FROM spent_filed WHERE lane_id = :lane AND at_ms = :at", key).fetchone()
    month = month_of(paid_ms) if filed is None else filed[0]
    tx.execute(f"UPDATE spent {less} WHERE lane_id = :lane AND month = :month", {**key, "month": month})


def newest_month(tx: sqlite3.Connection) -> str | None:
    """The last month in which anything was paid for while the time was known."""
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
        "SELECT l.name, m.channel, coalesce(m.sent_parts, m.parts) FROM message m, lane l"
        " WHERE m.id = :id AND l.id = :lane",
        {"id": message_id, "lane": lane_id},
    ).fetchone()
    if channel != "call":
        return name, parts
    return name, min(call_minutes(tx, message_id, number, now_ms), _CUT_OFF_MINUTES)


def newest_try(tx: sqlite3.Connection, message_id: int) -> tuple[int, int, int | None]:
    """Lane and parts of a message's newest try, as it was sent, and when it was paid for: with its bad end, or when the
    message was taken. None: it never was.

    Of a carrier that knows our tries by our own reference nothing stands in `taken`; and that has no index by message.
    """
    lane_id, parts, paid_ms = tx.execute(
        "SELECT m.lane_id, coalesce(m.sent_parts, m.parts), coalesce("
        " (SELECT a.ended_ms FROM attempt a WHERE a.message_id = m.id AND a.number = m.attempts), m.accepted_ms)"
        " FROM message m WHERE m.id = :id",
        {"id": message_id},
    ).fetchone()
    return int(lane_id), int(parts), paid_ms
