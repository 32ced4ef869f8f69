"""What a phone wants to hear: everything, alerts only, nothing. Each change is kept as consent given or withdrawn.

Never second-guesses a refusal; and never touched by an import.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from village.people import changes_store as changes
from village.people import store
from village.people.changes_store import Hand
from village.people.store import Opted

How = Literal["sms", "call", "desk", "paper", "code"]


def set_opted(
    tx: sqlite3.Connection,
    phone_id: int,
    level: Opted,
    *,
    how: How,
    at_ms: int,
    by: str = "",
    resident_id: int | None = None,
) -> bool:
    """True where it changed. `by` is the account where a clerk did it; else the phone itself spoke."""
    phone = store.phone_by_id(tx, phone_id)
    if phone is None:
        raise LookupError(f"no phone {phone_id}")
    hand = Hand(by or phone.masked, at_ms)
    changes.add_consent(tx, hand, phone_id=phone_id, resident_id=resident_id, what=level, how=how)
    return changes.set_opted(tx, hand, phone_id, level)
