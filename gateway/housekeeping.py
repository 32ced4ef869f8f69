"""What is looked after now and then: what is over expires, what nobody will take ends, what may not wake people waits.

Units of work like those of `posting.py`; each changes at most a batch, and is called again where there is more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from gateway import home_store, money_store, queue_store, refusals_store, store, tries_store
from gateway.backoff import LONGEST_MS
from gateway.choosing import Freight, may_go_elsewhere, only_abroad
from gateway.failures import Trouble
from gateway.message import Priority, State
from gateway.posting import Posting
from gateway.verdict import Verdict

_REPORT_AGE_MS = 72 * 3_600_000
"""SMS centres keep a message for at most about this long; what was not reported by then never will be."""

_REFERENCE_MS = 7 * 86_400_000
_BATCH = 500


class Housekeeping:
    def __init__(self, posting: Posting) -> None:
        self._posting = posting

    def has_overdue(self, tx: sqlite3.Connection) -> bool:
        """Whether a waiting message's time is over. With a guessed clock: none is."""
        return self._posting.clock.trusted and bool(store.overdue(tx, self._posting.clock.now_ms(), 1))

    def expire(self, tx: sqlite3.Connection) -> None:
        if self._posting.clock.trusted:
            now_ms = self._posting.clock.now_ms()
            self._posting.end_late(tx, store.overdue(tx, now_ms, _BATCH), now_ms)

    def has_stranded(self, tx: sqlite3.Connection) -> bool:
        """Whether something waits that no line there is will ever take."""
        return bool(self._stranded(tx))

    def end_stranded(self, tx: sqlite3.Connection) -> None:
        """It ends now, so that somebody can knock in time."""
        now_ms = self._posting.clock.now_ms()
        moved = []
        for about, error in self._stranded(tx):
            verdict = Verdict(State.FAILED, about.standing.tries, about.standing.due_ms, error)
            moved.append(store.move(tx, about, verdict, now_ms))
        self._posting.tell(tx, moved)

    def _stranded(self, tx: sqlite3.Connection) -> list[tuple[store.Known, str | None]]:
        """What every line refused, or whose numbers may not leave the country where every line does; and why."""
        ways = self._posting.ways()
        found = [
            (about, about.error)
            for about in refusals_store.passed_on(tx)
            if not may_go_elsewhere(
                self._posting.freight(tx, about), ways, refusals_store.refused_by(tx, about.standing.message_id)
            )
        ]
        if not any(way.abroad for way in ways):
            return found
        for channel, kind in home_store.waiting(tx):
            if only_abroad(Freight(channel, kind, Priority.NOTICE, home_only=True), ways):
                found += [(about, Trouble.NO_LINE) for about in home_store.waiting_of(tx, channel, kind, _BATCH)]
        return found

    def unreported(self, tx: sqlite3.Connection, mute: Collection[str]) -> list[store.Known]:
        """Accepted long ago and never heard of again; `mute` carriers never report. With a guessed clock: none."""
        if not self._posting.clock.trusted:
            return []
        return store.unreported(tx, self._posting.clock.now_ms() - _REPORT_AGE_MS, mute, _BATCH)

    def age_out(self, tx: sqlite3.Connection, silent: Sequence[store.Known]) -> None:
        now_ms = self._posting.clock.now_ms()
        verdicts = [Verdict(State.UNKNOWN, a.standing.tries, a.standing.due_ms, Trouble.NO_REPORT) for a in silent]
        moved = [store.move(tx, about, verdict, now_ms) for about, verdict in zip(silent, verdicts, strict=True)]
        self._posting.tell(tx, moved)

    def has_restless(self, tx: sqlite3.Connection) -> bool:
        """Whether something is due that quiet hours hold back."""
        now_ms = self._posting.clock.now_ms()
        return bool(queue_store.asleep(tx, self._posting.held(now_ms), now_ms, 1))

    def put_to_bed(self, tx: sqlite3.Connection) -> None:
        """In quiet hours, what may not go now gets its own moment after they end."""
        now_ms = self._posting.clock.now_ms()
        if self._posting.quiet is not None:
            asleep = queue_store.asleep(tx, self._posting.held(now_ms), now_ms, _BATCH)
            dues = [(message_id, self._posting.quiet.release_ms(now_ms, message_id)) for message_id in asleep]
            queue_store.put_off(tx, dues)

    def has_unfiled_money(self, tx: sqlite3.Connection) -> bool:
        """Whether money of an earlier guess is left in no month although the time is known."""
        return self._posting.clock.trusted and money_store.any_guessed(tx)

    def file_money(self, tx: sqlite3.Connection) -> None:
        self._posting.purse.file_rest(tx)

    def mend_times(self, tx: sqlite3.Connection) -> None:
        """At start, and after the clock was put right: retries that a wrong clock planned for another year are due now,
        and no money is left in no month."""
        now_ms = self._posting.clock.now_ms()
        self._posting.purse.file_rest(tx)
        queue_store.bring_forward(tx, now_ms + LONGEST_MS, now_ms)

    def forget_references(self, tx: sqlite3.Connection) -> None:
        before_ms = self._posting.clock.now_ms() - _REFERENCE_MS
        tries_store.forget_references(tx, before_ms)
        refusals_store.forget(tx, before_ms)
