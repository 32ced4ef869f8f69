"""What a notice asks to be done by a day (医保12月25日截止), and the one reminder three days before.

Nobody who has done it (`done.py`) is reminded, nobody twice for one day, nobody by a guessed clock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.message import Channel, Draft, Priority
from gateway.message import State as MessageState
from gateway.outbox import Outbox
from village import questions
from village.ground.clock import beijing, parse_iso
from village.ground.wording import RefusalError, say
from village.notices import tasks_store
from village.notices.notice import Channels, Notice, State
from village.notices.office import Means, Office
from village.notices.store import notice_of, units_of
from village.notices.task_words import reminder_script, reminder_text
from village.notices.tasks_store import Reminders, Task, TaskUnit
from village.notices.ways import allot
from village.people.store import PhoneRow, select

log = logging.getLogger(__name__)

KIND = "task"
"""What the gateway calls our messages, and what a 9 that answers one is bound to."""

DAYS_BEFORE = 3
LONGEST_WHAT = 12
_DAY_MS = 86_400_000


def set_task(
    tx: sqlite3.Connection, outbox: Outbox, notice_id: int, *, what: str, by_day: date, by: str, now_ms: int
) -> None:
    """What is to be done, and until when. Another day is reminded of anew, and what still waits about the old one is
    withdrawn. Raises RefusalError (404, 409, 422)."""
    notice = notice_of(tx, notice_id)
    what = " ".join(what.split())
    if not notice.went_out or notice.state is not State.SENT:
        raise RefusalError(say("通知{number}没有在发，不能定办理的日子", number=notice.number), status=409)
    if not what or len(what) > LONGEST_WHAT:
        raise RefusalError(say("办什么要写1到{most}个字，像：医保", most=LONGEST_WHAT), status=422)
    if by_day < beijing(now_ms).date():
        raise RefusalError(say("最晚哪天办好，不能是过去的日子"), status=422)
    before = tasks_store.task_of(tx, notice_id)
    if before is not None and before.by_day != by_day:
        outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice_id))
    tasks_store.put_task(tx, notice_id, what=what, by_day=by_day, by=by, now_ms=now_ms)


def drop_task(tx: sqlite3.Connection, outbox: Outbox, notice_id: int) -> None:
    """Nobody is reminded any more; who has done it stays on record. Raises RefusalError (404)."""
    notice_of(tx, notice_id)
    outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice_id))
    tasks_store.drop_task(tx, notice_id)


# reminding


def remind_ms(task: Task, office: Office) -> int:
    """The first open minute, three days before the last day."""
    opens = min((opens for opens, _ in office.open_hours), default=7 * 60)
    return parse_iso(f"{task.by_day - timedelta(days=DAYS_BEFORE)}T00:00:00") + opens * 60_000


def too_late_to_remind(notice: Notice, task: Task, office: Office) -> bool:
    """Sent, or given its day, less than three days before: what was just read needs no reminder."""
    return max(notice.start_ms, task.set_ms) > remind_ms(task, office)


def remind_due(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool) -> int:
    """Remind whoever has it still to do, where the time has come; returns how many messages were queued.

    A village that was off at that hour reminds when it is up again, as long as the last day is not over.
    """
    if not trusted or not (means.office.texts or means.office.calls) or not _awake(means.office, now_ms):
        return 0
    queued = 0
    for task in tasks_store.unreminded(tx, beijing(now_ms).date()):
        if now_ms < remind_ms(task, means.office):
            break  # the nearest days come first
        notice = notice_of(tx, task.notice_id)
        if notice.state is State.SENT and not too_late_to_remind(notice, task, means.office):
            queued += _remind(tx, means, notice, task, now_ms)
    return queued


def _awake(office: Office, now_ms: int) -> bool:
    moment = beijing(now_ms)
    minute = moment.hour * 60 + moment.minute
    return any(opens <= minute < closes for opens, closes in office.open_hours)


@dataclass(frozen=True, slots=True)
class _Reminder:
    phone: PhoneRow
    channel: Channel
    units: tuple[TaskUnit, ...]


def _remind(tx: sqlite3.Connection, means: Means, notice: Notice, task: Task, now_ms: int) -> int:
    """A phone for which a copy of the notice itself still waits is passed over and looked at again the next minute: the
    reminder neither overtakes what it reminds of, nor comes together with a call about it."""
    calls_too = now_ms < remind_ms(task, means.office) + _DAY_MS  # a phone nobody answers does not hold it for ever
    waiting = tasks_store.phones_waiting(tx, notice.id, calls=calls_too)
    every = _reminders(tx, means.office, notice)
    reminders = [reminder for reminder in every if reminder.phone.id not in waiting]
    if len(reminders) == len(every):
        tasks_store.mark_reminded(tx, notice.id, now_ms)
    drafts = [_draft(means, notice, task, reminder) for reminder in reminders]
    for reminder, message_id in zip(reminders, means.outbox.enqueue_many(tx, drafts), strict=True):
        tasks_store.add_reminder(
            tx, message_id=message_id, notice_id=notice.id, by_day=task.by_day, phone_id=reminder.phone.id,
            units=[unit.unit_id for unit in reminder.units],
        )  # fmt: skip
        questions.ask(
            tx, reminder.phone.id, kind=KIND, number=notice.number, subject_id=notice.id, message_id=message_id
        )
    if reminders:
        log.info("reminded notice=%d messages=%d", notice.id, len(reminders))
    return len(reminders)


def _draft(means: Means, notice: Notice, task: Task, reminder: _Reminder) -> Draft:
    call = reminder.channel is Channel.CALL
    words = means.office, notice, task, [unit.name for unit in reminder.units]
    return Draft(
        to=means.vault.open(reminder.phone.sealed),
        channel=reminder.channel,
        kind=KIND,
        priority=Priority.REMINDER,
        reference=f"{KIND}/{notice.id}",
        text="" if call else reminder_text(*words),
        script=reminder_script(*words, slow=reminder.phone.slow) if call else None,
        expires_ms=task.over_ms,
    )


def _reminders(tx: sqlite3.Connection, office: Office, notice: Notice) -> list[_Reminder]:
    """Today's phones of those who were addressed then and have it still to do; nobody who opted out, and no phone that
    was reminded of the present day.

    By SMS; a phone that reads none (a landline, or its owner wants calls) is called where the notice itself makes
    calls. Where there is no SMS line every phone is called but those whose owner refused it.
    """
    reminded = tasks_store.phones_reminded(tx, notice.id)
    open_units = {unit.unit_id: unit for unit in tasks_store.task_units(tx, notice.id) if unit.done_ms is None}
    frozen = units_of(tx, notice.id)
    ways = Channels(sms=True, call=notice.channels.call, page=False)
    allotment = allot(select(tx, notice.audience), notice.unit, ways, usable=office.open_of(ways))
    unit_at = {place: frozen.get(unit.key) for place, unit in enumerate(allotment.units)}
    found = []
    for delivery in allotment.deliveries:
        ids = [unit_at[place] for place in delivery.serves]
        units = tuple(open_units[unit_id] for unit_id in ids if unit_id is not None and unit_id in open_units)
        channel = Channel.SMS if Channel.SMS in delivery.channels else Channel.CALL
        refused = channel is Channel.CALL and delivery.phone.refuses_calls
        if units and not refused and delivery.phone.id not in reminded:
            found.append(_Reminder(delivery.phone, channel, units))
    return found


# for the desk


@dataclass(frozen=True, slots=True)
class TaskView:
    notice: Notice
    task: Task | None
    units: tuple[TaskUnit, ...]
    remind_ms: int | None
    """When the reminder goes, or was due; None without a task."""
    too_late: bool
    """There will be none: it was sent, or given its day, less than three days before."""
    would_reach: int
    """Phones an SMS would go to, were it sent now."""
    would_ring: int
    """Phones that would be called."""
    sent: int
    delivered: int
    calls: int
    heard: int
    """Calls that somebody listened to, or answered with a key."""

    @property
    def last_ms(self) -> int | None:
        """The beginning of the last day."""
        return None if self.task is None else parse_iso(f"{self.task.by_day}T00:00:00")

    @property
    def done(self) -> int:
        return sum(unit.done_ms is not None for unit in self.units)


def task_view(tx: sqlite3.Connection, notice_id: int, office: Office) -> TaskView:
    """Raises RefusalError (404)."""
    notice = notice_of(tx, notice_id)
    task = tasks_store.task_of(tx, notice_id)
    made = tasks_store.reminder_states(tx, notice_id)
    ahead = _reminders(tx, office, notice) if task is not None and task.reminded_ms is None else []
    would = Counter(reminder.channel for reminder in ahead)
    return TaskView(
        notice=notice,
        task=task,
        units=tuple(tasks_store.task_units(tx, notice_id)),
        remind_ms=None if task is None else remind_ms(task, office),
        too_late=task is not None and task.reminded_ms is None and too_late_to_remind(notice, task, office),
        would_reach=would[Channel.SMS],
        would_ring=would[Channel.CALL],
        sent=_made(made, Channel.SMS),
        delivered=_made(made, Channel.SMS, MessageState.DELIVERED),
        calls=_made(made, Channel.CALL),
        heard=_made(made, Channel.CALL, MessageState.DELIVERED),
    )


def _made(reminders: Reminders, channel: Channel, state: MessageState | None = None) -> int:
    return sum(number for (way, at), number in reminders.items() if way is channel and (state is None or at is state))
