"""What 9 and 办好了 come to where something has to be done by a day: which reminder they answer, and for whom.

Reads only. 收到 to a reminder says that it was read; only 9, which it asks for, and 办好了 say that it is done. For
more than a reminder could name nobody's 9 speaks.
"""

from __future__ import annotations

import sqlite3

from village import questions
from village.ground.wording import say
from village.keywords.commands import DoneIt, Received
from village.keywords.decision import Confirm, Decision, Intent, MarkDone
from village.keywords.reading import Reading
from village.keywords.task_replies import TaskReplies
from village.notices import dispatch, tasks, tasks_store
from village.notices.confirm import units_behind
from village.notices.done import speaks_for
from village.notices.notice import Notice, State, UnitId
from village.notices.store import notice_of
from village.notices.task_words import MOST_NAMES
from village.people.store import PhoneRow
from village.questions import Question

_REMINDERS = frozenset({tasks.KIND})
_BOTH = frozenset({dispatch.KIND, tasks.KIND})

_REMEMBERED_MS = 30 * 86_400_000
"""So long after a reminder 办好了 still answers it, where something else came in between."""


def reminded(reading: Reading, phone: PhoneRow, command: Received) -> Decision | None:
    """A bare 9 or 收到 whose newest question is a reminder; None: it answers a notice, or nothing."""
    if command.number is not None or command.about:
        return None
    asked = _asked(reading, phone)
    if asked is None or asked.kind != tasks.KIND:
        return None
    notice = notice_of(reading.tx, asked.subject_id)
    if notice.state is not State.SENT:
        return _stopped(reading, notice)
    if not speaks_for(reading.tx, notice, phone.id, asked.message_id):
        return _passed_on(reading, notice)
    if command.nine:
        return _done(reading, phone, notice, asked.message_id)
    knows = Confirm(phone.id, notice.id, None, reading.answered_ms)
    return Decision(
        Intent.CONFIRM,
        say("收到通知{number}的提醒，还没办", number=notice.number),
        TaskReplies(reading.replies).known(notice),
        (knows,),
        f"notice/{notice.id}",
    )


def done_it(reading: Reading, phone: PhoneRow, command: DoneIt) -> Decision | None:
    """办好了: of the reminder, or the notice with something to do, that this phone had last; None: of neither.

    What came after a reminder and asks for nothing to be done does not stand between it and its answer.
    """
    for asked in _may_answer(reading, phone, command):
        notice, reminder = notice_of(reading.tx, asked.subject_id), asked.kind == tasks.KIND
        task = tasks_store.task_of(reading.tx, notice.id)
        if task is None or not _is_about(command.about, task.what):
            continue
        if notice.state is not State.SENT:
            return _stopped(reading, notice) if reminder else None
        if reminder and not speaks_for(reading.tx, notice, phone.id, asked.message_id):
            continue
        if not reminder and len(units_behind(reading.tx, notice, phone.id)) != 1:
            return None  # whose it is that is done, a person finds out
        return _done(reading, phone, notice, asked.message_id if reminder else None)
    return None


def _may_answer(reading: Reading, phone: PhoneRow, command: DoneIt) -> list[Question]:
    """What 办好了 may answer, the likeliest first: a 9 beside it was asked for by a reminder, not by notice 9."""
    last_reminder = _asked(reading, phone, kinds=_REMINDERS)
    if last_reminder is not None and last_reminder.asked_ms < reading.answered_ms - _REMEMBERED_MS:
        last_reminder = None
    named = _asked(reading, phone, command.number)
    if command.nine:
        return [asked for asked in (last_reminder, named) if asked is not None]
    return [asked for asked in (named, last_reminder if command.number is None else None) if asked is not None]


def _is_about(about: str, what: str) -> bool:
    """医保 is what the task calls 医保, or part of it; 孩子医保 is somebody else's word for something else."""
    return about in what or about in {f"{what}{money}" for money in ("费", "钱", "款")}


def _asked(
    reading: Reading, phone: PhoneRow, number: int | None = None, *, kinds: frozenset[str] = _BOTH
) -> Question | None:
    return questions.newest(
        reading.tx, phone.id, reading.answered_ms, kinds=kinds, number=number, waiting=reading.rehearsed
    )


def _stopped(reading: Reading, notice: Notice) -> Decision:
    return Decision(
        Intent.CLARIFY,
        say("通知{number}已经停发，什么都没有记", number=notice.number),
        TaskReplies(reading.replies).stopped(notice),
        concerns=f"notice/{notice.id}",
    )


def _passed_on(reading: Reading, notice: Notice) -> Decision:
    """Those the reminder named are on this phone no more, and whoever holds it now was asked nothing."""
    return Decision(
        Intent.CLARIFY,
        say("通知{number}的提醒是给原来用这个手机的人家的，什么都没有记", number=notice.number),
        reading.replies.nothing_asked(),
        concerns=f"notice/{notice.id}",
    )


def _done(reading: Reading, phone: PhoneRow, notice: Notice, message_id: int | None) -> Decision:
    """Who has done it knows of it."""
    if message_id is not None:
        units = set(tasks_store.reminded_units(reading.tx, message_id))
        if len(units) > MOST_NAMES:
            named = [unit.name for unit in tasks_store.task_units(reading.tx, notice.id) if unit.unit_id in units]
            why = say("提醒里写不下{n}个名字，谁办好了要问清", n=len(named))
            reply = TaskReplies(reading.replies).whose(notice, named)
            return Decision(Intent.CLARIFY, why, reply, concerns=f"notice/{notice.id}")
    return Decision(
        Intent.CONFIRM,
        say("通知{number}要办的，办好了", number=notice.number),
        effects=(
            Confirm(phone.id, notice.id, None, reading.answered_ms),
            MarkDone(phone.id, notice.id, message_id),
        ),
        concerns=f"notice/{notice.id}",
    )


def units_done(tx: sqlite3.Connection, notice: Notice, effect: MarkDone) -> list[UnitId]:
    """Those the reminder named who are on this phone still; without one, the one household behind the phone."""
    if effect.message_id is not None:
        return speaks_for(tx, notice, effect.phone_id, effect.message_id)
    return units_behind(tx, notice, effect.phone_id)
