"""Paper codes and wrong tries, as rows. Never holds a code: only its keyed hash."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeRow:
    id: int
    resident_id: int


def end_codes_of(tx: sqlite3.Connection, resident_id: int, at_ms: int) -> int:
    """Kill what this person has not used; returns how many."""
    return tx.execute(
        "UPDATE registration_code SET ended_ms = :at WHERE resident_id = :id AND ended_ms IS NULL",
        {"at": at_ms, "id": resident_id},
    ).rowcount


def end_expired(tx: sqlite3.Connection, at_ms: int) -> None:
    tx.execute(
        "UPDATE registration_code SET ended_ms = expires_ms WHERE ended_ms IS NULL AND expires_ms <= :at", {"at": at_ms}
    )


def is_live(tx: sqlite3.Connection, code_hash: bytes) -> bool:
    row = tx.execute(
        "SELECT 1 FROM registration_code WHERE code_hash = :hash AND ended_ms IS NULL", {"hash": code_hash}
    ).fetchone()
    return row is not None


def add_code(
    tx: sqlite3.Connection, *, resident_id: int, code_hash: bytes, by: str, at_ms: int, expires_ms: int
) -> None:
    tx.execute(
        "INSERT INTO registration_code (resident_id, code_hash, issued_by, issued_ms, expires_ms)"
        " VALUES (:resident, :hash, :by, :at, :expires)",
        {"resident": resident_id, "hash": code_hash, "by": by, "at": at_ms, "expires": expires_ms},
    )


def live_code(tx: sqlite3.Connection, code_hash: bytes, at_ms: int) -> CodeRow | None:
    row = tx.execute(
        "SELECT c.id, c.resident_id FROM registration_code c JOIN resident r ON r.id = c.resident_id"
        " WHERE c.code_hash = :hash AND c.ended_ms IS NULL AND c.expires_ms > :at AND r.left_ms IS NULL",
        {"hash": code_hash, "at": at_ms},
    ).fetchone()
    return None if row is None else CodeRow(row["id"], row["resident_id"])


def use_code(tx: sqlite3.Connection, code_id: int, phone_id: int, at_ms: int) -> bool:
    """False where somebody was faster."""
    changed = tx.execute(
        "UPDATE registration_code SET ended_ms = :at, used_by_phone = :phone WHERE id = :id AND ended_ms IS NULL",
        {"at": at_ms, "phone": phone_id, "id": code_id},
    ).rowcount
    return changed == 1


def waiting_since(tx: sqlite3.Connection, resident_id: int, at_ms: int) -> int | None:
    """When this person's code was printed, where it can still be used."""
    row = tx.execute(
        "SELECT issued_ms FROM registration_code WHERE resident_id = :id AND ended_ms IS NULL AND expires_ms > :at",
        {"id": resident_id, "at": at_ms},
    ).fetchone()
    return None if row is None else int(row["issued_ms"])


def add_wrong_try(tx: sqlite3.Connection, fingerprint: bytes, at_ms: int) -> None:
    tx.execute(
        "INSERT INTO registration_try (fingerprint, at_ms) VALUES (:who, :at)", {"who": fingerprint, "at": at_ms}
    )


def wrong_tries(tx: sqlite3.Connection, since_ms: int, fingerprint: bytes | None = None) -> int:
    """Since then, of one phone or of all."""
    row = tx.execute(
        "SELECT count(*) AS n FROM registration_try WHERE at_ms > :since AND (:who IS NULL OR fingerprint = :who)",
        {"since": since_ms, "who": fingerprint},
    ).fetchone()
    return int(row["n"])


def forget_tries(tx: sqlite3.Connection, *, before_ms: int = 0, fingerprint: bytes | None = None) -> None:
    """Old ones, and those of a phone that got it right or was let in again at the desk."""
    tx.execute(
        "DELETE FROM registration_try WHERE at_ms <= :before OR fingerprint = :who",
        {"before": before_ms, "who": fingerprint},
    )
