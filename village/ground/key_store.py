"""Whether this file was written with this key. Never holds the key."""

from __future__ import annotations

import sqlite3

from village.ground.privacy import Vault

_SEALED_WORD = "e家家"


def check_key(tx: sqlite3.Connection, vault: Vault) -> None:
    """Remember the key at the first start, recognise it at every later one. Raises SealBrokenError for another."""
    row = tx.execute("SELECT sealed FROM key_check").fetchone()
    if row is None:
        tx.execute("INSERT INTO key_check (id, sealed) VALUES (1, :sealed)", {"sealed": vault.seal(_SEALED_WORD)})
        return
    vault.open(row[0])
