"""The county writes: its own log, and the notices in it, in one unit of work each.

Never sends anything to a villager; a notice waits on the desks of the villages it is for.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sync.journal import append, boot_id
from sync.keys import SigningKey
from sync.kinds import Body, CountyBegan, CountyNotice, CountyNoticeWithdrawn
from sync.record import Record
from village.county import store
from village.county.core import on
from village.county.ledger import CountyLedger
from village.ground.clock import Clock
from village.ground.wording import RefusalError, say

_NO_VILLAGE = 0
"""Our own log needs no other side."""

LONGEST_TEXT, LONGEST_ISSUER = 1000, 20


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants told. `villages`: their numbers; none: all."""

    text: str
    issuer: str
    due_ms: int | None
    villages: tuple[int, ...]


class CountyLog:
    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self._log = key.public.log
        self._clock = clock
        self._boot = boot_id()

    def begin(self, tx: sqlite3.Connection, name: str) -> None:
        """The first record of the log; later calls change nothing."""
        with on(tx) as connection:
            if CountyLedger(connection, self._log, _NO_VILLAGE).own_head().seq == 0:
                self._append(tx, CountyBegan(name))

    def _append(self, tx: sqlite3.Connection, body: Body) -> Record:
        with on(tx) as connection:
            return append(CountyLedger(connection, self._log, _NO_VILLAGE), self._clock, self._boot, body)

    def publish(self, tx: sqlite3.Connection, draft: Draft, author: str) -> int:
        """The number of the notice. Raises RefusalError."""
        checked = check(draft)
        with on(tx) as connection:
            unknown = store.unknown_villages(connection, checked.villages)
            if unknown:
                named = "、".join(str(number) for number in unknown)
                raise RefusalError(say("没有编号{numbers}的村", numbers=named), status=422)
            number = store.next_own_number(connection)
            body = CountyNotice(
                number, checked.text, checked.issuer, self._clock.now_ms(), checked.due_ms, checked.villages
            )
            record = self._append(tx, body)
            store.keep_own(connection, body, seq=record.seq, author=author)
            return number

    def withdraw(self, tx: sqlite3.Connection, number: int) -> None:
        """Raises RefusalError; twice changes nothing."""
        with on(tx) as connection:
            if store.own_notice(connection, number).withdrawn_ms is not None:
                return
            body = CountyNoticeWithdrawn(number, self._clock.now_ms())
            self._append(tx, body)
            store.keep_withdrawn(connection, body)


def check(draft: Draft) -> Draft:
    """Tidied. Raises RefusalError (422) with everything that is wrong."""
    text = "\n".join(line for line in (" ".join(line.split()) for line in draft.text.splitlines()) if line)
    issuer = " ".join(draft.issuer.split())
    wrong = []
    if not text:
        wrong.append(say("通知还没有写字"))
    elif len(text) > LONGEST_TEXT:
        wrong.append(say("太长了：{n}个字，最多{most}个字", n=len(text), most=LONGEST_TEXT))
    if not 1 <= len(issuer) <= LONGEST_ISSUER:
        wrong.append(say("哪个单位发的，要写1到{most}个字", most=LONGEST_ISSUER))
    if wrong:
        raise RefusalError(*wrong, status=422)
    return Draft(text, issuer, draft.due_ms, tuple(sorted(set(draft.villages))))
