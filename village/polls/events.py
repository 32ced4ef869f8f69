"""What a poll does when a key is pressed in one of its calls. Runs inside the gateway's own unit.

Never takes a key for a ballot but the one that confirms what was read back.
"""

from __future__ import annotations

import logging
import sqlite3

from gateway.message import CallEvent, CallStep
from village.notices.office import Means
from village.polls import ledger_store, store
from village.polls.cast_ballot import cast
from village.polls.dispatch import KIND
from village.polls.poll import Via
from village.polls.spoken import confirmed_by

log = logging.getLogger(__name__)


def poll_call(tx: sqlite3.Connection, means: Means, event: CallEvent) -> None:
    if event.kind != KIND or event.what is not CallStep.KEY:
        return
    confirmed = confirmed_by(event.node, event.key)
    poll_id = store.poll_of_message(tx, event.message_id)
    if confirmed is None or poll_id is None:
        return
    poll, voter = store.poll_of(tx, poll_id), store.voter_of(tx, confirmed.voter_id)
    if voter is None or voter.poll_id != poll.id or not poll.has(confirmed.choice):
        log.warning("a call's script does not fit its poll message=%d", event.message_id)
        return
    phone_id = store.phone_of_message(tx, event.message_id)
    if phone_id is None or voter.id not in {one.id for one in store.eligible_on(tx, poll.id, phone_id)}:
        log.warning("whoever votes does not hold this phone any more message=%d", event.message_id)
        return
    cast(
        tx,
        means.vault,
        poll,
        voter.id,
        confirmed.choice,
        via=Via.CALL,
        sent_ms=event.at_ms,
        received_ms=event.at_ms,
        source=f"call/{event.message_id}/{voter.id}/{event.at_ms}",
        receipt=ledger_store.receipt_of_call(tx, event.message_id, voter.id),
    )
