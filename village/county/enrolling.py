"""Enrolment at the county: codes on paper, who used which, and how many wrong guesses all callers together may make.

Never keeps a code: what is kept proves one (scrypt) and cannot be turned back into it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from sync.certificate import LASTS_MS, Certificate, issue
from sync.enrolment import Code, Refused, Request, make_answer
from sync.keys import SigningKey
from sync.record import START
from village.county import tables
from village.county.core import on
from village.county.ledger import own_head
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, say

CODE_LASTS_MS = 14 * 86_400_000
MOST_WRONG, MOST_WRONG_OF_ONE, WITHIN_MS = 10, 5, 3_600_000
"""For all callers together, and for one code: it has 60 secret bits, and nobody needs more tries than this. Whoever
guesses beyond that is told to wait; who comes with the right code waits only for guesses that could have hit one, else
anybody's noise would lock every village out."""

UNNAMED = "新登记的村"
"""Whom a code is for where nobody said it."""

LONGEST_NAME = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the county says no; `wait_s` with WAIT."""

    why: Refused
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code as the desk lists it: never the code. `turned_away`: the village that came with it and was not let in."""

    id: str
    village: str
    issued_by: str
    issued_ms: int
    expires_ms: int
    used_ms: int | None
    village_no: int | None
    turned_away: int | None


def add_code(connection: Connection, code: Code, code_key: bytes, *, village: str, by: str, now_ms: int) -> None:
    """Raises RefusalError (422) for a name that is none."""
    village = " ".join(village.split())
    if not 1 <= len(village) <= LONGEST_NAME:
        raise RefusalError(say("村名要1到{most}个字", most=LONGEST_NAME), status=422)
    newest = connection.execute(select(func.coalesce(func.max(tables.enrol_code.c.no), 0))).scalar_one()
    connection.execute(
        insert(tables.enrol_code).values(
            id=code.id, code_key=code_key, village=village, issued_by=by, issued_ms=now_ms,
            expires_ms=now_ms + CODE_LASTS_MS, no=newest + 1,
        )
    )  # fmt: skip


async def issue_code(
    db: Database, clock: Clock, *, village: str, by: str, also: Callable[[sqlite3.Connection], object] | None = None
) -> Code:
    """A fresh code, kept, and shown once to whoever asked. `also`: what is kept with it. Raises RefusalError."""
    code = Code.new()
    code_key = await asyncio.to_thread(code.key)

    def unit(tx: sqlite3.Connection) -> bool:
        with on(tx) as connection:
            if is_taken(connection, code.id):
                return False
            if also is not None:
                also(tx)
            add_code(connection, code, code_key, village=village, by=by, now_ms=clock.now_ms())
            return True

    # one in a million has the beginning of another; then the next one is tried
    return code if await db.write(unit) else await issue_code(db, clock, village=village, by=by, also=also)


def is_taken(connection: Connection, code_id: str) -> bool:
    code = tables.enrol_code.c
    return connection.execute(select(code.id).where(code.id == code_id)).first() is not None


def codes(connection: Connection, limit: int = 100) -> list[CodeRow]:
    code = tables.enrol_code.c
    rows = connection.execute(
        select(
            code.id, code.village, code.issued_by, code.issued_ms, code.expires_ms, code.used_ms, code.village_no,
            code.turned_away,
        )
        .order_by(code.no.desc())
        .limit(limit)
    )  # fmt: skip
    return [CodeRow(*row) for row in rows]


def enrol(connection: Connection, key: SigningKey, county: str, request: Request, now_ms: int) -> bytes | Refusal:
    """The answer for a village that proves it knows a good code. The same keys with the same code get the same again:
    the answer may have been lost.

    A refusal is returned, not raised: a wrong guess is counted in the very unit that looked whether there may be one.
    """
    row = connection.execute(select(tables.enrol_code).where(tables.enrol_code.c.id == request.code_id)).first()
    _forget_tries(connection, now_ms)
    if row is None:
        return _wrong(connection, None, now_ms)
    known = _village_with(connection, request.log)
    fresh = row.used_ms is None and row.expires_ms > now_ms
    refusal = (_doubt if fresh else _look_again)(connection, row, known, request, now_ms)
    if refusal is not None:
        return refusal
    if fresh:
        _admit(connection, key, row, request, now_ms)
    issued = _village_with(connection, request.log).certificate
    head = own_head(connection, key.public.log)
    return make_answer(row.code_key, request, key, name=county, head=head, issued=issued)


def _village_with(connection: Connection, log: bytes) -> Any:
    """None while nobody has come with this log."""
    return connection.execute(select(tables.village).where(tables.village.c.log == log)).first()


def _look_again(connection: Connection, row: Any, known: Any, request: Request, now_ms: int) -> Refusal | None:
    """At a code that is used up or too old; no guess can win anything here."""
    if not request.proves(row.code_key):
        return _wrong(connection, None, now_ms)
    if row.used_ms is None:
        return Refusal(Refused.EXPIRED)
    return Refusal(Refused.USED) if row.used_log != request.log or _is_barred(row, known) else None


def _doubt(connection: Connection, row: Any, known: Any, request: Request, now_ms: int) -> Refusal | None:
    """At a code that is still good."""
    wait_s = _patience(connection, row.id, now_ms)
    if wait_s:
        return Refusal(Refused.WAIT, wait_s)
    if not request.proves(row.code_key):
        return _wrong(connection, row.id, now_ms)
    refusal = _not_for(row, known)
    if refusal is not None:  # the desk is told: there they know whose code it is
        code = tables.enrol_code
        connection.execute(update(code).where(code.c.id == row.id).values(turned_away=known.no))
    return refusal


def _not_for(row: Any, known: Any) -> Refusal | None:
    """A village that is known comes back under its own name alone; one that was revoked, with what was issued since."""
    if known is None:
        return None
    if _is_barred(row, known):
        return Refusal(Refused.EXPIRED)
    return Refusal(Refused.WRONG) if row.village not in (known.name, UNNAMED) else None


def _is_barred(row: Any, known: Any) -> bool:
    """Whether the code was issued before this village was last revoked."""
    return known is not None and row.no <= known.barred


def _patience(connection: Connection, code_id: str, now_ms: int) -> int:
    """For how many seconds this code is not looked at, since too many guesses have come lately that could have hit one,
    from wherever they came; 0: for none."""
    hits = [(at_ms, tried) for at_ms, tried in _tries(connection) if tried is not None]
    of_all, of_this = [at_ms for at_ms, _ in hits], [at_ms for at_ms, tried in hits if tried == code_id]
    return max(_wait_s(of_all, MOST_WRONG, now_ms), _wait_s(of_this, MOST_WRONG_OF_ONE, now_ms))


def _wrong(connection: Connection, code_id: str | None, now_ms: int) -> Refusal:
    """A wrong guess, at that code or at none; counted, and told to wait where there were many of either."""
    wait_s = _wait_s([at_ms for at_ms, _ in _tries(connection)], MOST_WRONG, now_ms)
    if not wait_s or code_id is not None:
        newest = connection.execute(select(func.coalesce(func.max(tables.enrol_try.c.id), 0))).scalar_one()
        connection.execute(insert(tables.enrol_try).values(id=newest + 1, at_ms=now_ms, code_id=code_id))
    return Refusal(Refused.WAIT, wait_s) if wait_s else Refusal(Refused.WRONG)


def _tries(connection: Connection) -> list[tuple[int, str | None]]:
    """When, and at which code, the newest first."""
    tried = tables.enrol_try.c
    return [
        (row.at_ms, row.code_id)
        for row in connection.execute(select(tried.at_ms, tried.code_id).order_by(tried.at_ms.desc()))
    ]


def _wait_s(stamps_ms: list[int], most: int, now_ms: int) -> int:
    return max((stamps_ms[most - 1] + WITHIN_MS - now_ms) // 1000, 1) if len(stamps_ms) >= most else 0


def _forget_tries(connection: Connection, now_ms: int) -> None:
    """What is stamped later than now was stamped by a clock that has been put right since."""
    tried = tables.enrol_try.c
    connection.execute(delete(tables.enrol_try).where(or_(tried.at_ms <= now_ms - WITHIN_MS, tried.at_ms > now_ms)))


def _admit(connection: Connection, key: SigningKey, row: Any, request: Request, now_ms: int) -> None:
    """A new village, or one that comes back with a new code: its number and its log stay."""
    village, code = tables.village.c, tables.enrol_code
    before = _village_with(connection, request.log)
    known = None if before is None else before.no
    name = before.name if before is not None and row.village == UNNAMED else row.village
    number = known or connection.execute(select(func.coalesce(func.max(village.no), 0))).scalar_one() + 1
    expires_ms = now_ms + LASTS_MS
    certificate = issue(
        key,
        Certificate(
            county_log=key.public.log, village_no=number, village=name, key=request.key,
            sealing=request.sealing, log=request.log, epoch=1, issued_ms=now_ms, expires_ms=expires_ms,
        ),
    )  # fmt: skip
    values = {
        "name": name, "public_key": request.key.raw, "sealing_key": request.sealing.raw,
        "certificate": certificate, "issued_ms": now_ms, "expires_ms": expires_ms, "revoked_ms": None,
    }  # fmt: skip
    if known is not None:
        connection.execute(update(tables.village).where(village.no == number).values(**values))
    else:
        connection.execute(
            insert(tables.village).values(
                no=number, log=request.log, epoch=1, head_seq=0, head_hash=START, acked_seq=0, went_back=0, frozen="",
                groups=0, households=0, people=0, version="", waiting=0, lines=0, lines_down=0, barred=0, **values,
            )
        )  # fmt: skip
    connection.execute(
        update(code).where(code.c.id == row.id).values(used_ms=now_ms, used_log=request.log, village_no=number)
    )
