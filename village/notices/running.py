"""Which notices are running: from their start until a while after the last day they speak of.

One idea for all who look at notices again and again: 今天, the ladder, the door lists and their leaders, a phone that
opts out. The last day is the latest of the start, the newest wording, the day the door list opens and the day by which
something is to be done. A stopped notice does not run, nor does a planned one before its time.
"""

from __future__ import annotations

import sqlite3

from village.notices import store
from village.notices.notice import Notice
from village.notices.office import Office

RUNS_ON_DAYS = 14
"""After its last day: so long somebody still knocks, and an answer still settles something."""

_HOUR_MS = 3_600_000


def running(tx: sqlite3.Connection, office: Office, now_ms: int) -> list[Notice]:
    """Those that run now, newest first."""
    return store.running(tx, over_ms(now_ms), door_after_ms=office.door_after_h * _HOUR_MS)


def is_running(tx: sqlite3.Connection, office: Office, notice: Notice, now_ms: int) -> bool:
    return store.runs(tx, notice.id, over_ms(now_ms), door_after_ms=office.door_after_h * _HOUR_MS)


def over_ms(now_ms: int) -> int:
    """What had its last day before this instant runs no more."""
    return now_ms - RUNS_ON_DAYS * 24 * _HOUR_MS
