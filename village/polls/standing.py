"""What a voter's ballot says now, for the one who cast it: receipts and corrections, nothing for the desk.

Never lists anybody and never counts.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.ground.privacy import Vault
from village.polls import ledger_store
from village.polls.poll import Poll
from village.polls.sealing import open_choice


@dataclass(frozen=True, slots=True, repr=False)
class Standing:
    choice: int
    receipt: str
    sent_ms: int

    def __repr__(self) -> str:
        """Without the choice: reprs end up in logs."""
        return "Standing(sealed)"


def standing(tx: sqlite3.Connection, vault: Vault, poll: Poll, voter_id: int) -> Standing | None:
    """None where this voter has not voted in time."""
    row = ledger_store.standing_of(tx, voter_id, poll.closes_ms)
    if row is None:
        return None
    return Standing(open_choice(vault, poll.id, voter_id, row.sealed), row.receipt, row.sent_ms)


@dataclass(frozen=True, slots=True)
class Stands:
    """That there is a ballot; never its choice. `source`: the message or key press it was."""

    receipt: str
    source: str


def voted(tx: sqlite3.Connection, poll: Poll, voter_id: int) -> Stands | None:
    """None where this voter has not voted in time."""
    row = ledger_store.standing_of(tx, voter_id, poll.closes_ms)
    return None if row is None else Stands(row.receipt, row.source)
