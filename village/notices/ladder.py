"""The next rung when one way to a phone has failed: pure rules, a table.

Never climbs past the last rung; after it somebody knocks at the door.
"""

from __future__ import annotations

from gateway.message import Channel, State
from village.notices.notice import Channels

_NOBODY_THERE = frozenset({"dead_number", "content", "unreadable"})
"""A call would end as the SMS did: the number does not exist, or the words cannot be sent."""

_NEXT = {Channel.SMS: Channel.CALL}
"""The door follows the last rung by itself: a household with nothing left under way is on the list."""

_FAILED = frozenset({State.FAILED, State.UNKNOWN})
"""Not `expired`: what was not worth sending any more is not worth a call. `unknown` counts as unreached."""


def next_rung(
    channel: Channel, after: State, error: str | None, channels: Channels, *, phone_kind: str
) -> Channel | None:
    """The channel to try next on the same phone, or None where only the door is left."""
    reason = (error or "").partition("/")[0]
    following = _NEXT.get(channel)
    if after not in _FAILED or reason in _NOBODY_THERE or following is None:
        return None
    return following if channels.call and phone_kind in ("mobile", "landline") else None
