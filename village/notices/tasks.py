"""What a notice asks to be done by a day (医保12月25日截止), and the one reminder three days before.

Nobody who has done it (`done.py`) is reminded, nobody twice for one day (`whom_to_remind.py`), nobody by a guessed
clock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.message import Channel, Draft, Priority
from gateway.message import State as MessageState
from gateway.outbox import Outbox
from village import questions
from village.ground.clock import beijing, parse_iso
from village.ground.wording import RefusalError, say
from village.notices import tasks_store
from village.notices.ladder import is_open
from village.notices.notice import Notice, State, UnitId
from village.notices.office import Means, Office
from village.notices.store import notice_of
from village.notices.task_words import reminder_script, reminder_text
from village.notices.tasks_store import Reminder, Task, TaskUnit
from village.notices.whom_to_remind import Whom, whom_to_remind

log = logging.getLogger(__name__)

KIND = "task"
"""What the gateway calls our messages, and what a 9 that answers one is bound to."""

DAYS_BEFORE = 3
LONGEST_WHAT = 12
_DAY_MS = 86_400_000


def set_task(
    tx: sqlite3.Connection,
    outbox: Outbox,
    notice_id: int,
    *,
    what: str,
    by_day: date,
    by: str,
    now_ms: int,
    seen: str | None = None,
) -> None:
    """What is to be done, and until when. Another day is reminded of anew, and what still waits about the old one is
    withdrawn.

    `seen`: `Task.seen` of what its writer looked at, empty where there was no day yet; None: he looked at no page.
    Raises RefusalError (404; 409 also where somebody changed it since; 422).
    """
    notice = notice_of(tx, notice_id)
    what = " ".join(what.split())
    if not notice.went_out or notice.state is not State.SENT:
        raise RefusalError(say("通知{number}没有在发，不能定办理的日子", number=notice.number), status=409)
    if not what or len(what) > LONGEST_WHAT:
        raise RefusalError(say("办什么要写1到{most}个字，像：医保", most=LONGEST_WHAT), status=422)
    if by_day < beijing(now_ms).date():
        raise RefusalError(say("最晚哪天办好，不能是过去的日子"), status=422)
    before = tasks_store.task_of(tx, notice_id)
    if before is None or (before.what, before.by_day) != (what, by_day):
        _refuse_changed(before, seen)
    if before is not None and before.by_day != by_day:
        outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice_id))
    tasks_store.put_task(tx, notice_id, what=what, by_day=by_day, by=by, now_ms=now_ms)


def _refuse_changed(task: Task | None, seen: str | None) -> None:
    """Two clerks at once: the second one sees what the first one did before he acts."""
    if seen is None or seen == (task.seen if task is not None else ""):
        return
    if task is None:
        raise RefusalError(say("刚刚有人把日子去掉了，什么都没有改。要催请重新定"), status=409)
    day = say("{month}月{day}日", month=task.by_day.month, day=task.by_day.day)
    raise RefusalError(
        say("刚刚{who}改过：{what}，最晚{day}。什么都没有改，请看一眼再定", who=task.set_by, what=task.what, day=day),
        status=409,
    )


def drop_task(tx: sqlite3.Connection, outbox: Outbox, notice_id: int, *, seen: str | None = None) -> None:
    """Nobody is reminded any more; who has done it stays on record. `seen` as with `set_task`. Raises RefusalError
    (404, 409)."""
    notice_of(tx, notice_id)
    task = tasks_store.task_of(tx, notice_id)
    if task is not None:
        _refuse_changed(task, seen)
    outbox.withdraw(tx, tasks_store.needless_reminders(tx, notice_id=notice_id))
    tasks_store.drop_task(tx, notice_id)


# reminding


def remind_ms(task: Task, office: Office) -> int:
    """The first open minute, three days before the last day."""
    opens = min((opens for opens, _ in office.open_hours), default=7 * 60)
    return parse_iso(f"{task.by_day - timedelta(days=DAYS_BEFORE)}T00:00:00") + opens * 60_000


def too_late_to_remind(notice: Notice, task: Task, office: Office, made: Sequence[Reminder]) -> bool:
    """Sent, or given its day, less than three days before: what was just read needs no reminder. A day that was being
    reminded of already (`made`) and was only moved away and back, is reminded of still."""
    when_ms = remind_ms(task, office)
    return notice.start_ms > when_ms or (task.set_ms > when_ms and not made)


def remind_due(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool) -> int:
    """Remind whoever has it still to do, where the time has come; returns how many messages were queued.

    A village that was off at that hour reminds when it is up again, as long as the last day is not over. So does one
    that took a reminder back, where it is needed after all. What waits for a phone that was passed on is taken back.
    """
    means.outbox.withdraw(tx, tasks_store.queued_for_another(tx))
    office = means.office
    if not trusted or not (office.texts or office.calls) or not is_open(now_ms, office.open_hours):
        return 0
    queued = 0
    for task in tasks_store.tasks_ahead(tx, beijing(now_ms).date()):
        if now_ms < remind_ms(task, office):
            break  # the nearest days come first
        notice, made = notice_of(tx, task.notice_id), tasks_store.reminders_of(tx, task.notice_id)
        if notice.state is State.SENT and not too_late_to_remind(notice, task, office, made):
            queued += _remind(tx, means, notice, task, made=made, now_ms=now_ms)
    return queued


def _remind(
    tx: sqlite3.Connection, means: Means, notice: Notice, task: Task, *, made: Sequence[Reminder], now_ms: int
) -> int:
    """A phone for which a copy of the notice itself still waits is passed over and looked at again the next minute: the
    reminder neither overtakes what it reminds of, nor comes together with a call about it."""
    every = whom_to_remind(tx, means.office, notice, task, made=made, now_ms=now_ms)
    calls_too = now_ms < remind_ms(task, means.office) + _DAY_MS  # a phone nobody answers does not hold it for ever
    waiting = tasks_store.phones_waiting(tx, notice.id, calls=calls_too) if every else ()
    those = [whom for whom in every if whom.phone.id not in waiting]
    if task.reminded_ms is None and len(those) == len(every):
        tasks_store.mark_reminded(tx, notice.id, now_ms)
    drafts = [_draft(means, notice, task, whom) for whom in those]
    for whom, message_id in zip(those, means.outbox.enqueue_many(tx, drafts), strict=True):
        tasks_store.add_reminder(
            tx, message_id=message_id, notice_id=notice.id, by_day=task.by_day, phone_id=whom.phone.id,
            units=[unit.unit_id for unit in whom.units],
        )  # fmt: skip
        questions.ask(tx, whom.phone.id, kind=KIND, number=notice.number, subject_id=notice.id, message_id=message_id)
    if those:
        log.info("reminded notice=%d messages=%d", notice.id, len(those))
    return len(those)


def _draft(means: Means, notice: Notice, task: Task, whom: Whom) -> Draft:
    call = whom.channel is Channel.CALL
    words = means.office, notice, task, [unit.name for unit in whom.units]
    return Draft(
        to=means.vault.open(whom.phone.sealed),
        channel=whom.channel,
        kind=KIND,
        priority=Priority.REMINDER,
        reference=f"{KIND}/{notice.id}",
        text="" if call else reminder_text(*words),
        script=reminder_script(*words, slow=whom.phone.slow) if call else None,
        expires_ms=task.over_ms,
    )


# for the desk


class Fate(StrEnum):
    """What became of the reminders of one household (or person); a later one says more than an earlier one."""

    LOST = "lost"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    SENT = "sent"
    """Handed to the carrier, or heard."""


@dataclass(frozen=True, slots=True)
class TaskView:
    notice: Notice
    task: Task | None
    units: tuple[TaskUnit, ...]
    fates: Mapping[UnitId, Fate]
    """Of those for whom a reminder of the present day was made and not taken back."""
    remind_ms: int | None
    """When the reminder goes, or was due; None without a task."""
    begun: bool
    """Whether that time has come."""
    over: bool
    """Whether the last day is."""
    too_late: bool
    """There will be none: it was sent, or given its day, less than three days before."""
    would_reach: int
    """Phones an SMS would go to, were it sent now."""
    would_ring: int
    """Phones that would be called."""
    sent: int
    """Messages that were taken back are in none of these figures."""
    delivered: int
    calls: int
    heard: int
    """Calls that somebody listened to, or answered with a key."""
    waiting: int
    """Of both, those that have not left."""

    @property
    def last_ms(self) -> int | None:
        return None if self.task is None else self.task.last_ms

    @property
    def done(self) -> int:
        return sum(unit.done_ms is not None for unit in self.units)

    @property
    def just_sent(self) -> bool:
        """Why it is too late: the notice itself is that young, not only its day."""
        return self.remind_ms is not None and self.notice.start_ms > self.remind_ms


def task_view(tx: sqlite3.Connection, notice_id: int, office: Office, now_ms: int) -> TaskView:
    """Raises RefusalError (404)."""
    notice = notice_of(tx, notice_id)
    task = tasks_store.task_of(tx, notice_id)
    made = tasks_store.reminders_of(tx, notice_id) if task is not None else []
    over = task is not None and now_ms >= task.over_ms
    too_late = task is not None and too_late_to_remind(notice, task, office, made)
    ahead: list[Whom] = []
    if task is not None and not over and not too_late:
        ahead = whom_to_remind(tx, office, notice, task, made=made, now_ms=now_ms)
    would = Counter(whom.channel for whom in ahead)
    kept = [reminder for reminder in made if reminder.state is not MessageState.WITHDRAWN]
    when_ms = None if task is None else remind_ms(task, office)
    return TaskView(
        notice=notice,
        task=task,
        units=tuple(tasks_store.task_units(tx, notice_id)),
        fates=_fates(kept),
        remind_ms=when_ms,
        begun=when_ms is not None and now_ms >= when_ms,
        over=over,
        too_late=too_late,
        would_reach=would[Channel.SMS],
        would_ring=would[Channel.CALL],
        sent=_count(kept, Channel.SMS),
        delivered=_count(kept, Channel.SMS, MessageState.DELIVERED),
        calls=_count(kept, Channel.CALL),
        heard=_count(kept, Channel.CALL, MessageState.DELIVERED),
        waiting=sum(reminder.state in (MessageState.QUEUED, MessageState.SENDING) for reminder in kept),
    )


def _count(reminders: Sequence[Reminder], channel: Channel, state: MessageState | None = None) -> int:
    return sum(one.channel is channel and (state is None or one.state is state) for one in reminders)


def _fates(reminders: Sequence[Reminder]) -> dict[UnitId, Fate]:
    ranks = {fate: rank for rank, fate in enumerate(Fate)}
    found: dict[UnitId, Fate] = {}
    for reminder in reminders:
        for unit in reminder.units:
            found[unit] = max(found.get(unit, Fate.LOST), _fate(reminder.state), key=ranks.__getitem__)
    return found


def _fate(state: MessageState | None) -> Fate:
    match state:
        case MessageState.FAILED | MessageState.EXPIRED:
            return Fate.LOST
        case MessageState.UNKNOWN:
            return Fate.UNKNOWN
        case MessageState.QUEUED | MessageState.SENDING:
            return Fate.WAITING
        case _:
            return Fate.SENT
