"""Numbers a keypad can name: two digits, and none given twice within memory.

Never takes a number away from what is still open.
"""

from __future__ import annotations

from collections.abc import Iterable

LOWEST, HIGHEST = 1, 99
REST_MS = 90 * 86_400_000
"""A number rests so long after what it named was over (facts/sms.md)."""


def free_number(used: Iterable[tuple[int, int | None]], now_ms: int) -> int | None:
    """The next number. `used`: (number, when it was over or None while it is open), one pair a number.

    The lowest never used, then the one that has rested longest of those over for 90 days; None where there is none.
    """
    over = dict(used)
    unused = next((number for number in range(LOWEST, HIGHEST + 1) if number not in over), None)
    if unused is not None:
        return unused
    rested = [(ended, number) for number, ended in over.items() if ended is not None and ended + REST_MS <= now_ms]
    return min(rested)[1] if rested else None
