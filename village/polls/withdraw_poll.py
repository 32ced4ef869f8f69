"""Withdraw a poll that should not have been opened: what has not left dies, whoever was asked is told.

Never withdraws one whose deadline has passed, and never throws a ballot away: the ledger stays.
"""

from __future__ import annotations

import logging
import sqlite3

from village.ground.wording import RefusalError, say
from village.notices.office import Means
from village.polls import store
from village.polls.dispatch import WITHDRAWAL, tell
from village.polls.poll import Poll, State
from village.polls.words import withdrawal_sms

log = logging.getLogger(__name__)

LONGEST_WHY = 30
_OPEN = ("queued", "sending", "accepted", "unknown")


def withdraw(tx: sqlite3.Connection, means: Means, poll_id: int, *, why: str, by: str, now_ms: int) -> Poll:
    """Raises RefusalError (422) without a reason, (409) where it is too late; twice changes nothing."""
    poll = store.poll_of(tx, poll_id)
    if poll.state is State.WITHDRAWN:
        return poll
    why = " ".join(why.split()).rstrip("。.")
    if not why:
        raise RefusalError(say("作废要写明原因，村民会收到"), status=422)
    if len(why) > LONGEST_WHY:
        raise RefusalError(say("原因太长了：最多{most}个字", most=LONGEST_WHY), status=422)
    # whether the deadline has passed is the state's business: nobody may take back what people have decided
    if poll.closes_ms <= now_ms or not store.mark_withdrawn(tx, poll.id, by=by, why=why, now_ms=now_ms):
        raise RefusalError(say("已经过了截止时间，不能作废了"), status=409)
    unsent = [copy.message_id for copy in store.copies_of(tx, poll.id) if copy.state in _OPEN]
    means.outbox.withdraw(tx, unsent)
    poll = store.poll_of(tx, poll.id)
    told = tell(tx, means, poll, WITHDRAWAL, withdrawal_sms(means.office, poll), only_arrived=True)
    log.info("poll withdrawn poll=%d told=%d", poll.id, told)
    return poll
