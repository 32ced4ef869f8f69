"""Who has heard a notice and who has not: by household (or person), by group, and over time.

Never asks the gateway anything of its own: one query, then plain arithmetic.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from village.notices.climb_store import climbed_each
from village.notices.notice import Notice, State
from village.notices.office import Office
from village.notices.reach_store import UnitRow, unit_rows, units_each
from village.notices.steps import rings_again, second_to_come
from village.notices.store import notice_of


class Stage(StrEnum):
    """How far the notice came with one household; a later one says more than an earlier one."""

    NOBODY = "nobody"
    """No message is under way and none arrived."""
    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    HEARD = "heard"
    CONFIRMED = "confirmed"
    LEFT = "left"
    """Not told before they left the village, or died; nobody goes there to ask, and nobody counts as unreached."""


_SETTLED = (Stage.CONFIRMED, Stage.HEARD, Stage.LEFT)
"""Nothing more is done for them."""


def stage(unit: UnitRow) -> Stage:
    if unit.confirmed_ms is not None:
        return Stage.CONFIRMED
    if unit.heard_ms is not None:
        return Stage.HEARD
    if unit.left:
        return Stage.LEFT
    if unit.delivered_ms is not None:
        return Stage.DELIVERED
    if unit.under_way == 0:
        return Stage.NOBODY
    return Stage.QUEUED if unit.accepted_ms is None else Stage.ACCEPTED


def waits(unit: UnitRow) -> bool:
    """Whether this unit still has to be told or to answer: nobody who has is rung or written to again."""
    return stage(unit) not in _SETTLED and unit.ticked_ms is None


def to_visit(unit: UnitRow, notice: Notice, door_ms: int, now_ms: int, *, again: bool) -> bool:
    """Whether somebody has to knock: nothing can arrive any more, or nobody has answered in time.

    `again`: a second call is still to come, for those whose first one found nobody at home. Whoever listened to a call
    has heard, and is not visited; nor is a house in which nobody lives any more. A stopped notice sends nobody out, nor
    does one that was only put up on the page.
    """
    if notice.state is not State.SENT or not notice.channels.reaches_phones:
        return False
    if stage(unit) in _SETTLED:
        return False
    if now_ms >= door_ms:
        return True
    return stage(unit) is Stage.NOBODY and not (again and unit.nobody_home)


@dataclass(frozen=True, slots=True)
class Funnel:
    units: int
    queued: int
    """Nothing has left for them yet."""
    accepted: int
    """Handed to the carrier, and everything beyond."""
    delivered: int
    """On a phone of theirs, and everything beyond."""
    heard: int
    """Listened to a call whole and have not answered."""
    confirmed: int
    unreached: int
    """On the door list and not yet told."""


@dataclass(frozen=True, slots=True)
class GroupReach:
    group_no: int
    funnel: Funnel
    curve: tuple[tuple[int, int], ...]
    """(minutes since it went out, units that had heard or confirmed by then), one point a step."""


@dataclass(frozen=True, slots=True)
class Tile:
    unit_id: int
    group_no: int
    name: str
    stage: Stage
    visit: bool


@dataclass(frozen=True, slots=True)
class Reach:
    notice: Notice
    funnel: Funnel
    groups: tuple[GroupReach, ...]
    curve: tuple[tuple[int, int], ...]
    tiles: tuple[Tile, ...]
    door_ms: int
    since_ms: int
    """From when this version was on its way: minute 0 of the curves."""
    vias: tuple[tuple[str, int], ...] = ()
    """By which ways the confirmed ones confirmed, the commonest first."""

    def as_json(self) -> dict[str, object]:
        return {
            "number": self.notice.number,
            "version": self.notice.version,
            "state": str(self.notice.state),
            "unit": str(self.notice.unit),
            **_counts(self.funnel),
            "groups": [
                {"group": group.group_no, **_counts(group.funnel), "curve": [list(point) for point in group.curve]}
                for group in self.groups
            ],
            "curve": [list(point) for point in self.curve],
        }


def _counts(funnel: Funnel) -> dict[str, int]:
    return {name: getattr(funnel, name) for name in Funnel.__slots__}


def reach(tx: sqlite3.Connection, notice_id: int, now_ms: int, office: Office) -> Reach:
    """Raises RefusalError (404)."""
    notice = notice_of(tx, notice_id)
    again = rings_again(tx, notice, office)
    return reckon(notice, unit_rows(tx, notice_id), now_ms, office.door_after_h, again=again)


def reaches(tx: sqlite3.Connection, notices: Sequence[Notice], now_ms: int, office: Office) -> list[Reach]:
    """The views of many, in two reads."""
    climbed, units = climbed_each(tx, notices), units_each(tx, [notice.id for notice in notices])
    return [
        reckon(
            notice, units[notice.id], now_ms, office.door_after_h,
            again=second_to_come(notice, office, climbed[notice.id]),
        )
        for notice in notices
    ]  # fmt: skip


def reckon(notice: Notice, units: Sequence[UnitRow], now_ms: int, door_after_h: int, *, again: bool = False) -> Reach:
    """The whole view from the rows; pure."""
    door_ms = notice.door_ms(door_after_h)
    since_ms = max(notice.start_ms, notice.version_ms)
    visits = {unit.id for unit in units if to_visit(unit, notice, door_ms, now_ms, again=again)}
    numbers = sorted({unit.group_no for unit in units})
    by_group = {number: [unit for unit in units if unit.group_no == number] for number in numbers}
    return Reach(
        notice=notice,
        funnel=_funnel(units, visits),
        groups=tuple(
            GroupReach(number, _funnel(members, visits), _curve(members, since_ms))
            for number, members in by_group.items()
        ),
        curve=_curve(units, since_ms),
        tiles=tuple(Tile(unit.id, unit.group_no, unit.name, stage(unit), unit.id in visits) for unit in units),
        door_ms=door_ms,
        since_ms=since_ms,
        vias=tuple(Counter(unit.confirmed_via for unit in units if unit.confirmed_via is not None).most_common()),
    )


def _funnel(units: Sequence[UnitRow], visits: Collection[int]) -> Funnel:
    stages = [stage(unit) for unit in units]
    return Funnel(
        units=len(units),
        queued=stages.count(Stage.QUEUED),
        accepted=sum(unit.accepted_ms is not None or unit.delivered_ms is not None for unit in units),
        delivered=sum(unit.delivered_ms is not None or unit.heard_ms is not None for unit in units),
        heard=stages.count(Stage.HEARD),
        confirmed=stages.count(Stage.CONFIRMED),
        unreached=sum(unit.id in visits for unit in units),
    )


def _curve(units: Iterable[UnitRow], since_ms: int) -> tuple[tuple[int, int], ...]:
    """Steps up: by minute m, n units had heard. Answers given before the clock was right count from minute 0."""
    instants = [
        min(instant for instant in (unit.confirmed_ms, unit.heard_ms) if instant is not None)
        for unit in units
        if unit.confirmed_ms is not None or unit.heard_ms is not None
    ]
    minutes = sorted(max(instant - since_ms, 0) // 60_000 for instant in instants)
    points: dict[int, int] = {}
    for count, minute in enumerate(minutes, start=1):
        points[minute] = count
    return ((0, points.get(0, 0)), *((minute, count) for minute, count in points.items() if minute > 0))
