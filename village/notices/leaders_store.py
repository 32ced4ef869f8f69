"""The leaders' letters and the numbers on them: who was told what, and which number is which household.

Never judges; `leaders.py` does. Runs inside the caller's unit of work.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.message import State as MessageState
from village.notices.notice import Notice
from village.notices.unsent_store import STILL_UNSENT
from village.questions import CENTRE_SLACK_MS


@dataclass(frozen=True, slots=True)
class LetterRow:
    """An SMS to a group's leader. `state` is None where the gateway has forgotten the message."""

    round: int
    group_no: int
    leader: str
    masked: str
    listed: int
    left_out: int
    sent_ms: int
    state: MessageState | None
    error: str | None
    delivered_ms: int | None


@dataclass(frozen=True, slots=True)
class Numbered:
    """A household (or person) with the number a leader ticks it by."""

    number: int
    unit_id: int


def rounds_done(tx: sqlite3.Connection, notice_id: int, version: int) -> set[int]:
    rows = tx.execute(
        "SELECT round FROM door_round WHERE notice_id = :notice AND version = :version",
        {"notice": notice_id, "version": version},
    )
    return {row["round"] for row in rows}


def rounds_each(tx: sqlite3.Connection, notices: Collection[Notice]) -> dict[int, set[int]]:
    """By notice, those of its current wording; every one of them is in it."""
    rows = tx.execute(
        "SELECT r.notice_id, r.round FROM json_each(:wanted) w JOIN notice n ON n.id = w.value"
        " JOIN door_round r ON r.notice_id = n.id AND r.version = n.version",
        {"wanted": json.dumps([notice.id for notice in notices])},
    )
    found: dict[int, set[int]] = {notice.id: set() for notice in notices}
    for row in rows:
        found[row["notice_id"]].add(row["round"])
    return found


def add_round(tx: sqlite3.Connection, notice_id: int, version: int, number: int, now_ms: int) -> None:
    tx.execute(
        "INSERT INTO door_round (notice_id, version, round, done_ms) VALUES (:notice, :version, :round, :now)"
        " ON CONFLICT DO NOTHING",
        {"notice": notice_id, "version": version, "round": number, "now": now_ms},
    )


def add_letter(
    tx: sqlite3.Connection, *, notice_id: int, version: int, number: int, group_no: int, resident_id: int, leader: str,
    phone_id: int, message_id: int, listed: Sequence[Numbered], left_out: int, now_ms: int,
    instead_of: int | None = None,
) -> None:  # fmt: skip
    """`number` is the round's. `instead_of`: the letter that failed, whose numbers this one carries again."""
    letter_id = tx.execute(
        "INSERT INTO door_letter (notice_id, version, round, group_no, resident_id, leader, phone_id, message_id,"
        " left_out, sent_ms, instead_of) VALUES (:notice, :version, :round, :group, :resident, :leader, :phone,"
        " :message, :out, :now, :instead) RETURNING id",
        {"notice": notice_id, "version": version, "round": number, "group": group_no, "resident": resident_id,
         "leader": leader, "phone": phone_id, "message": message_id, "out": left_out, "now": now_ms,
         "instead": instead_of},
    ).fetchone()[0]  # fmt: skip
    tx.executemany(
        "INSERT INTO door_number (letter_id, notice_id, version, group_no, number, unit_id)"
        " VALUES (:letter, :notice, :version, :group, :number, :unit)",
        [
            {"letter": letter_id, "notice": notice_id, "version": version, "group": group_no, "number": one.number,
             "unit": one.unit_id}
            for one in listed
        ],
    )  # fmt: skip


def numbered(tx: sqlite3.Connection, notice_id: int, version: int, group_no: int | None = None) -> list[Numbered]:
    """In the order of their numbers; of one group or of all."""
    rows = tx.execute(
        "SELECT number, unit_id FROM door_number WHERE notice_id = :notice AND version = :version"
        " AND (:group IS NULL OR group_no = :group) ORDER BY group_no, number",
        {"notice": notice_id, "version": version, "group": group_no},
    )
    return [Numbered(row["number"], row["unit_id"]) for row in rows]


def numbers_in_hand(
    tx: sqlite3.Connection, notice_id: int, version: int, group_no: int, answered_ms: int, *, waiting: bool = False
) -> set[int]:
    """The numbers on the lists of this version that the leader had when he wrote, as `version_in_hand` counts them.

    What waits in the queue, failed or was withdrawn is in nobody's hand; what was cut off while it was being sent
    counts where nothing else does.
    """
    rows = tx.execute(
        "SELECT d.number, m.id IS NULL OR m.state IN ('accepted', 'delivered', 'unknown') AS sure"
        " FROM door_letter l JOIN door_number d ON d.letter_id IN (l.id, l.instead_of)"
        " LEFT JOIN message_state m ON m.id = l.message_id"
        " WHERE l.notice_id = :notice AND l.version = :version AND l.group_no = :group AND ("
        "   m.id IS NULL OR m.state IN ('sending', 'unknown') OR (:waiting AND m.state = 'queued')"
        "   OR (m.state IN ('accepted', 'delivered') AND coalesce(m.accepted_ms, m.delivered_ms) <= :before))",
        {"notice": notice_id, "version": version, "group": group_no, "before": answered_ms + CENTRE_SLACK_MS,
         "waiting": waiting},
    ).fetchall()  # fmt: skip
    sure = {row["number"] for row in rows if row["sure"] or waiting}
    return sure or {row["number"] for row in rows}


def letters_of(tx: sqlite3.Connection, notice_id: int, version: int) -> list[LetterRow]:
    """By group, the first one first."""
    rows = tx.execute(
        "SELECT l.round, l.group_no, l.leader, p.masked, l.left_out, l.sent_ms, m.state, m.error, m.delivered_ms,"
        " (SELECT count(*) FROM door_number n WHERE n.letter_id IN (l.id, l.instead_of)) AS listed"
        " FROM door_letter l JOIN phone p ON p.id = l.phone_id LEFT JOIN message_state m ON m.id = l.message_id"
        " WHERE l.notice_id = :notice AND l.version = :version ORDER BY l.group_no, l.round, l.id",
        {"notice": notice_id, "version": version},
    )
    return [
        LetterRow(
            round=row["round"],
            group_no=row["group_no"],
            leader=row["leader"],
            masked=row["masked"],
            listed=row["listed"],
            left_out=row["left_out"],
            sent_ms=row["sent_ms"],
            state=None if row["state"] is None else MessageState(row["state"]),
            error=row["error"],
            delivered_ms=row["delivered_ms"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Written:
    """A letter by what it was about: for taking it back, or for writing to somebody else."""

    id: int
    round: int
    group_no: int
    phone_id: int
    message_id: int
    left_out: int
    listed: tuple[Numbered, ...]
    withdrawn: bool


def letters_waiting(tx: sqlite3.Connection, notices: Collection[Notice]) -> dict[int, list[Written]]:
    """By notice, those about its current wording that have not left yet."""
    return _written(tx, notices, "m.state = 'queued'")


def letters_lost(tx: sqlite3.Connection, notices: Collection[Notice]) -> dict[int, list[Written]]:
    """By notice, those that reached nobody, or were taken back, and instead of which nothing was sent to somebody
    else."""
    return _written(
        tx, notices,
        "m.state IN ('failed', 'expired', 'withdrawn') AND l.instead_of IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM door_letter o WHERE o.instead_of = l.id)",
    )  # fmt: skip


def _written(tx: sqlite3.Connection, notices: Collection[Notice], which: str) -> dict[int, list[Written]]:
    rows = tx.execute(
        "SELECT l.id, l.notice_id, l.round, l.group_no, l.phone_id, l.message_id, l.left_out, l.instead_of, m.state"
        " FROM json_each(:wanted) w JOIN notice n ON n.id = w.value"
        " JOIN door_letter l ON l.notice_id = n.id AND l.version = n.version"
        f" JOIN message_state m ON m.id = l.message_id WHERE {which} ORDER BY l.id",
        {"wanted": json.dumps([notice.id for notice in notices])},
    ).fetchall()
    found: dict[int, list[Written]] = {}
    for row in rows:
        found.setdefault(row["notice_id"], []).append(
            Written(
                id=row["id"],
                round=row["round"],
                group_no=row["group_no"],
                phone_id=row["phone_id"],
                message_id=row["message_id"],
                left_out=row["left_out"],
                withdrawn=row["state"] == MessageState.WITHDRAWN,
                listed=tuple(
                    Numbered(one["number"], one["unit_id"])
                    for one in tx.execute(
                        "SELECT number, unit_id FROM door_number WHERE letter_id = :letter ORDER BY number",
                        {"letter": row["instead_of"] or row["id"]},
                    )
                ),
            )
        )
    return found


def version_in_hand(
    tx: sqlite3.Connection, notice_id: int, group_no: int, answered_ms: int, *, waiting: bool = False
) -> int | None:
    """The version of the newest list that the carrier had taken when the answer was written; None: there was none.

    One that was cut off while it was being sent may have arrived and counts where nothing else does. `waiting`
    supposes that what still waits in the queue had arrived: for trying things out.
    """
    row = tx.execute(
        "SELECT l.version FROM door_letter l LEFT JOIN message_state m ON m.id = l.message_id"
        " WHERE l.notice_id = :notice AND l.group_no = :group AND ("
        "   (m.state IN ('accepted', 'delivered') AND coalesce(m.accepted_ms, m.delivered_ms) <= :before)"
        "   OR m.id IS NULL OR m.state IN ('sending', 'unknown') OR (:waiting AND m.state = 'queued'))"
        " ORDER BY (NOT :waiting AND m.id IS NOT NULL AND coalesce(m.accepted_ms, m.delivered_ms) IS NULL),"
        " l.id DESC LIMIT 1",
        {"notice": notice_id, "group": group_no, "before": answered_ms + CENTRE_SLACK_MS, "waiting": waiting},
    ).fetchone()
    return None if row is None else row["version"]


def letter_messages(tx: sqlite3.Connection, *, notice_id: int | None = None, phone_id: int | None = None) -> list[int]:
    """Messages to leaders that may still be sent: about one notice, or to one phone."""
    rows = tx.execute(
        "SELECT l.message_id FROM door_letter l JOIN message_state m ON m.id = l.message_id"
        " WHERE (:notice IS NULL OR l.notice_id = :notice) AND (:phone IS NULL OR l.phone_id = :phone)"
        f" AND {STILL_UNSENT} ORDER BY l.message_id",
        {"notice": notice_id, "phone": phone_id},
    )
    return [row["message_id"] for row in rows]
