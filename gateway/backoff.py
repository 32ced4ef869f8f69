"""When to try again: a table per trouble and a pure function that reads it. Never looks at a clock."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.failures import Trouble
from gateway.message import Priority

_S = 1000
_MIN = 60 * _S
_HOUR = 60 * _MIN

STEPS_MS: Mapping[Trouble, tuple[int, ...]] = MappingProxyType(
    {
        # the carrier is overloaded: soon, then patiently
        Trouble.CONGESTION: (15 * _S, _MIN, 5 * _MIN, 15 * _MIN, _HOUR, _HOUR, 2 * _HOUR, 4 * _HOUR),
        Trouble.REFUSED: (_MIN, 15 * _MIN, _HOUR),
        Trouble.OTHER: (_MIN, 5 * _MIN, 30 * _MIN, 2 * _HOUR),
        # the phone is off or in the fields: the carrier has waited already, so long steps
        Trouble.NO_SIGNAL: (15 * _MIN, _HOUR, 3 * _HOUR, 6 * _HOUR),
        Trouble.NO_REPORT: (30 * _MIN, 2 * _HOUR),
        # somebody has to delete something first
        Trouble.FULL_PHONE: (30 * _MIN, 2 * _HOUR, 6 * _HOUR),
        # calls: a busy line frees itself soon, an empty house does not
        Trouble.BUSY: (2 * _MIN, 5 * _MIN, 20 * _MIN),
        Trouble.NO_ANSWER: (20 * _MIN, 3 * _HOUR),
        Trouble.HUNG_UP: (30 * _MIN,),
        Trouble.SPEECH: (_MIN, 10 * _MIN, _HOUR),
    }
)
"""As many tries after the first as there are steps. What is not in here is never tried again by itself."""

EMERGENCY_STEPS_MS: Mapping[Trouble, tuple[int, ...]] = MappingProxyType(
    {
        # calls that nobody took: 2, 5, 10 minutes, then somebody has to knock
        Trouble.NO_ANSWER: (2 * _MIN, 5 * _MIN, 10 * _MIN),
        Trouble.BUSY: (_MIN, 2 * _MIN, 5 * _MIN, 10 * _MIN),
        Trouble.HUNG_UP: (_MIN, 2 * _MIN, 5 * _MIN),
        Trouble.NO_SIGNAL: (2 * _MIN, 5 * _MIN, 10 * _MIN, 20 * _MIN),
        Trouble.NO_REPORT: (2 * _MIN, 5 * _MIN, 10 * _MIN),
        Trouble.FULL_PHONE: (5 * _MIN, 10 * _MIN),
        Trouble.CONGESTION: (10 * _S, 20 * _S, _MIN, 2 * _MIN, 5 * _MIN, 10 * _MIN),
        Trouble.REFUSED: (30 * _S, 2 * _MIN, 10 * _MIN),
        Trouble.OTHER: (30 * _S, 2 * _MIN, 10 * _MIN),
        Trouble.SPEECH: (5 * _S, 30 * _S),
        # a warning that may have been lost is sent again: twice is better than not at all
        Trouble.TIMEOUT: (_MIN, 3 * _MIN),
        Trouble.INTERRUPTED: (0, _MIN),
    }
)

LONGEST_MS = max(step for steps in (*STEPS_MS.values(), *EMERGENCY_STEPS_MS.values()) for step in steps) * 11 // 10
"""No retry lies further away; one that seems to was planned by a clock that was wrong."""


def next_try_ms(trouble: Trouble, tries: int, priority: Priority, *, spread: int = 0) -> int | None:
    """How long to wait after try number `tries` (1 is the first) ended in `trouble`; None: give up.

    `spread` (the message's id) moves it by up to a tenth either way, so that what failed together does not come back
    together.
    """
    table = EMERGENCY_STEPS_MS if priority.is_emergency else STEPS_MS
    steps = table.get(trouble, ())
    if not 1 <= tries <= len(steps):
        return None
    step = steps[tries - 1]
    return step + step * (spread * 7919 % 201 - 100) // 1000
