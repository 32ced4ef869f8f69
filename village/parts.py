"""What a running village consists of, passed as one to its chores and its desk. Built in `app.py`; does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from audio.speech import Speech
from gateway.gateway import Gateway
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.timekeeping import Timekeeper
from village.link.county_link import CountyLink
from village.notices.office import Means
from village.place import Place
from village.polls.count_poll import UpSince
from village.polls.listening import Listening
from village.switchboard import Switchboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    place: Place
    clock: Clock
    db: Database
    means: Means
    gateway: Gateway
    switchboard: Switchboard
    speech: Speech
    timekeeper: Timekeeper
    link: CountyLink
    listening_since: Listening

    def up_since_ms(self) -> UpSince:
        """Since when each line has been heard without a gap."""
        return self.listening_since.up_since_ms(self.switchboard.hearing())
