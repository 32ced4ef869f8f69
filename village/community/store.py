"""Suggestions and calls for help as drafts: what was typed, by whom, and who else wants it.

Never answers anybody and never deletes anything; runs inside the caller's unit of work. Texts are sealed: people write
numbers and names into them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from village.community.numbers import free_number
from village.ground.privacy import Vault


class Kind(StrEnum):
    SUGGESTION = "suggestion"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`seconds`: phones that want it too. `who` and `group_no` are known where one person alone holds the phone."""

    id: int
    kind: Kind
    number: int | None
    state: str
    text: str
    phone_id: int | None
    resident_id: int | None
    who: str | None
    group_no: int | None
    masked: str | None
    received_ms: int
    read_ms: int | None
    read_by: str | None
    seconds: int


_SUGGESTION = """
    SELECT s.id, s.kind, s.number, s.state, s.text, s.phone_id, s.resident_id, r.name AS who, h.group_no, p.masked,
           s.received_ms, s.read_ms, s.read_by,
           (SELECT count(*) FROM suggestion_second t WHERE t.suggestion_id = s.id) AS seconds
      FROM suggestion s
      LEFT JOIN phone p ON p.id = s.phone_id
      LEFT JOIN resident r ON r.id = s.resident_id
      LEFT JOIN household h ON h.id = r.household_id
"""


def _row(vault: Vault, row: sqlite3.Row) -> Suggestion:
    return Suggestion(**{**dict(row), "kind": Kind(row["kind"]), "text": vault.open(row["text"])})


def _print(vault: Vault, text: str) -> bytes:
    return vault.fingerprint(f"suggestion\n{text}")


def next_number(tx: sqlite3.Connection, now_ms: int) -> int | None:
    """The number the next suggestion will bear; None where all 99 are taken."""
    rows = tx.execute(
        "SELECT number, CASE WHEN min(closed_ms IS NOT NULL) THEN max(closed_ms) END AS over_ms"
        " FROM suggestion WHERE number IS NOT NULL GROUP BY number"
    )
    return free_number([(row["number"], row["over_ms"]) for row in rows], now_ms)


def draft(
    tx: sqlite3.Connection,
    vault: Vault,
    *,
    text: str,
    phone_id: int | None,
    resident_id: int | None,
    at_ms: int,
    kind: Kind = Kind.SUGGESTION,
    inbox_id: int | None = None,
) -> Suggestion:
    """Keep what was typed. The same SMS handed over twice makes one draft."""
    number = next_number(tx, at_ms) if kind is Kind.SUGGESTION else None
    tx.execute(
        "INSERT INTO suggestion (kind, number, state, text, text_print, phone_id, resident_id, inbox_id, received_ms)"
        " VALUES (:kind, :number, 'draft', :text, :print, :phone, :resident, :inbox, :at)"
        " ON CONFLICT (inbox_id) DO NOTHING",
        {
            "kind": kind,
            "number": number,
            "text": vault.seal(text),
            "print": _print(vault, text),
            "phone": phone_id,
            "resident": resident_id,
            "inbox": inbox_id,
            "at": at_ms,
        },
    )
    where = "s.inbox_id = :inbox" if inbox_id is not None else "s.id = last_insert_rowid()"
    return _row(vault, tx.execute(f"{_SUGGESTION} WHERE {where}", {"inbox": inbox_id}).fetchone())


def suggestion_of(tx: sqlite3.Connection, vault: Vault, suggestion_id: int) -> Suggestion | None:
    row = tx.execute(_SUGGESTION + " WHERE s.id = :id", {"id": suggestion_id}).fetchone()
    return None if row is None else _row(vault, row)


def by_number(tx: sqlite3.Connection, vault: Vault, number: int) -> Suggestion | None:
    """The one that bears the number now."""
    row = tx.execute(
        _SUGGESTION + " WHERE s.number = :number ORDER BY s.id DESC LIMIT 1", {"number": number}
    ).fetchone()
    return None if row is None else _row(vault, row)


def same_again(tx: sqlite3.Connection, vault: Vault, phone_id: int, text: str, kind: Kind) -> Suggestion | None:
    """The open draft this phone sent before with the very same words."""
    row = tx.execute(
        _SUGGESTION + " WHERE s.phone_id = :phone AND s.text_print = :print AND s.kind = :kind AND s.state = 'draft'"
        " ORDER BY s.id DESC LIMIT 1",
        {"phone": phone_id, "print": _print(vault, text), "kind": kind},
    ).fetchone()
    return None if row is None else _row(vault, row)


def second(tx: sqlite3.Connection, suggestion_id: int, phone_id: int, at_ms: int) -> int:
    """Count this phone once; returns how many want it now."""
    tx.execute(
        "INSERT INTO suggestion_second (suggestion_id, phone_id, at_ms) VALUES (:id, :phone, :at)"
        " ON CONFLICT DO NOTHING",
        {"id": suggestion_id, "phone": phone_id, "at": at_ms},
    )
    return seconds(tx, suggestion_id)


def seconds(tx: sqlite3.Connection, suggestion_id: int) -> int:
    found: int = tx.execute(
        "SELECT count(*) FROM suggestion_second WHERE suggestion_id = :id", {"id": suggestion_id}
    ).fetchone()[0]
    return found


def has_seconded(tx: sqlite3.Connection, suggestion_id: int, phone_id: int) -> bool:
    return (
        tx.execute(
            "SELECT 1 FROM suggestion_second WHERE suggestion_id = :id AND phone_id = :phone",
            {"id": suggestion_id, "phone": phone_id},
        ).fetchone()
        is not None
    )


def listed(tx: sqlite3.Connection, vault: Vault, *, limit: int = 200) -> list[Suggestion]:
    """What nobody has read yet first, calls for help before the rest, then the newest."""
    rows = tx.execute(
        _SUGGESTION + " ORDER BY s.read_ms IS NOT NULL, s.read_ms IS NULL AND s.kind <> 'help', s.id DESC LIMIT :limit",
        {"limit": limit},
    )
    return [_row(vault, row) for row in rows]


def unread(tx: sqlite3.Connection) -> int:
    found: int = tx.execute("SELECT count(*) FROM suggestion WHERE read_ms IS NULL").fetchone()[0]
    return found


def mark_read(tx: sqlite3.Connection, suggestion_id: int, *, by: str, at_ms: int) -> bool:
    """False where somebody had read it before, or there is none."""
    changed = tx.execute(
        "UPDATE suggestion SET read_ms = :at, read_by = :by WHERE id = :id AND read_ms IS NULL",
        {"id": suggestion_id, "by": by, "at": at_ms},
    )
    return changed.rowcount == 1
