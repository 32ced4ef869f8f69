"""The county's tables as SQLAlchemy knows them; `migrations/` makes them, and a test holds the two equal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()


def _table(name: str, *columns: str) -> Table:
    """`no!`: part of the primary key. A type stands after the colon: b bytes, t text, else a whole number."""
    made: list[Column[Any]] = []
    for written in columns:
        column, _, kind = written.partition(":")
        of = {"b": LargeBinary, "t": String}.get(kind, Integer)
        made.append(Column(column.rstrip("!"), of, primary_key=column.endswith("!"), autoincrement=False))
    return Table(name, metadata, *made)


village = _table(
    "village", "no!", "name:t", "public_key:b", "sealing_key:b", "log:b", "certificate:b", "issued_ms", "expires_ms",
    "revoked_ms", "spoke_ms", "epoch", "head_seq", "head_hash:b", "acked_seq", "went_back", "frozen:t", "groups",
    "households", "people", "version:t", "waiting", "lines", "lines_down", "disk_free_mb", "noted_ms", "barred",
)  # fmt: skip
own_record = _table("own_record", "epoch!", "seq!", "hash:b", "encoded:b")
record = _table("record", "village_no!", "epoch!", "seq!", "hash:b", "encoded:b")
record_fork = _table("record_fork", "village_no!", "epoch!", "seq!", "hash!:b", "encoded:b")
evidence = _table("evidence", "id!", "village_no", "first_seq", "last_seq", "received_ms", "signed:b")
fork_evidence = _table("fork_evidence", "id!", "village_no", "first_seq", "last_seq", "received_ms", "signed:b")
quarantine = _table(
    "quarantine", "id!", "village_no", "reason:t", "received_ms", "size", "sealed:b", "times", "print:b", "handled_ms",
    "handled_by:t",
)  # fmt: skip
enrol_code = _table(
    "enrol_code", "id!:t", "code_key:b", "village:t", "issued_by:t", "issued_ms", "expires_ms", "used_ms", "used_log:b",
    "village_no", "no", "turned_away",
)  # fmt: skip
enrol_try = _table("enrol_try", "id!", "at_ms", "code_id:t")
heard = _table("heard", "id!", "village_no", "print:b")
notice = _table(
    "notice", "village_no!", "notice!", "version", "number", "issuer:t", "text:t", "audience:t", "unit:t", "urgent",
    "county_notice", "published_ms", "due_ms", "stopped_ms", "units", "accepted", "delivered", "heard", "confirmed",
    "unreached", "groups:t", "as_of_ms",
)  # fmt: skip
poll = _table(
    "poll", "village_no!", "poll!", "number", "kind:t", "question:t", "options:t", "opened_ms", "closes_ms", "eligible",
    "roll:b", "pack:t", "basis:t", "opened_seq", "closed_ms", "ballots", "withdrawn_ms", "counted_ms", "counted_seq",
    "counted_eligible", "counted_roll:b", "counted_pack:t", "attended", "counts:t", "late", "valid", "passed",
    "receipts:b", "ledger:b", "complete",
)  # fmt: skip
county_notice = _table(
    "county_notice", "notice!", "seq", "text:t", "issuer:t", "issued_ms", "due_ms", "villages:t", "author:t",
    "withdrawn_ms",
)  # fmt: skip
