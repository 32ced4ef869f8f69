"""The gateway's SQL about messages themselves. Plain functions on the unit of work the caller opened.

Never decides: what state follows is `verdict.py`'s. Changes no state that `MOVES` does not allow.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from gateway.ground import Vault
from gateway.message import FINAL, MOVES, Channel, Moved, Priority, State
from gateway.queue_store import OPEN
from gateway.verdict import Standing, Verdict, our_reference


@dataclass(frozen=True, slots=True)
class Row:
    """A message ready to be written."""

    channel: Channel
    kind: str
    reference: str
    priority: Priority
    recipient_id: int
    previous_id: int | None
    body_id: int
    parts: int
    due_ms: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """A message and its newest try, with what its state change has to tell."""

    standing: Standing
    kind: str
    reference: str
    attempts: int
    error: str | None
    lane_id: int | None
    mark: int

    @property
    def our_reference(self) -> str:
        """Of its newest try."""
        return our_reference(self.standing.message_id, self.attempts, self.mark)


def recipient(tx: sqlite3.Connection, vault: Vault, e164: str) -> tuple[int, int | None]:
    """The row of a number, made where it is new, and the last message it was sent."""
    fingerprint = vault.fingerprint(e164)
    found = tx.execute(
        "SELECT id, last_message_id FROM recipient WHERE fingerprint = :fingerprint", {"fingerprint": fingerprint}
    ).fetchone()
    if found is not None:
        return found[0], found[1]
    made = tx.execute(
        "INSERT INTO recipient (fingerprint, sealed) VALUES (:fingerprint, :sealed)",
        {"fingerprint": fingerprint, "sealed": vault.seal(e164)},
    )
    return _rowid(made), None


def body(tx: sqlite3.Connection, vault: Vault, content: str) -> int:
    """The row of a text; the same text is kept once."""
    fingerprint = vault.fingerprint("body\n" + content)
    found = tx.execute("SELECT id FROM body WHERE fingerprint = :fingerprint", {"fingerprint": fingerprint}).fetchone()
    if found is not None:
        return int(found[0])
    made = tx.execute(
        "INSERT INTO body (fingerprint, sealed) VALUES (:fingerprint, :sealed)",
        {"fingerprint": fingerprint, "sealed": vault.seal(content)},
    )
    return _rowid(made)


def add(tx: sqlite3.Connection, row: Row, now_ms: int) -> int:
    made = tx.execute(
        "INSERT INTO message (channel, kind, reference, priority, state, recipient_id, previous_id, body_id, parts,"
        " queued_ms, due_ms, expires_ms, mark) VALUES (:channel, :kind, :reference, :priority, 'queued', :recipient,"
        " :previous, :body, :parts, :now, :due, :expires, :now)",
        {
            "channel": row.channel,
            "kind": row.kind,
            "reference": row.reference,
            "priority": int(row.priority),
            "recipient": row.recipient_id,
            "previous": row.previous_id,
            "body": row.body_id,
            "parts": row.parts,
            "now": now_ms,
            "due": row.due_ms,
            "expires": row.expires_ms,
        },
    )
    message_id = _rowid(made)
    tx.execute(
        "UPDATE recipient SET last_message_id = :message WHERE id = :recipient",
        {"message": message_id, "recipient": row.recipient_id},
    )
    return message_id


def _rowid(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise AssertionError("an INSERT has a rowid")
    return cursor.lastrowid


KNOWN = (
    "SELECT m.id, m.channel, m.kind, m.reference, m.priority, m.state, m.tries, m.due_ms, m.expires_ms, m.stopped,"
    " m.attempts, m.error, m.lane_id, m.mark FROM message m"
)


def known(tx: sqlite3.Connection, message_id: int) -> Known:
    """Raises LookupError."""
    row = tx.execute(f"{KNOWN} WHERE m.id = :id", {"id": message_id}).fetchone()
    if row is None:
        raise LookupError(message_id)
    return read_known(row)


def read_known(row: sqlite3.Row) -> Known:
    standing = Standing(
        message_id=row["id"],
        channel=Channel(row["channel"]),
        priority=Priority(row["priority"]),
        state=State(row["state"]),
        tries=row["tries"],
        due_ms=row["due_ms"],
        expires_ms=row["expires_ms"],
        stopped=bool(row["stopped"]),
    )
    return Known(standing, row["kind"], row["reference"], row["attempts"], row["error"], row["lane_id"], row["mark"])


def move(
    tx: sqlite3.Connection, about: Known, verdict: Verdict, now_ms: int, *, at_ms: int | None = None
) -> Moved | None:
    """Write the verdict down where the message still stands where it was judged; None where it has moved on.

    `at_ms`: when it happened, where the carrier says so.
    """
    standing = about.standing
    if verdict.state not in MOVES[standing.state]:
        raise AssertionError(f"{standing.state} never becomes {verdict.state}")
    changed = tx.execute(
        "UPDATE message SET state = :after, tries = :tries, due_ms = :due, error = :error,"
        " accepted_ms = CASE WHEN :after = 'accepted' THEN coalesce(accepted_ms, :at) ELSE accepted_ms END,"
        " delivered_ms = CASE WHEN :after = 'delivered' THEN :at ELSE delivered_ms END,"
        " ended_ms = CASE WHEN :final THEN :now ELSE NULL END"
        " WHERE id = :id AND state = :before AND attempts = :attempts",
        {
            "after": verdict.state,
            "before": standing.state,
            "tries": verdict.tries,
            "due": verdict.due_ms,
            "error": verdict.error,
            "at": now_ms if at_ms is None else at_ms,
            "final": verdict.state in FINAL,
            "now": now_ms,
            "id": standing.message_id,
            "attempts": about.attempts,
        },
    ).rowcount
    if changed != 1:
        return None
    return Moved(
        standing.message_id,
        standing.channel,
        about.kind,
        about.reference,
        standing.state,
        verdict.state,
        now_ms if at_ms is None else at_ms,
        verdict.error,
    )


def stop_one(tx: sqlite3.Connection, message_id: int) -> None:
    """A message that is being sent just now: should the try fail, it is not tried again."""
    tx.execute(
        "UPDATE message SET stopped = 1 WHERE id = :id AND state IN ('sending', 'unknown', 'accepted')",
        {"id": message_id},
    )


def unknown(tx: sqlite3.Connection, since_ms: int) -> list[tuple[Known, str, int]]:
    """SMS queued since then of which nobody knows what became of them, with the lane of their newest try and when that
    began; of one that was taken, when the message was queued."""
    began = "(SELECT a.started_ms FROM attempt a WHERE a.message_id = m.id AND a.number = m.attempts)"
    more = f", l.name AS lane, coalesce({began}, m.queued_ms) AS began_ms"
    rows = tx.execute(
        KNOWN.replace(" FROM message m", f"{more} FROM message m JOIN lane l ON l.id = m.lane_id")
        + f" WHERE {OPEN} AND m.state = 'unknown' AND m.channel = 'sms' AND m.queued_ms >= :since ORDER BY m.id DESC",
        {"since": since_ms},
    )
    return [(read_known(row), row["lane"], row["began_ms"]) for row in rows]


def overdue(tx: sqlite3.Connection, now_ms: int, limit: int) -> list[Known]:
    """Waiting messages whose time is over."""
    rows = tx.execute(
        f"{KNOWN} WHERE {OPEN} AND m.state = 'queued' AND m.expires_ms <= :now LIMIT :limit",
        {"now": now_ms, "limit": limit},
    )
    return [read_known(row) for row in rows]


def unreported(tx: sqlite3.Connection, before_ms: int, mute: Collection[str], limit: int) -> list[Known]:
    """SMS that were accepted before `before_ms`, and of which nothing was heard since. `mute`: transports that never
    report; one that is closed does not report any more.

    Reads the whole table, on a reader, once an hour: an index for it would be written with every message.
    """
    names = {f"t{n}": name for n, name in enumerate(mute)}
    rows = tx.execute(
        f"{KNOWN} JOIN lane l ON l.id = m.lane_id"
        " WHERE m.state = 'accepted' AND m.channel = 'sms' AND m.accepted_ms < :before"
        f" AND l.name NOT IN ({', '.join(':' + key for key in names)}) LIMIT :limit",
        {"before": before_ms, "limit": limit, **names},
    )
    return [read_known(row) for row in rows]


def history(tx: sqlite3.Connection, vault: Vault, e164: str, limit: int) -> list[sqlite3.Row]:
    """The newest messages to one number, newest first, along the chain of `previous_id`."""
    return tx.execute(
        "WITH RECURSIVE chain (id, previous_id, depth) AS ("
        " SELECT m.id, m.previous_id, 1 FROM recipient r JOIN message m ON m.id = r.last_message_id"
        " WHERE r.fingerprint = :fingerprint"
        " UNION ALL SELECT m.id, m.previous_id, depth + 1 FROM chain JOIN message m ON m.id = chain.previous_id"
        " WHERE depth < :limit)"
        " SELECT m.id, m.channel, m.kind, m.reference, m.state, m.queued_ms, m.accepted_ms, b.sealed AS content"
        " FROM chain JOIN message m ON m.id = chain.id JOIN body b ON b.id = m.body_id ORDER BY chain.depth",
        {"fingerprint": vault.fingerprint(e164), "limit": limit},
    ).fetchall()
