"""What a leader was sent, by its numbers, and the ticks he sends back. Never ticks what had not reached him."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from village.notices import leaders_store
from village.notices.doors import tick
from village.notices.notice import Notice, UnitId
from village.notices.reach import waits
from village.notices.reach_store import unit_rows
from village.notices.store import notice_of


@dataclass(frozen=True, slots=True)
class Listed:
    """A household on a leader's list; `told`: it has answered, listened, or been ticked."""

    number: int
    unit_id: int
    name: str
    alone: bool
    told: bool


def listed(tx: sqlite3.Connection, notice: Notice, group_no: int) -> list[Listed]:
    """What the group's leader was sent of the current wording, in the order of the numbers."""
    rows = {row.id: row for row in unit_rows(tx, notice.id)}
    return [
        Listed(one.number, one.unit_id, row.name, row.alone, not waits(row))
        for one in leaders_store.numbered(tx, notice.id, notice.version, group_no)
        if (row := rows.get(UnitId(one.unit_id))) is not None
    ]


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one SMS of a leader did: who was ticked by it, who had been told before, and who is left."""

    notice: Notice
    now: tuple[Listed, ...]
    before: tuple[Listed, ...]
    left: tuple[Listed, ...]
    coming: int = 0
    """How many more stand on a list that has not reached him yet."""


def tick_listed(
    tx: sqlite3.Connection,
    notice_id: int,
    group_no: int,
    numbers: Collection[int] | None,
    *,
    in_hand: Collection[int] | None = None,
    seen_version: int,
    by: str,
    now_ms: int,
) -> Ticked:
    """Tick these numbers of the group's list, or all (None) of those `in_hand`. What bears no number is left alone.

    `in_hand`: the numbers that had reached him when he wrote (None: all); nobody else is ticked.

    Raises RefusalError (404; 409 where the notice was corrected since the list).
    """
    notice = notice_of(tx, notice_id)
    everything = listed(tx, notice, group_no)
    ours = [one for one in everything if in_hand is None or one.number in in_hand]
    wanted = [one for one in ours if numbers is None or one.number in numbers]
    now = tuple(one for one in wanted if not one.told)
    for one in now:
        tick(tx, notice.id, one.unit_id, seen_version=seen_version, by=by, now_ms=now_ms)
    ticked = {one.unit_id for one in now}
    return Ticked(
        notice,
        now=now,
        before=tuple(one for one in wanted if one.told) if numbers is not None else (),
        left=tuple(one for one in ours if not one.told and one.unit_id not in ticked),
        coming=sum(not one.told for one in everything) - sum(not one.told for one in ours),
    )
