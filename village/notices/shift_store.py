"""Moves the instants of notices when a guessed clock is put right.

Never touches what a person said about time: when a notice shall go out, by when everybody has to know, and the day
by which something has to be done.
"""

from __future__ import annotations

import sqlite3

_INSTANTS = {
    "notice": ("created_ms", "stopped_ms"),
    "notice_version": ("created_ms",),
    "notice_copy": ("created_ms",),
    "notice_rung": ("at_ms",),
    "notice_confirmation": ("at_ms", "lapsed_ms"),
    "door_visit": ("ticked_ms",),
    "notice_draft": ("saved_ms",),
    "door_round": ("done_ms",),
    "door_letter": ("sent_ms",),
    "notice_task": ("set_ms", "reminded_ms"),
    "task_done": ("at_ms", "undone_ms"),
}


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """`ground.timekeeping.Shift` of this room."""
    values = {"since": since_ms, "step": step_ms}
    tx.execute(
        "UPDATE notice SET start_ms = start_ms + :step"
        " WHERE start_ms >= :since AND created_ms >= :since AND state <> 'planned'",
        values,
    )
    for table, columns in _INSTANTS.items():
        for column in columns:
            tx.execute(f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since", values)
