"""Cast a ballot: one row in the ledger, in the unit in which the text or the key press was received.

Never decides who may vote in what (the grammar and the call script do) and never counts anything.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from village.ground.privacy import Vault
from village.polls import ledger_store
from village.polls.ledger_store import BallotRow, Entry
from village.polls.poll import Poll, Via
from village.polls.sealing import open_choice, seal_choice


class Outcome(StrEnum):
    NEW = "new"
    SAME = "same"
    """The same choice again; it counts once, and the receipt stays."""
    CHANGED = "changed"
    """Another choice; the old one does not count any more, and there is a new receipt."""
    EARLIER = "earlier"
    """Written before the one that stands, and come after it: kept, and counts for nothing."""
    LATE = "late"
    """Written after the deadline, or come after the counting: kept and listed, never counted."""


@dataclass(frozen=True, slots=True, repr=False)
class Cast:
    """What became of a ballot. `receipt` of the ballot that stands now, empty for LATE. `before`: the choice that stood
    when this one came, for the voter's own reply, and `before_source` the message or key press that was. `delayed`: in
    time, but come after the deadline."""

    outcome: Outcome
    receipt: str
    before: int | None
    before_source: str | None
    delayed: bool

    def __repr__(self) -> str:
        """Without the choice: reprs end up in logs."""
        return f"Cast({self.outcome.value})"


def cast(
    tx: sqlite3.Connection, vault: Vault, poll: Poll, voter_id: int, choice: int, *, via: Via, sent_ms: int,
    received_ms: int, source: str, receipt: str | None = None, trusted: bool = True,
) -> Cast:  # fmt: skip
    """Keep a ballot of `voter_id`, who is on the roll of `poll`. The same `source` again changes nothing.

    `trusted`: whether `sent_ms` is more than a guess; by a guess nothing is late. Whatever is said now, the count looks
    at the time as it is known then, so that every ballot that may turn out to be in time has a receipt. `receipt`: one
    that was set apart for this voter because the call that asks already speaks it. Raises ValueError for
    a choice the poll does not have.
    """
    if not poll.has(choice):
        raise ValueError("no such option")
    known = ledger_store.by_source(tx, source)
    if known is not None:
        return _again(tx, vault, poll, known)
    standing = ledger_store.standing_of(tx, voter_id, poll.closes_ms)
    before = None if standing is None else open_choice(vault, poll.id, voter_id, standing.sealed)
    outcome = _outcome(poll, standing, before, choice, sent_ms, trusted=trusted)
    if not poll.takes_ballots:
        given = ""
    elif receipt is not None:
        given = receipt
    elif outcome is Outcome.SAME and standing is not None:
        given = standing.receipt
    else:
        given = new_receipt(tx, poll, voter_id)
    ledger_store.append(
        tx,
        poll.id,
        Entry(
            voter_id=voter_id,
            sealed=seal_choice(vault, poll.id, voter_id, choice),
            receipt=given,
            via=via,
            sent_ms=sent_ms,
            received_ms=received_ms,
            source=source,
            late=not poll.takes_ballots,
            outcome=outcome,
            previous_id=None if standing is None else standing.id,
        ),
    )
    shown = standing.receipt if outcome is Outcome.EARLIER and standing is not None else given
    shown = "" if outcome is Outcome.LATE else shown
    source_before = None if standing is None else standing.source
    return Cast(outcome, shown, before, source_before, _is_delayed(poll, sent_ms, received_ms))


def _again(tx: sqlite3.Connection, vault: Vault, poll: Poll, known: BallotRow) -> Cast:
    """What was said when this ballot came for the first time."""
    previous = None if known.previous_id is None else ledger_store.ballot_of(tx, known.previous_id)
    before = None if previous is None else open_choice(vault, poll.id, known.voter_id, previous.sealed)
    outcome = Outcome(known.outcome)
    shown = previous.receipt if outcome is Outcome.EARLIER and previous is not None else known.receipt
    shown = "" if outcome is Outcome.LATE else shown
    source_before = None if previous is None else previous.source
    return Cast(outcome, shown, before, source_before, _is_delayed(poll, known.sent_ms, known.received_ms))


def _outcome(
    poll: Poll, standing: BallotRow | None, before: int | None, choice: int, sent_ms: int, *, trusted: bool
) -> Outcome:
    # no lower bound: an SMS centre whose clock is a little behind stamps an answer before its question
    if not poll.takes_at(sent_ms, trusted=trusted):
        return Outcome.LATE
    if standing is None:
        return Outcome.NEW
    if standing.sent_ms > sent_ms:
        return Outcome.EARLIER
    return Outcome.SAME if before == choice else Outcome.CHANGED


def _is_delayed(poll: Poll, sent_ms: int, received_ms: int) -> bool:
    return sent_ms <= poll.closes_ms < received_ms


_TRIES = 1000


def new_receipt(tx: sqlite3.Connection, poll: Poll, voter_id: int) -> str:
    """Five digits that nobody has had in this poll, and that say nothing about the voter or the order of ballots."""
    for _ in range(_TRIES):
        digits = str(10_000 + secrets.randbelow(90_000))
        if not ledger_store.receipt_is_taken(tx, poll.id, digits):
            ledger_store.keep_receipt(tx, poll.id, digits, voter_id)
            return digits
    raise RuntimeError("no receipt is left in this poll")
