"""The ledger of ballots: appended to, read, never changed; each row's hash covers the one before it.

Never opens a ballot: a choice is a sealed blob here and everywhere else in the file.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from hashlib import sha256

import cbor2

from village.polls.poll import Via, VoterId

_PURPOSE = b"ejiajia/ballot/1"
_HEAD_PURPOSE = b"ejiajia/ledger/1"
START = bytes(32)


class LedgerBrokenError(Exception):
    """A row does not follow the one before it: something was changed, taken out or put in beside the program."""


@dataclass(frozen=True, slots=True)
class BallotRow:
    """A line of the ledger."""

    id: int
    place: int
    voter_id: VoterId
    sealed: bytes
    receipt: str
    via: Via
    sent_ms: int
    received_ms: int
    source: str
    late: bool
    outcome: str
    previous_id: int | None
    chain: bytes


def _row(row: sqlite3.Row) -> BallotRow:
    return BallotRow(
        id=row["id"],
        place=row["place"],
        voter_id=VoterId(row["voter_id"]),
        sealed=row["sealed"],
        receipt=row["receipt"],
        via=Via(row["via"]),
        sent_ms=row["sent_ms"],
        received_ms=row["received_ms"],
        source=row["source"],
        late=bool(row["late"]),
        outcome=row["outcome"],
        previous_id=row["previous_id"],
        chain=row["chain"],
    )


def by_source(tx: sqlite3.Connection, source: str) -> BallotRow | None:
    row = tx.execute("SELECT * FROM ballot WHERE source = :source", {"source": source}).fetchone()
    return None if row is None else _row(row)


def ballot_of(tx: sqlite3.Connection, ballot_id: int) -> BallotRow:
    return _row(tx.execute("SELECT * FROM ballot WHERE id = :id", {"id": ballot_id}).fetchone())


def standing_of(tx: sqlite3.Connection, voter_id: int, closes_ms: int) -> BallotRow | None:
    """The voter's ballot that was written last in time: whatever order they came in, it is the same one."""
    row = tx.execute(
        "SELECT * FROM ballot WHERE voter_id = :voter AND late = 0 AND sent_ms <= :closes"
        " ORDER BY sent_ms DESC, id DESC LIMIT 1",
        {"voter": voter_id, "closes": closes_ms},
    ).fetchone()
    return None if row is None else _row(row)


def ledger(tx: sqlite3.Connection, poll_id: int) -> list[BallotRow]:
    """Every ballot, in the order it came."""
    return [_row(row) for row in tx.execute("SELECT * FROM ballot WHERE poll_id = :id ORDER BY place", {"id": poll_id})]


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A ballot before it is in the ledger."""

    voter_id: int
    sealed: bytes
    receipt: str
    via: Via
    sent_ms: int
    received_ms: int
    source: str
    late: bool
    outcome: str
    previous_id: int | None


def append(tx: sqlite3.Connection, poll_id: int, entry: Entry) -> None:
    last = tx.execute(
        "SELECT place, chain FROM ballot WHERE poll_id = :poll ORDER BY place DESC LIMIT 1", {"poll": poll_id}
    ).fetchone()
    place, before = (1, START) if last is None else (last["place"] + 1, last["chain"])
    tx.execute(
        "INSERT INTO ballot (poll_id, place, voter_id, sealed, receipt, via, sent_ms, received_ms, source, late,"
        " outcome, previous_id, chain) VALUES (:poll, :place, :voter, :sealed, :receipt, :via, :sent, :received,"
        " :source, :late, :outcome, :previous, :chain)",
        {
            "poll": poll_id, "place": place, "voter": entry.voter_id, "sealed": entry.sealed,
            "receipt": entry.receipt, "via": entry.via, "sent": entry.sent_ms, "received": entry.received_ms,
            "source": entry.source, "late": entry.late, "outcome": entry.outcome, "previous": entry.previous_id,
            "chain": link(before, place, entry),
        },
    )  # fmt: skip


def link(before: bytes, place: int, entry: Entry | BallotRow) -> bytes:
    """SHA-256 over the hash before it and everything of the ballot but its two times.

    The times of a guessed clock move when it is put right (ADR 5); the head that is published covers them too.
    """
    content = [place, int(entry.voter_id), entry.sealed, entry.receipt, str(entry.via), entry.source]
    return sha256(_PURPOSE + before + cbor2.dumps(content)).digest()


def head(rows: list[BallotRow]) -> bytes:
    """What stands for the whole ledger once it is counted: the chain's last hash and every ballot's times."""
    times = [[row.place, row.sent_ms, row.received_ms, row.late] for row in rows]
    return sha256(_HEAD_PURPOSE + (rows[-1].chain if rows else START) + cbor2.dumps(times)).digest()


def is_unbroken(rows: list[BallotRow]) -> bool:
    """Whether every row follows the one before it."""
    before = START
    for place, row in enumerate(rows, 1):
        if row.place != place or link(before, place, row) != row.chain:
            return False
        before = row.chain
    return True


def fits(rows: list[BallotRow], count: int, published: bytes) -> bool:
    """Whether the first `count` rows are still those the published head was made of, whatever came after them."""
    return is_unbroken(rows) and len(rows) >= count and head(rows[:count]) == published


def forget_ballots(tx: sqlite3.Connection) -> None:
    """As if nobody had voted; only inside a savepoint that is rolled back (a rehearsal)."""
    tx.execute("DELETE FROM ballot")


# receipts


def receipt_is_taken(tx: sqlite3.Connection, poll_id: int, digits: str) -> bool:
    row = tx.execute(
        "SELECT 1 FROM poll_receipt WHERE poll_id = :poll AND digits = :digits", {"poll": poll_id, "digits": digits}
    ).fetchone()
    return row is not None


def keep_receipt(
    tx: sqlite3.Connection, poll_id: int, digits: str, voter_id: int, message_id: int | None = None
) -> None:
    tx.execute(
        "INSERT INTO poll_receipt (poll_id, digits, voter_id, message_id) VALUES (:poll, :digits, :voter, :message)",
        {"poll": poll_id, "digits": digits, "voter": voter_id, "message": message_id},
    )


def assign_receipts(tx: sqlite3.Connection, poll_id: int, digits: list[str], message_id: int) -> None:
    """These receipts are spoken in the script of that call."""
    tx.executemany(
        "UPDATE poll_receipt SET message_id = :message WHERE poll_id = :poll AND digits = :digits",
        [{"poll": poll_id, "digits": each, "message": message_id} for each in digits],
    )


def receipt_of_call(tx: sqlite3.Connection, message_id: int, voter_id: int) -> str | None:
    row = tx.execute(
        "SELECT digits FROM poll_receipt WHERE message_id = :message AND voter_id = :voter",
        {"message": message_id, "voter": voter_id},
    ).fetchone()
    return None if row is None else str(row["digits"])


@dataclass(frozen=True, slots=True)
class LateRow:
    """A ballot that does not count: when it was written, when it came, and by which way; nothing else."""

    sent_ms: int
    received_ms: int
    via: Via


def late_ballots(tx: sqlite3.Connection, poll_id: int, closes_ms: int) -> list[LateRow]:
    rows = tx.execute(
        "SELECT sent_ms, received_ms, via FROM ballot WHERE poll_id = :poll AND (late = 1 OR sent_ms > :closes)"
        " ORDER BY place",
        {"poll": poll_id, "closes": closes_ms},
    )
    return [LateRow(row["sent_ms"], row["received_ms"], Via(row["via"])) for row in rows]
