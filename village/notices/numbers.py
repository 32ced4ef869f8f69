"""Which number a notice bears: two digits that a phone can fetch it by, and that do not change hands soon.

Never gives a number to a second notice while people may still answer the first.
"""

from __future__ import annotations

import sqlite3

from village.ground.calendar import day_words
from village.ground.wording import RefusalError, say
from village.notices.notice import HIGHEST_NUMBER, LOWEST_NUMBER
from village.notices.store import numbers_in_use

REST_MS = 90 * 86_400_000
"""How long a number rests after its notice is over (facts/sms.md)."""


def next_number(tx: sqlite3.Connection, now_ms: int, *, urgent: bool = False) -> int:
    """The number after the newest notice's that has rested; an urgent notice takes the one that was over first.

    Raises RefusalError (409) where every number is still in use.
    """
    over_ms = {number: (over, notice_id) for number, notice_id, over in numbers_in_use(tx)}
    newest = max(over_ms, key=lambda number: over_ms[number][1], default=LOWEST_NUMBER - 1)
    span = HIGHEST_NUMBER - LOWEST_NUMBER + 1
    for step in range(1, span + 1):
        number = LOWEST_NUMBER + (newest - LOWEST_NUMBER + step) % span
        if number not in over_ms or over_ms[number][0] + REST_MS <= now_ms:
            return number
    oldest = min(over_ms, key=lambda number: over_ms[number])
    if urgent and over_ms[oldest][0] <= now_ms:
        return oldest
    raise RefusalError(
        say(
            "1到99号通知都还在用，{day}起{number}号能再用",
            day=day_words(over_ms[oldest][0] + REST_MS),
            number=oldest,
        ),
        status=409,
    )


def refuse_taken(tx: sqlite3.Connection, number: int, now_ms: int) -> None:
    """Raises RefusalError where `number` cannot be had now."""
    if not LOWEST_NUMBER <= number <= HIGHEST_NUMBER:
        raise RefusalError(say("通知号码是1到99"), status=422)
    if any(used == number and over + REST_MS > now_ms for used, _, over in numbers_in_use(tx)):
        raise RefusalError(say("通知{number}还在用", number=number), status=409)
