"""The SQL of calls: how each one went. Which keys were pressed is nowhere in it: it may be a ballot."""

from __future__ import annotations

import sqlite3


def begins(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int) -> None:
    """Somebody answered."""
    key = {"id": message_id, "number": number, "at": at_ms}
    tx.execute("INSERT OR IGNORE INTO call_outcome (message_id, number, answered_ms) VALUES (:id, :number, :at)", key)
    tx.execute("UPDATE message SET accepted_ms = coalesce(accepted_ms, :at) WHERE id = :id", key)


def heard(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int) -> None:
    key = {"id": message_id, "number": number, "at": at_ms}
    tx.execute("UPDATE call_outcome SET heard_ms = :at WHERE message_id = :id AND number = :number", key)
    tx.execute("UPDATE message SET heard_ms = coalesce(heard_ms, :at) WHERE id = :id", key)


def key_pressed(tx: sqlite3.Connection, message_id: int, number: int) -> None:
    tx.execute(
        "UPDATE call_outcome SET keys = keys + 1 WHERE message_id = :id AND number = :number",
        {"id": message_id, "number": number},
    )


def ends(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int, why: str) -> None:
    tx.execute(
        "INSERT INTO call_outcome (message_id, number, ended_ms, why) VALUES (:id, :number, :at, :why)"
        " ON CONFLICT (message_id, number) DO UPDATE SET ended_ms = excluded.ended_ms, why = excluded.why",
        {"id": message_id, "number": number, "at": at_ms, "why": why},
    )


def did_its_work(tx: sqlite3.Connection, message_id: int, number: int) -> bool:
    """Whether that call was heard whole or answered with a key."""
    row = tx.execute(
        "SELECT heard_ms IS NOT NULL OR keys > 0 FROM call_outcome WHERE message_id = :id AND number = :number",
        {"id": message_id, "number": number},
    ).fetchone()
    return row is not None and bool(row[0])


def waits_for_speech(tx: sqlite3.Connection) -> bool:
    """Whether a call is put off because its words could not be spoken."""
    found = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM message WHERE state = 'queued' AND channel = 'call' AND error LIKE 'speech%')"
    )
    return bool(found.fetchone()[0])
