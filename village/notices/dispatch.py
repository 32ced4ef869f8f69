"""From copies decided to messages queued: drafts, their rows, and the question each of them asks.

Never decides who gets what.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.message import Channel, Draft, Priority
from village import questions
from village.notices import store
from village.notices.compose import correction_text, reminder_text, sms_text
from village.notices.notice import CopyKind, Notice, Rung, UnitId
from village.notices.office import Means, Office
from village.notices.spoken import script
from village.notices.ways import Delivery
from village.people.store import PhoneRow

KIND = "notice"
"""What the gateway calls our messages."""

_LIFETIME_MS = 72 * 3_600_000
"""A notice that could not be sent for three days is told at the door, not sent after all."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to be queued: to whom, how, in which words, and whom it serves."""

    phone: PhoneRow
    channel: Channel
    kind: CopyKind
    serves: tuple[UnitId, ...]


def reference(notice: Notice) -> str:
    return f"{KIND}/{notice.id}/{notice.version}"


def letter_text(office: Office, notice: Notice, kind: CopyKind, *, reminds: bool = False) -> str:
    """The SMS of the current version; a reminder says that it is one."""
    words, calls = (office, notice.number, notice.text, notice.short_text), notice.channels.call
    if reminds:
        return reminder_text(*words, calls=calls, corrected=kind is CopyKind.CORRECTION)
    return (correction_text if kind is CopyKind.CORRECTION else sms_text)(*words, calls=calls)


def post(
    tx: sqlite3.Connection,
    means: Means,
    notice: Notice,
    letters: Sequence[Letter],
    now_ms: int,
    *,
    rung: Rung = Rung.FIRST,
) -> list[int]:
    """Queue the letters and keep what each of them carries; the messages' ids in the same order."""
    kinds = {letter.kind for letter in letters}
    texts = {kind: letter_text(means.office, notice, kind, reminds=rung is Rung.REMINDER) for kind in kinds}
    drafts = [_draft(means, notice, letter, texts[letter.kind], now_ms=now_ms, rung=rung) for letter in letters]
    message_ids = means.outbox.enqueue_many(tx, drafts)
    for letter, message_id in zip(letters, message_ids, strict=True):
        store.add_copy(
            tx, notice_id=notice.id, version=notice.version, phone_id=letter.phone.id, channel=letter.channel,
            kind=letter.kind, message_id=message_id, serves=letter.serves, now_ms=now_ms, rung=rung,
        )  # fmt: skip
        questions.ask(tx, letter.phone.id, kind=KIND, number=notice.number, subject_id=notice.id, message_id=message_id)
    return message_ids


def _draft(means: Means, notice: Notice, letter: Letter, text: str, *, now_ms: int, rung: Rung) -> Draft:
    asked = letter.kind is CopyKind.ASKED
    call = letter.channel is Channel.CALL
    corrected = letter.kind is CopyKind.CORRECTION
    return Draft(
        to=means.vault.open(letter.phone.sealed),
        channel=letter.channel,
        kind=KIND,
        priority=_priority(notice, rung, asked=asked),
        reference=reference(notice),
        text="" if call else text,
        script=script(means.office, notice.text, corrected=corrected, slow=letter.phone.slow) if call else None,
        expires_ms=None if asked else _expires_ms(means.office, notice, rung, now_ms),
    )


def _priority(notice: Notice, rung: Rung, *, asked: bool) -> Priority:
    if asked:
        return Priority.REPLY
    if rung is Rung.REMINDER and not notice.urgent:
        return Priority.REMINDER
    return Priority.URGENT if notice.urgent else Priority.NOTICE


def _expires_ms(office: Office, notice: Notice, rung: Rung, now_ms: int) -> int:
    """A later rung ends where the door list opens: somebody goes there, and nobody is rung about what is over."""
    if rung > Rung.FIRST:
        return notice.door_ms(office.door_after_h)
    if notice.due_ms is not None and notice.due_ms > now_ms:
        return notice.due_ms
    return now_ms + _LIFETIME_MS


def in_turn(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """First one phone of every household, then the second ones: the sooner every household knows, the better."""
    taken: Counter[int] = Counter()
    rounds = []
    for delivery in deliveries:
        rounds.append(min(taken[place] for place in delivery.serves))
        taken.update(delivery.serves)
    order = sorted(range(len(deliveries)), key=lambda index: (rounds[index], index))
    return [deliveries[index] for index in order]
