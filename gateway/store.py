"""The gateway's SQL about messages, and nothing but SQL. Plain functions on the unit of work the caller opened.

Never decides: what state follows is `verdict.py`'s. Changes no state that `MOVES` does not allow.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway import money_store
from gateway.choosing import OTHERS_MAY
from gateway.failures import Trouble
from gateway.ground import Vault
from gateway.message import FINAL, MOVES, Channel, Moved, Priority, State
from gateway.transport import Report
from gateway.verdict import Claim, Standing, Verdict

log = logging.getLogger(__name__)

_OPEN = "m.state IN ('queued', 'unknown')"
"""Word for word as in the index `message_open`: SQLite uses a partial index only where it can prove its condition."""


_TURNED_AWAY = "substr(m.error, 1, instr(m.error || '/', '/') - 1) IN ({})".format(
    ", ".join(f"'{trouble}'" for trouble in sorted(OTHERS_MAY))
)


_PASSED_ON = "EXISTS (SELECT 1 FROM refusal f WHERE f.message_id = m.id)"
_AT_HOME = "(SELECT x.home_only FROM recipient x WHERE x.id = m.recipient_id) = 1"


@dataclass(frozen=True, slots=True)
class Limits:
    """What of the queue one lane never takes, whichever part of it is its share.

    `kinds`: it takes these alone; empty: all. `abroad`: nothing to a number that stays at home. `passed_on`: messages
    are waiting that some carrier will never take; what its own will not, it leaves alone, and the others' are not
    spared for a line that would not have them.
    """

    kinds: Collection[str] = ()
    abroad: bool = False
    passed_on: bool = False


def _within(limits: Limits, pick: Pick) -> tuple[str, dict[str, str]]:
    """The whole condition on what a lane looks at, and its values."""
    of_kinds, named = _of_kinds(limits.kinds)
    condition = pick.passing_on if limits.passed_on else pick.value
    if limits.passed_on:
        condition += " AND NOT EXISTS (SELECT 1 FROM refusal f WHERE f.message_id = m.id AND f.lane_id IS :lane)"
    if limits.abroad:
        condition += f" AND NOT {_AT_HOME}"
    return condition + of_kinds, named


def _by(pick: Pick) -> str:
    """Few have been turned away, however many wait: they have an index of their own, which SQLite would not choose."""
    return " INDEXED BY message_turned" if pick is Pick.TURNED_AWAY else ""


def _of_kinds(kinds: Collection[str]) -> tuple[str, dict[str, str]]:
    """A condition and its values; none for all kinds."""
    names = {f"kind{n}": kind for n, kind in enumerate(sorted(kinds))}
    return (f" AND m.kind IN ({', '.join(':' + name for name in names)})" if names else ""), names


class Pick(Enum):
    """Which of the waiting messages a lane looks at; the value is a condition."""

    ANY = ""
    SPARING = f" AND NOT (m.tries > 0 AND m.lane_id IS :lane AND {_TURNED_AWAY})"
    """All but those its own carrier has turned away."""
    TURNED_AWAY = f" AND m.tries > 0 AND m.lane_id IS NOT :lane AND {_TURNED_AWAY}"
    """Only those another lane's carrier has turned away."""

    @property
    def passing_on(self) -> str:
        """The condition while messages wait that some carrier will never take: they are nobody's to be spared for, and
        everybody's but that one's to try again."""
        if self is Pick.SPARING:
            return f" AND ({_PASSED_ON} OR{self.value.removeprefix(' AND')})"
        if self is Pick.TURNED_AWAY:
            return f" AND m.tries > 0 AND ({_PASSED_ON} OR (m.lane_id IS NOT :lane AND {_TURNED_AWAY}))"
        return str(self.value)


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
        " queued_ms, due_ms, expires_ms) VALUES (:channel, :kind, :reference, :priority, 'queued', :recipient,"
        " :previous, :body, :parts, :now, :due, :expires)",
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


def next_due_ms(
    tx: sqlite3.Connection,
    channel: Channel,
    priorities: Iterable[Priority],
    pick: Pick = Pick.ANY,
    *,
    lane_id: int | None = None,
    limits: Limits = Limits(),
) -> int | None:
    """When the earliest waiting message of these priorities falls due; a handful of index look-ups."""
    earliest: int | None = None
    within, named = _within(limits, pick)
    for priority in priorities:
        found = tx.execute(
            f"SELECT m.due_ms FROM message m{_by(pick)} WHERE {_OPEN} AND m.state = 'queued' AND m.channel = :channel"
            f" AND m.priority = :priority{within} ORDER BY m.due_ms LIMIT 1",
            {"channel": channel, "priority": int(priority), "lane": lane_id, **named},
        ).fetchone()
        if found is not None and (earliest is None or found[0] < earliest):
            earliest = found[0]
    return earliest


def due(
    tx: sqlite3.Connection,
    vault: Vault,
    channel: Channel,
    priority: Priority,
    *,
    now_ms: int,
    limit: int,
    pick: Pick = Pick.ANY,
    lane_id: int | None = None,
    limits: Limits = Limits(),
) -> tuple[list[Claim], list[int]]:
    """The next `limit` messages of one priority, oldest first, as claims that are not yet made; and those among them
    whose number or words cannot be read any more: a bad sector must not hold up all that follow."""
    within, named = _within(limits, pick)
    rows = tx.execute(
        "SELECT m.id, m.kind, m.reference, m.attempts, m.tries, m.expires_ms, m.parts, m.queued_ms, m.due_ms,"
        " m.body_id, r.sealed AS number, b.sealed AS content"
        f" FROM message m{_by(pick)} JOIN recipient r ON r.id = m.recipient_id JOIN body b ON b.id = m.body_id"
        f" WHERE {_OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.priority = :priority"
        f" AND m.due_ms <= :now{within} ORDER BY m.due_ms, m.id LIMIT :limit",
        {"channel": channel, "priority": int(priority), "now": now_ms, "limit": limit, "lane": lane_id, **named},
    )
    texts: dict[int, str] = {}
    claims, unreadable = [], []
    for row in rows:
        try:
            if row["body_id"] not in texts:
                texts[row["body_id"]] = vault.open(row["content"])
            number = vault.open(row["number"])
        except Exception as broken:  # noqa: BLE001 - whatever the vault raises; it is said where the message ends
            log.error("cannot be read any more message=%d reason=%s", row["id"], type(broken).__name__)
            unreadable.append(row["id"])
            continue
        claims.append(
            Claim(
                message_id=row["id"],
                attempt=row["attempts"] + 1,
                channel=channel,
                kind=row["kind"],
                reference=row["reference"],
                priority=priority,
                to=number,
                content=texts[row["body_id"]],
                parts=row["parts"],
                queued_ms=row["queued_ms"],
                due_ms=row["due_ms"],
                expires_ms=row["expires_ms"],
                tries=row["tries"],
            )
        )
    return claims, unreadable


def lane(tx: sqlite3.Connection, name: str) -> int:
    """The row of a transport's name, made where it is new."""
    tx.execute("INSERT INTO lane (name) VALUES (:name) ON CONFLICT DO NOTHING", {"name": name})
    return int(tx.execute("SELECT id FROM lane WHERE name = :name", {"name": name}).fetchone()[0])


def lane_id(tx: sqlite3.Connection, name: str) -> int | None:
    """The row of a transport's name, for readers; None before its first try."""
    row = tx.execute("SELECT id FROM lane WHERE name = :name", {"name": name}).fetchone()
    return None if row is None else int(row[0])


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


_KNOWN = (
    "SELECT m.id, m.channel, m.kind, m.reference, m.priority, m.state, m.tries, m.due_ms, m.expires_ms, m.stopped,"
    " m.attempts, m.error, m.lane_id FROM message m"
)


def known(tx: sqlite3.Connection, message_id: int) -> Known:
    """Raises LookupError."""
    row = tx.execute(f"{_KNOWN} WHERE m.id = :id", {"id": message_id}).fetchone()
    if row is None:
        raise LookupError(message_id)
    return _known(row)


def _known(row: sqlite3.Row) -> Known:
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
    return Known(standing, row["kind"], row["reference"], row["attempts"], row["error"], row["lane_id"])


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


def keep_home(tx: sqlite3.Connection, recipient_id: int, *, home_only: bool) -> None:
    """Whether a number may not leave the country; for all its messages, also those that wait."""
    tx.execute(
        "UPDATE recipient SET home_only = :home_only WHERE id = :id", {"id": recipient_id, "home_only": int(home_only)}
    )


def is_home_only(tx: sqlite3.Connection, message_id: int) -> bool:
    found = tx.execute(
        "SELECT r.home_only FROM message m JOIN recipient r ON r.id = m.recipient_id WHERE m.id = :id",
        {"id": message_id},
    )
    return bool(found.fetchone()[0])


def home_only_waiting(tx: sqlite3.Connection) -> list[tuple[Channel, str]]:
    """Channels and kinds of what waits for numbers that stay at home. Reads the whole queue."""
    rows = tx.execute(
        f"SELECT DISTINCT m.channel, m.kind FROM message m WHERE {_OPEN} AND m.state = 'queued' AND {_AT_HOME}"
    )
    return [(Channel(row[0]), row[1]) for row in rows]


def home_only_of(tx: sqlite3.Connection, channel: Channel, kind: str, limit: int) -> list[Known]:
    """What waits of one kind for numbers that stay at home."""
    rows = tx.execute(
        f"{_KNOWN} WHERE {_OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.kind = :kind"
        f" AND {_AT_HOME} LIMIT :limit",
        {"channel": channel, "kind": kind, "limit": limit},
    )
    return [_known(row) for row in rows]


def refuse(tx: sqlite3.Connection, message_id: int, lane_id: int) -> None:
    """This lane's carrier will never take that message."""
    tx.execute(
        "INSERT OR IGNORE INTO refusal (message_id, lane_id) VALUES (:id, :lane)", {"id": message_id, "lane": lane_id}
    )


def any_refused(tx: sqlite3.Connection) -> bool:
    return tx.execute("SELECT 1 FROM refusal LIMIT 1").fetchone() is not None


def refused_by(tx: sqlite3.Connection, message_id: int) -> frozenset[str]:
    """The lanes whose carriers will never take it."""
    rows = tx.execute(
        "SELECT l.name FROM refusal f JOIN lane l ON l.id = f.lane_id WHERE f.message_id = :id", {"id": message_id}
    )
    return frozenset(row[0] for row in rows)


def passed_on(tx: sqlite3.Connection) -> list[Known]:
    """What waits for another line than those that will never take it."""
    rows = tx.execute(f"{_KNOWN} WHERE m.id IN (SELECT message_id FROM refusal) AND m.state = 'queued' ORDER BY m.id")
    return [_known(row) for row in rows]


def forget_refusals(tx: sqlite3.Connection) -> None:
    """Of what has ended."""
    tx.execute(
        "DELETE FROM refusal WHERE (SELECT m.ended_ms FROM message m WHERE m.id = refusal.message_id) IS NOT NULL"
    )


def stop_one(tx: sqlite3.Connection, message_id: int) -> None:
    """A message that is being sent just now: should the try fail, it is not tried again."""
    tx.execute(
        "UPDATE message SET stopped = 1 WHERE id = :id AND state IN ('sending', 'unknown', 'accepted')",
        {"id": message_id},
    )


def find_try(tx: sqlite3.Connection, lane_id: int, carrier_ref: str) -> tuple[int, int] | None:
    """Message and try that a carrier's own reference means."""
    row = tx.execute(
        "SELECT message_id, number FROM taken WHERE carrier_ref = :ref AND lane_id = :lane",
        {"ref": carrier_ref, "lane": lane_id},
    ).fetchone()
    return None if row is None else (row[0], row[1])


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


def unknown(tx: sqlite3.Connection, limit: int) -> list[tuple[Known, str, int]]:
    """SMS of which nobody knows what became of them, with the lane and the queueing time of their newest try."""
    rows = tx.execute(
        _KNOWN.replace(
            " FROM message m", ", m.queued_ms, l.name AS lane FROM message m JOIN lane l ON l.id = m.lane_id"
        )
        + f" WHERE {_OPEN} AND m.state = 'unknown' AND m.channel = 'sms' LIMIT :limit",
        {"limit": limit},
    )
    return [(_known(row), row["lane"], row["queued_ms"]) for row in rows]


def overdue(tx: sqlite3.Connection, now_ms: int, limit: int) -> list[Known]:
    """Waiting messages whose time is over."""
    rows = tx.execute(
        f"{_KNOWN} WHERE {_OPEN} AND m.state = 'queued' AND m.expires_ms <= :now LIMIT :limit",
        {"now": now_ms, "limit": limit},
    )
    return [_known(row) for row in rows]


def unreported(tx: sqlite3.Connection, before_ms: int, mute: Collection[str], limit: int) -> list[Known]:
    """SMS that were accepted before `before_ms`, and of which nothing was heard since. `mute`: transports that never
    report; one that is closed does not report any more.

    Reads the whole table, on a reader, once an hour: an index for it would be written with every message.
    """
    names = {f"t{n}": name for n, name in enumerate(mute)}
    rows = tx.execute(
        f"{_KNOWN} JOIN lane l ON l.id = m.lane_id"
        " WHERE m.state = 'accepted' AND m.channel = 'sms' AND m.accepted_ms < :before"
        f" AND l.name NOT IN ({', '.join(':' + key for key in names)}) LIMIT :limit",
        {"before": before_ms, "limit": limit, **names},
    )
    return [_known(row) for row in rows]


def asleep(tx: sqlite3.Connection, priorities: Iterable[Priority], now_ms: int, limit: int) -> list[int]:
    """Waiting messages that are due but may not go in quiet hours."""
    found: list[int] = []
    for channel in Channel:
        for priority in priorities:
            rows = tx.execute(
                f"SELECT m.id FROM message m WHERE {_OPEN} AND m.state = 'queued' AND m.channel = :channel"
                " AND m.priority = :priority AND m.due_ms <= :now LIMIT :limit",
                {"channel": channel, "priority": int(priority), "now": now_ms, "limit": limit},
            )
            found += [row[0] for row in rows]
    return found


def put_off(tx: sqlite3.Connection, dues: Iterable[tuple[int, int]]) -> None:
    """Waiting messages get a later due time."""
    tx.executemany(
        "UPDATE message SET due_ms = :due WHERE id = :id AND state = 'queued'",
        [{"id": message_id, "due": due_ms} for message_id, due_ms in dues],
    )


def bring_forward(tx: sqlite3.Connection, latest_ms: int, now_ms: int) -> None:
    """Retries planned further away than any table allows come from a clock that was wrong: they are due now."""
    for channel in Channel:
        for priority in Priority:
            tx.execute(
                "UPDATE message SET due_ms = :now WHERE id IN (SELECT m.id FROM message m"
                f" WHERE {_OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.priority = :priority"
                " AND m.due_ms > :latest AND m.tries > 0)",
                {"now": now_ms, "latest": latest_ms, "channel": channel, "priority": int(priority)},
            )


# calls


def call_begins(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int) -> None:
    """Somebody answered."""
    key = {"id": message_id, "number": number, "at": at_ms}
    tx.execute("INSERT OR IGNORE INTO call_outcome (message_id, number, answered_ms) VALUES (:id, :number, :at)", key)
    tx.execute("UPDATE message SET accepted_ms = coalesce(accepted_ms, :at) WHERE id = :id", key)


def call_heard(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int) -> None:
    key = {"id": message_id, "number": number, "at": at_ms}
    tx.execute("UPDATE call_outcome SET heard_ms = :at WHERE message_id = :id AND number = :number", key)
    tx.execute("UPDATE message SET heard_ms = coalesce(heard_ms, :at) WHERE id = :id", key)


def call_key(tx: sqlite3.Connection, message_id: int, number: int) -> None:
    tx.execute(
        "UPDATE call_outcome SET keys = keys + 1 WHERE message_id = :id AND number = :number",
        {"id": message_id, "number": number},
    )


def call_ends(tx: sqlite3.Connection, message_id: int, number: int, at_ms: int, why: str) -> None:
    tx.execute(
        "INSERT INTO call_outcome (message_id, number, ended_ms, why) VALUES (:id, :number, :at, :why)"
        " ON CONFLICT (message_id, number) DO UPDATE SET ended_ms = excluded.ended_ms, why = excluded.why",
        {"id": message_id, "number": number, "at": at_ms, "why": why},
    )


def call_did_its_work(tx: sqlite3.Connection, message_id: int, number: int) -> bool:
    """Whether that call was heard whole or answered with a key."""
    row = tx.execute(
        "SELECT heard_ms IS NOT NULL OR keys > 0 FROM call_outcome WHERE message_id = :id AND number = :number",
        {"id": message_id, "number": number},
    ).fetchone()
    return row is not None and bool(row[0])


# history of one number


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


def waits_for_speech(tx: sqlite3.Connection) -> bool:
    """Whether a call is put off because its words could not be spoken."""
    found = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM message WHERE state = 'queued' AND channel = 'call' AND error LIKE 'speech%')"
    )
    return bool(found.fetchone()[0])


_INSTANTS = {
    "message": ("queued_ms", "due_ms", "accepted_ms", "delivered_ms", "heard_ms", "ended_ms"),
    "under_way": ("started_ms",),
    "taken": ("taken_ms",),
    "attempt": ("started_ms", "ended_ms"),
    "early_report": ("at_ms", "kept_ms"),
    "call_outcome": ("answered_ms", "heard_ms", "ended_ms"),
    "inbox": ("received_ms",),
    "ring": ("at_ms", "received_ms"),
}


def shift_times(tx: sqlite3.Connection, since_ms: int, step_ms: int) -> None:
    """A guessed clock was put right: everything stamped from `since_ms` on moves with it.

    What the SMS centre stamped (`centre_ms`) was never guessed and stays.
    """
    values = {"since": since_ms, "step": step_ms}
    tx.execute(
        "UPDATE message SET expires_ms = expires_ms + :step WHERE queued_ms >= :since AND expires_ms IS NOT NULL",
        values,
    )
    for table, columns in _INSTANTS.items():
        for column in columns:
            tx.execute(f"UPDATE {table} SET {column} = {column} + :step WHERE {column} >= :since", values)
    money_store.shift_times(tx, since_ms, step_ms)


def count_waiting(tx: sqlite3.Connection) -> int:
    """Messages in the queue; the index holds nothing else."""
    return int(tx.execute(f"SELECT count(*) FROM message m WHERE {_OPEN} AND m.state = 'queued'").fetchone()[0])
