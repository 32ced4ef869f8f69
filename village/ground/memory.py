"""The C library's memory, kept small: one arena for all threads, and what lies idle given back.

Never changes what the program does; where the C library has no such calls nothing happens.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""mallopt(3): glibc otherwise keeps an arena for every thread that ever allocated."""


def keep_one_arena() -> None:
    """At start, before there are threads."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Now and then: a busy hour leaves megabytes that nothing uses."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
