"""A guessed clock was put right: every instant the gateway keeps moves with it."""

from __future__ import annotations

import sqlite3

from gateway import money_store

_INSTANTS = {
    "message": ("queued_ms", "due_ms", "accepted_ms", "delivered_ms", "heard_ms", "ended_ms"),
    "under_way": ("started_ms",),
    "taken": ("taken_ms",),
    "attempt": ("started_ms", "ended_ms"),
    "early_report": ("at_ms", "kept_ms"),
    "call_outcome": ("answered_ms", "heard_ms", "ended_ms"),
    "inbox": ("received_ms",),
    "ring": ("at_ms", "received_ms"),
}


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """A guessed clock was put right: everything stamped from `since_ms` on moves with it.

    What the SMS centre stamped (`centre_ms`) was never guessed and stays.
    """
    values = {"since": since_ms, "step": step_ms}
    tx.execute(
        "UPDATE message SET expires_ms = expires_ms + :step WHERE queued_ms >= :since AND expires_ms IS NOT NULL",
        values,
    )
    for table, columns in _INSTANTS.items():
        for column in columns:
            tx.execute(f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since", values)
    money_store.shift_times(tx, since_ms, step_ms)
