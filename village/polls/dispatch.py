"""From a poll to messages queued: announcements with the question each of them asks, results, withdrawals.

Never decides who may vote; the roll does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.message import Channel, Draft, Priority
from gateway.outbox import Outbox
from village import questions
from village.notices.dispatch import in_turn
from village.notices.notice import Channels, UnitKind
from village.notices.office import Means
from village.notices.ways import Allotment, allot
from village.people.store import Addressee, PhoneRow, phone_by_id
from village.polls import ledger_store, store
from village.polls.cast_ballot import new_receipt
from village.polls.poll import Poll, Voter
from village.polls.spoken import Asked, poll_script
from village.polls.words import announcement_of

KIND, RESULT_KIND = "poll", "poll-result"
"""What the gateway calls our messages."""

ANNOUNCEMENT, RESULT, WITHDRAWAL = "announcement", "result", "withdrawal"

_CALLS_END_MS = 12 * 60_000
"""A call that begins later than this before the deadline might take a ballot after it: a call lasts ten minutes at
most, and rings for one before that."""


def reference(poll: Poll) -> str:
    return f"{KIND}/{poll.id}"


def allotted(people: Sequence[Addressee], channels: Channels, usable: Channels) -> Allotment:
    """Which phone is asked by which way; a phone that several voters share is asked once."""
    return allot(people, UnitKind.PERSON, channels, usable=usable)


@dataclass(frozen=True, slots=True)
class _Copy:
    phone: PhoneRow
    channel: Channel


def announce(tx: sqlite3.Connection, means: Means, poll: Poll, allotment: Allotment) -> int:
    """Queue every announcement and remember what it asks; how many."""
    copies = [
        _Copy(delivery.phone, channel) for delivery in in_turn(allotment.deliveries) for channel in delivery.channels
    ]
    text = announcement_of(means.office, poll)
    receipts: list[list[str]] = []
    drafts = []
    for copy in copies:
        asked = _asked(tx, poll, copy) if copy.channel is Channel.CALL else []
        receipts.append([one.receipt for one in asked])
        drafts.append(_draft(means, poll, copy, text, asked))
    message_ids = means.outbox.enqueue_many(tx, drafts)
    for copy, message_id, digits in zip(copies, message_ids, receipts, strict=True):
        questions.ask(tx, copy.phone.id, kind=KIND, number=poll.number, subject_id=poll.id, message_id=message_id)
        ledger_store.assign_receipts(tx, poll.id, digits, message_id)
    store.add_copies(
        tx,
        poll.id,
        ANNOUNCEMENT,
        [(message_id, copy.phone.id, copy.channel) for copy, message_id in zip(copies, message_ids, strict=True)],
    )
    return len(copies)


def _asked(tx: sqlite3.Connection, poll: Poll, copy: _Copy) -> list[Asked]:
    voters: list[Voter] = store.eligible_on(tx, poll.id, copy.phone.id)
    return [Asked(voter, new_receipt(tx, poll, voter.id)) for voter in voters]


def _draft(means: Means, poll: Poll, copy: _Copy, text: str, asked: Sequence[Asked]) -> Draft:
    call = copy.channel is Channel.CALL
    return Draft(
        to=means.vault.open(copy.phone.sealed),
        channel=copy.channel,
        kind=KIND,
        priority=Priority.NOTICE,
        reference=reference(poll),
        text="" if call else text,
        script=poll_script(means.office, poll, asked, slow=copy.phone.slow) if call else None,
        expires_ms=poll.closes_ms - (_CALLS_END_MS if call else 0),
    )


def tell(tx: sqlite3.Connection, means: Means, poll: Poll, kind: str, text: str, *, only_arrived: bool) -> int:
    """One SMS to every phone that was asked and still may be written to; how many.

    `only_arrived`: not to those that never had the question.
    """
    if not means.office.texts:
        return 0
    asked = store.copies_of(tx, poll.id)
    phones = dict.fromkeys(copy.phone_id for copy in asked if copy.arrived or not only_arrived)
    rows = [phone for phone_id in phones if (phone := phone_by_id(tx, phone_id)) is not None]
    willing = [phone for phone in rows if phone.opted == "all" and phone.kind == "mobile"]
    drafts = [
        Draft(
            to=means.vault.open(phone.sealed),
            channel=Channel.SMS,
            kind=RESULT_KIND,
            priority=Priority.NOTICE,
            reference=reference(poll),
            text=text,
        )
        for phone in willing
    ]
    message_ids = means.outbox.enqueue_many(tx, drafts)
    store.add_copies(
        tx,
        poll.id,
        kind,
        [(message_id, phone.id, Channel.SMS) for message_id, phone in zip(message_ids, willing, strict=True)],
    )
    return len(willing)


def spare_phone(tx: sqlite3.Connection, outbox: Outbox, phone_id: int) -> int:
    """A phone has opted out: nothing about polls that still waits for it goes out."""
    return len(outbox.withdraw(tx, store.unsent_to(tx, phone_id)))


def spare_calls(tx: sqlite3.Connection, outbox: Outbox, phone_id: int) -> int:
    """Somebody has let go of a phone: a call that would ask for them by name does not ring there any more."""
    return len(outbox.withdraw(tx, store.unsent_to(tx, phone_id, channel=Channel.CALL)))
