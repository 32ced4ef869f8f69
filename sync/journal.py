"""Writes into our own log: the body is checked against the list, stamped, bound to what is before it.

Never writes outside the caller's unit of work, so what happened and its record are kept or lost together.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

from sync.ground import Clock
from sync.keys import PublicKey
from sync.kinds import Body, Writer, checked
from sync.ledger import Ledger
from sync.record import BOOT_BYTES, Record, Stamp, make_record
from sync.store import SqliteLedger

_KERNEL = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> bytes:
    """8 bytes that are the same until the computer is started again."""
    try:
        return hashlib.sha256(_KERNEL.read_bytes()).digest()[:BOOT_BYTES]
    except OSError:
        return os.urandom(BOOT_BYTES)


def append(ledger: Ledger, clock: Clock, boot: bytes, body: Body) -> Record:
    """Raises FieldError for a body that may not be written."""
    stamp = Stamp(boot, max(clock.monotonic_ms(), 0), max(clock.now_ms(), 0), clock.trusted)
    record = make_record(ledger.own_head(), stamp, checked(body))
    ledger.add_own(record)
    return record


class Journal:
    """A village's own log."""

    def __init__(self, key: PublicKey, clock: Clock) -> None:
        self._log = key.log
        self._clock = clock
        self._boot = boot_id()

    def append(self, tx: sqlite3.Connection, body: Body) -> Record:
        """Raises FieldError for a body that may not be written."""
        return append(SqliteLedger(tx, self._log, writer=Writer.VILLAGE), self._clock, self._boot, body)
