"""The SQL of the queue: what waits, what is due next, what is put off. Decides nothing.

Every look goes through a partial index that holds nothing but what waits: ten thousand waiting cost it what ten do.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from gateway.choosing import OTHERS_MAY
from gateway.ground import Vault
from gateway.message import Channel, Priority
from gateway.verdict import Claim

log = logging.getLogger(__name__)

OPEN = "m.state IN ('queued', 'unknown')"
"""Word for word as in the index `message_open`: SQLite uses a partial index only where it can prove its condition."""

_TURNED_AWAY = "substr(m.error, 1, instr(m.error || '/', '/') - 1) IN ({})".format(
    ", ".join(f"'{trouble}'" for trouble in sorted(OTHERS_MAY))
)


_PASSED_ON = "EXISTS (SELECT 1 FROM refusal f WHERE f.message_id = m.id)"
AT_HOME = "(SELECT x.home_only FROM recipient x WHERE x.id = m.recipient_id) = 1"


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


def _by(pick: Pick) -> str:
    """Few have been turned away, however many wait: they have an index of their own, which SQLite would not choose."""
    return " INDEXED BY message_turned" if pick is Pick.TURNED_AWAY else ""


def _of_kinds(kinds: Collection[str]) -> tuple[str, dict[str, str]]:
    """A condition and its values; none for all kinds."""
    names = {f"kind{n}": kind for n, kind in enumerate(sorted(kinds))}
    return (f" AND m.kind IN ({', '.join(':' + name for name in names)})" if names else ""), names


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
        condition += f" AND NOT {AT_HOME}"
    return condition + of_kinds, named


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
            f"SELECT m.due_ms FROM message m{_by(pick)} WHERE {OPEN} AND m.state = 'queued' AND m.channel = :channel"
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
        "SELECT m.id, m.kind, m.reference, m.attempts, m.tries, m.expires_ms, m.parts, m.mark, m.due_ms,"
        " m.body_id, r.sealed AS number, b.sealed AS content"
        f" FROM message m{_by(pick)} JOIN recipient r ON r.id = m.recipient_id JOIN body b ON b.id = m.body_id"
        f" WHERE {OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.priority = :priority"
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
                mark=row["mark"],
                due_ms=row["due_ms"],
                expires_ms=row["expires_ms"],
                tries=row["tries"],
            )
        )
    return claims, unreadable


def asleep(tx: sqlite3.Connection, priorities: Iterable[Priority], now_ms: int, limit: int) -> list[int]:
    """Waiting messages that are due but may not go in quiet hours."""
    found: list[int] = []
    for channel in Channel:
        for priority in priorities:
            rows = tx.execute(
                f"SELECT m.id FROM message m WHERE {OPEN} AND m.state = 'queued' AND m.channel = :channel"
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
                f" WHERE {OPEN} AND m.state = 'queued' AND m.channel = :channel AND m.priority = :priority"
                " AND m.due_ms > :latest AND m.tries > 0)",
                {"now": now_ms, "latest": latest_ms, "channel": channel, "priority": int(priority)},
            )


def count_waiting(tx: sqlite3.Connection) -> int:
    """Messages in the queue; the index holds nothing else."""
    return int(tx.execute(f"SELECT count(*) FROM message m WHERE {OPEN} AND m.state = 'queued'").fetchone()[0])
