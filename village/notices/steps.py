"""When the rungs of one notice come, from its own times and the office's settings. Looks; never climbs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from gateway.message import Channel
from village.notices import climb_store
from village.notices.ladder import rung_ms
from village.notices.notice import Notice, Rung
from village.notices.office import Office


def rung_times(notice: Notice, office: Office, climbed: Mapping[Rung, int]) -> dict[Rung, int | None]:
    """Every rung this notice has and the village has a line for; None: it does not come before the door list opens.

    `climbed`: the rungs of this wording that were climbed, and when.
    """
    door_ms = notice.door_ms(office.door_after_h)
    times: dict[Rung, int | None] = {}
    for rung in sorted(notice.rungs):
        if not office.carries(rung.channel) or (rung.channel is Channel.CALL and not notice.channels.call):
            continue
        times[rung] = rung_ms(
            rung,
            notice,
            office.ladder,
            climbed,
            door_ms=door_ms,
            open_hours=office.open_hours,
            reminded_ms=climbed.get(Rung.REMINDER, times.get(Rung.REMINDER)),
        )
    return times


def rings_again(tx: sqlite3.Connection, notice: Notice, office: Office) -> bool:
    """Whether a second call is still to come: whom the first one missed is not visited before it."""
    return second_to_come(notice, office, climb_store.climbed(tx, notice.id, notice.version))


def second_to_come(notice: Notice, office: Office, climbed: Mapping[Rung, int]) -> bool:
    """The same, of the rungs that were climbed; pure."""
    if Rung.SECOND_CALL not in notice.rungs or Rung.SECOND_CALL in climbed:
        return False
    times = rung_times(notice, office, climbed)
    if Rung.CALL not in climbed and (first_ms := times.get(Rung.CALL)) is not None:
        times = rung_times(notice, office, {**climbed, Rung.CALL: first_ms})
    return times.get(Rung.SECOND_CALL) is not None
