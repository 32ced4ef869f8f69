"""One SMS before the village: what may be looked up to decide it.

Never changes anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from village.ground.privacy import Vault
from village.keywords.decision import (
    Sender,
)
from village.keywords.replies import Replies
from village.keywords.throttle import DAY_MS, Answered
from village.notices.office import Office

SINCE_MS = DAY_MS
"""How far back the answers in a Reading go."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One SMS before the village: what may be looked up to decide it. `answered_ms`: when it was written."""

    tx: sqlite3.Connection
    vault: Vault
    office: Office
    replies: Replies
    directory: tuple[tuple[str, str], ...]
    sender: Sender
    text: str
    answered_ms: int
    now_ms: int
    answered: Sequence[Answered]
    """The answers this number had in the last 24 hours, oldest first."""
    trusted: bool = True
    """Whether the clock that stamped it, and that closes polls, is more than a guess."""
    rehearsed: bool = False
    """Nobody wrote it: what waits in the queue is taken to have arrived."""
