"""The SQL of the ladder: which rungs were climbed, and what each phone was sent. Decides nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from gateway.message import Channel
from gateway.message import State as MessageState
from village.notices.notice import CopyKind, Notice, Rung

_QUEUED = "m.state IN ('queued', 'unknown') AND m.state = 'queued'"
"""Said twice: SQLite uses the gateway's index of what is open only where it reads its very condition. Both looks are
made every minute, and there are messages of years."""


def climbed(tx: sqlite3.Connection, notice_id: int, version: int) -> dict[Rung, int]:
    """The rungs of one wording, and when."""
    rows = tx.execute(
        "SELECT rung, at_ms FROM notice_rung WHERE notice_id = :notice AND version = :version",
        {"notice": notice_id, "version": version},
    )
    return {Rung(row["rung"]): row["at_ms"] for row in rows}


def climbed_each(tx: sqlite3.Connection, notices: Collection[Notice]) -> dict[int, dict[Rung, int]]:
    """By notice, the rungs of its current wording and when; every one of them is in it."""
    rows = tx.execute(
        "SELECT r.notice_id, r.rung, r.at_ms FROM json_each(:wanted) w JOIN notice n ON n.id = w.value"
        " JOIN notice_rung r ON r.notice_id = n.id AND r.version = n.version",
        {"wanted": json.dumps([notice.id for notice in notices])},
    )
    found: dict[int, dict[Rung, int]] = {notice.id: {} for notice in notices}
    for row in rows:
        found[row["notice_id"]][Rung(row["rung"])] = row["at_ms"]
    return found


def climb(tx: sqlite3.Connection, step: tuple[int, int, Rung], now_ms: int, *, messages: int) -> None:
    """`step`: notice, version and rung."""
    notice_id, version, rung = step
    tx.execute(
        "INSERT INTO notice_rung (notice_id, version, rung, at_ms, messages)"
        " VALUES (:notice, :version, :rung, :now, :messages)",
        {"notice": notice_id, "version": version, "rung": rung, "now": now_ms, "messages": messages},
    )


def climb_more(tx: sqlite3.Connection, step: tuple[int, int, Rung], *, messages: int) -> None:
    """The rung was climbed before; these followed."""
    notice_id, version, rung = step
    tx.execute(
        "UPDATE notice_rung SET messages = messages + :messages"
        " WHERE notice_id = :notice AND version = :version AND rung = :rung",
        {"notice": notice_id, "version": version, "rung": rung, "messages": messages},
    )


def left_late(tx: sqlite3.Connection, notice: Notice, *, after_ms: int, until_ms: int) -> set[int]:
    """Phones whose first SMS of the current wording left only in this span, and that were not reminded; without those
    all of whose people have confirmed."""
    rows = tx.execute(
        "SELECT DISTINCT c.phone_id FROM notice_copy c JOIN message_state m ON m.id = c.message_id"
        " WHERE c.notice_id = :notice AND c.version = :version AND c.kind <> 'asked' AND c.channel = 'sms'"
        " AND c.rung = 0 AND m.state IN ('accepted', 'delivered') AND m.accepted_ms > :after"
        " AND m.accepted_ms <= :until"
        " AND NOT EXISTS (SELECT 1 FROM notice_copy d WHERE d.notice_id = c.notice_id AND d.phone_id = c.phone_id"
        "  AND d.version = c.version AND d.rung = 1)"
        " AND EXISTS (SELECT 1 FROM notice_copy_serves s WHERE s.copy_id = c.id AND NOT EXISTS"
        "  (SELECT 1 FROM notice_confirmation f WHERE f.unit_id = s.unit_id AND f.lapsed_ms IS NULL))",
        {"notice": notice.id, "version": notice.version, "after": after_ms, "until": until_ms},
    )
    return {row["phone_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class PhoneCopy:
    """One copy of the current wording. `state` None: the gateway has forgotten it."""

    message_id: int
    channel: Channel
    kind: CopyKind
    state: MessageState | None
    accepted_ms: int | None
    error: str | None


def copies_by_phone(tx: sqlite3.Connection, notice_id: int, version: int) -> dict[int, list[PhoneCopy]]:
    """What each phone was sent of this wording of our own accord, oldest first."""
    rows = tx.execute(
        "SELECT c.phone_id, c.message_id, c.channel, c.kind, m.state, m.accepted_ms, m.error"
        " FROM notice_copy c LEFT JOIN message_state m ON m.id = c.message_id"
        " WHERE c.notice_id = :notice AND c.version = :version AND c.kind <> 'asked' ORDER BY c.id",
        {"notice": notice_id, "version": version},
    )
    found: dict[int, list[PhoneCopy]] = {}
    for row in rows:
        found.setdefault(row["phone_id"], []).append(
            PhoneCopy(
                message_id=row["message_id"],
                channel=Channel(row["channel"]),
                kind=CopyKind(row["kind"]),
                state=None if row["state"] is None else MessageState(row["state"]),
                accepted_ms=row["accepted_ms"],
                error=row["error"],
            )
        )
    return found


def texts_beside_calls(tx: sqlite3.Connection, now_ms: int) -> dict[int, list[int]]:
    """By notice, the SMS of running notices that may go now to phones for which a call of the ladder waits or rings."""
    rows = tx.execute(
        "SELECT c.notice_id, c.message_id FROM message_state m"  # the queue is short: it is read first
        " CROSS JOIN notice_copy c ON c.message_id = m.id JOIN notice n ON n.id = c.notice_id AND n.version = c.version"
        f" WHERE {_QUEUED} AND m.channel = 'sms' AND m.due_ms <= :now"
        " AND c.kind <> 'asked'"
        " AND n.state = 'sent' AND NOT n.urgent AND EXISTS (SELECT 1 FROM notice_copy d"
        "  JOIN message_state h ON h.id = d.message_id WHERE d.notice_id = c.notice_id AND d.version = c.version"
        "  AND d.phone_id = c.phone_id AND d.channel = 'call' AND d.rung >= 2 AND h.state IN ('queued', 'sending'))",
        {"now": now_ms},
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["notice_id"], []).append(row["message_id"])
    return found


def texts_behind(tx: sqlite3.Connection, message_ids: Collection[int]) -> list[tuple[int, int]]:
    """The SMS of the same wording that wait for the phones these calls of the ladder were meant for, each with its
    call."""
    rows = tx.execute(
        "SELECT c.message_id AS text, d.message_id AS call FROM json_each(:calls) w"
        " JOIN notice_copy d ON d.message_id = w.value"
        " JOIN notice_copy c ON c.notice_id = d.notice_id AND c.version = d.version AND c.phone_id = d.phone_id"
        " JOIN message_state m ON m.id = c.message_id"
        " WHERE d.channel = 'call' AND d.rung >= 2 AND c.channel = 'sms' AND c.kind <> 'asked' AND m.state = 'queued'",
        {"calls": json.dumps(list(message_ids))},
    )
    return [(row["text"], row["call"]) for row in rows]


def queued_for_nobody(tx: sqlite3.Connection) -> list[int]:
    """Messages of later rungs of running notices, and first calls where nobody is in danger, that still wait although
    everybody they serve has answered or listened, or holds that phone no more. Never what a villager asked for."""
    rows = tx.execute(
        "SELECT c.message_id FROM message_state m JOIN notice_copy c ON c.message_id = m.id"
        " JOIN notice n ON n.id = c.notice_id AND n.version = c.version"
        f" WHERE {_QUEUED} AND n.state = 'sent' AND c.kind <> 'asked'"
        " AND (c.rung > 0 OR (c.channel = 'call' AND NOT n.urgent))"
        " AND NOT EXISTS (SELECT 1 FROM notice_copy_serves s WHERE s.copy_id = c.id"
        "  AND NOT EXISTS (SELECT 1 FROM notice_confirmation f WHERE f.unit_id = s.unit_id AND f.lapsed_ms IS NULL)"
        "  AND NOT EXISTS (SELECT 1 FROM notice_copy_serves t JOIN notice_copy d ON d.id = t.copy_id"
        "   JOIN message_state h ON h.id = d.message_id"
        "   WHERE t.unit_id = s.unit_id AND d.version = c.version AND h.heard_ms IS NOT NULL)"
        "  AND EXISTS (SELECT 1 FROM notice_unit u JOIN phone_holder p ON p.phone_id = c.phone_id"
        "   JOIN resident r ON r.id = p.resident_id AND r.left_ms IS NULL WHERE u.id = s.unit_id"
        "   AND CASE WHEN u.resident_id IS NULL THEN r.household_id = u.household_id ELSE r.id = u.resident_id END))"
    )
    return [row["message_id"] for row in rows]
