"""Count polls whose ballots have all had time to arrive, and tell everybody what came out.

Never counts before the deadline and never by a guessed clock. A poll waits until every inbound line has been up for
half an hour without a break since the deadline, because a line that was down may still hold ballots; after a day it
waits no longer, and the result says which line was silent.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence

from village.ground.privacy import SealBrokenError, Vault
from village.laws.pack import pack_of
from village.laws.rules import judge
from village.notices.office import Means
from village.polls import ledger_store, store
from village.polls.dispatch import RESULT, tell
from village.polls.ledger_store import BallotRow, LedgerBrokenError
from village.polls.merkle import receipts_root
from village.polls.poll import Poll, PollKind, State
from village.polls.result_store import Result, keep_result
from village.polls.sealing import open_choice
from village.polls.words import result_sms

log = logging.getLogger(__name__)

LISTENED_MS = 30 * 60_000
LONGEST_WAIT_MS = 24 * 3_600_000

UpSince = Mapping[str, int | None]
"""For every inbound line since when it has been up without a break (ms); None: it is down."""


def countable_ms(poll: Poll, up_since_ms: UpSince) -> int:
    """The earliest moment at which this poll can be counted, as things stand now."""
    latest = poll.closes_ms + LONGEST_WAIT_MS
    if any(since is None for since in up_since_ms.values()):
        return latest
    since_ms = [since for since in up_since_ms.values() if since is not None]
    return min(max([poll.closes_ms, *since_ms]) + LISTENED_MS, latest)


def silent_lanes(poll: Poll, up_since_ms: UpSince, now_ms: int) -> tuple[str, ...]:
    """Lines that have not been up for long enough since the deadline."""
    return tuple(
        name
        for name, since in sorted(up_since_ms.items())
        if since is None or now_ms - max(since, poll.closes_ms) < LISTENED_MS
    )


def count_due(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool, up_since_ms: UpSince) -> list[Poll]:
    """Count every closed poll whose time has come; those that were counted."""
    if not trusted:
        return []
    counted = []
    for poll in store.running_polls(tx):
        if poll.state is State.CLOSED and now_ms >= countable_ms(poll, up_since_ms):
            silent = silent_lanes(poll, up_since_ms, now_ms)
            if (done := _counted_by_itself(tx, means, poll, now_ms, silent)) is not None:
                counted.append(done)
    return counted


def _counted_by_itself(
    tx: sqlite3.Connection, means: Means, poll: Poll, now_ms: int, silent: tuple[str, ...]
) -> Poll | None:
    """None where its ledger cannot be trusted: then it waits for a person, and no other poll waits for it."""
    tx.execute("SAVEPOINT counting")
    try:
        return _count(tx, means, poll, now_ms, silent)
    except (LedgerBrokenError, SealBrokenError) as broken:
        tx.execute("ROLLBACK TO counting")
        trouble = "ledger" if isinstance(broken, LedgerBrokenError) else "seal"
        if store.mark_troubled(tx, poll.id, trouble):
            log.error("poll not counted poll=%d reason=%s", poll.id, trouble)
        return None
    finally:
        tx.execute("RELEASE counting")


def _count(tx: sqlite3.Connection, means: Means, poll: Poll, now_ms: int, silent: tuple[str, ...]) -> Poll:
    rows = ledger_store.ledger(tx, poll.id)
    result = tally(means.vault, poll, rows, silent)
    store.mark_counted(tx, poll.id, now_ms)
    keep_result(tx, poll.id, result)
    poll = store.poll_of(tx, poll.id)
    told = tell(tx, means, poll, RESULT, result_sms(means.office, poll, result), only_arrived=False)
    log.info("poll counted poll=%d attended=%d told=%d", poll.id, result.attended, told)
    return poll


def tally(vault: Vault, poll: Poll, rows: Sequence[BallotRow], silent: tuple[str, ...] = ()) -> Result:
    """The result of a ledger: each voter's ballot that was written last in time, whatever order they came in.

    Raises LedgerBrokenError, SealBrokenError."""
    if not ledger_store.is_unbroken(list(rows)):
        raise LedgerBrokenError
    standing = standing_rows(poll, rows)
    counts = [0] * len(poll.options)
    for row in standing:
        counts[open_choice(vault, poll.id, row.voter_id, row.sealed) - 1] += 1
    attended = len(standing)
    pack = pack_of(poll.pack)
    yes = counts[0] if poll.kind is PollKind.HOUSEHOLD else 0
    verdict = judge(pack, poll.kind, eligible=poll.eligible, attended=attended, yes=yes)
    return Result(
        counts=tuple(counts),
        attended=attended,
        late=sum(not _in_time(poll, row) for row in rows),
        valid=verdict.valid,
        passed=verdict.passed,
        needs_attended=verdict.needs_attended,
        needs_yes=verdict.needs_yes,
        articles=verdict.articles,
        pack=verdict.pack,
        receipts=receipts_root([row.receipt for row in standing]),
        ledger_head=ledger_store.head(list(rows)),
        ledger_rows=len(rows),
        silent_lanes=silent,
    )


def standing_receipts(tx: sqlite3.Connection, poll: Poll) -> list[str]:
    """The receipts of the ballots that count, ascending: what is put up so that everybody finds their own."""
    return sorted(row.receipt for row in standing_rows(poll, ledger_store.ledger(tx, poll.id)))


def standing_rows(poll: Poll, rows: Sequence[BallotRow]) -> list[BallotRow]:
    """Of every voter the ballot that was written last in time; of two in one second the one that came later."""
    standing: dict[int, BallotRow] = {}
    for row in sorted((row for row in rows if _in_time(poll, row)), key=lambda row: (row.sent_ms, row.id)):
        standing[row.voter_id] = row
    return list(standing.values())


def _in_time(poll: Poll, row: BallotRow) -> bool:
    return not row.late and row.sent_ms <= poll.closes_ms
