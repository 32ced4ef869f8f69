"""What comes down from the county: its notices wait on the desk, ready to be sent on.

Runs in the unit that keeps the record. Never sends anything to a villager: the committee does, in its own words and
its own time.
"""

from __future__ import annotations

import logging
import sqlite3

from sync.kinds import CountyBegan, CountyNotice, CountyNoticeWithdrawn
from sync.record import Record
from village.ground.clock import Clock
from village.link import store

log = logging.getLogger(__name__)


def take_down(tx: sqlite3.Connection, record: Record, clock: Clock) -> None:
    """One verified record of the county's log. The same again changes nothing."""
    match record.body:
        case CountyNotice() as notice:
            known = store.county(tx)
            if known is None or (notice.villages and known.village_no not in notice.villages):
                return
            store.add_county_notice(
                tx,
                notice_id=notice.notice,
                text=notice.text,
                issuer=notice.issuer,
                issued_ms=notice.issued_ms,
                due_ms=notice.due_ms,
                now_ms=clock.now_ms(),
            )
        case CountyNoticeWithdrawn() as withdrawn:
            store.withdraw_county_notice(tx, withdrawn.notice, clock.now_ms())
        case CountyBegan():
            pass
        case other:
            log.warning("the county sent what only villages write kind=%d", other.CODE)
