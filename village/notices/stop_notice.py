"""Stop a notice: what has not left dies, what has left is counted.

Never takes anything back from a phone; `correct_notice` tells those who got it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.outbox import Outbox
from village.ground.wording import RefusalError, say
from village.notices import leaders_store, store, tasks_store
from village.notices.notice import Notice
from village.notices.office import Means
from village.notices.running import over_ms
from village.notices.unsent_store import MAY_BE_SENT


@dataclass(frozen=True, slots=True)
class Stopped:
    notice: Notice
    withdrawn: int
    """Messages that will not go out any more."""
    gone: int
    """Phones that have it or may have it."""


def stop_notice(
    tx: sqlite3.Connection, means: Means, notice_id: int, *, seen_version: int, by: str, now_ms: int
) -> Stopped:
    """Raises RefusalError (409) where somebody corrected it since `seen_version`; stopping twice changes nothing."""
    notice = store.notice_of(tx, notice_id)
    refuse_outdated(notice, seen_version)
    withdrawn = withdraw_unsent(tx, means, notice)
    means.outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice.id))
    store.mark_stopped(tx, notice.id, by, now_ms)
    gone = {copy.phone_id for copy in store.copies_of(tx, notice.id) if copy.may_have_been_read}
    return Stopped(store.notice_of(tx, notice.id), withdrawn, len(gone))


def refuse_outdated(notice: Notice, seen_version: int) -> None:
    """Two clerks at once: the second one sees what the first one did before he acts."""
    if notice.version != seen_version:
        raise RefusalError(say("通知{number}刚刚被人改过，请先看一眼现在的内容再办", number=notice.number), status=409)


def withdraw_unsent(tx: sqlite3.Connection, means: Means, notice: Notice) -> int:
    """Take back what is still in the queue, and forbid another try of what is with the carrier; its copies are counted.

    A leader is not sent out for words that do not stand any more.
    """
    unsent = [copy.message_id for copy in store.copies_of(tx, notice.id) if copy.state in MAY_BE_SENT]
    means.outbox.withdraw(tx, leaders_store.letter_messages(tx, notice_id=notice.id))
    return len(means.outbox.withdraw(tx, unsent))


def spare_phone(tx: sqlite3.Connection, outbox: Outbox, phone_id: int, now_ms: int) -> int:
    """A phone has opted out: no notice that still waits for it goes out. What it asked for itself does."""
    unsent = store.unsent_to(tx, phone_id, over_ms(now_ms))
    outbox.withdraw(tx, leaders_store.letter_messages(tx, phone_id=phone_id))
    outbox.withdraw(tx, tasks_store.needless_reminders(tx, phone_id=phone_id))
    return len(outbox.withdraw(tx, unsent))
