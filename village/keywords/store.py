"""This room's tables: what was made of each SMS, what the supervisory committee reads, alarms, calls asked for.

Never decides anything; runs inside the caller's unit of work. Texts are opened by the caller's vault.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from village.ground.wording import Wording
from village.keywords.throttle import Answered
from village.polls.store import phone_of_message

_OPEN_CALL = "('queued', 'sending')"


# what was made of an SMS


def phone_of_ballot(tx: sqlite3.Connection, source: str) -> int | None:
    """Which phone a ballot came from, by the `source` the ledger has of it; None where that is not known."""
    way, _, rest = source.partition("/")
    which = rest.partition("/")[0]
    if way == "call":
        return phone_of_message(tx, int(which))
    row = tx.execute("SELECT phone_id FROM interpretation WHERE inbox_id = :id", {"id": int(which)}).fetchone()
    return None if row is None else row["phone_id"]


def note(
    tx: sqlite3.Connection,
    *,
    inbox_id: int,
    fingerprint: bytes,
    phone_id: int | None,
    at_ms: int,
    intent: str,
    why: Wording,
    person: bool,
    shown: bool,
    concerns: str | None,
    reply_key: str | None,
    message_id: int | None,
) -> None:
    tx.execute(
        "INSERT INTO interpretation (inbox_id, fingerprint, phone_id, person, at_ms, intent, why, shown, concerns,"
        " reply_key, message_id) VALUES (:inbox, :fingerprint, :phone, :person, :at, :intent, :why, :shown, :concerns,"
        " :key, :message)",
        {
            "inbox": inbox_id,
            "fingerprint": fingerprint,
            "phone": phone_id,
            "at": at_ms,
            "intent": intent,
            "why": json.dumps([why.msgid, {name: str(value) for name, value in why.values}], ensure_ascii=False),
            "person": person,
            "shown": shown,
            "concerns": concerns,
            "key": reply_key,
            "message": message_id,
        },
    )


def is_noted(tx: sqlite3.Connection, inbox_id: int) -> bool:
    row = tx.execute("SELECT 1 FROM interpretation WHERE inbox_id = :id", {"id": inbox_id}).fetchone()
    return row is not None


def answered(tx: sqlite3.Connection, fingerprint: bytes, since_ms: int) -> list[Answered]:
    """The answers this number had, oldest first."""
    rows = tx.execute(
        "SELECT at_ms, reply_key FROM interpretation WHERE fingerprint = :who AND at_ms >= :since"
        " AND reply_key IS NOT NULL ORDER BY at_ms, id",
        {"who": fingerprint, "since": since_ms},
    )
    return [Answered(row["at_ms"], row["reply_key"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Letter:
    """An SMS as the desk lists it. `sealed_text` is None where the committee may not read it."""

    id: int
    inbox_id: int
    at_ms: int
    sealed_sender: bytes
    sealed_text: bytes | None
    phone_id: int | None
    person: bool
    who: str | None
    intent: str
    why: Wording
    concerns: str | None
    reply_key: str | None


_LETTER = """
    SELECT i.id, i.inbox_id, i.at_ms, b.sender AS sealed_sender, CASE WHEN i.shown THEN b.text END AS sealed_text,
           i.phone_id, i.person, i.intent, i.why, i.concerns, i.reply_key,
           (SELECT group_concat(r.name, '、') FROM phone_holder h JOIN resident r ON r.id = h.resident_id
             WHERE h.phone_id = i.phone_id AND r.left_ms IS NULL) AS who
      FROM interpretation i JOIN inbox b ON b.id = i.inbox_id
     WHERE i.intent NOT IN ('supervise', 'quarantine')
"""


def _letter(row: sqlite3.Row) -> Letter:
    msgid, values = json.loads(row["why"])
    return Letter(**{**dict(row), "person": bool(row["person"]), "why": Wording(msgid, tuple(values.items()))})


def letters(
    tx: sqlite3.Connection, *, limit: int, before_id: int | None = None, strangers: bool = False
) -> list[Letter]:
    """What came in, newest first, without what is for the supervisory committee alone.

    `strangers`: only from people's numbers that the roster does not know.
    """
    rows = tx.execute(
        _LETTER + " AND (:before IS NULL OR i.id < :before)"
        " AND (NOT :strangers OR (i.phone_id IS NULL AND i.person)) ORDER BY i.id DESC LIMIT :limit",
        {"before": before_id, "limit": limit, "strangers": strangers},
    )
    return [_letter(row) for row in rows]


def letter_of(tx: sqlite3.Connection, letter_id: int) -> Letter | None:
    row = tx.execute(_LETTER + " AND i.id = :id", {"id": letter_id}).fetchone()
    return None if row is None else _letter(row)


def troubled(tx: sqlite3.Connection) -> int:
    """Texts that were kept but could not be read by this program."""
    found: int = tx.execute("SELECT count(*) FROM inbox WHERE trouble IS NOT NULL").fetchone()[0]
    return found


# for the supervisory committee alone


@dataclass(frozen=True, slots=True)
class Withheld:
    id: int
    why: str
    sender: bytes
    phone_id: int | None
    who: str | None
    text: bytes
    received_ms: int
    handled_ms: int | None
    handled_by: str | None


def withhold(
    tx: sqlite3.Connection, *, inbox_id: int, why: str, sender: bytes, phone_id: int | None, text: bytes, at_ms: int
) -> int:
    row = tx.execute(
        "INSERT INTO supervision (inbox_id, why, sender, phone_id, text, received_ms)"
        " VALUES (:inbox, :why, :sender, :phone, :text, :at) RETURNING id",
        {"inbox": inbox_id, "why": why, "sender": sender, "phone": phone_id, "text": text, "at": at_ms},
    ).fetchone()
    return int(row["id"])


def withheld(tx: sqlite3.Connection, *, limit: int) -> list[Withheld]:
    """Open ones first, then the newest."""
    rows = tx.execute(
        "SELECT s.*, (SELECT group_concat(r.name, '、') FROM phone_holder h JOIN resident r ON r.id = h.resident_id"
        "   WHERE h.phone_id = s.phone_id AND r.left_ms IS NULL) AS who"
        "  FROM supervision s ORDER BY s.handled_ms IS NOT NULL, s.id DESC LIMIT :limit",
        {"limit": limit},
    )
    return [Withheld(**{name: row[name] for name in Withheld.__slots__}) for row in rows]


def handle_withheld(tx: sqlite3.Connection, withheld_id: int, *, by: str, at_ms: int) -> bool:
    changed = tx.execute(
        "UPDATE supervision SET handled_ms = :at, handled_by = :by WHERE id = :id AND handled_ms IS NULL",
        {"id": withheld_id, "by": by, "at": at_ms},
    )
    return changed.rowcount == 1


# alarms


@dataclass(frozen=True, slots=True)
class DutyAlarm:
    id: int
    sender: bytes
    phone_id: int | None
    who: str | None
    at_ms: int
    rung: bool
    handled_ms: int | None
    handled_by: str | None


_ALARM = """
    SELECT a.id, a.sender, a.phone_id, a.at_ms, a.rung, a.handled_ms, a.handled_by,
           (SELECT group_concat(r.name || '(' || d.group_no || '组)', '、') FROM phone_holder h
              JOIN resident r ON r.id = h.resident_id JOIN household d ON d.id = r.household_id
             WHERE h.phone_id = a.phone_id AND r.left_ms IS NULL) AS who
      FROM duty_alarm a
"""


def _alarm(row: sqlite3.Row) -> DutyAlarm:
    return DutyAlarm(**{**dict(row), "rung": bool(row["rung"])})


def raise_alarm(
    tx: sqlite3.Connection,
    *,
    inbox_id: int,
    sender: bytes,
    fingerprint: bytes,
    phone_id: int | None,
    at_ms: int,
    rung: bool,
) -> int:
    row = tx.execute(
        "INSERT INTO duty_alarm (inbox_id, sender, fingerprint, phone_id, at_ms, rung)"
        " VALUES (:inbox, :sender, :fingerprint, :phone, :at, :rung) RETURNING id",
        {
            "inbox": inbox_id,
            "sender": sender,
            "fingerprint": fingerprint,
            "phone": phone_id,
            "at": at_ms,
            "rung": rung,
        },
    ).fetchone()
    return int(row["id"])


def rung_since(tx: sqlite3.Connection, fingerprint: bytes, since_ms: int) -> bool:
    """Whether the one on duty was already rung for this number."""
    row = tx.execute(
        "SELECT 1 FROM duty_alarm WHERE fingerprint = :who AND at_ms >= :since AND rung = 1 LIMIT 1",
        {"who": fingerprint, "since": since_ms},
    ).fetchone()
    return row is not None


def open_alarms(tx: sqlite3.Connection) -> list[DutyAlarm]:
    return [_alarm(row) for row in tx.execute(_ALARM + " WHERE a.handled_ms IS NULL ORDER BY a.id")]


def handled_alarms(tx: sqlite3.Connection, *, limit: int) -> list[DutyAlarm]:
    rows = tx.execute(_ALARM + " WHERE a.handled_ms IS NOT NULL ORDER BY a.id DESC LIMIT :limit", {"limit": limit})
    return [_alarm(row) for row in rows]


def handle_alarm(tx: sqlite3.Connection, alarm_id: int, *, by: str, at_ms: int) -> bool:
    changed = tx.execute(
        "UPDATE duty_alarm SET handled_ms = :at, handled_by = :by WHERE id = :id AND handled_ms IS NULL",
        {"id": alarm_id, "by": by, "at": at_ms},
    )
    return changed.rowcount == 1


# calls asked for


@dataclass(frozen=True, slots=True)
class WaitingCall:
    message_id: int
    notice_id: int


def note_call(tx: sqlite3.Connection, message_id: int, phone_id: int, notice_id: int) -> None:
    tx.execute(
        "INSERT INTO fetched_call (message_id, phone_id, notice_id) VALUES (:message, :phone, :notice)",
        {"message": message_id, "phone": phone_id, "notice": notice_id},
    )


def waiting_calls(tx: sqlite3.Connection, phone_id: int) -> list[WaitingCall]:
    """Calls this phone asked for that still wait or ring."""
    rows = tx.execute(
        "SELECT f.message_id, f.notice_id FROM fetched_call f JOIN message_state m ON m.id = f.message_id"
        f" WHERE f.phone_id = :phone AND m.state IN {_OPEN_CALL} ORDER BY f.message_id",
        {"phone": phone_id},
    )
    return [WaitingCall(row["message_id"], row["notice_id"]) for row in rows]


def calls_ahead(tx: sqlite3.Connection, priority: int, before_id: int | None = None) -> int:
    """Calls the lines are busy with or take first; `before_id`: only those queued before this one."""
    found: int = tx.execute(
        "SELECT count(*) FROM message_state WHERE channel = 'call' AND id IS NOT :before AND (state = 'sending' OR"
        " (state = 'queued' AND priority <= :priority AND (:before IS NULL OR id < :before)))",
        {"priority": priority, "before": before_id},
    ).fetchone()[0]
    return found
