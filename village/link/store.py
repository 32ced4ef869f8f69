"""This room's tables: the county as this village knows it, what it was told, and its notices that wait here.

Never decides anything; runs inside the caller's unit of work.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class County:
    """Whom this village answers to. `authority`: PEM of the county's own CA, empty where its address is plain http."""

    url: str
    name: str
    public_key: bytes
    sealing_key: bytes
    log: bytes
    certificate: bytes
    authority: str
    village_no: int
    expires_ms: int
    enrolled_ms: int


def county(tx: sqlite3.Connection) -> County | None:
    """None while this village has not enrolled."""
    row = tx.execute("SELECT * FROM county").fetchone()
    return None if row is None else County(**{name: row[name] for name in County.__slots__})


def keep_county(tx: sqlite3.Connection, known: County) -> None:
    """The county, for good or with a new certificate or address."""
    columns = ", ".join(County.__slots__)
    values = ", ".join(f":{name}" for name in County.__slots__)
    tx.execute(
        f"INSERT OR REPLACE INTO county (id, {columns}) VALUES (1, {values})",
        {name: getattr(known, name) for name in County.__slots__},
    )


# what was told


@dataclass(frozen=True, slots=True)
class Told:
    print: bytes
    told_ms: int


def told(tx: sqlite3.Connection, kind: int, subject: int) -> Told | None:
    row = tx.execute(
        "SELECT print, told_ms FROM told WHERE kind = :kind AND subject = :subject", {"kind": kind, "subject": subject}
    ).fetchone()
    return None if row is None else Told(row["print"], row["told_ms"])


def note_told(tx: sqlite3.Connection, kind: int, subject: int, print_: bytes, now_ms: int) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO told (kind, subject, print, told_ms) VALUES (:kind, :subject, :print, :now)",
        {"kind": kind, "subject": subject, "print": print_, "now": now_ms},
    )


# the county's notices


@dataclass(frozen=True, slots=True)
class CountyNoticeRow:
    """A notice the county sent down. It waits until the committee sends it on, puts it aside, or the county takes it
    back; `relayed_as` is the village's own notice it became."""

    id: int
    text: str
    issuer: str
    issued_ms: int
    due_ms: int | None
    received_ms: int
    withdrawn_ms: int | None
    set_aside_ms: int | None
    set_aside_by: str | None
    relayed_as: int | None

    @property
    def waits(self) -> bool:
        return self.withdrawn_ms is None and self.set_aside_ms is None and self.relayed_as is None

    @property
    def request(self) -> str:
        """What the village's own notice is known by: one county notice is sent on once."""
        return request_of(self.id)


def request_of(county_notice_id: int) -> str:
    return f"county/{county_notice_id}"


_NOTICE = (
    "SELECT c.*, (SELECT n.id FROM notice n WHERE n.request = 'county/' || c.id) AS relayed_as FROM county_notice c"
)


def _row(row: sqlite3.Row) -> CountyNoticeRow:
    return CountyNoticeRow(**{name: row[name] for name in CountyNoticeRow.__slots__})


def county_notices(tx: sqlite3.Connection, *, limit: int = 60) -> list[CountyNoticeRow]:
    """Newest first."""
    rows = tx.execute(f"{_NOTICE} ORDER BY c.received_ms DESC, c.id DESC LIMIT :limit", {"limit": limit})
    return [_row(row) for row in rows]


def county_notice(tx: sqlite3.Connection, notice_id: int) -> CountyNoticeRow | None:
    row = tx.execute(f"{_NOTICE} WHERE c.id = :id", {"id": notice_id}).fetchone()
    return None if row is None else _row(row)


def relayed_from(tx: sqlite3.Connection, notice_id: int) -> int | None:
    """Which notice of the county's this notice of ours passes on."""
    row = tx.execute(
        "SELECT c.id FROM county_notice c JOIN notice n ON n.request = 'county/' || c.id WHERE n.id = :id",
        {"id": notice_id},
    ).fetchone()
    return None if row is None else int(row[0])


def add_county_notice(
    tx: sqlite3.Connection, *, notice_id: int, text: str, issuer: str, issued_ms: int, due_ms: int | None, now_ms: int
) -> None:
    """The same notice again changes nothing."""
    tx.execute(
        "INSERT INTO county_notice (id, text, issuer, issued_ms, due_ms, received_ms)"
        " VALUES (:id, :text, :issuer, :issued, :due, :now) ON CONFLICT DO NOTHING",
        {"id": notice_id, "text": text, "issuer": issuer, "issued": issued_ms, "due": due_ms, "now": now_ms},
    )


def withdraw_county_notice(tx: sqlite3.Connection, notice_id: int, at_ms: int) -> None:
    tx.execute(
        "UPDATE county_notice SET withdrawn_ms = :at WHERE id = :id AND withdrawn_ms IS NULL",
        {"id": notice_id, "at": at_ms},
    )


def set_aside(tx: sqlite3.Connection, notice_id: int, *, by: str, at_ms: int) -> bool:
    """False where somebody has dealt with it already."""
    done = tx.execute(
        "UPDATE county_notice SET set_aside_ms = :at, set_aside_by = :by WHERE id = :id AND set_aside_ms IS NULL"
        " AND withdrawn_ms IS NULL AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.request = 'county/' || :id)",
        {"id": notice_id, "by": by, "at": at_ms},
    )
    return done.rowcount == 1


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """`ground.timekeeping.Shift` of this room: what the county stamped is never moved."""
    for table, column in (
        ("told", "told_ms"),
        ("county_notice", "received_ms"),
        ("county_notice", "set_aside_ms"),
        ("county", "enrolled_ms"),
    ):
        tx.execute(
            f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since",
            {"since": since_ms, "step": step_ms},
        )
