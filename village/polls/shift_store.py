"""Moves the instants of polls when a guessed clock is put right.

Never touches a deadline somebody was told, nor what an SMS centre stamped: a ballot whose time came from the centre
keeps it. Whether it did is seen by comparing: our own clock stamped what was received at the moment it was sent.
"""

from __future__ import annotations

import sqlite3

_INSTANTS = {
    "poll": ("opened_ms", "closed_ms", "counted_ms", "withdrawn_ms"),
    "legal_basis": ("entered_ms", "cosigned_ms", "retired_ms"),
}


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """`ground.timekeeping.Shift` of this room."""
    values = {"since": since_ms, "step": step_ms}
    tx.execute(
        "UPDATE ballot SET sent_ms = sent_ms + :step WHERE sent_ms = received_ms AND received_ms >= :since", values
    )
    tx.execute("UPDATE ballot SET received_ms = received_ms + :step WHERE received_ms >= :since", values)
    for table, columns in _INSTANTS.items():
        for column in columns:
            tx.execute(f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since", values)
