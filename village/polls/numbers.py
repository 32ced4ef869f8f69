"""Which number a poll bears: two digits from 20 to 99, and none again before it has rested.

Never gives a number to a second poll while people may still answer the first (facts/sms.md: 90 days).
"""

from __future__ import annotations

import sqlite3

from village.ground.calendar import day_words
from village.ground.wording import RefusalError, say
from village.polls.poll import HIGHEST_NUMBER, LOWEST_NUMBER
from village.polls.store import numbers_in_use

REST_MS = 90 * 86_400_000


def next_number(tx: sqlite3.Connection, now_ms: int) -> int:
    """The number after the newest poll's that has rested. Raises RefusalError (409) where none has."""
    over_ms = dict(numbers_in_use(tx))
    newest = max(over_ms, key=lambda number: over_ms[number], default=LOWEST_NUMBER - 1)
    span = HIGHEST_NUMBER - LOWEST_NUMBER + 1
    for step in range(1, span + 1):
        number = LOWEST_NUMBER + (newest - LOWEST_NUMBER + step) % span
        if number not in over_ms or over_ms[number] + REST_MS <= now_ms:
            return number
    oldest = min(over_ms, key=lambda number: over_ms[number])
    raise RefusalError(
        say(
            "20到99号都还在用，{day}起{number}号能再用",
            day=day_words(over_ms[oldest] + REST_MS),
            number=oldest,
        ),
        status=409,
    )


def refuse_taken(tx: sqlite3.Connection, number: int, now_ms: int) -> None:
    """Raises RefusalError where `number` cannot be had now."""
    if not LOWEST_NUMBER <= number <= HIGHEST_NUMBER:
        raise RefusalError(say("编号是20到99"), status=422)
    if any(used == number and over + REST_MS > now_ms for used, over in numbers_in_use(tx)):
        raise RefusalError(say("{number}号还在用", number=number), status=409)
