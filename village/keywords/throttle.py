"""When the village stops answering a number that writes too much: told once, then silence. Pure.

Never throttles what is done with a text, only the answers; and never a call for help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

TOLD = "THROT"
NEVER_THROTTLED = frozenset(
    {"POLICE", "VOTE_OK", "VOTE_SAME", "VOTE_CHG", "VOTE_OLD", "LATE_OK", "SHARE_OK", "DOOR_OK"}
)
"""Answers to a cry for help, and to a ballot: its receipt is the voter's own. And to a leader who ticks: no more than
there are doors on his list."""

BURST_REPLIES, BURST_MS = 5, 10 * 60_000
DAY_REPLIES, DAY_MS = 20, 24 * 3_600_000
"""For each voter registered on the number (facts/sms.md)."""
SILENCE_MS = 3_600_000
"""What the reply promises: 暂停自动回复1小时."""


class Patience(Enum):
    OPEN = "open"
    TELL = "tell"
    TELL_TODAY = "tell-today"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer this number had."""

    at_ms: int
    key: str


def patience(answered: Sequence[Answered], voters: int, now_ms: int) -> Patience:
    """`answered`: the last 24 hours, oldest first; `voters`: those registered on the number."""
    share = max(voters, 1)
    counted = [one for one in answered if one.key not in NEVER_THROTTLED and now_ms - one.at_ms < DAY_MS]
    told_ms = counted[-1].at_ms if counted and counted[-1].key == TOLD else None
    replies = [one for one in counted if one.key != TOLD]
    spent = len(replies) >= DAY_REPLIES * share
    if told_ms is not None and (spent or now_ms - told_ms < SILENCE_MS):
        return Patience.SILENT
    if spent:
        return Patience.TELL_TODAY
    burst = sum(now_ms - one.at_ms < BURST_MS for one in replies)
    return Patience.TELL if burst >= BURST_REPLIES * share else Patience.OPEN
