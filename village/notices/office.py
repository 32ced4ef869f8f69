"""The village office as a notice shows it: who signs, which number rings, what a message costs.

Never knows where these facts come from; `app.py` takes them from the village's settings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.message import Channel
from gateway.outbox import Outbox
from village.ground.privacy import Vault
from village.notices.ladder import Ladder
from village.notices.notice import Channels


@dataclass(frozen=True, slots=True)
class Office:
    village: str
    """As it is spoken: 青山村."""
    signature: str
    """As it stands in 【】 before every message."""
    phone: str = ""
    """What villagers ring, as they dial it; empty where there is none."""
    sms_number: str = ""
    """The number villagers send their 9 to; empty where the village has no SIM yet."""
    sms_price_fen: int = 10
    call_price_fen: int = 15
    """Per started minute."""
    sms_per_minute: int = 8
    call_lines: int = 1
    calls: bool = True
    """Whether a call can go out at all: otherwise no text offers one."""
    open_hours: tuple[tuple[int, int], ...] = ((7 * 60, 12 * 60 + 30), (14 * 60, 21 * 60))
    """Minutes of the Beijing day in which ordinary messages go out."""
    door_after_h: int = 24
    """Hours without an answer before somebody knocks, where the notice has no due time of its own."""
    ladder: Ladder = field(default_factory=Ladder)
    """When those who do not answer are reminded and rung."""
    duty_name: str = ""
    """Who picks up `phone`; empty where nobody is named."""
    texts: bool = True
    """Whether an SMS can go out at all: otherwise none is promised, and none waits for the day it can."""

    def carries(self, channel: Channel) -> bool:
        """Whether there is a line for it."""
        return self.texts if channel is Channel.SMS else self.calls

    def open_of(self, channels: Channels) -> Channels:
        """Those of the channels that can be used today."""
        return Channels(channels.sms and self.texts, channels.call and self.calls, channels.page)


def _unlimited(_: sqlite3.Connection) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Means:
    """What sending needs: where messages are queued, the key to the numbers, and the office they come from."""

    outbox: Outbox
    vault: Vault
    office: Office
    left_fen: Callable[[sqlite3.Connection], int | None] = _unlimited
    """What the month's budget of the SMS lines still covers together; None: no limit."""
