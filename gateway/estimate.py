"""How long a notice will take, told before it is sent. Never looks at the queue: it only divides."""

from __future__ import annotations

import math

MODEM_PARTS_PER_MINUTE = 8.0
"""A modem line does about 6–10 SMS a minute."""

CALL_SETUP_S = 20
"""Ringing and hanging up, beside what is said."""


def minutes_until_last(
    *,
    sms_parts: int,
    call_seconds: int,
    calls: int = 0,
    sms_parts_per_minute: float = MODEM_PARTS_PER_MINUTE,
    lines: int = 1,
) -> int:
    """Whole minutes until the last villager has it; SMS and calls go side by side.

    `call_seconds`: what all calls together speak; `calls` adds their ringing.
    """
    sms_min = sms_parts / sms_parts_per_minute
    call_min = (call_seconds + calls * CALL_SETUP_S) / 60 / max(lines, 1)
    return math.ceil(max(sms_min, call_min))
