"""Which phones are reminded of something to be done, now, and by which way: those not reminded yet, and those whose
reminder was taken back or reached nobody. Reads only.

Nobody twice for one day: a reminder that may have arrived stands, and so does one that is still on its way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.message import Channel
from gateway.message import State as MessageState
from village.notices import tasks_store
from village.notices.ladder import next_rung, nobody_there, other_time_ms
from village.notices.notice import Channels, Notice, Rung, UnitId
from village.notices.office import Office
from village.notices.store import units_of
from village.notices.tasks_store import Reminder, Task, TaskUnit
from village.notices.ways import Delivery, allot
from village.people.store import PhoneRow, phone_by_id, select

LOST = frozenset({MessageState.FAILED, MessageState.UNKNOWN})
"""Reached nobody, as far as is known; what expired came too late for another try as well."""


@dataclass(frozen=True, slots=True)
class Whom:
    phone: PhoneRow
    channel: Channel
    units: tuple[TaskUnit, ...]


def whom_to_remind(
    tx: sqlite3.Connection, office: Office, notice: Notice, task: Task, *, made: Sequence[Reminder], now_ms: int
) -> list[Whom]:
    """Today's phones of those who were addressed then and have it still to do; nobody who opted out.

    By SMS; a phone that reads none (a landline, or its owner wants calls) is called where the notice itself makes
    calls. Where there is no SMS line every phone is called but those whose owner refused it. An SMS that failed is
    followed by one call to a phone that takes calls, and a call that failed by a second one at another time of day
    where the notice has one; unless the number is dead, or all it is about were reached on another phone.

    Once everybody was reminded, only those come again to whom something became owed since.
    """
    by_phone: dict[int, list[Reminder]] = {}
    for reminder in made:
        by_phone.setdefault(reminder.phone_id, []).append(reminder)
    owed = {phone_id for phone_id, tries in by_phone.items() if _owed(tx, office, notice, tries, now_ms)}
    new = _untold(tx, notice, task, made)
    if task.reminded_ms is not None and not owed and tasks_store.phones_of(tx, new) <= by_phone.keys():
        return []  # the common case, each minute of three days
    open_units = {unit.unit_id: unit for unit in tasks_store.task_units(tx, notice.id) if unit.done_ms is None}
    frozen = units_of(tx, notice.id)
    ways = Channels(sms=True, call=notice.channels.call, page=False)
    allotment = allot(select(tx, notice.audience), notice.unit, ways, usable=office.open_of(ways))
    unit_at = {place: frozen.get(unit.key) for place, unit in enumerate(allotment.units)}
    told = {unit for reminder in made if _stands(reminder) for unit in reminder.units}
    found = []
    for delivery in allotment.deliveries:
        ids = [unit_at[place] for place in delivery.serves]
        units = tuple(open_units[unit_id] for unit_id in ids if unit_id is not None and unit_id in open_units)
        tries = by_phone.get(delivery.phone.id, [])
        fresh = task.reminded_ms is None or any(unit.unit_id in new for unit in units)
        if not units or not (delivery.phone.id in owed if tries else fresh):
            continue
        channel = _channel(delivery, tries)
        again = any(reminder.state in LOST for reminder in tries)
        if (channel is Channel.CALL and delivery.phone.refuses_calls) or (again and _all(units, told)):
            continue
        found.append(Whom(delivery.phone, channel, units))
    return found


def _untold(tx: sqlite3.Connection, notice: Notice, task: Task, made: Sequence[Reminder]) -> set[UnitId]:
    """Those for whom nothing stands although everybody was reminded: all was taken back, or it counted as done then.
    They are reminded on whatever phone they have now."""
    if task.reminded_ms is None:
        return set()
    kept = {unit for one in made if one.state is not MessageState.WITHDRAWN for unit in one.units}
    taken_back = {unit for one in made for unit in one.units}
    return (taken_back | tasks_store.undone_since(tx, notice.id, task.reminded_ms)) - kept


def _all(units: Sequence[TaskUnit], told: Collection[UnitId]) -> bool:
    return all(unit.unit_id in told for unit in units)


def _stands(reminder: Reminder) -> bool:
    """Whether it arrived, may have, or is on its way."""
    return reminder.state not in LOST and reminder.state not in (MessageState.WITHDRAWN, MessageState.EXPIRED)


def _channel(delivery: Delivery, tries: Sequence[Reminder]) -> Channel:
    lost = any(reminder.state in LOST for reminder in tries)
    return Channel.SMS if Channel.SMS in delivery.channels and not lost else Channel.CALL


def _owed(tx: sqlite3.Connection, office: Office, notice: Notice, tries: Sequence[Reminder], now_ms: int) -> bool:
    """Whether a phone that had reminders of the day is to have another. Told before the roster is read, which is dear:
    whoever opted out or holds the phone no more does not have it read every minute."""
    if not any(reminder.owed for reminder in tries):
        return False
    phone = phone_by_id(tx, tries[-1].phone_id)
    if phone is None or phone.opted != "all":
        return False
    kept = [reminder for reminder in tries if reminder.state is not MessageState.WITHDRAWN]
    lost = [reminder for reminder in kept if reminder.state in LOST]
    if not kept:
        return True
    if len(lost) < len(kept) or any(nobody_there(reminder.error) for reminder in lost) or phone.refuses_calls:
        return False
    if not office.calls:
        return False
    calls = [reminder for reminder in lost if reminder.channel is Channel.CALL]
    if not calls:
        last = lost[-1]
        rung = next_rung(last.channel, MessageState.FAILED, last.error, notice.channels, phone_kind=phone.kind)
        return rung is Channel.CALL
    second = Rung.SECOND_CALL in notice.rungs and len(calls) == 1
    return second and now_ms >= other_time_ms(calls[0].last_ms, office.open_hours)
