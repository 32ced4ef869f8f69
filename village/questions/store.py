"""Which message asked which phone what: the memory that ties a bare digit to its question.

Never decides what an answer means; it only says what had been asked when the answer was written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

CENTRE_SLACK_MS = 999
"""An SMS centre's timestamp has whole seconds (3GPP TS 23.040, 9.2.3.11): an answer stamped 9:10:00 may have been
written at 9:10:00.9, so it may look older than what it answers by that much."""


@dataclass(frozen=True, slots=True)
class Question:
    """`asked_ms` is when the carrier took the message that asked; `message_id` tells which wording the phone had."""

    phone_id: int
    kind: str
    number: int
    subject_id: int
    message_id: int
    asked_ms: int


def ask(tx: sqlite3.Connection, phone_id: int, *, kind: str, number: int, subject_id: int, message_id: int) -> None:
    """Remember that `message_id` asks `phone_id` about `subject_id`; the same message asking again changes nothing."""
    tx.execute(
        "INSERT INTO question (phone_id, kind, number, subject_id, message_id)"
        " VALUES (:phone, :kind, :number, :subject, :message) ON CONFLICT DO NOTHING",
        {"phone": phone_id, "kind": kind, "number": number, "subject": subject_id, "message": message_id},
    )


def newest(
    tx: sqlite3.Connection,
    phone_id: int,
    before_ms: int,
    *,
    kinds: Collection[str] | None = None,
    number: int | None = None,
    waiting: bool = False,
) -> Question | None:
    """The question this phone saw last before `before_ms` (an answer's centre time), of `kinds` and `number` if given.

    What the carrier never took was never asked. A message cut off while it was being sent (`sending`, `unknown`) may
    have arrived: it counts only where nothing else had been asked. `waiting` supposes that what still waits in the
    queue had arrived when it was queued: for trying things out, never for a real answer.
    """
    row = tx.execute(
        "SELECT q.phone_id, q.kind, q.number, q.subject_id, q.message_id,"
        "       coalesce(m.accepted_ms, m.heard_ms, m.queued_ms) AS asked_ms"
        " FROM question q JOIN message_state m ON m.id = q.message_id"
        " WHERE q.phone_id = :phone"
        "   AND coalesce(m.accepted_ms, m.heard_ms, m.queued_ms) <= :before"
        "   AND (m.accepted_ms IS NOT NULL OR m.heard_ms IS NOT NULL OR m.state IN ('sending', 'unknown')"
        "        OR (:waiting AND m.state = 'queued'))"
        "   AND (:kinds IS NULL OR q.kind IN (SELECT value FROM json_each(:kinds)))"
        "   AND (:number IS NULL OR q.number = :number)"
        " ORDER BY (NOT :waiting AND m.accepted_ms IS NULL AND m.heard_ms IS NULL), asked_ms DESC,"
        " q.message_id DESC LIMIT 1",
        {
            "phone": phone_id,
            "before": before_ms + CENTRE_SLACK_MS,
            "kinds": None if kinds is None else json.dumps(sorted(kinds)),
            "number": number,
            "waiting": waiting,
        },
    ).fetchone()
    return None if row is None else Question(**row)
