"""The polls' own tables: polls, rolls, copies, and who has voted how often. Never decides and never opens a ballot.

Everything runs inside the caller's unit of work. The ledger of ballots is `ledger_store`'s.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.message import Channel
from village.ground.wording import RefusalError, say
from village.notices.unsent_store import STILL_UNSENT
from village.polls.poll import Basis, Order, Poll, PollId, PollKind, State, Voter, VoterId

_POLL = """
    SELECT p.*, b.title AS basis_title, b.reference AS basis_reference
      FROM poll p LEFT JOIN legal_basis b ON b.id = p.basis_id
"""


def _poll(row: sqlite3.Row) -> Poll:
    basis = None if row["basis_id"] is None else Basis(row["basis_id"], row["basis_title"], row["basis_reference"])
    return Poll(
        id=PollId(row["id"]),
        number=row["number"],
        kind=PollKind(row["kind"]),
        state=State(row["state"]),
        question=row["question"],
        options=tuple(json.loads(row["options"])),
        groups=frozenset(json.loads(row["groups"])),
        basis=basis,
        pack=row["pack"],
        sms=bool(row["by_sms"]),
        call=bool(row["by_call"]),
        roll_hash=row["roll_hash"],
        eligible=row["eligible"],
        author=row["author"],
        opened_ms=row["opened_ms"],
        closes_ms=row["closes_ms"],
        closed_ms=row["closed_ms"],
        counted_ms=row["counted_ms"],
        withdrawn_ms=row["withdrawn_ms"],
        withdrawn_by=row["withdrawn_by"],
        withdrawn_why=row["withdrawn_why"],
        trouble=row["trouble"],
    )


# polls


def poll_of(tx: sqlite3.Connection, poll_id: int) -> Poll:
    """Raises RefusalError (404)."""
    row = tx.execute(_POLL + " WHERE p.id = :id", {"id": poll_id}).fetchone()
    if row is None:
        raise RefusalError(say("没有这次征求意见"), status=404)
    return _poll(row)


def poll_of_request(tx: sqlite3.Connection, request: str) -> Poll | None:
    row = tx.execute(_POLL + " WHERE p.request = :request", {"request": request}).fetchone()
    return None if row is None else _poll(row)


def newest_by_number(tx: sqlite3.Connection, number: int) -> Poll | None:
    """The poll that bears the number now, or bore it last."""
    row = tx.execute(_POLL + " WHERE p.number = :number ORDER BY p.id DESC LIMIT 1", {"number": number}).fetchone()
    return None if row is None else _poll(row)


def polls(tx: sqlite3.Connection, *, limit: int = 60) -> list[Poll]:
    """Newest first."""
    rows = tx.execute(_POLL + " ORDER BY p.opened_ms DESC, p.id DESC LIMIT :limit", {"limit": limit})
    return [_poll(row) for row in rows]


def running_polls(tx: sqlite3.Connection) -> list[Poll]:
    """Open, or past their deadline and not yet counted; the first to close first."""
    rows = tx.execute(_POLL + " WHERE p.state IN ('open', 'closed') ORDER BY p.closes_ms, p.id")
    return [_poll(row) for row in rows]


def polls_closing_after(tx: sqlite3.Connection, since_ms: int) -> list[Poll]:
    """Whatever became of them since; the last to close first."""
    rows = tx.execute(_POLL + " WHERE p.closes_ms >= :since ORDER BY p.closes_ms DESC, p.id DESC", {"since": since_ms})
    return [_poll(row) for row in rows]


def open_polls(tx: sqlite3.Connection) -> list[Poll]:
    return [poll for poll in running_polls(tx) if poll.state is State.OPEN]


def numbers_in_use(tx: sqlite3.Connection) -> list[tuple[int, int]]:
    """Per number the instant from which its last poll counts as over; a running one is not over before it closes."""
    rows = tx.execute(
        "SELECT number, max(max(closes_ms, coalesce(counted_ms, 0), coalesce(withdrawn_ms, 0))) AS over_ms"
        " FROM poll GROUP BY number"
    )
    return [(row["number"], row["over_ms"]) for row in rows]


@dataclass(frozen=True, slots=True)
class VoterDraft:
    """A line of the roll before it has an id."""

    household_id: int
    resident_id: int
    group_no: int
    name: str
    born: str | None


def add_poll(
    tx: sqlite3.Connection, order: Order, *, number: int, pack: str, salt: bytes, roll_hash: bytes,
    roll: Sequence[VoterDraft], now_ms: int,
) -> PollId:  # fmt: skip
    """The poll and its roll."""
    poll_id = tx.execute(
        "INSERT INTO poll (number, kind, state, question, options, groups, basis_id, pack, by_sms, by_call, salt,"
        " roll_hash, eligible, author, request, opened_ms, closes_ms) VALUES (:number, :kind, 'open', :question,"
        " :options, :groups, :basis, :pack, :sms, :call, :salt, :roll_hash, :eligible, :author, :request, :now,"
        " :closes) RETURNING id",
        {
            "number": number, "kind": order.kind, "question": order.question,
            "options": json.dumps(order.options, ensure_ascii=False), "groups": json.dumps(sorted(order.groups)),
            "basis": order.basis_id, "pack": pack, "sms": order.sms, "call": order.call, "salt": salt,
            "roll_hash": roll_hash, "eligible": len(roll), "author": order.author, "request": order.request,
            "now": now_ms, "closes": order.closes_ms,
        },
    ).fetchone()["id"]  # fmt: skip
    tx.executemany(
        "INSERT INTO poll_voter (poll_id, place, household_id, resident_id, group_no, name, born)"
        " VALUES (:poll, :place, :household, :resident, :group, :name, :born)",
        [
            {
                "poll": poll_id, "place": place, "household": line.household_id, "resident": line.resident_id,
                "group": line.group_no, "name": line.name, "born": line.born,
            }
            for place, line in enumerate(roll, 1)
        ],
    )  # fmt: skip
    return PollId(poll_id)


def mark_closed(tx: sqlite3.Connection, poll_id: int, now_ms: int) -> bool:
    done = tx.execute(
        "UPDATE poll SET state = 'closed', closed_ms = :now WHERE id = :id AND state = 'open'",
        {"id": poll_id, "now": now_ms},
    )
    return done.rowcount == 1


def mark_counted(tx: sqlite3.Connection, poll_id: int, now_ms: int) -> bool:
    done = tx.execute(
        "UPDATE poll SET state = 'counted', counted_ms = :now, trouble = '' WHERE id = :id AND state = 'closed'",
        {"id": poll_id, "now": now_ms},
    )
    return done.rowcount == 1


def mark_troubled(tx: sqlite3.Connection, poll_id: int, trouble: str) -> bool:
    """True where that was not known yet."""
    done = tx.execute(
        "UPDATE poll SET trouble = :trouble WHERE id = :id AND trouble <> :trouble", {"id": poll_id, "trouble": trouble}
    )
    return done.rowcount == 1


def mark_withdrawn(tx: sqlite3.Connection, poll_id: int, *, by: str, why: str, now_ms: int) -> bool:
    done = tx.execute(
        "UPDATE poll SET state = 'withdrawn', withdrawn_ms = :now, withdrawn_by = :by, withdrawn_why = :why"
        " WHERE id = :id AND state = 'open'",
        {"id": poll_id, "by": by, "why": why, "now": now_ms},
    )
    return done.rowcount == 1


# the roll


def _voter(row: sqlite3.Row) -> Voter:
    return Voter(
        id=VoterId(row["id"]),
        poll_id=PollId(row["poll_id"]),
        place=row["place"],
        household_id=row["household_id"],
        resident_id=row["resident_id"],
        group_no=row["group_no"],
        name=row["name"],
        slot=row["slot"],
    )


def voters(tx: sqlite3.Connection, poll_id: int) -> list[Voter]:
    rows = tx.execute(
        "SELECT v.*, 0 AS slot FROM poll_voter v WHERE v.poll_id = :poll ORDER BY v.place", {"poll": poll_id}
    )
    return [_voter(row) for row in rows]


def voter_of(tx: sqlite3.Connection, voter_id: int) -> Voter | None:
    row = tx.execute("SELECT v.*, 0 AS slot FROM poll_voter v WHERE v.id = :id", {"id": voter_id}).fetchone()
    return None if row is None else _voter(row)


def eligible_on(tx: sqlite3.Connection, poll_id: int, phone_id: int) -> list[Voter]:
    """Those on the poll's roll who hold this phone now, in the order of their slots."""
    rows = tx.execute(
        "SELECT v.*, h.slot FROM poll_voter v JOIN phone_holder h ON h.resident_id = v.resident_id"
        " WHERE v.poll_id = :poll AND h.phone_id = :phone ORDER BY h.slot",
        {"poll": poll_id, "phone": phone_id},
    )
    return [_voter(row) for row in rows]


def voter_of_household(tx: sqlite3.Connection, poll_id: int, household_id: int) -> Voter | None:
    """Who votes for this household in a poll of households."""
    row = tx.execute(
        "SELECT v.*, 0 AS slot FROM poll_voter v WHERE v.poll_id = :poll AND v.household_id = :household"
        " ORDER BY v.place LIMIT 1",
        {"poll": poll_id, "household": household_id},
    ).fetchone()
    return None if row is None else _voter(row)


@dataclass(frozen=True, slots=True)
class RollLine:
    """A line of the roll as the hash covers it."""

    place: int
    household_id: int
    resident_id: int
    group_no: int
    name: str
    born: str | None


def roll_of(tx: sqlite3.Connection, poll_id: int) -> tuple[bytes, list[RollLine]]:
    """The salt and the lines, in order."""
    salt: bytes = tx.execute("SELECT salt FROM poll WHERE id = :id", {"id": poll_id}).fetchone()["salt"]
    rows = tx.execute(
        "SELECT place, household_id, resident_id, group_no, name, born FROM poll_voter WHERE poll_id = :id"
        " ORDER BY place",
        {"id": poll_id},
    )
    return salt, [RollLine(*row) for row in rows]


# copies


@dataclass(frozen=True, slots=True)
class CopyRow:
    message_id: int
    phone_id: int
    channel: Channel
    kind: str
    state: str | None
    """The message's, as the gateway knows it."""
    arrived: bool
    """Whether the phone has it, or may have it."""


def add_copies(tx: sqlite3.Connection, poll_id: int, kind: str, copies: Sequence[tuple[int, int, Channel]]) -> None:
    """`copies`: (message, phone, channel)."""
    tx.executemany(
        "INSERT INTO poll_copy (message_id, poll_id, phone_id, channel, kind)"
        " VALUES (:message, :poll, :phone, :channel, :kind)",
        [
            {"message": message, "poll": poll_id, "phone": phone, "channel": channel, "kind": kind}
            for message, phone, channel in copies
        ],
    )


_COPY = """
    SELECT c.message_id, c.poll_id, c.phone_id, c.channel, c.kind, m.state,
           coalesce(m.accepted_ms IS NOT NULL OR m.heard_ms IS NOT NULL
                    OR m.state IN ('sending', 'unknown', 'accepted', 'delivered'), 0) AS arrived
      FROM poll_copy c LEFT JOIN message_state m ON m.id = c.message_id
"""


def _copy(row: sqlite3.Row) -> CopyRow:
    return CopyRow(
        row["message_id"], row["phone_id"], Channel(row["channel"]), row["kind"], row["state"], bool(row["arrived"])
    )


def copies_of(
    tx: sqlite3.Connection, poll_id: int, *, kind: str = "announcement", phone_id: int | None = None
) -> list[CopyRow]:
    rows = tx.execute(
        _COPY + " WHERE c.poll_id = :poll AND c.kind = :kind AND (:phone IS NULL OR c.phone_id = :phone)"
        " ORDER BY c.message_id",
        {"poll": poll_id, "kind": kind, "phone": phone_id},
    )
    return [_copy(row) for row in rows]


def poll_of_message(tx: sqlite3.Connection, message_id: int) -> int | None:
    row = tx.execute("SELECT poll_id FROM poll_copy WHERE message_id = :id", {"id": message_id}).fetchone()
    return None if row is None else int(row[0])


def phone_of_message(tx: sqlite3.Connection, message_id: int) -> int | None:
    row = tx.execute("SELECT phone_id FROM poll_copy WHERE message_id = :id", {"id": message_id}).fetchone()
    return None if row is None else int(row[0])


def unsent_to(tx: sqlite3.Connection, phone_id: int, *, channel: Channel | None = None) -> list[int]:
    """Messages about polls that still wait for this phone, of every channel or of one."""
    rows = tx.execute(
        "SELECT c.message_id FROM poll_copy c JOIN message_state m ON m.id = c.message_id"
        f" WHERE c.phone_id = :phone AND {STILL_UNSENT}"
        " AND (:channel IS NULL OR c.channel = :channel)",
        {"phone": phone_id, "channel": channel},
    )
    return [row[0] for row in rows]


# turnout: how many, never who


@dataclass(frozen=True, slots=True)
class Turnout:
    """`groups`: (group, voters, voted)."""

    eligible: int
    cast: int
    groups: tuple[tuple[int, int, int], ...]


def turnout(tx: sqlite3.Connection, poll_id: int) -> Turnout:
    """Voters with a ballot that was sent in time. Says nothing about who they are."""
    rows = tx.execute(
        "SELECT v.group_no, count(*) AS voters, sum(EXISTS (SELECT 1 FROM ballot b WHERE b.voter_id = v.id"
        " AND b.late = 0 AND b.sent_ms <= p.closes_ms)) AS voted"
        " FROM poll_voter v JOIN poll p ON p.id = v.poll_id WHERE v.poll_id = :poll"
        " GROUP BY v.group_no ORDER BY v.group_no",
        {"poll": poll_id},
    ).fetchall()
    groups = tuple((row["group_no"], row["voters"], row["voted"]) for row in rows)
    return Turnout(sum(g[1] for g in groups), sum(g[2] for g in groups), groups)
