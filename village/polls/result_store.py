"""What was counted: numbers, the rule they were measured by, and what lets others check them.

Never decides anything.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """`counts`: one for each option. `valid`, `passed`: None where nothing is decided. `receipts`: Merkle root of the
    sorted receipts; `ledger_head`: of the first `ledger_rows` of the ledger, which were all there were. `silent_lanes`:
    lines that were not up long enough after the deadline, so that ballots may be missing."""

    counts: tuple[int, ...]
    attended: int
    late: int
    valid: bool | None
    passed: bool | None
    needs_attended: int | None
    needs_yes: int | None
    articles: tuple[str, ...]
    pack: str
    receipts: bytes
    ledger_head: bytes
    ledger_rows: int
    silent_lanes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.silent_lanes


def keep_result(tx: sqlite3.Connection, poll_id: int, result: Result) -> None:
    tx.execute(
        "INSERT INTO poll_result (poll_id, counts, attended, late, valid, passed, needs_attended, needs_yes, articles,"
        " pack, receipts, ledger_head, ledger_rows, silent_lanes)"
        " VALUES (:poll, :counts, :attended, :late, :valid, :passed, :needs_attended, :needs_yes, :articles,"
        " :pack, :receipts, :ledger_head, :ledger_rows, :silent)",
        {
            "poll": poll_id, "counts": json.dumps(result.counts), "attended": result.attended, "late": result.late,
            "valid": result.valid, "passed": result.passed, "needs_attended": result.needs_attended,
            "needs_yes": result.needs_yes, "articles": json.dumps(result.articles, ensure_ascii=False),
            "pack": result.pack, "receipts": result.receipts, "ledger_head": result.ledger_head,
            "ledger_rows": result.ledger_rows,
            "silent": json.dumps(result.silent_lanes),
        },
    )  # fmt: skip


def result_of(tx: sqlite3.Connection, poll_id: int) -> Result | None:
    """None until the poll is counted."""
    row = tx.execute("SELECT * FROM poll_result WHERE poll_id = :poll", {"poll": poll_id}).fetchone()
    if row is None:
        return None
    return Result(
        counts=tuple(json.loads(row["counts"])),
        attended=row["attended"],
        late=row["late"],
        valid=None if row["valid"] is None else bool(row["valid"]),
        passed=None if row["passed"] is None else bool(row["passed"]),
        needs_attended=row["needs_attended"],
        needs_yes=row["needs_yes"],
        articles=tuple(json.loads(row["articles"])),
        pack=row["pack"],
        receipts=row["receipts"],
        ledger_head=row["ledger_head"],
        ledger_rows=row["ledger_rows"],
        silent_lanes=tuple(json.loads(row["silent_lanes"])),
    )
