"""Moments and spans inside a finding's sentence, in words that both languages have.

Never decides whether a span is long.
"""

from __future__ import annotations

from village.ground.clock import beijing
from village.ground.wording import Wording, say

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000


def moment(instant_ms: int, now_ms: int) -> Wording:
    """今天 9:10, 昨天 9:10, else 2026年12月5日 9:10; Beijing time."""
    at, today = beijing(instant_ms), beijing(now_ms).date()
    hour = f"{at.hour}:{at.minute:02d}"
    days = (today - at.date()).days
    if days == 0:
        return say("今天 {hour}", hour=hour)
    if days == 1:
        return say("昨天 {hour}", hour=hour)
    return say("{year}年{month}月{day}日 {hour}", year=at.year, month=at.month, day=at.day, hour=hour)


def day(instant_ms: int) -> Wording:
    at = beijing(instant_ms)
    return say("{year}年{month}月{day}日", year=at.year, month=at.month, day=at.day)


def lasting(duration_ms: int) -> Wording:
    """3天, 2小时, 5分钟; at least a minute, in the largest unit that fits."""
    if duration_ms >= _DAY_MS:
        return say("{n}天", n=duration_ms // _DAY_MS)
    if duration_ms >= _HOUR_MS:
        return say("{n}小时", n=duration_ms // _HOUR_MS)
    return say("{n}分钟", n=max(1, duration_ms // _MINUTE_MS))
