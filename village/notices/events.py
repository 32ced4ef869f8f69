"""What a notice does when the gateway says that a message moved or that a key was pressed.

Never runs outside the gateway's own unit, so a reach view and the message it speaks of change together.
"""

from __future__ import annotations

import logging
import sqlite3

from gateway.message import CallEvent, CallStep, Channel, Moved
from gateway.message import State as MessageState
from village.notices import store, tasks_store
from village.notices.confirm import Via, confirm, units_behind
from village.notices.dispatch import Letter, post
from village.notices.done import Done, mark_done, speaks_for
from village.notices.ladder import next_rung
from village.notices.notice import CopyKind, Notice, Rung, State, UnitId
from village.notices.office import Means
from village.notices.reach import waits
from village.notices.reach_store import unit_rows
from village.notices.spoken import CONFIRM_KEY
from village.notices.store import CopyRow
from village.notices.task_words import ASKING, DONE_KEY
from village.notices.tasks import KIND as TASK
from village.people.store import phone_by_id

log = logging.getLogger(__name__)


_GOING_WELL = (MessageState.ACCEPTED, MessageState.DELIVERED)


def notice_moved(tx: sqlite3.Connection, means: Means, moved: Moved, now_ms: int) -> None:
    """Start the next rung where a copy failed; correct a phone that an old copy reached after all."""
    copy = store.copy_of_message(tx, moved.message_id)
    if copy is None or copy.kind is CopyKind.ASKED:
        return
    version, state = store.standing(tx, copy.notice_id)
    if state is not State.SENT:
        return
    if copy.version == version and copy.channel is Channel.CALL and copy.rung >= Rung.CALL:
        _settle_text(tx, means, copy, moved=moved, now_ms=now_ms)
    if copy.version == version and moved.after in _GOING_WELL:
        return
    notice = store.notice_of(tx, copy.notice_id)
    if copy.version < version:
        if moved.after in (MessageState.DELIVERED, MessageState.ACCEPTED, MessageState.UNKNOWN):
            _correct_after_all(tx, means, notice, copy, now_ms)
        return
    _climb(tx, means, notice, copy, moved=moved, now_ms=now_ms)


def _settle_text(tx: sqlite3.Connection, means: Means, copy: CopyRow, *, moved: Moved, now_ms: int) -> None:
    """An SMS was held back while the ladder's call waited and rang: heard, it is not needed; in vain, it may go.

    Who picked up and hung up after two words has not been told, and gets it. In danger to life none was held back.
    """
    notice = store.notice_of(tx, copy.notice_id)
    if notice.urgent or moved.after is MessageState.ACCEPTED:
        return
    texts = [
        other.message_id
        for other in store.copies_of(tx, notice.id, phone_id=copy.phone_id)
        if other.version == notice.version and other.channel is Channel.SMS and other.kind is not CopyKind.ASKED
        and other.state is MessageState.QUEUED
    ]  # fmt: skip
    if moved.after is MessageState.DELIVERED:
        means.outbox.withdraw(tx, texts)
    else:
        means.outbox.put_off(tx, texts, now_ms)


def _climb(tx: sqlite3.Connection, means: Means, notice: Notice, copy: CopyRow, *, moved: Moved, now_ms: int) -> None:
    phone = phone_by_id(tx, copy.phone_id)
    if phone is None or phone.opted != "all" or now_ms >= notice.door_ms(means.office.door_after_h):
        return
    channel = next_rung(copy.channel, moved.after, moved.error, notice.channels, phone_kind=phone.kind)
    if channel is None or not means.office.carries(channel) or phone.refuses_calls:
        return
    copies = store.copies_of(tx, notice.id, phone_id=phone.id)
    if any(other.version == notice.version and other.channel is channel for other in copies):
        return
    behind = units_behind(tx, notice, phone.id)
    served = [unit for unit in store.served_by_message(tx, copy.message_id) if unit in behind]
    serves = tuple(unit for unit in served if _still_waits(tx, notice, unit))
    if not serves:
        return
    post(tx, means, notice, [Letter(phone, channel, copy.kind, serves)], now_ms, rung=Rung.CALL)
    log.info("next rung notice=%d channel=%s", notice.id, channel)


def _still_waits(tx: sqlite3.Connection, notice: Notice, unit_id: UnitId) -> bool:
    return any(waits(unit) for unit in unit_rows(tx, notice.id, unit_id))


def _correct_after_all(tx: sqlite3.Connection, means: Means, notice: Notice, copy: CopyRow, now_ms: int) -> None:
    """A copy of the old words that we had given up arrived: what this phone was told as new has to say 更正."""
    copies = [
        other for other in store.copies_of(tx, notice.id, phone_id=copy.phone_id) if other.version == notice.version
    ]
    if any(other.kind is CopyKind.CORRECTION for other in copies):
        return
    phone = phone_by_id(tx, copy.phone_id)
    if phone is None or phone.opted != "all" or not means.office.carries(copy.channel):
        return
    waiting = [other.message_id for other in copies if other.state is MessageState.QUEUED]
    means.outbox.withdraw(tx, waiting)
    serves = tuple(units_behind(tx, notice, phone.id))
    post(tx, means, notice, [Letter(phone, copy.channel, CopyKind.CORRECTION, serves)], now_ms)


def notice_call(tx: sqlite3.Connection, event: CallEvent) -> None:
    """Key 9 confirms; having listened is the message's own state and needs no row of ours."""
    if event.what is not CallStep.KEY or event.key != CONFIRM_KEY:
        return
    copy = store.copy_of_message(tx, event.message_id)
    if copy is None or copy.channel is not Channel.CALL:
        return
    confirm(tx, copy.notice_id, via=Via.CALL, at_ms=event.at_ms, phone_id=copy.phone_id, message_id=event.message_id)


def task_call(tx: sqlite3.Connection, means: Means, event: CallEvent) -> None:
    """Key 9 where a reminder's call asks for it says that it is done, for those it speaks for; who has done it knows of
    it."""
    if event.kind != TASK or event.what is not CallStep.KEY or event.key != DONE_KEY or event.node not in ASKING:
        return
    asked = tasks_store.asked_by(tx, event.message_id)
    if asked is None:
        return
    notice, phone_id = store.notice_of(tx, asked[0]), asked[1]
    units = speaks_for(tx, notice, phone_id, event.message_id)
    if not units:
        log.warning("done is taken down for nobody: stopped, or another's phone message=%d", event.message_id)
        return
    confirm(tx, notice.id, via=Via.CALL, at_ms=event.at_ms, phone_id=phone_id)
    mark_done(tx, means.outbox, notice.id, units, via=Done.CALL, phone_id=phone_id, now_ms=event.at_ms)
