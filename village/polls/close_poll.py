"""Close polls whose deadline has passed. The deadline is a promise: nothing closes before it, and nothing by a guess.

Never counts; ballots that were sent in time may still be on their way.
"""

from __future__ import annotations

import logging
import sqlite3

from village.polls import store
from village.polls.poll import Poll

log = logging.getLogger(__name__)


def close_due(tx: sqlite3.Connection, now_ms: int, *, trusted: bool) -> list[Poll]:
    """Those that were closed now; none while the clock is guessed."""
    if not trusted:
        return []
    closed = []
    for poll in store.open_polls(tx):
        if poll.closes_ms < now_ms and store.mark_closed(tx, poll.id, now_ms):
            closed.append(store.poll_of(tx, poll.id))
            log.info("poll closed poll=%d", poll.id)
    return closed
