"""The SQL of tries: begun, taken by a carrier, gone wrong, and the reports that belong to them. Decides nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.failures import Trouble
from gateway.message import State
from gateway.transport import Report
from gateway.verdict import Claim, read_reference


def lane(tx: sqlite3.Connection, name: str) -> int:
    """The row of a transport's name, made where it is new."""
    tx.execute("INSERT INTO lane (name) VALUES (:name) ON CONFLICT DO NOTHING", {"name": name})
    return int(tx.execute("SELECT id FROM lane WHERE name = :name", {"name": name}).fetchone()[0])


def lane_id(tx: sqlite3.Connection, name: str) -> int | None:
    """The row of a transport's name, for readers; None before its first try."""
    row = tx.execute("SELECT id FROM lane WHERE name = :name", {"name": name}).fetchone()
    return None if row is None else int(row[0])


def name(tx: sqlite3.Connection, lane_id: int) -> str:
    return str(tx.execute("SELECT name FROM lane WHERE id = :id", {"id": lane_id}).fetchone()[0])


def take(tx: sqlite3.Connection, claims: Sequence[Claim], lane_id: int, now_ms: int) -> None:
    """Make the claims: state and tries under way, to be committed before the carrier is called."""
    tx.executemany(
        "UPDATE message SET state = 'sending', attempts = :attempt, lane_id = :lane,"
        " sent_parts = nullif(:parts, parts) WHERE id = :id AND state = 'queued'",
        [{"id": claim.message_id, "attempt": claim.attempt, "lane": lane_id, "parts": claim.parts} for claim in claims],
    )
    tx.executemany(
        "INSERT INTO under_way (message_id, number, started_ms) VALUES (:id, :number, :now)",
        [{"id": claim.message_id, "number": claim.attempt, "now": now_ms} for claim in claims],
    )


def taken(tx: sqlite3.Connection, message_id: int, number: int, *, lane_id: int, carrier_ref: str, now_ms: int) -> None:
    """A carrier has taken a try; a carrier that counts round means the newest by its reference."""
    tx.execute(
        "INSERT OR REPLACE INTO taken (carrier_ref, lane_id, message_id, number, taken_ms)"
        " VALUES (:ref, :lane, :id, :number, :now)",
        {"ref": carrier_ref, "lane": lane_id, "id": message_id, "number": number, "now": now_ms},
    )


def went_wrong(tx: sqlite3.Connection, message_id: int, number: int, *, lane_id: int, error: str, now_ms: int) -> None:
    """A try under way has ended badly; call before `no_longer_under_way`."""
    tx.execute(
        "INSERT OR IGNORE INTO attempt (message_id, number, lane_id, started_ms, ended_ms, error)"
        " SELECT message_id, number, :lane, started_ms, :now, :error FROM under_way"
        " WHERE message_id = :id AND number = :number",
        {"lane": lane_id, "now": now_ms, "error": error, "id": message_id, "number": number},
    )


def has_gone_wrong(tx: sqlite3.Connection, message_id: int, number: int) -> bool:
    found = tx.execute(
        "SELECT 1 FROM attempt WHERE message_id = :id AND number = :number", {"id": message_id, "number": number}
    )
    return found.fetchone() is not None


def no_longer_under_way(tx: sqlite3.Connection, tries: Iterable[tuple[int, int]]) -> None:
    tx.executemany(
        "DELETE FROM under_way WHERE message_id = :id AND number = :number",
        [{"id": message_id, "number": number} for message_id, number in tries],
    )


def is_under_way(tx: sqlite3.Connection, message_id: int, number: int) -> bool:
    found = tx.execute(
        "SELECT 1 FROM under_way WHERE message_id = :id AND number = :number", {"id": message_id, "number": number}
    )
    return found.fetchone() is not None


def under_way(tx: sqlite3.Connection, limit: int, transport: str | None = None) -> list[tuple[int, int]]:
    """Message and number of tries that have begun and not ended, of one lane or of all."""
    rows = tx.execute(
        "SELECT u.message_id, u.number FROM under_way u WHERE :lane IS NULL OR EXISTS"
        " (SELECT 1 FROM message m JOIN lane l ON l.id = m.lane_id WHERE m.id = u.message_id AND l.name = :lane)"
        " LIMIT :limit",
        {"limit": limit, "lane": transport},
    )
    return [(row[0], row[1]) for row in rows]


def find_try(tx: sqlite3.Connection, lane_id: int, carrier_ref: str) -> tuple[int, int] | None:
    """Message and try that a reference means, the carrier's own or ours; None before it was written down as taken."""
    ours = read_reference(carrier_ref)
    if ours is not None and _has_ended(tx, *ours):
        return ours[0], ours[1]
    row = tx.execute(
        "SELECT message_id, number FROM taken WHERE carrier_ref = :ref AND lane_id = :lane",
        {"ref": carrier_ref, "lane": lane_id},
    ).fetchone()
    return None if row is None else (row[0], row[1])


def _has_ended(tx: sqlite3.Connection, message_id: int, number: int, mark: int) -> bool:
    """A carrier that speaks of a try by our own reference has it from us: no row in `taken` is needed, only that the
    try has begun and that we have written down its end, whatever that was."""
    found = tx.execute(
        "SELECT 1 FROM message m WHERE m.id = :id AND m.mark = :mark AND m.attempts >= :number AND NOT EXISTS"
        " (SELECT 1 FROM under_way u WHERE u.message_id = m.id AND u.number = :number)",
        {"id": message_id, "number": number, "mark": mark},
    )
    return found.fetchone() is not None


def keep_early(tx: sqlite3.Connection, lane_id: int, report: Report, at_ms: int, now_ms: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO early_report (lane_id, carrier_ref, said, at_ms, trouble, code, final, kept_ms)"
        " VALUES (:lane, :ref, :said, :at, :trouble, :code, :final, :now)",
        {
            "lane": lane_id,
            "ref": report.carrier_ref,
            "said": report.said,
            "at": at_ms,
            "trouble": report.trouble,
            "code": report.code,
            "final": report.final,
            "now": now_ms,
        },
    )


def has_early(tx: sqlite3.Connection) -> bool:
    return tx.execute("SELECT 1 FROM early_report LIMIT 1").fetchone() is not None


def pop_early(tx: sqlite3.Connection, lane_id: int, carrier_ref: str) -> list[Report]:
    key = {"lane": lane_id, "ref": carrier_ref}
    rows = tx.execute(
        "SELECT said, at_ms, trouble, code, final FROM early_report"
        " WHERE lane_id = :lane AND carrier_ref = :ref ORDER BY at_ms",
        key,
    ).fetchall()
    if rows:
        tx.execute("DELETE FROM early_report WHERE lane_id = :lane AND carrier_ref = :ref", key)
    return [
        Report(
            carrier_ref,
            State(row["said"]),
            row["at_ms"],
            Trouble(row["trouble"]) if row["trouble"] else None,
            row["code"],
            bool(row["final"]),
        )
        for row in rows
    ]


def forget_references(tx: sqlite3.Connection, before_ms: int) -> None:
    """Carriers' references of long ago: nobody reports on them any more, and the table stays small."""
    tx.execute("DELETE FROM early_report WHERE kept_ms < :before", {"before": before_ms})
    tx.execute("DELETE FROM taken WHERE taken_ms < :before", {"before": before_ms})
