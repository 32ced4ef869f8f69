"""What has to be done by a day, who has done it, and which message reminded whom. Never judges; `tasks.py` does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.message import Channel
from gateway.message import State as MessageState
from village.ground.clock import parse_iso
from village.notices.notice import UnitId


@dataclass(frozen=True, slots=True)
class Task:
    """`what` as the reminder says it: 医保; `by_day`: the last day, by the Beijing calendar."""

    notice_id: int
    what: str
    by_day: date
    set_by: str
    set_ms: int
    reminded_ms: int | None

    @property
    def over_ms(self) -> int:
        return day_over_ms(self.by_day)

    @property
    def last_ms(self) -> int:
        """The beginning of the last day."""
        return parse_iso(f"{self.by_day}T00:00:00")

    @property
    def seen(self) -> str:
        """What a page shows of it, so that a form can say what its writer looked at."""
        return f"{self.by_day} {self.what}"


def day_over_ms(day: date) -> int:
    """The end of a Beijing day."""
    return parse_iso(f"{day + timedelta(days=1)}T00:00:00")


@dataclass(frozen=True, slots=True)
class TaskUnit:
    """A household (or person) and whether it is done; `via` is sms, call, desk or list."""

    unit_id: UnitId
    group_no: int
    name: str
    household_id: int
    done_ms: int | None
    via: str
    by: str


def task_of(tx: sqlite3.Connection, notice_id: int) -> Task | None:
    row = tx.execute("SELECT * FROM notice_task WHERE notice_id = :notice", {"notice": notice_id}).fetchone()
    return None if row is None else _task(row)


def _task(row: sqlite3.Row) -> Task:
    return Task(
        notice_id=row["notice_id"],
        what=row["what"],
        by_day=date.fromisoformat(row["by_day"]),
        set_by=row["set_by"],
        set_ms=row["set_ms"],
        reminded_ms=row["reminded_ms"],
    )


def tasks_ahead(tx: sqlite3.Connection, today: date) -> list[Task]:
    """Those whose day is not over, the nearest first."""
    rows = tx.execute(
        "SELECT * FROM notice_task WHERE by_day >= :today ORDER BY by_day, notice_id", {"today": today.isoformat()}
    )
    return [_task(row) for row in rows]


def still_open(tx: sqlite3.Connection, notice_ids: Collection[int], today: date) -> dict[int, tuple[Task, int]]:
    """Of these notices, what is to be done by a day that is not over, and how many have it still to do (not 0)."""
    rows = tx.execute(
        "SELECT t.*, (SELECT count(*) FROM notice_unit u WHERE u.notice_id = t.notice_id AND NOT EXISTS"
        "   (SELECT 1 FROM task_done d WHERE d.unit_id = u.id AND d.undone_ms IS NULL)) AS undone"
        " FROM json_each(:wanted) w JOIN notice_task t ON t.notice_id = w.value WHERE t.by_day >= :today",
        {"wanted": json.dumps(sorted(notice_ids)), "today": today.isoformat()},
    )
    return {row["notice_id"]: (_task(row), row["undone"]) for row in rows if row["undone"]}


def put_task(tx: sqlite3.Connection, notice_id: int, *, what: str, by_day: date, by: str, now_ms: int) -> None:
    """Another day begins anew: it has not been reminded of."""
    tx.execute(
        "INSERT INTO notice_task (notice_id, what, by_day, set_by, set_ms) VALUES (:notice, :what, :day, :by, :now)"
        " ON CONFLICT (notice_id) DO UPDATE SET what = excluded.what, by_day = excluded.by_day,"
        " set_by = excluded.set_by, set_ms = CASE WHEN by_day = excluded.by_day THEN set_ms ELSE excluded.set_ms END,"
        " reminded_ms = CASE WHEN by_day = excluded.by_day THEN reminded_ms END",
        {"notice": notice_id, "what": what, "day": by_day.isoformat(), "by": by, "now": now_ms},
    )


def drop_task(tx: sqlite3.Connection, notice_id: int) -> None:
    """Who has done it stays on record."""
    tx.execute("DELETE FROM notice_task WHERE notice_id = :notice", {"notice": notice_id})


def mark_reminded(tx: sqlite3.Connection, notice_id: int, now_ms: int) -> None:
    tx.execute(
        "UPDATE notice_task SET reminded_ms = :now WHERE notice_id = :notice", {"now": now_ms, "notice": notice_id}
    )


def add_reminder(
    tx: sqlite3.Connection, *, message_id: int, notice_id: int, by_day: date, phone_id: int, units: Iterable[int]
) -> None:
    tx.executemany(
        "INSERT INTO task_reminder (message_id, notice_id, by_day, phone_id, unit_id)"
        " VALUES (:message, :notice, :day, :phone, :unit)",
        [
            {"message": message_id, "notice": notice_id, "day": by_day.isoformat(), "phone": phone_id, "unit": unit}
            for unit in units
        ],
    )


@dataclass(frozen=True, slots=True)
class Reminder:
    """A message that reminds of the present day. `state` None: the gateway has forgotten it."""

    message_id: int
    phone_id: int
    channel: Channel
    state: MessageState | None
    error: str | None
    last_ms: int
    """When it ended, or was queued."""
    units: tuple[UnitId, ...]
    """Whom it names."""
    owed: bool
    """Whether it was taken back or reached nobody, and one of them has it still to do and is on that phone still."""


_ON_PHONE = """EXISTS (
    SELECT 1 FROM notice_unit u JOIN phone_holder p ON p.phone_id = r.phone_id
      JOIN resident h ON h.id = p.resident_id AND h.left_ms IS NULL
     WHERE u.id = r.unit_id
       AND CASE WHEN u.resident_id IS NULL THEN h.household_id = u.household_id ELSE h.id = u.resident_id END)"""
"""Whether somebody of the unit that a row of `task_reminder` (r) names holds its phone today."""

_DONE = "EXISTS (SELECT 1 FROM task_done d WHERE d.unit_id = r.unit_id AND d.undone_ms IS NULL)"


def reminders_of(tx: sqlite3.Connection, notice_id: int) -> list[Reminder]:
    """Every reminder of the present day, the oldest first, those that were taken back too."""
    rows = tx.execute(
        "SELECT r.message_id, r.phone_id, json_group_array(r.unit_id) AS units,"
        f" max(CASE WHEN m.state IN ('withdrawn', 'failed', 'unknown') THEN {_ON_PHONE} AND NOT {_DONE} END) AS owed,"
        " coalesce(m.channel, 'sms') AS channel, m.state, m.error,"
        " coalesce(m.ended_ms, m.queued_ms, 0) AS last_ms"
        " FROM task_reminder r JOIN notice_task t ON t.notice_id = r.notice_id AND t.by_day = r.by_day"
        " LEFT JOIN message_state m ON m.id = r.message_id"
        " WHERE r.notice_id = :notice GROUP BY r.message_id ORDER BY r.message_id",
        {"notice": notice_id},
    )
    return [
        Reminder(
            message_id=row["message_id"],
            phone_id=row["phone_id"],
            channel=Channel(row["channel"]),
            state=None if row["state"] is None else MessageState(row["state"]),
            error=row["error"],
            last_ms=row["last_ms"],
            units=tuple(map(UnitId, json.loads(row["units"]))),
            owed=bool(row["owed"]),
        )
        for row in rows
    ]


def queued_for_another(tx: sqlite3.Connection) -> list[int]:
    """Reminders that wait for a phone which somebody they name, and who has it still to do, holds no more."""
    rows = tx.execute(
        "SELECT DISTINCT r.message_id FROM message_state m JOIN task_reminder r ON r.message_id = m.id"
        f" WHERE m.state = 'queued' AND NOT {_ON_PHONE} AND NOT {_DONE} ORDER BY r.message_id"
    )
    return [row["message_id"] for row in rows]


def undone_since(tx: sqlite3.Connection, notice_id: int, since_ms: int) -> set[UnitId]:
    """Those that counted as done then and do not any more."""
    rows = tx.execute(
        "SELECT DISTINCT u.id FROM notice_unit u JOIN task_done o ON o.unit_id = u.id AND o.undone_ms >= :since"
        " WHERE u.notice_id = :notice AND NOT EXISTS"
        " (SELECT 1 FROM task_done d WHERE d.unit_id = u.id AND d.undone_ms IS NULL)",
        {"notice": notice_id, "since": since_ms},
    )
    return {UnitId(row["id"]) for row in rows}


def phones_of(tx: sqlite3.Connection, units: Collection[UnitId]) -> set[int]:
    """Phones on which notices are wanted, of those of these units who have it still to do."""
    rows = tx.execute(
        "SELECT DISTINCT p.phone_id FROM json_each(:units) w JOIN notice_unit u ON u.id = w.value"
        " JOIN resident h ON h.left_ms IS NULL"
        "  AND CASE WHEN u.resident_id IS NULL THEN h.household_id = u.household_id ELSE h.id = u.resident_id END"
        " JOIN phone_holder p ON p.resident_id = h.id JOIN phone f ON f.id = p.phone_id AND f.opted = 'all'"
        " WHERE NOT EXISTS (SELECT 1 FROM task_done d WHERE d.unit_id = u.id AND d.undone_ms IS NULL)",
        {"units": json.dumps(sorted(units))},
    )
    return {row["phone_id"] for row in rows}


def phones_waiting(tx: sqlite3.Connection, notice_id: int, *, calls: bool) -> set[int]:
    """For which a copy of the notice waits in the queue or is on its way out; `calls`: a call as well as an SMS."""
    rows = tx.execute(
        "SELECT DISTINCT c.phone_id FROM notice_copy c JOIN message_state m ON m.id = c.message_id"
        " WHERE c.notice_id = :notice AND m.state IN ('queued', 'sending') AND (:calls OR c.channel = 'sms')",
        {"notice": notice_id, "calls": calls},
    )
    return {row["phone_id"] for row in rows}


def reminded_units(tx: sqlite3.Connection, message_id: int) -> list[UnitId]:
    """Those a reminder named: whom the 9 that answers it speaks for."""
    rows = tx.execute(
        "SELECT unit_id FROM task_reminder WHERE message_id = :message ORDER BY unit_id", {"message": message_id}
    )
    return [UnitId(row["unit_id"]) for row in rows]


def asked_by(tx: sqlite3.Connection, message_id: int) -> tuple[int, int] | None:
    """The notice a reminder is about, and the phone it went to; None where the message is no reminder."""
    row = tx.execute(
        "SELECT notice_id, phone_id FROM task_reminder WHERE message_id = :message LIMIT 1", {"message": message_id}
    ).fetchone()
    return None if row is None else (row["notice_id"], row["phone_id"])


def needless_reminders(
    tx: sqlite3.Connection,
    *,
    notice_id: int | None = None,
    phone_id: int | None = None,
    units: Collection[int] | None = None,
) -> list[int]:
    """Reminders that may still be sent and need not be: of a notice, to a phone, or (`units`) those that are about
    one of these and about nobody any more who has it still to do."""
    rows = tx.execute(
        "SELECT DISTINCT r.message_id FROM task_reminder r JOIN message_state m ON m.id = r.message_id"
        " WHERE (:notice IS NULL OR r.notice_id = :notice) AND (:phone IS NULL OR r.phone_id = :phone)"
        " AND m.state IN ('queued', 'sending', 'accepted', 'unknown')"
        " AND (:units IS NULL OR (r.unit_id IN (SELECT value FROM json_each(:units)) AND NOT EXISTS ("
        "   SELECT 1 FROM task_reminder o WHERE o.message_id = r.message_id AND NOT EXISTS ("
        "     SELECT 1 FROM task_done d WHERE d.unit_id = o.unit_id AND d.undone_ms IS NULL))))"
        " ORDER BY r.message_id",
        {"notice": notice_id, "phone": phone_id, "units": None if units is None else json.dumps(sorted(units))},
    )
    return [row["message_id"] for row in rows]


_UNITS = """
    SELECT u.id, u.group_no, u.name, u.household_id, d.at_ms AS done_ms, coalesce(d.via, '') AS via,
           coalesce(d.recorded_by, '') AS by
      FROM notice_unit u LEFT JOIN task_done d ON d.unit_id = u.id AND d.undone_ms IS NULL
     WHERE u.notice_id = :notice ORDER BY u.group_no, u.place
"""


def task_units(tx: sqlite3.Connection, notice_id: int) -> list[TaskUnit]:
    """Everybody the notice went to, by group and in the roster's order."""
    return [
        TaskUnit(
            unit_id=UnitId(row["id"]),
            group_no=row["group_no"],
            name=row["name"],
            household_id=row["household_id"],
            done_ms=row["done_ms"],
            via=row["via"],
            by=row["by"],
        )
        for row in tx.execute(_UNITS, {"notice": notice_id})
    ]


def add_done(tx: sqlite3.Connection, unit_id: int, *, via: str, phone_id: int | None, by: str, now_ms: int) -> bool:
    """False where it was done before."""
    added = tx.execute(
        "INSERT INTO task_done (unit_id, via, phone_id, recorded_by, at_ms) SELECT :unit, :via, :phone, :by, :now"
        " WHERE NOT EXISTS (SELECT 1 FROM task_done WHERE unit_id = :unit AND undone_ms IS NULL)",
        {"unit": unit_id, "via": via, "phone": phone_id, "by": by, "now": now_ms},
    )
    return added.rowcount == 1


def undo_done(tx: sqlite3.Connection, unit_id: int, now_ms: int) -> bool:
    changed = tx.execute(
        "UPDATE task_done SET undone_ms = :now WHERE unit_id = :unit AND undone_ms IS NULL",
        {"now": now_ms, "unit": unit_id},
    )
    return changed.rowcount == 1
