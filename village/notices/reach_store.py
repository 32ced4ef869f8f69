"""What the reach view and the door list read: one row a unit, from one query.

Never judges; `reach.py` and `doors.py` do.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.message import Channel
from gateway.message import State as MessageState
from village.notices.notice import UnitId
from village.notices.ways import NoWay


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A household or person and everything that came of the current version's messages to it."""

    id: UnitId
    notice_id: int
    household_id: int
    resident_id: int | None
    group_no: int
    name: str
    born: str | None
    alone: bool
    away: bool
    no_way: NoWay | None
    copies: int
    under_way: int
    """Messages that may still arrive: queued, being sent, or with the carrier."""
    nobody_home: bool
    """A call was made, and nobody took it or listened: another time of day may help."""
    accepted_ms: int | None
    delivered_ms: int | None
    heard_ms: int | None
    confirmed_ms: int | None
    confirmed_via: str | None
    had_old: bool
    """Whether an earlier version was confirmed by, or delivered to, this unit."""
    left: bool
    """The person, or everybody of the household, is in the roster no more."""
    who: str
    ticked_ms: int | None
    ticked_by: str | None


_UNITS = """
    SELECT u.id, u.notice_id, u.household_id, u.resident_id, u.group_no, u.name, u.born, u.alone, u.away, u.no_way,
           count(CASE WHEN c.version = n.version THEN 1 END) AS copies,
           count(CASE WHEN c.version = n.version AND m.state IN ('queued', 'sending', 'accepted') THEN 1 END)
             AS under_way,
           max(c.version = n.version AND c.channel = 'call' AND m.state IN ('failed', 'unknown')
               AND m.error NOT LIKE 'dead_number%') IS 1 AS nobody_home,
           min(CASE WHEN c.version = n.version THEN m.accepted_ms END) AS accepted_ms,
           min(CASE WHEN c.version = n.version AND c.channel = 'sms' THEN m.delivered_ms END) AS delivered_ms,
           min(CASE WHEN c.version = n.version THEN m.heard_ms END) AS heard_ms,
           f.at_ms AS confirmed_ms, f.via AS confirmed_via,
           max(c.version < n.version AND coalesce(m.delivered_ms, m.heard_ms) IS NOT NULL) IS 1
             OR EXISTS (SELECT 1 FROM notice_confirmation o WHERE o.unit_id = u.id AND o.version < n.version)
             AS had_old,
           NOT EXISTS (SELECT 1 FROM resident r WHERE r.left_ms IS NULL AND u.resident_id IS NULL
                       AND r.household_id = u.household_id)
             AND NOT EXISTS (SELECT 1 FROM resident r WHERE r.left_ms IS NULL AND r.id = u.resident_id) AS "left",
           coalesce(d.who, '') AS who, d.ticked_ms, d.ticked_by
      FROM notice n
      JOIN notice_unit u ON u.notice_id = n.id
      LEFT JOIN notice_copy_serves s ON s.unit_id = u.id
      LEFT JOIN notice_copy c ON c.id = s.copy_id
      LEFT JOIN message_state m ON m.id = c.message_id
      LEFT JOIN notice_confirmation f ON f.unit_id = u.id AND f.lapsed_ms IS NULL
      LEFT JOIN door_visit d ON d.unit_id = u.id AND d.version = n.version
     WHERE n.id IN (SELECT value FROM json_each(:notices)) AND (:unit IS NULL OR u.id = :unit)
     GROUP BY u.id
     ORDER BY u.group_no, u.place
"""


def unit_rows(tx: sqlite3.Connection, notice_id: int, unit_id: int | None = None) -> list[UnitRow]:
    """Every unit of the notice, or the one, by group and in the roster's order."""
    return _units(tx, [notice_id], unit_id)


def units_each(tx: sqlite3.Connection, notice_ids: Sequence[int]) -> dict[int, list[UnitRow]]:
    """By notice, every unit of it in the same order; every one of them is in it."""
    found: dict[int, list[UnitRow]] = {notice_id: [] for notice_id in notice_ids}
    for unit in _units(tx, notice_ids, None):
        found[unit.notice_id].append(unit)
    return found


def _units(tx: sqlite3.Connection, notice_ids: Sequence[int], unit_id: int | None) -> list[UnitRow]:
    rows = tx.execute(_UNITS, {"notices": json.dumps(notice_ids), "unit": unit_id})
    return [
        UnitRow(
            id=UnitId(row["id"]),
            notice_id=row["notice_id"],
            household_id=row["household_id"],
            resident_id=row["resident_id"],
            group_no=row["group_no"],
            name=row["name"],
            born=row["born"],
            alone=bool(row["alone"]),
            away=bool(row["away"]),
            no_way=None if row["no_way"] is None else NoWay(row["no_way"]),
            copies=row["copies"],
            under_way=row["under_way"],
            nobody_home=bool(row["nobody_home"]),
            accepted_ms=row["accepted_ms"],
            delivered_ms=row["delivered_ms"],
            heard_ms=row["heard_ms"],
            confirmed_ms=row["confirmed_ms"],
            confirmed_via=row["confirmed_via"],
            had_old=bool(row["had_old"]),
            left=bool(row["left"]),
            who=row["who"],
            ticked_ms=row["ticked_ms"],
            ticked_by=row["ticked_by"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Try:
    """What was tried on one phone for one unit."""

    unit_id: int
    version: int
    channel: Channel
    masked: str
    state: MessageState | None
    error: str | None
    tries: int
    queued_ms: int | None
    accepted_ms: int | None
    delivered_ms: int | None
    heard_ms: int | None


def tries_of(tx: sqlite3.Connection, notice_id: int, units: Sequence[int] | None = None) -> dict[int, list[Try]]:
    """By unit, oldest first, of all versions; `units` None: of all."""
    return tries_each(tx, [notice_id], units)


def tries_each(
    tx: sqlite3.Connection, notice_ids: Sequence[int], units: Sequence[int] | None = None
) -> dict[int, list[Try]]:
    """The same of many notices."""
    rows = tx.execute(
        "SELECT s.unit_id, c.version, c.channel, p.masked, m.state, m.error, coalesce(m.tries, 0) AS tries,"
        " m.queued_ms, m.accepted_ms, m.delivered_ms, m.heard_ms"
        " FROM notice_copy c JOIN notice_copy_serves s ON s.copy_id = c.id JOIN phone p ON p.id = c.phone_id"
        " LEFT JOIN message_state m ON m.id = c.message_id"
        " WHERE c.notice_id IN (SELECT value FROM json_each(:notices)) ORDER BY c.id",
        {"notices": json.dumps(notice_ids)},
    )
    wanted = None if units is None else set(units)
    found: dict[int, list[Try]] = {}
    for row in rows:
        if wanted is not None and row["unit_id"] not in wanted:
            continue
        found.setdefault(row["unit_id"], []).append(
            Try(
                unit_id=row["unit_id"],
                version=row["version"],
                channel=Channel(row["channel"]),
                masked=row["masked"],
                state=None if row["state"] is None else MessageState(row["state"]),
                error=row["error"],
                tries=row["tries"],
                queued_ms=row["queued_ms"],
                accepted_ms=row["accepted_ms"],
                delivered_ms=row["delivered_ms"],
                heard_ms=row["heard_ms"],
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    version: int
    via: str
    at_ms: int
    lapsed_ms: int | None
    recorded_by: str


def answers_of(tx: sqlite3.Connection, unit_id: int) -> list[Answer]:
    """Every confirmation of a unit, with those that count no more."""
    rows = tx.execute(
        "SELECT version, via, at_ms, lapsed_ms, recorded_by FROM notice_confirmation WHERE unit_id = :unit ORDER BY id",
        {"unit": unit_id},
    )
    return [Answer(*row) for row in rows]


def put_visit(
    tx: sqlite3.Connection,
    unit_id: int,
    version: int,
    *,
    who: str | None = None,
    ticked_ms: int | None,
    ticked_by: str | None,
) -> None:
    """Who goes (None: as it was) and whether they have been there."""
    tx.execute(
        "INSERT INTO door_visit (unit_id, version, who, ticked_ms, ticked_by)"
        " VALUES (:unit, :version, coalesce(:who, ''), :ticked, :by) ON CONFLICT (unit_id, version) DO UPDATE SET"
        " who = coalesce(:who, who), ticked_ms = excluded.ticked_ms, ticked_by = excluded.ticked_by",
        {"unit": unit_id, "version": version, "who": who, "ticked": ticked_ms, "by": ticked_by},
    )


def put_who(tx: sqlite3.Connection, unit_id: int, version: int, who: str) -> None:
    tx.execute(
        "INSERT INTO door_visit (unit_id, version, who) VALUES (:unit, :version, :who)"
        " ON CONFLICT (unit_id, version) DO UPDATE SET who = excluded.who",
        {"unit": unit_id, "version": version, "who": who},
    )
