"""Send a notice: the notice, its frozen addressees and every message are kept in one unit, or nothing is.

Never sends one order twice, and never sends a planned notice whose time has passed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from village.ground.wording import RefusalError, say
from village.notices import store
from village.notices.compose import refuse_too_long
from village.notices.dispatch import Letter, in_turn, post
from village.notices.notice import CopyKind, Notice, Order, State, checked, unit_of
from village.notices.numbers import next_number, refuse_taken
from village.notices.office import Means
from village.notices.ways import allot
from village.people.store import Addressee, select

log = logging.getLogger(__name__)


def send_notice(tx: sqlite3.Connection, means: Means, order: Order, now_ms: int) -> Notice:
    """Send now, or keep for its time. Raises RefusalError; the same `order.request` gives the same notice again."""
    if order.request is not None and (sent := store.notice_of_request(tx, order.request)) is not None:
        return sent
    order = checked(order, now_ms)
    if order.rungs is None:
        order = replace(order, rungs=means.office.ladder.rungs)
    if order.number is None:
        number = next_number(tx, now_ms, urgent=order.urgent)
    else:
        refuse_taken(tx, order.number, now_ms)
        number = order.number
    refuse_too_long(means.office, number, order.channels, order.text, order.short_text)
    whom = select(tx, order.audience)
    if not whom:
        raise RefusalError(say("花名册里没有这样的人：{whom}", whom=order.audience.in_words()), status=422)
    notice_id = store.add_notice(
        tx,
        order,
        number=number,
        unit=unit_of(order.audience),
        state=State.PLANNED,
        start_ms=order.at_ms if order.at_ms is not None else now_ms,
        now_ms=now_ms,
    )
    if order.at_ms is None:
        _go_out(tx, means, store.notice_of(tx, notice_id), whom, now_ms)
    return store.notice_of(tx, notice_id)


def send_due(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool = True) -> list[Notice]:
    """Send what was planned for now or earlier; what is past its due time is stopped instead and stays on the desk.

    With a guessed clock nothing is called too late.
    """
    gone = []
    for notice in store.planned_until(tx, now_ms):
        if trusted and notice.due_ms is not None and notice.due_ms <= now_ms:
            store.mark_stopped(tx, notice.id, MISSED, now_ms)
            log.warning("planned notice missed its time notice=%d", notice.id)
            continue
        _go_out(tx, means, notice, select(tx, notice.audience), now_ms)
        gone.append(store.notice_of(tx, notice.id))
    return gone


MISSED = ""
"""Stands for who stopped a planned notice that the village slept through."""


def _go_out(tx: sqlite3.Connection, means: Means, notice: Notice, whom: Sequence[Addressee], now_ms: int) -> None:
    if not store.mark_sent(tx, notice.id, now_ms):
        return
    notice = store.notice_of(tx, notice.id)
    allotment = allot(whom, notice.unit, notice.channels, usable=means.office.open_of(notice.channels))
    unit_ids = store.add_units(tx, notice.id, allotment.units)
    letters = [
        Letter(delivery.phone, channel, CopyKind.NOTICE, tuple(unit_ids[place] for place in delivery.serves))
        for delivery in in_turn(allotment.deliveries)
        for channel in delivery.channels
    ]
    post(tx, means, notice, letters, now_ms)
    log.info(
        "notice out notice=%d version=%d units=%d messages=%d", notice.id, notice.version, len(unit_ids), len(letters)
    )
