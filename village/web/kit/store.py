"""The kit's SQL: accounts, sessions, the first visit, forms that were used.

Every function runs inside the caller's unit of work.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.web.kit.frame import Account, Role
from village.web.kit.sessions import Session, Stamp

_FORMS_KEPT = 20_000
"""Years of a village's forms; bounded by number, as a clock that jumps must not forget yesterday's."""

_SESSIONS_KEPT = 20
"""Browsers one account may be signed in at; the one unseen for longest makes room."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    at_ms: int
    account: str
    by: str
    what: str
    role: Role | None


def _account(row: sqlite3.Row) -> Account:
    return Account(row["id"], row["name"], Role(row["role"]), bool(row["must_change"]))


def has_accounts(tx: sqlite3.Connection) -> bool:
    return bool(tx.execute("SELECT EXISTS (SELECT 1 FROM account WHERE removed_ms IS NULL)").fetchone()[0])


def accounts(tx: sqlite3.Connection) -> list[Account]:
    rows = tx.execute("SELECT id, name, role, must_change FROM account WHERE removed_ms IS NULL ORDER BY role, name")
    return [_account(row) for row in rows]


def account(tx: sqlite3.Connection, account_id: int) -> Account | None:
    row = tx.execute(
        "SELECT id, name, role, must_change FROM account WHERE id = :id AND removed_ms IS NULL", {"id": account_id}
    ).fetchone()
    return _account(row) if row else None


def account_named(tx: sqlite3.Connection, name: str) -> tuple[Account, str] | None:
    """The account and its password hash."""
    row = tx.execute(
        "SELECT id, name, role, must_change, password FROM account WHERE name = :name AND removed_ms IS NULL",
        {"name": name},
    ).fetchone()
    return (_account(row), row["password"]) if row else None


def password_of(tx: sqlite3.Connection, account_id: int) -> str:
    row = tx.execute("SELECT password FROM account WHERE id = :id", {"id": account_id}).fetchone()
    return str(row["password"])


def add_account(tx: sqlite3.Connection, name: str, role: Role, password: str, *, must_change: bool, at_ms: int) -> int:
    """Raises sqlite3.IntegrityError where the name is taken."""
    done = tx.execute(
        "INSERT INTO account (name, role, password, must_change, made_ms) VALUES (:name, :role, :password, :must, :at)",
        {"name": name, "role": role, "password": password, "must": must_change, "at": at_ms},
    )
    return int(done.lastrowid or 0)


def set_password(tx: sqlite3.Connection, account_id: int, password: str, *, must_change: bool) -> None:
    tx.execute(
        "UPDATE account SET password = :password, must_change = :must WHERE id = :id",
        {"id": account_id, "password": password, "must": must_change},
    )


def set_role(tx: sqlite3.Connection, account_id: int, role: Role) -> None:
    tx.execute("UPDATE account SET role = :role WHERE id = :id", {"id": account_id, "role": role})


def remove_account(tx: sqlite3.Connection, account_id: int, at_ms: int) -> None:
    tx.execute(
        "UPDATE account SET removed_ms = :at WHERE id = :id AND removed_ms IS NULL", {"id": account_id, "at": at_ms}
    )


def count_role(tx: sqlite3.Connection, role: Role) -> int:
    row = tx.execute("SELECT count(*) FROM account WHERE role = :role AND removed_ms IS NULL", {"role": role})
    return int(row.fetchone()[0])


def note_event(
    tx: sqlite3.Connection, account_id: int, by_id: int, what: str, *, at_ms: int, role: Role | None = None
) -> None:
    tx.execute(
        "INSERT INTO account_event (at_ms, account_id, by_id, what, role) VALUES (:at, :account, :by, :what, :role)",
        {"at": at_ms, "account": account_id, "by": by_id, "what": what, "role": role},
    )


def events(tx: sqlite3.Connection, limit: int) -> list[AccountEvent]:
    rows = tx.execute(
        "SELECT e.at_ms, a.name AS account, b.name AS by, e.what, e.role FROM account_event e"
        " JOIN account a ON a.id = e.account_id JOIN account b ON b.id = e.by_id ORDER BY e.id DESC LIMIT :limit",
        {"limit": limit},
    )
    return [
        AccountEvent(row["at_ms"], row["account"], row["by"], row["what"], Role(row["role"]) if row["role"] else None)
        for row in rows
    ]


def open_session(
    tx: sqlite3.Connection, account_id: int, key_hash: bytes, *, browser: str, seen: Stamp, at_ms: int
) -> int:
    done = tx.execute(
        "INSERT INTO session (key_hash, account_id, browser, made_ms, run, seen_mono_ms, seen_wall_ms, seen_trusted)"
        " VALUES (:key, :account, :browser, :at, :run, :mono, :wall, :trusted)",
        {"key": key_hash, "account": account_id, "browser": browser, "at": at_ms} | _stamp_values(seen),
    )
    tx.execute(
        "DELETE FROM session WHERE account_id = :account AND id NOT IN"
        " (SELECT id FROM session WHERE account_id = :account ORDER BY id DESC LIMIT :kept)",
        {"account": account_id, "kept": _SESSIONS_KEPT},
    )
    return int(done.lastrowid or 0)


def _stamp_values(stamp: Stamp) -> dict[str, object]:
    return {"run": stamp.run, "mono": stamp.mono_ms, "wall": stamp.wall_ms, "trusted": stamp.trusted}


def _session(row: sqlite3.Row) -> Session:
    seen = Stamp(row["run"], row["seen_mono_ms"], row["seen_wall_ms"], bool(row["seen_trusted"]))
    return Session(row["id"], row["account_id"], row["browser"], row["made_ms"], seen, row["age_ms"])


def session_by_key(tx: sqlite3.Connection, key_hash: bytes) -> tuple[Session, Account] | None:
    row = tx.execute("SELECT * FROM session WHERE key_hash = :key", {"key": key_hash}).fetchone()
    if row is None:
        return None
    owner = account(tx, row["account_id"])
    return (_session(row), owner) if owner else None


def sessions_of(tx: sqlite3.Connection, account_id: int) -> list[Session]:
    rows = tx.execute("SELECT * FROM session WHERE account_id = :id ORDER BY id DESC", {"id": account_id})
    return [_session(row) for row in rows]


def touch_session(tx: sqlite3.Connection, session: Session, now: Stamp) -> None:
    """Move the stamp on; a sighting written meanwhile by another request is left alone."""
    tx.execute(
        "UPDATE session SET age_ms = :age, run = :run, seen_mono_ms = :mono, seen_wall_ms = :wall,"
        " seen_trusted = :trusted WHERE id = :id AND run = :was_run AND seen_mono_ms = :was_mono",
        {
            "id": session.id,
            "age": session.age_ms + session.quiet_ms(now),
            "was_run": session.seen.run,
            "was_mono": session.seen.mono_ms,
        }
        | _stamp_values(now),
    )


def close_session(tx: sqlite3.Connection, session_id: int) -> None:
    tx.execute("DELETE FROM session WHERE id = :id", {"id": session_id})


def close_sessions(tx: sqlite3.Connection, account_id: int, *, but: int | None = None) -> None:
    tx.execute(
        "DELETE FROM session WHERE account_id = :account AND id IS NOT :but", {"account": account_id, "but": but}
    )


def first_visit_nonce(tx: sqlite3.Connection) -> bytes | None:
    row = tx.execute("SELECT nonce FROM first_visit WHERE used = 0").fetchone()
    return bytes(row["nonce"]) if row else None


def set_first_visit(tx: sqlite3.Connection, nonce: bytes) -> None:
    tx.execute(
        "INSERT INTO first_visit (id, nonce) VALUES (1, :nonce)"
        " ON CONFLICT (id) DO UPDATE SET nonce = excluded.nonce, used = 0",
        {"nonce": nonce},
    )


def use_first_visit(tx: sqlite3.Connection) -> bool:
    return tx.execute("UPDATE first_visit SET used = 1 WHERE used = 0").rowcount == 1


def used_form(tx: sqlite3.Connection, nonce: bytes) -> str | None:
    """Where the form led, "" where nowhere in particular, None where it was not used yet."""
    row = tx.execute("SELECT leads_to FROM used_form WHERE nonce = :nonce", {"nonce": nonce}).fetchone()
    return None if row is None else str(row["leads_to"] or "")


def mark_form(tx: sqlite3.Connection, nonce: bytes) -> None:
    done = tx.execute("INSERT INTO used_form (nonce) VALUES (:nonce)", {"nonce": nonce})
    tx.execute("DELETE FROM used_form WHERE id <= :oldest", {"oldest": (done.lastrowid or 0) - _FORMS_KEPT})


def point_form(tx: sqlite3.Connection, nonce: bytes, path: str) -> None:
    tx.execute("UPDATE used_form SET leads_to = :path WHERE nonce = :nonce", {"nonce": nonce, "path": path})
