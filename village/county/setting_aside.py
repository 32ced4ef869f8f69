"""What is not taken is set aside by name, a shelf for every village and one for strangers; owns the table `quarantine`.

Never lets one sender's rubbish push out what somebody else sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from sync.failures import RevokedError
from village.county import tables

MOST_OF_A_VILLAGE, MOST_OF_STRANGERS = 100, 50
"""The newest are kept. A village that was revoked counts as a stranger: whoever has its key now may be anybody."""

_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """What came and why it was not taken. `village_no`: who signed it, where that was verified. `alike`: the bytes by
    which it is known again; what was sealed anew looks different every time, so these are the signed ones if any."""

    village_no: int | None
    reason: str
    content: bytes
    alike: bytes


def set_aside(connection: Connection, refused: Refused, now_ms: int) -> None:
    """The same again is counted, not kept again."""
    row = tables.quarantine.c
    print_ = _print(refused)
    again = connection.execute(
        update(tables.quarantine)
        .where(row.print == print_)
        .values(times=row.times + 1, received_ms=now_ms, handled_ms=None, handled_by=None)
    )
    if again.rowcount:
        return
    newest = connection.execute(select(func.coalesce(func.max(row.id), 0))).scalar_one()
    connection.execute(
        insert(tables.quarantine).values(
            id=newest + 1, village_no=refused.village_no, reason=refused.reason, received_ms=now_ms,
            size=len(refused.content), sealed=refused.content[:_KEPT_BYTES], times=1, print=print_,
        )
    )  # fmt: skip
    shelf, most = _shelf(refused)
    kept = select(row.id).where(shelf).order_by(row.id.desc()).limit(most)
    connection.execute(tables.quarantine.delete().where(shelf, row.id.not_in(kept)))


def _print(refused: Refused) -> bytes:
    said = f"{refused.village_no}\n{refused.reason}\n".encode()
    return hashlib.sha256(said + refused.alike).digest()


def _shelf(refused: Refused) -> tuple[ColumnElement[bool], int]:
    """Which rows it shares its room with, and how many of them there may be."""
    row = tables.quarantine.c
    if refused.village_no is None or refused.reason == RevokedError.name:
        return or_(row.village_no.is_(None), row.reason == RevokedError.name), MOST_OF_STRANGERS
    return and_(row.village_no == refused.village_no, row.reason != RevokedError.name), MOST_OF_A_VILLAGE
