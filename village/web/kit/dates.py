"""Times as a page shows them, in the reader's language; always Beijing time.

Never decides the language and never asks the clock.
"""

from __future__ import annotations

from village.ground.calendar import day_words, lunar_words, short_moment
from village.ground.clock import beijing
from village.web.kit.language import ENGLISH

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNITS = ((86_400_000, "天", "day"), (3_600_000, "小时", "hour"), (60_000, "分钟", "minute"))


def when(instant_ms: int, now_ms: int, language: str) -> str:
    """今天 9:10 · 12月5日 9:10; today 9:10 · 5 Dec 9:10"""
    if language != ENGLISH:
        return short_moment(instant_ms, now_ms)
    moment, today = beijing(instant_ms), beijing(now_ms).date()
    near = {0: "today", -1: "yesterday", 1: "tomorrow"}.get((moment.date() - today).days)
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{near or f'{moment.day} {_MONTHS[moment.month - 1]}{year}'} {hour(instant_ms)}"


def day(instant_ms: int, language: str) -> str:
    """12月5日周五; Fri 5 Dec"""
    if language != ENGLISH:
        return day_words(instant_ms)
    moment = beijing(instant_ms)
    return f"{_WEEKDAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"


def hour(instant_ms: int) -> str:
    """9:10"""
    moment = beijing(instant_ms)
    return f"{moment.hour}:{moment.minute:02d}"


def lunar(instant_ms: int) -> str:
    """十月十六, in every language: the farmer's calendar has no other name for it"""
    return lunar_words(instant_ms)


def lasting(duration_ms: int, language: str) -> str:
    """4天 · 2小时 · 3分钟, rounded to the largest unit that fits, at least a minute"""
    size, word, english = next(((s, w, e) for s, w, e in _UNITS if duration_ms >= s), _UNITS[-1])
    count = max(1, round(duration_ms / size))
    if language != ENGLISH:
        return f"{count}{word}"
    return f"{count} {english}{'' if count == 1 else 's'}"
