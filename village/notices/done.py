"""Who has done what a notice asks to be done by a day, and how that became known.

To know is not to have done: a 收到 to the notice never counts as done, nor does having listened to the reminder; 办好
is said in answer to it, in words, or ticked at the desk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gateway.outbox import Outbox
from village.ground.wording import RefusalError, say
from village.notices import tasks_store
from village.notices.confirm import Via, confirm_units, units_behind
from village.notices.notice import Notice, State, UnitId
from village.notices.store import lapse_confirmation_by, notice_of, units_of


class Done(StrEnum):
    """How it became known that something is done."""

    SMS = "sms"
    CALL = "call"
    """By the key of a reminder that was a call."""
    DESK = "desk"
    LIST = "list"
    """Among names that were pasted."""


@dataclass(frozen=True, slots=True)
class Marked:
    now: tuple[UnitId, ...]
    before: int
    """How many were done already."""


def speaks_for(tx: sqlite3.Connection, notice: Notice, phone_id: int, message_id: int) -> list[UnitId]:
    """For whom the 9 that answers a reminder says that it is done, in a call as by SMS: those it named who are on this
    phone still. For nobody where the notice was stopped: what it asked for stands no more."""
    if notice.state is not State.SENT:
        return []
    behind = set(units_behind(tx, notice, phone_id))
    return [unit_id for unit_id in tasks_store.reminded_units(tx, message_id) if unit_id in behind]


def mark_done(
    tx: sqlite3.Connection,
    outbox: Outbox,
    notice_id: int,
    unit_ids: Collection[int],
    *,
    via: Done,
    by: str = "",
    phone_id: int | None = None,
    now_ms: int,
) -> Marked:
    """These have done it; done twice is done once. A reminder that still waits for them alone is withdrawn.

    Whom the desk records as done is not sent for either: nobody has to be told at the door of what he has done. What
    was answered on a phone confirms by itself.

    Raises RefusalError (404) for a household the notice never went to.
    """
    notice = notice_of(tx, notice_id)
    ours = set(units_of(tx, notice.id).values())
    if not ours.issuperset(unit_ids):
        raise RefusalError(say("这条通知没有发给这一户"), status=404)
    now = tuple(
        UnitId(unit_id)
        for unit_id in sorted(unit_ids)
        if tasks_store.add_done(tx, unit_id, via=via, phone_id=phone_id, by=by, now_ms=now_ms)
    )
    outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice_id, units=now))
    if via in (Done.DESK, Done.LIST) and notice.state is State.SENT:
        confirm_units(tx, notice.id, now, via=Via.TASK, seen_version=notice.version, by=by, now_ms=now_ms)
    return Marked(now, len(set(unit_ids)) - len(now))


def undo_done(tx: sqlite3.Connection, notice_id: int, unit_id: int, *, now_ms: int) -> bool:
    """Ticked by mistake; the record keeps that it was. Raises RefusalError (404)."""
    if unit_id not in units_of(tx, notice_of(tx, notice_id).id).values():
        raise RefusalError(say("这条通知没有发给这一户"), status=404)
    lapse_confirmation_by(tx, unit_id, Via.TASK, now_ms)
    return tasks_store.undo_done(tx, unit_id, now_ms)
