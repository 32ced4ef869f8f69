"""The SQL about PINs that were tried. Plain functions on the unit of work the caller opened; decides nothing.

Never sees a PIN: both keys are fingerprints.
"""

from __future__ import annotations

import sqlite3


def tried(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> tuple[bool, int | None, int] | None:
    """Whether it was refused, how many tries were left before it, and how often it was tried; None: never, or taken
    since."""
    row = tx.execute(
        "SELECT refused, left, times FROM pin_try WHERE sim = :sim AND pin = :pin", _key(sim, pin)
    ).fetchone()
    return None if row is None else (bool(row[0]), row[1], row[2])


def begin(tx: sqlite3.Connection, sim: bytes, pin: bytes, left: int | None) -> None:
    tx.execute(
        "INSERT INTO pin_try (sim, pin, refused, left) VALUES (:sim, :pin, 0, :left)"
        " ON CONFLICT (sim, pin) DO UPDATE SET refused = 0, left = excluded.left, times = times + 1",
        _key(sim, pin) | {"left": left},
    )


def refuse(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> None:
    tx.execute("UPDATE pin_try SET refused = 1 WHERE sim = :sim AND pin = :pin", _key(sim, pin))


def forget(tx: sqlite3.Connection, sim: bytes, pin: bytes) -> None:
    tx.execute("DELETE FROM pin_try WHERE sim = :sim AND pin = :pin", _key(sim, pin))


def condemn_refused(tx: sqlite3.Connection, sim: bytes, times: int) -> None:
    """What this SIM has refused counts as tried so often."""
    tx.execute(
        "UPDATE pin_try SET times = max(times, :times) WHERE sim = :sim AND refused = 1", {"sim": sim, "times": times}
    )


def _key(sim: bytes, pin: bytes) -> dict[str, object]:
    return {"sim": sim, "pin": pin}
