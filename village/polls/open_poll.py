"""Open a poll: question, frozen roll, every announcement and what it asks, in one unit, or nothing.

Never opens what the law refuses, and never opens one order twice.
"""

from __future__ import annotations

import logging
import sqlite3

from village.ground.clock import beijing
from village.ground.wording import RefusalError, say
from village.laws.pack import RefusedKindError, newest_pack
from village.notices.notice import Channels
from village.notices.office import Means
from village.people.store import groups as group_rows
from village.polls import basis_store, store
from village.polls.dispatch import allotted, announce
from village.polls.numbers import next_number, refuse_taken
from village.polls.poll import Order, Poll, PollKind, checked
from village.polls.roll import Chosen, choose, new_salt, roll_hash

log = logging.getLogger(__name__)


def open_poll(tx: sqlite3.Connection, means: Means, order: Order, now_ms: int, *, trusted: bool = True) -> Poll:
    """Raises RefusalError with everything that is wrong; the same `order.request` gives the same poll again."""
    if order.request is not None and (opened := store.poll_of_request(tx, order.request)) is not None:
        return opened
    order = checked(order, now_ms, trusted=trusted)
    refuse_unlawful(order)
    number = number_for(tx, order, now_ms)
    chosen = refusing_nobody(tx, order, now_ms)
    basis_store.refuse_unless_in_force(tx, order.basis_id)
    salt, drafts = new_salt(), chosen.drafts()
    poll_id = store.add_poll(
        tx,
        order,
        number=number,
        pack=newest_pack().id,
        salt=salt,
        roll_hash=roll_hash(salt, drafts),
        roll=drafts,
        now_ms=now_ms,
    )
    poll = store.poll_of(tx, poll_id)
    channels = channels_of(order)
    copies = announce(tx, means, poll, allotted(chosen.people, channels, means.office.open_of(channels)))
    log.info("poll opened poll=%d voters=%d messages=%d", poll.id, poll.eligible, copies)
    return poll


def channels_of(order: Order) -> Channels:
    return Channels(sms=order.sms, call=order.call, page=True)


def number_for(tx: sqlite3.Connection, order: Order, now_ms: int) -> int:
    """Raises RefusalError where no number, or not this one, can be had."""
    if order.number is None:
        return next_number(tx, now_ms)
    refuse_taken(tx, order.number, now_ms)
    return order.number


def refuse_unlawful(order: Order) -> None:
    """Raises RefusalError for what the law does not let anybody decide this way; asking for opinions is free."""
    pack = newest_pack()
    pack.rule(order.kind)
    suspected = pack.suspects(order.question)
    if suspected is not None and order.basis_id is not None:
        raise RefusedKindError(suspected)


def refusing_nobody(tx: sqlite3.Connection, order: Order, now_ms: int) -> Chosen:
    """Who may vote. Raises RefusalError where that is nobody, or where a group does not exist."""
    unknown = order.groups - {group.no for group in group_rows(tx)}
    if unknown:
        named = "、".join(str(no) for no in sorted(unknown))
        raise RefusalError(say("花名册里没有“{word}”这个组", word=named), status=422)
    chosen = choose(tx, order.kind, order.groups, beijing(now_ms).date())
    if not chosen.people:
        unit = say("成年人") if order.kind is PollKind.OPINION else say("户")
        raise RefusalError(say("花名册里没有能投的{unit}", unit=unit), status=422)
    return chosen
