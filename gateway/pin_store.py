"""The SQL about PINs that were tried. Plain functions on the unit of work the caller opened; decides nothing.

Never sees a PIN: both keys are fingerprints.
"""

from __future__ import annotations

import sqlite3


def tried(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> tuple[bool, int | None] | None:
    """Whether it was refused, and how many tries were left before it; None: never tried, or taken since."""
    row = tx.execute("SELECT refused, left FROM pin_try WHERE sim = :sim AND pin = :pin", _key(sim, pin)).fetchone()
    return None if row is None else (bool(row[0]), row[1])


def begin(tx: sqlite3.Connection, sim: bytes, pin: bytes, left: int | None) -> None:
    tx.execute(
        "INSERT INTO pin_try (sim, pin, refused, left) VALUES (:sim, :pin, 0, :left)"
        " ON CONFLICT (sim, pin) DO UPDATE SET left = excluded.left",
        _key(sim, pin) | {"left": left},
    )


def refuse(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> None:
    tx.execute("UPDATE pin_try SET refused = 1 WHERE sim = :sim AND pin = :pin", _key(sim, pin))


def forget(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> None:
    tx.execute("DELETE FROM pin_try WHERE sim = :sim AND pin = :pin", _key(sim, pin))


def _key(sim: bytes, pin: bytes) -> dict[str, object]:
    return {"sim": sim, "pin": pin}
